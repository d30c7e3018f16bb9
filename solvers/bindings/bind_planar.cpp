// Binding of the biased two-dimensional oracle.
#include "common.hpp"
#include "convexnn/planar.hpp"

using convexnn::PlanarOracle;

void bind_planar(nb::module_& m) {
    nb::class_<PlanarOracle>(m, "PlanarOracle")
        .def(
            "__init__",
            [](PlanarOracle* self, Matrix points, bool l1, std::size_t memory) {
                if (points.shape(1) != 2) throw nb::value_error("points must have two columns");
                new (self) PlanarOracle(points.data(), points.shape(0), l1, memory);
            },
            nb::arg("points").noconvert(), nb::arg("l1"), nb::arg("memory"))
        .def(
            "price",
            [](PlanarOracle& self, Matrix v, bool arcs, unsigned threads, OutVector value, OutIntVector row,
               OutMatrix normal) {
                const std::size_t n = self.size();
                if (v.shape(0) != n || value.shape(0) != n || row.shape(0) != n || normal.shape(0) != n ||
                    normal.shape(1) != 2)
                    throw nb::value_error("an array has the wrong shape");
                bool done;
                {
                    nb::gil_scoped_release nogil;
                    done = self.price(v.data(), v.shape(1), arcs, threads, signal_pending, value.data(), row.data(),
                                      normal.data());
                }
                if (!done) throw nb::python_error();
            },
            nb::arg("v").noconvert(), nb::arg("arcs"), nb::arg("threads"), nb::arg("value").noconvert(),
            nb::arg("row").noconvert(), nb::arg("normal").noconvert())
        .def_prop_ro("keeps_orders", &PlanarOracle::keeps_orders);
}
