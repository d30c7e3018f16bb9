"""Which master solves the restricted problems."""

from __future__ import annotations

from convexnn.exceptions import ParameterError
from convexnn.training.masters.base import Master
from convexnn.training.masters.conic import CONIC_SOLVERS, ConicMaster
from convexnn.training.masters.lasso import LassoMaster
from convexnn.training.problem import LassoProblem

__all__ = ["SOLVERS", "make_master"]

SOLVERS = ("auto", "native", *CONIC_SOLVERS)


def make_master(problem: LassoProblem, solver: str = "auto") -> Master:
    """The master for a problem.

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
        return ConicMaster(problem, solver)
    if problem.loss_name == "squared" and problem.targets.shape[1] == 1:
        return LassoMaster(problem)
    return ConicMaster(problem, "clarabel")
