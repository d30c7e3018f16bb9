"""One output, squared loss: the compiled active-set method."""

from __future__ import annotations

import numpy as np

from convexnn._native import core
from convexnn._progress import UNLIMITED, Clock
from convexnn._types import Floats
from convexnn.restricted.base import ColumnSolver, RestrictedState
from convexnn.restricted.parameters import NewtonParams
from convexnn.restricted.problem import LassoProblem

__all__ = ["ActiveSetSolver"]


class ActiveSetSolver(ColumnSolver):
    """Monotone active set on the sign pattern with an updated QR factor; weights enter as scaled rows.

    Parameters
    ----------
    problem : LassoProblem
        One output, squared loss.
    params : NewtonParams
    """

    @classmethod
    def serves(cls, problem: LassoProblem) -> bool:
        return problem.n_outputs == 1 and problem.loss_name == "squared_error"

    def __init__(self, problem: LassoProblem, params: NewtonParams = NewtonParams()) -> None:  # noqa: B008 (frozen)
        super().__init__(problem)
        self._params = params
        weight = problem.loss.weight
        self._root = None if weight is None else np.sqrt(weight[:, 0])
        self._y = problem.targets[:, 0]
        base = np.ones(len(self._y)) if self._root is None else self._root
        target = self._y if self._root is None else self._y * self._root
        self._core = core.ActiveSetSolver(np.ascontiguousarray(target), base if problem.intercept else None)

    def add_columns(self, columns: Floats) -> None:
        self._core.add(columns if self._root is None else np.ascontiguousarray(columns * self._root))

    def start(self, z: Floats, *, clock: Clock = UNLIMITED) -> None:
        self.warm(z[:, 0], clock=clock)

    def warm(self, z: Floats, *, clock: Clock = UNLIMITED) -> None:
        """Start from coefficients (m,) of the working set."""
        self._core.warm(np.ascontiguousarray(z), clock.deadline)

    def solve(self, beta: float, *, clock: Clock = UNLIMITED, accuracy: float = 0.0) -> RestrictedState:
        z, t = self._minimise(beta, clock)
        residual = np.empty(len(self._y))
        self._core.residual(residual)
        if self._root is not None:
            residual = residual / self._root
        return RestrictedState(z[:, None], np.array([t]), (self._y - residual)[:, None])

    def _minimise(self, beta: float, clock: Clock) -> tuple[Floats, float]:
        self._core.solve(beta, self._params.active_set_violation, self._params.max_pivots, clock.deadline)
        z = np.empty(self._core.n_columns)
        self._core.coefficients(z)
        return z, self._core.intercept

    def drop_inactive(self, slack: float) -> None:
        self._keep(np.asarray(self._core.compact(slack), dtype=np.int64))
