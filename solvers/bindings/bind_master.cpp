// Binding of the Lasso master: one class, arrays in and out.
#include <nanobind/stl/optional.h>
#include <nanobind/stl/vector.h>

#include "common.hpp"
#include "convexnn/master.hpp"

using convexnn::LassoMaster;

void bind_master(nb::module_& m) {
    nb::class_<LassoMaster>(m, "LassoMaster")
        .def(
            "__init__",
            [](LassoMaster* self, Vector y, std::optional<Vector> base) {
                if (base && base->shape(0) != y.shape(0)) throw nb::value_error("base and y differ in length");
                new (self) LassoMaster(y.shape(0), y.data(), base ? base->data() : nullptr);
            },
            nb::arg("y").noconvert(), nb::arg("base").noconvert().none())
        .def(
            "add",
            [](LassoMaster& self, Matrix columns) {
                if (columns.shape(1) != self.rows()) throw nb::value_error("columns have the wrong length");
                self.add(columns.data(), columns.shape(0));
            },
            nb::arg("columns").noconvert(), "Add columns given as the rows of an array (count, n).")
        .def(
            "warm",
            [](LassoMaster& self, Vector z) {
                if (z.shape(0) != self.columns()) throw nb::value_error("z has the wrong length");
                self.warm(z.data());
            },
            nb::arg("z").noconvert(), "Start from these coefficients; dependent columns stay out.")
        .def(
            "set_target",
            [](LassoMaster& self, Vector y) {
                if (y.shape(0) != self.rows()) throw nb::value_error("y has the wrong length");
                self.set_target(y.data());
            },
            nb::arg("y").noconvert())
        .def(
            "solve",
            [](LassoMaster& self, double beta, double tol, std::size_t max_steps) {
                LassoMaster::Status status;
                {
                    nb::gil_scoped_release nogil;
                    status = self.solve(beta, tol, max_steps, signal_pending);
                }
                if (status == LassoMaster::Status::interrupted) throw nb::python_error();
                return status == LassoMaster::Status::optimal;
            },
            nb::arg("beta"), nb::arg("tol"), nb::arg("max_steps"), "Solve; False if the step limit was reached.")
        .def("compact", &LassoMaster::compact, nb::arg("slack"))
        .def(
            "coefficients",
            [](const LassoMaster& self, OutVector out) {
                if (out.shape(0) != self.columns()) throw nb::value_error("out has the wrong length");
                std::copy(self.coefficients().begin(), self.coefficients().end(), out.data());
            },
            nb::arg("out").noconvert())
        .def(
            "residual",
            [](const LassoMaster& self, OutVector out) {
                if (out.shape(0) != self.rows()) throw nb::value_error("out has the wrong length");
                std::copy(self.residual().begin(), self.residual().end(), out.data());
            },
            nb::arg("out").noconvert())
        .def_prop_ro("n_columns", &LassoMaster::columns)
        .def_prop_ro("n_steps", &LassoMaster::steps)
        .def_prop_ro("intercept", &LassoMaster::intercept);
}
