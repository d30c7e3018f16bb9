"""The table of restricted solvers: the first that serves a problem solves it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from convexnn.exceptions import ParameterError
from convexnn.restricted.active_set import ActiveSetSolver
from convexnn.restricted.base import ColumnSolver
from convexnn.restricted.conic import CONIC_SOLVERS, ConicSolver
from convexnn.restricted.device import DeviceActiveSetSolver
from convexnn.restricted.group_newton import GroupNewtonSolver
from convexnn.restricted.parameters import NewtonParams
from convexnn.restricted.problem import LassoProblem
from convexnn.restricted.prox_newton import ProxNewtonSolver
from convexnn.restricted.separable import SeparableSolver

__all__ = ["SOLVERS", "check_solver", "make_length_solver", "make_search_solver", "make_solver"]

SOLVERS = ("auto", "native", *CONIC_SOLVERS)
# Columns that a search usually has.
_MANY = 100


_DEFAULT = NewtonParams()


def make_length_solver(
    problem: LassoProblem, params: NewtonParams = _DEFAULT
) -> ActiveSetSolver | ProxNewtonSolver:
    """Native solver for one output and a smooth loss."""
    return (ActiveSetSolver if ActiveSetSolver.serves(problem) else ProxNewtonSolver)(problem, params)


# Native solvers, the most special first; the first that serves a problem is taken.
_NATIVE: tuple[tuple[type[ColumnSolver], Callable[[LassoProblem, NewtonParams], ColumnSolver]], ...] = (
    (ActiveSetSolver, ActiveSetSolver),
    (ProxNewtonSolver, ProxNewtonSolver),
    (GroupNewtonSolver, GroupNewtonSolver),
    (SeparableSolver, lambda problem, params: SeparableSolver(problem, lambda one: make_length_solver(one, params))),
)


def check_solver(solver: Any, options: Any = None) -> None:
    """Raise ParameterError unless the solver has a known name and its options are a mapping or None."""
    if not isinstance(solver, str) or solver not in SOLVERS:
        raise ParameterError(f"solver={solver!r} is unknown; choose one of {', '.join(map(repr, SOLVERS))}.")
    if options is not None and not isinstance(options, Mapping):
        raise ParameterError(f"solver_options={options!r}: must be a dict of options of the solver, or None.")


def make_solver(
    problem: LassoProblem,
    solver: str = "auto",
    options: Mapping[str, Any] | None = None,
    params: NewtonParams = _DEFAULT,
) -> ColumnSolver:
    """The restricted solver for a problem.

    One output and a smooth loss: active set. Several: separable (l1, squared loss) or Newton on groups (l2).
    Losses with kinks, and coupled outputs with l1: Clarabel.

    Raises
    ------
    ParameterError
        If the solver is unknown, or "native" where there is none.
    SolverUnavailableError
        If it is not installed.
    """
    check_solver(solver, options)
    if solver in CONIC_SOLVERS:
        return ConicSolver(problem, solver, options)
    if options and problem.loss.smooth:
        raise ParameterError(
            f"solver_options={dict(options)!r} belong to conic solvers, but solver={solver!r} takes none; "
            f"choose one of {', '.join(map(repr, CONIC_SOLVERS))}."
        )
    for kind, make in _NATIVE:
        if kind.serves(problem):
            return make(problem, params)
    if solver == "native":
        raise ParameterError(
            f"solver='native' cannot minimise loss={problem.loss_name!r} with {problem.targets.shape[1]} outputs and "
            f"norm={problem.norm!r}; use solver='auto' or 'clarabel'."
        )
    return ConicSolver(problem, "clarabel", options)


def make_search_solver(problem: LassoProblem, solver: str, options: Mapping[str, Any] | None) -> ColumnSolver:
    """The restricted solver of a search, which solves each problem once: on the GPU where that is worth the way."""
    device = problem.device_for(_MANY)
    if device is not None and solver in ("auto", "native") and DeviceActiveSetSolver.serves(problem):
        return DeviceActiveSetSolver(problem, device)
    return make_solver(problem, solver, options)
