"""Hinge loss: the margin of support vector machines."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from convexnn._types import Floats
from convexnn.losses.labels import TwoClass
from convexnn.losses.roots import weighted_quantile

__all__ = ["Hinge"]


class Hinge(TwoClass):
    """l(f; y) = max(0, 1 - y f), labels -1 and +1."""

    name = "hinge"
    smooth: ClassVar[bool] = False
    conjugate: ClassVar[str] = "linear"

    def _values(self, f: Floats) -> Floats:
        return np.maximum(0.0, 1.0 - self.y * f)

    def _slopes(self, f: Floats) -> Floats:
        return np.where(self.y * f < 1.0, -self.y, 0.0)

    def _interval(self) -> tuple[Floats, Floats]:
        return self._signed(0.0, 1.0)

    def _duals(self, u: Floats) -> Floats:
        return self.y * u

    def best_shift(self, f: Floats) -> Floats:
        # The slope in t starts at minus the positive weight and gains w_i at t = y_i - f_i: a quantile.
        weights = np.ones(len(f)) if self.weight is None else self.weight[:, 0]
        share = (weights[:, None] * (self.y > 0)).sum(axis=0) / weights.sum()
        return np.array([weighted_quantile(r, weights, float(q)) for r, q in zip((self.y - f).T, share)])

    def expression(self, f: Any) -> Any:
        import cvxpy as cp

        return cp.sum(self._weigh_expression(cp.pos(1.0 - cp.multiply(self.y, f))))
