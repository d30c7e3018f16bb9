"""Which master solves the restricted problems."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from convexnn.exceptions import ParameterError
from convexnn.restricted.active_set import ActiveSetSolver
from convexnn.restricted.base import ColumnSolver
from convexnn.restricted.conic import CONIC_SOLVERS, ConicSolver
from convexnn.restricted.device import DeviceActiveSetSolver
from convexnn.restricted.group_newton import GroupNewtonSolver
from convexnn.restricted.problem import LassoProblem
from convexnn.restricted.prox_newton import ProxNewtonSolver
from convexnn.restricted.separable import SeparableSolver

__all__ = ["SOLVERS", "make_length_solver", "make_search_solver", "make_solver"]

SOLVERS = ("auto", "native", *CONIC_SOLVERS)
# Columns that a search usually has.
_MANY = 100


def make_length_solver(problem: LassoProblem) -> ActiveSetSolver | ProxNewtonSolver:
    """Native master for one output and a smooth loss."""
    return ActiveSetSolver(problem) if problem.loss_name == "squared_error" else ProxNewtonSolver(problem)


def make_solver(problem: LassoProblem, solver: str = "auto", options: Mapping[str, Any] | None = None) -> ColumnSolver:
    """The master for a problem.

    One output and a smooth loss: active set. Several: separable (l1, squared loss) or Newton on groups (l2).
    Losses with kinks, and coupled outputs with l1: Clarabel.

    Raises
    ------
    ParameterError
        If the solver is unknown, or "native" where there is none.
    SolverUnavailableError
        If it is not installed.
    """
    if solver not in SOLVERS:
        raise ParameterError(f"solver={solver!r} is unknown; choose one of {', '.join(map(repr, SOLVERS))}.")
    if solver in CONIC_SOLVERS:
        return ConicSolver(problem, solver, options)
    if options and problem.loss.smooth:
        raise ParameterError(
            f"solver_options={dict(options)!r} belong to conic solvers, but solver={solver!r} takes none; "
            f"choose one of {', '.join(map(repr, CONIC_SOLVERS))}."
        )
    if problem.loss.smooth:
        if problem.targets.shape[1] == 1:
            return make_length_solver(problem)
        if problem.norm == "l2":
            return GroupNewtonSolver(problem)
        if problem.loss.separable:
            return SeparableSolver(problem, make_length_solver)
    if solver == "native":
        raise ParameterError(
            f"solver='native' cannot minimise loss={problem.loss_name!r} with {problem.targets.shape[1]} outputs and "
            f"norm={problem.norm!r}; use solver='auto' or 'clarabel'."
        )
    return ConicSolver(problem, "clarabel", options)


def make_search_solver(problem: LassoProblem, solver: str, options: Mapping[str, Any] | None) -> ColumnSolver:
    """The master for a search, which solves each of its problems once: on the GPU where that is worth the way."""
    found, place = make_solver(problem, solver, options), problem.there(_MANY)
    return DeviceActiveSetSolver(problem, place) if place is not None and isinstance(found, ActiveSetSolver) else found
