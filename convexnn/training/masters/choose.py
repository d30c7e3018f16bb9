"""Which master solves the restricted problems."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from convexnn.exceptions import ParameterError
from convexnn.training.masters.base import ColumnMaster
from convexnn.training.masters.conic import CONIC_SOLVERS, ConicMaster
from convexnn.training.masters.far import FarLassoMaster
from convexnn.training.masters.group import GroupMaster
from convexnn.training.masters.lasso import LassoMaster
from convexnn.training.masters.newton import NewtonMaster
from convexnn.training.masters.separable import SeparableMaster
from convexnn.training.problem import LassoProblem

__all__ = ["SOLVERS", "amplitude_master", "make_master", "search_master"]

SOLVERS = ("auto", "native", *CONIC_SOLVERS)
# Columns that a search usually has.
_MANY = 100


def amplitude_master(problem: LassoProblem) -> LassoMaster | NewtonMaster:
    """Native master for one output and a smooth loss."""
    return LassoMaster(problem) if problem.loss_name == "squared" else NewtonMaster(problem)


def make_master(problem: LassoProblem, solver: str = "auto", options: Mapping[str, Any] | None = None) -> ColumnMaster:
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
        return ConicMaster(problem, solver, options)
    if options and problem.loss.smooth:
        raise ParameterError(
            f"solver_options={dict(options)!r} belong to conic solvers, but solver={solver!r} takes none; "
            f"choose one of {', '.join(map(repr, CONIC_SOLVERS))}."
        )
    if problem.loss.smooth:
        if problem.targets.shape[1] == 1:
            return amplitude_master(problem)
        if problem.norm == "l2":
            return GroupMaster(problem)
        if problem.loss_name != "softmax":
            return SeparableMaster(problem, amplitude_master)
    if solver == "native":
        raise ParameterError(
            f"solver='native' cannot minimise loss={problem.loss_name!r} with {problem.targets.shape[1]} outputs and "
            f"norm={problem.norm!r}; use solver='auto' or 'clarabel'."
        )
    return ConicMaster(problem, "clarabel", options)


def search_master(problem: LassoProblem, solver: str, options: Mapping[str, Any] | None) -> ColumnMaster:
    """The master for a search, which solves each of its problems once: on the GPU where that is worth the way."""
    master, place = make_master(problem, solver, options), problem.there(_MANY)
    return FarLassoMaster(problem, place) if place is not None and isinstance(master, LassoMaster) else master
