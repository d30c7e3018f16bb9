"""Several outputs with the l1 penalty: one problem per output over the same columns (Theorem 23)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from convexnn._progress import UNLIMITED, Clock
from convexnn._types import Floats
from convexnn.losses import LOSSES
from convexnn.restricted.active_set import ActiveSetSolver
from convexnn.restricted.base import ColumnSolver, RestrictedState
from convexnn.restricted.problem import LassoProblem
from convexnn.restricted.prox_newton import ProxNewtonSolver

__all__ = ["SeparableSolver"]


class SeparableSolver(ColumnSolver):
    """The penalty sum |z_jk| and an entrywise loss couple the outputs only through the shared columns.

    Parameters
    ----------
    problem : LassoProblem
        norm "l1", a smooth loss that is a sum over entries.
    make : callable
        RestrictedSolver for one output.
    """

    @classmethod
    def serves(cls, problem: LassoProblem) -> bool:
        return problem.norm == "l1" and problem.loss.smooth and problem.loss.separable

    def __init__(
        self, problem: LassoProblem, make: Callable[[LassoProblem], ActiveSetSolver | ProxNewtonSolver]
    ) -> None:
        super().__init__(problem)
        loss, weight = LOSSES[problem.loss_name], problem.loss.weight
        flat = None if weight is None else weight[:, 0]
        self._parts = [
            make(replace(problem, loss=loss(np.ascontiguousarray(column[:, None]), flat)))
            for column in problem.targets.T
        ]

    def add_columns(self, columns: Floats) -> None:
        for part in self._parts:
            part.add_columns(columns)

    def start(self, z: Floats, *, clock: Clock = UNLIMITED) -> None:
        for part, column in zip(self._parts, z.T):
            part.warm(np.ascontiguousarray(column))

    def solve(self, beta: float, *, clock: Clock = UNLIMITED, accuracy: float = 0.0) -> RestrictedState:
        states = [part.solve(beta, clock=clock, accuracy=accuracy) for part in self._parts]
        return RestrictedState(
            np.hstack([s.z for s in states]), np.concatenate([s.t for s in states]), np.hstack([s.f for s in states])
        )
