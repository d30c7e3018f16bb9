// Binding of the pencil oracle.
#include <nanobind/stl/tuple.h>

#include "common.hpp"
#include "convexnn/pencil.hpp"

using convexnn::PencilCall;
using convexnn::PencilOracle;
using convexnn::PencilShape;

void bind_pencil(nb::module_& m) {
    nb::class_<PencilOracle>(m, "PencilOracle")
        .def(
            "__init__",
            [](PencilOracle* self, Matrix points, Matrix axes, bool affine, bool l1, std::size_t memory) {
                if (axes.shape(1) != points.shape(1)) throw nb::value_error("axes and points differ in dimension");
                PencilShape shape;
                shape.n = points.shape(0);
                shape.axes = axes.shape(0);
                shape.r = points.shape(1);
                shape.affine = affine;
                shape.l1 = l1;
                new (self) PencilOracle(shape, points.data(), axes.data(), memory);
            },
            nb::arg("points").noconvert(), nb::arg("axes").noconvert(), nb::arg("affine"), nb::arg("l1"),
            nb::arg("memory"))
        .def(
            "price",
            [](PencilOracle& self, Matrix v, int scope, double floor, unsigned threads, OutVector value,
               OutIntVector row, OutMatrix normal, double slope, double deadline) {
                const std::size_t count = self.pencils() * self.segments();
                if (v.shape(0) != self.samples()) throw nb::value_error("v must have one row per point");
                if (value.shape(0) != count || row.shape(0) != count || normal.shape(0) != count ||
                    normal.shape(1) != self.dimension())
                    throw nb::value_error("an output array has the wrong length");
                checked_slope(slope);
                convexnn::StopCheck stop = stop_after(deadline);
                std::size_t done;
                {
                    nb::gil_scoped_release nogil;
                    done = self.price({v.data(), v.shape(1), static_cast<PencilCall::Scope>(scope), floor,
                                       slope, threads, value.data(), row.data(), normal.data()},
                                      stop);
                }
                raise_signal(stop);
                return done;
            },
            nb::arg("v").noconvert(), nb::arg("scope"), nb::arg("floor"), nb::arg("threads"),
            nb::arg("value").noconvert(), nb::arg("row").noconvert(), nb::arg("normal").noconvert(),
            nb::arg("slope") = 0.0, nb::arg("deadline") = kNever,
            "Number of pencils done; segments that were not reached have the value -1.")
        .def(
            "fixed_rows",
            [](const PencilOracle& self, IntVector pencils, OutIntMatrix rows) {
                if (rows.shape(0) != pencils.shape(0) || rows.shape(1) != self.fixed_size())
                    throw nb::value_error("rows has the wrong shape");
                for (std::size_t i = 0; i < pencils.shape(0); ++i)
                    if (pencils(i) < 0 || static_cast<std::size_t>(pencils(i)) >= self.pencils())
                        throw nb::index_error("there is no such pencil");
                convexnn::StopCheck stop = stop_after(kNever);
                {
                    nb::gil_scoped_release nogil;
                    convexnn::in_parts(pencils.shape(0), 4096, stop, [&](std::size_t first, std::size_t last) {
                        for (std::size_t i = first; i < last; ++i)
                            self.fixed_rows(static_cast<std::size_t>(pencils(i)), rows.data() + i * self.fixed_size());
                    });
                }
                raise_signal(stop);
            },
            nb::arg("pencils").noconvert(), nb::arg("rows").noconvert())
        .def_prop_ro("n_pencils", &PencilOracle::pencils)
        .def_prop_ro("n_segments", &PencilOracle::segments)
        .def_prop_ro("n_fixed", &PencilOracle::fixed_size)
        .def_prop_ro("keeps_orders", &PencilOracle::keeps_orders);
}
