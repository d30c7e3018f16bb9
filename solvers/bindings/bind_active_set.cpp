// Binding of the active-set Lasso: one class, arrays in and out.
#include <nanobind/stl/optional.h>
#include <nanobind/stl/vector.h>

#include "common.hpp"
#include "convexnn/active_set.hpp"

using convexnn::ActiveSetSolver;

void bind_active_set(nb::module_& m) {
    nb::class_<ActiveSetSolver>(m, "ActiveSetSolver")
        .def(
            "__init__",
            [](ActiveSetSolver* self, Vector y, std::optional<Vector> base) {
                if (base && base->shape(0) != y.shape(0)) throw nb::value_error("base and y differ in length");
                new (self) ActiveSetSolver(y.shape(0), y.data(), base ? base->data() : nullptr);
            },
            nb::arg("y").noconvert(), nb::arg("base").noconvert().none())
        .def(
            "add",
            [](ActiveSetSolver& self, Matrix columns) {
                if (columns.shape(1) != self.rows()) throw nb::value_error("columns have the wrong length");
                self.add(columns.data(), columns.shape(0));
            },
            nb::arg("columns").noconvert(), "Add columns given as the rows of an array (count, n).")
        .def(
            "warm",
            [](ActiveSetSolver& self, Vector z, double deadline) {
                if (z.shape(0) != self.columns()) throw nb::value_error("z has the wrong length");
                convexnn::StopCheck stop = stop_after(deadline);
                bool finished;
                {
                    nb::gil_scoped_release nogil;
                    finished = self.warm(z.data(), stop);
                }
                raise_signal(stop);
                return finished;
            },
            nb::arg("z").noconvert(), nb::arg("deadline") = kNever,
            "Start from these coefficients; dependent columns stay out. False if the deadline came first: the "
            "coefficients that were not reached are zero.")
        .def(
            "set_target",
            [](ActiveSetSolver& self, Vector y) {
                if (y.shape(0) != self.rows()) throw nb::value_error("y has the wrong length");
                self.set_target(y.data());
            },
            nb::arg("y").noconvert())
        .def(
            "solve",
            [](ActiveSetSolver& self, double beta, double tol, std::size_t max_steps, double deadline) {
                convexnn::StopCheck stop = stop_after(deadline);
                ActiveSetSolver::Status status;
                {
                    nb::gil_scoped_release nogil;
                    status = self.solve(beta, tol, max_steps, stop);
                }
                raise_signal(stop);
                return status == ActiveSetSolver::Status::optimal;
            },
            nb::arg("beta"), nb::arg("tol"), nb::arg("max_steps"), nb::arg("deadline") = kNever,
            "Solve. False if the step limit or the deadline came first: coefficients and residual are those of the last "
            "step, and the next call goes on from there.")
        .def("compact", &ActiveSetSolver::compact, nb::arg("slack"))
        .def(
            "coefficients",
            [](const ActiveSetSolver& self, OutVector out) {
                if (out.shape(0) != self.columns()) throw nb::value_error("out has the wrong length");
                std::copy(self.coefficients().begin(), self.coefficients().end(), out.data());
            },
            nb::arg("out").noconvert())
        .def(
            "residual",
            [](const ActiveSetSolver& self, OutVector out) {
                if (out.shape(0) != self.rows()) throw nb::value_error("out has the wrong length");
                std::copy(self.residual().begin(), self.residual().end(), out.data());
            },
            nb::arg("out").noconvert())
        .def_prop_ro("n_columns", &ActiveSetSolver::columns)
        .def_prop_ro("n_steps", &ActiveSetSolver::steps)
        .def_prop_ro("intercept", &ActiveSetSolver::intercept);
}
