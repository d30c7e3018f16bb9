"""Squared hinge loss: only samples inside the margin count, smoothly."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from convexnn._types import Floats
from convexnn.losses.labels import TwoClass

__all__ = ["SquaredHinge"]


class SquaredHinge(TwoClass):
    """l(f; y) = max(0, 1 - y f)^2 / 2, labels -1 and +1."""

    name = "squared_hinge"
    conjugate: ClassVar[str] = "quadratic"

    def _values(self, f: Floats) -> Floats:
        return 0.5 * np.square(np.maximum(0.0, 1.0 - self.y * f))

    def _slopes(self, f: Floats) -> Floats:
        return -self.y * np.maximum(0.0, 1.0 - self.y * f)

    def _curvatures(self, f: Floats) -> Floats:
        return np.asarray(self.y * f < 1.0, dtype=np.float64)

    def _interval(self) -> tuple[Floats, Floats]:
        return self._signed(0.0, np.inf)

    def _duals(self, u: Floats) -> Floats:
        share = self.y * u
        return share * (1.0 - 0.5 * share)

    def expression(self, f: Any) -> Any:
        import cvxpy as cp

        return 0.5 * cp.sum(self._weigh_expression(cp.square(cp.pos(1.0 - cp.multiply(self.y, f)))))
