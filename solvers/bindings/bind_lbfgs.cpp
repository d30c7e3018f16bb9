// Direction of a limited-memory BFGS step.
#include "common.hpp"
#include "convexnn/lbfgs.hpp"

void bind_lbfgs(nb::module_& m) {
    m.def(
        "lbfgs_direction",
        [](Matrix S, Matrix Y, Vector rho, IntVector order, Vector g, OutVector d) {
            const std::size_t p = g.shape(0);
            if (S.shape(1) != p || Y.shape(1) != p || d.shape(0) != p || Y.shape(0) != S.shape(0) ||
                rho.shape(0) != S.shape(0))
                throw nb::value_error("S and Y must have the shape (k, p), rho the length k, g and d the length p");
            for (std::size_t k = 0; k < order.shape(0); ++k)
                if (order(k) < 0 || std::size_t(order(k)) >= S.shape(0)) throw nb::value_error("order names no pair");
            nb::gil_scoped_release nogil;
            convexnn::lbfgs_direction(S.data(), Y.data(), rho.data(), order.data(), order.shape(0), g.data(), d.data(),
                                      p);
        },
        nb::arg("S").noconvert(), nb::arg("Y").noconvert(), nb::arg("rho").noconvert(), nb::arg("order").noconvert(),
        nb::arg("g").noconvert(), nb::arg("d").noconvert());
}
