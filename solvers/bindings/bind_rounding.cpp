// Rounded ReLUs of the annealing descent.
#include "common.hpp"
#include "convexnn/rounding.hpp"

void bind_rounding(nb::module_& m) {
    m.def(
        "round_forward",
        [](OutMatrix S, OutMatrix P, Vector e) {
            if (P.shape(0) != S.shape(0) || P.shape(1) != S.shape(1) || e.shape(0) != S.shape(1))
                throw nb::value_error("S and P must have the same shape (n, m), and e the length m");
            nb::gil_scoped_release nogil;
            convexnn::round_forward(S.data(), P.data(), e.data(), S.shape(0), S.shape(1));
        },
        nb::arg("S").noconvert(), nb::arg("P").noconvert(), nb::arg("e").noconvert());
    m.def(
        "round_back",
        [](OutMatrix D, Matrix P, OutVector total) {
            if (P.shape(0) != D.shape(0) || P.shape(1) != D.shape(1) || total.shape(0) != D.shape(1))
                throw nb::value_error("D and P must have the same shape (n, m), and total the length m");
            nb::gil_scoped_release nogil;
            convexnn::round_back(D.data(), P.data(), total.data(), D.shape(0), D.shape(1));
        },
        nb::arg("D").noconvert(), nb::arg("P").noconvert(), nb::arg("total").noconvert());
}
