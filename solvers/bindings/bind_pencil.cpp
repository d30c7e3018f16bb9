// Binding of the pencil oracle.
#include <nanobind/stl/tuple.h>

#include "common.hpp"
#include "convexnn/pencil.hpp"

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
               OutIntVector row, OutMatrix normal) {
                const std::size_t count = self.pencils() * self.segments();
                if (value.shape(0) != count || row.shape(0) != count || normal.shape(0) != count)
                    throw nb::value_error("an output array has the wrong length");
                bool done;
                {
                    nb::gil_scoped_release nogil;
                    done = self.price(v.data(), v.shape(1), static_cast<PencilOracle::Scope>(scope), floor, threads,
                                      signal_pending, value.data(), row.data(), normal.data());
                }
                if (!done) throw nb::python_error();
            },
            nb::arg("v").noconvert(), nb::arg("scope"), nb::arg("floor"), nb::arg("threads"),
            nb::arg("value").noconvert(), nb::arg("row").noconvert(), nb::arg("normal").noconvert())
        .def(
            "fixed_rows",
            [](const PencilOracle& self, IntVector pencils, OutIntMatrix rows) {
                if (rows.shape(0) != pencils.shape(0) || rows.shape(1) != self.fixed_size())
                    throw nb::value_error("rows has the wrong shape");
                for (std::size_t i = 0; i < pencils.shape(0); ++i)
                    self.fixed_rows(static_cast<std::size_t>(pencils(i)), rows.data() + i * self.fixed_size());
            },
            nb::arg("pencils").noconvert(), nb::arg("rows").noconvert())
        .def_prop_ro("n_pencils", &PencilOracle::pencils)
        .def_prop_ro("n_segments", &PencilOracle::segments)
        .def_prop_ro("n_fixed", &PencilOracle::fixed_size)
        .def_prop_ro("keeps_orders", &PencilOracle::keeps_orders);
}
