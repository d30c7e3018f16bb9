"""The restricted problem through CVXPY and a general conic solver: the independent check, and for kinks.

A backend's status is mapped, never believed: whatever it reports, its coefficients are used only as far as
the recomputed objective and gap support them. The Lasso is always feasible and bounded, so "infeasible" and
"unbounded" mean that the backend failed.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

import numpy as np

from convexnn._progress import UNLIMITED, Clock, logger
from convexnn._types import Floats
from convexnn.exceptions import ParameterError, SolverError, SolverUnavailableError
from convexnn.restricted.base import ColumnSolver, RestrictedState
from convexnn.restricted.problem import LassoProblem

__all__ = ["CONIC_SOLVERS", "ConicSolver", "lasso_expression"]

# Name -> (CVXPY name, package, options that ask for all the accuracy a solver has).
_BACKENDS: dict[str, tuple[str | None, str, dict[str, Any]]] = {
    "clarabel": ("CLARABEL", "clarabel", {"tol_gap_abs": 1e-13, "tol_gap_rel": 1e-13, "tol_feas": 1e-13}),
    "scs": ("SCS", "scs", {"eps_abs": 1e-8, "eps_rel": 1e-8, "max_iters": 200_000}),
    "ecos": ("ECOS", "ecos", {"abstol": 1e-12, "reltol": 1e-12, "feastol": 1e-12, "max_iters": 300}),
    "piqp": ("PIQP", "piqp", {"eps_abs": 1e-12, "eps_rel": 1e-12}),
    "cvxpy": (None, "cvxpy", {}),
}
CONIC_SOLVERS = tuple(_BACKENDS)
# The same for what CVXPY chooses by itself, by its name there; others are left at their defaults.
_CHOSEN: dict[str, dict[str, Any]] = {
    "OSQP": {"eps_abs": 1e-10, "eps_rel": 1e-10, "max_iter": 200_000},
    **{name: options for name, _, options in _BACKENDS.values() if name is not None},
}
# Interior points leave inactive coefficients at 1e-10 of the active ones, first-order methods at more.
_NEGLIGIBLE = 1e-9
# What backends call their limit in seconds, and the least that is asked of them.
_TIME_OPTIONS = {"clarabel": "time_limit", "scs": "time_limit_secs"}
_LEAST_TIME = 0.01


def lasso_expression(problem: LassoProblem, K: Floats) -> tuple[Any, Any, Any, Any]:
    """CVXPY problem over explicit columns K (n, m): (problem, z, t, constraint f = K z + t)."""
    import cvxpy as cp

    n, c = problem.targets.shape
    z, t, f = (
        cp.Variable((K.shape[1], c), name="z"),
        cp.Variable((1, c), name="t"),
        cp.Variable((n, c), name="f"),
    )
    outputs = K @ z + np.ones((n, 1)) @ t if problem.intercept else K @ z
    tie = f == outputs
    rows = cp.norm(z, 1, axis=1) if problem.norm == "l1" or c == 1 else cp.norm(z, 2, axis=1)
    objective = problem.loss.expression(f) + problem.beta * cp.sum(rows)
    return cp.Problem(cp.Minimize(objective), [tie]), z, t, tie


class ConicSolver(ColumnSolver):
    """Solve the restricted problem from scratch by a conic solver.

    Parameters
    ----------
    problem : LassoProblem
    solver : str
        A key of `CONIC_SOLVERS`; "cvxpy" lets CVXPY choose.
    options : mapping, optional
        Passed to the solver, over the defaults that ask for all its accuracy.

    Raises
    ------
    SolverUnavailableError
        If the solver's package is missing.
    """

    @classmethod
    def serves(cls, problem: LassoProblem) -> bool:
        return True

    def __init__(self, problem: LassoProblem, solver: str, options: Mapping[str, Any] | None = None) -> None:
        name, package, defaults = _BACKENDS[solver]
        if find_spec(package) is None:
            note = " (GPLv3; no wheels for Python >= 3.13)" if package == "ecos" else ""
            extra = {"ecos": "convexnn[ecos]", "piqp": "convexnn[solvers]"}.get(package, package)
            raise SolverUnavailableError(
                f"solver={solver!r} needs the package {package}{note}. Install {extra} or use solver='native'."
            )
        super().__init__(problem)
        self._solver, self._name, self._options = solver, name, {**defaults, **(options or {})}
        self._columns: Floats = np.zeros((problem.frame.n, 0))

    def add_columns(self, columns: Floats) -> None:
        self._columns = np.hstack([self._columns, columns.T])

    def solve(self, beta: float, *, clock: Clock = UNLIMITED, accuracy: float = 0.0) -> RestrictedState:
        problem, K = self.problem.with_working_beta(beta), self._columns
        n, c = problem.targets.shape
        if K.shape[1] == 0:
            t = problem.loss.best_constant() if problem.intercept else np.zeros(c)
            return RestrictedState(np.zeros((0, c)), t, np.zeros((n, c)) + t)
        program, z, _, tie = lasso_expression(problem, K)
        self._run(program, z, clock)
        coefficients = np.asarray(z.value, dtype=np.float64)
        effect = np.abs(coefficients) * np.sqrt((K * K).sum(axis=0))[:, None]
        coefficients[effect <= _NEGLIGIBLE * effect.max(initial=0.0)] = 0.0
        f = K @ coefficients
        shift = problem.loss.best_shift(f) if problem.intercept else np.zeros(c)
        v = None if tie.dual_value is None else np.asarray(tie.dual_value, dtype=np.float64).reshape(n, c)
        return RestrictedState(coefficients, shift, f + shift, v)

    def _time_option(self, clock: Clock) -> dict[str, float]:
        """The option by which a backend ends in time, if it has one."""
        name, left = _TIME_OPTIONS.get(self._solver), clock.left
        return {} if name is None or left is None else {name: max(left, _LEAST_TIME)}

    def _accuracy(self, program: Any) -> dict[str, Any]:
        """Options that ask for all digits, also of the solver that CVXPY chooses; those of the user win."""
        if self._name is not None or self._options:
            return self._options
        _, chain, _ = program.get_problem_data(solver=None)
        return _CHOSEN.get(chain.solver.name(), {})

    def _run(self, program: Any, z: Any, clock: Clock) -> None:
        import cvxpy as cp

        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # inaccurate solutions are judged by the gap, not by warnings
                program.solve(solver=self._name, **self._accuracy(program), **self._time_option(clock))
        except (TypeError, ValueError) as error:
            raise ParameterError(
                f"solver_options={self._options!r} were refused by solver={self._solver!r}: {error}"
            ) from error
        except cp.error.SolverError as error:
            raise SolverError(
                f"solver={self._solver!r} failed ({error}); use solver='native', or scale the data."
            ) from error
        logger.debug("%s: %s", self._solver, program.status)
        if z.value is None or not np.isfinite(z.value).all():
            raise SolverError(
                f"solver={self._solver!r} ended with status {program.status!r} and no solution, though the problem "
                "is always feasible; use solver='native', or scale the data."
            )
