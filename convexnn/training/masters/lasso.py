"""One output, squared loss: the compiled active-set method."""

from __future__ import annotations

import numpy as np

from convexnn._native import core
from convexnn._types import Floats, Ints
from convexnn.training.masters.base import MasterState
from convexnn.training.problem import LassoProblem

__all__ = ["LassoMaster"]

# Relative violation of |K_j'r| <= beta that counts as optimal; the generation loop sees far coarser gaps.
_TOLERANCE = 1e-12
_MAX_STEPS = 1_000_000


class LassoMaster:
    """Monotone active set on the sign pattern with an updated QR factor; weights enter as scaled rows.

    Parameters
    ----------
    problem : LassoProblem
        One output, squared loss.
    """

    def __init__(self, problem: LassoProblem) -> None:
        weight = problem.loss.weight
        self._root = np.ones(problem.frame.n) if weight is None else np.sqrt(weight[:, 0])
        self._y = problem.targets[:, 0]
        base = self._root if problem.intercept else None
        self._core = core.LassoMaster(self._y * self._root, base)
        self._weighted = weight is not None

    def add(self, columns: Floats) -> None:
        if self._weighted:
            columns = columns * self._root
        self._core.add(np.ascontiguousarray(columns))

    def solve(self, beta: float) -> MasterState:
        self._core.solve(beta, _TOLERANCE, _MAX_STEPS)
        z, residual = np.empty(self._core.n_columns), np.empty(len(self._y))
        self._core.coefficients(z)
        self._core.residual(residual)
        if self._weighted:
            residual = residual / self._root
        return MasterState(z[:, None], np.array([self._core.intercept]), (self._y - residual)[:, None])

    def compact(self, slack: float) -> Ints:
        return np.asarray(self._core.compact(slack), dtype=np.int64)
