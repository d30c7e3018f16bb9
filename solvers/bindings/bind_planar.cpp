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
               OutMatrix normal, double slope, double deadline) {
                const std::size_t n = self.size();
                if (v.shape(0) != n || value.shape(0) != n || row.shape(0) != n || normal.shape(0) != n ||
                    normal.shape(1) != 2)
                    throw nb::value_error("an array has the wrong shape");
                checked_slope(slope);
                convexnn::StopCheck stop = stop_after(deadline);
                std::size_t done;
                {
                    nb::gil_scoped_release nogil;
                    done = self.price({v.data(), v.shape(1), arcs, slope, threads, value.data(),
                                       row.data(), normal.data()},
                                      stop);
                }
                raise_signal(stop);
                return done;
            },
            nb::arg("v").noconvert(), nb::arg("arcs"), nb::arg("threads"), nb::arg("value").noconvert(),
            nb::arg("row").noconvert(), nb::arg("normal").noconvert(), nb::arg("slope") = 0.0,
            nb::arg("deadline") = kNever, "Number of pivots done; those that were not reached have the value -1.")
        .def_prop_ro("keeps_orders", &PlanarOracle::keeps_orders);
}
