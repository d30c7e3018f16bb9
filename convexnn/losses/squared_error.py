"""Half the sum of squared errors."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from convexnn._types import Floats
from convexnn.losses.separable import Separable

__all__ = ["SquaredError"]


class SquaredError(Separable):
    """l(f; y) = (f - y)^2 / 2: a sum over samples, with the half."""

    name = "squared_error"
    movable: ClassVar[bool] = True
    scalable: ClassVar[bool] = True
    conjugate: ClassVar[str] = "quadratic"

    def _values(self, f: Floats) -> Floats:
        return 0.5 * np.square(f - self.y)

    def _slopes(self, f: Floats) -> Floats:
        return f - self.y

    def _curvatures(self, f: Floats) -> Floats:
        return np.ones_like(f)

    def _interval(self) -> tuple[Floats, Floats]:
        return np.full_like(self.y, -np.inf), np.full_like(self.y, np.inf)

    def _duals(self, u: Floats) -> Floats:
        return u * (self.y - 0.5 * u)

    def nearest_dual(self, v: Floats, *, centred: bool) -> Floats:
        # Every vector is in the domain, so there is only the sum to take off.
        v = self._weighted(self._unweighted(v))
        if not centred:
            return v
        weight = np.ones((len(v), 1)) if self.weight is None else self.weight
        return np.asarray(v - weight * (v.sum(axis=0) / weight.sum()))

    def best_shift(self, f: Floats) -> Floats:
        weights = None if self.weight is None else self.weight[:, 0]
        return np.asarray(np.average(self.y - f, axis=0, weights=weights))

    def expression(self, f: Any) -> Any:
        import cvxpy as cp

        return 0.5 * cp.sum(self._weigh_expression(cp.square(f - self.y)))
