"""Half the sum of squared errors."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from convexnn._types import Floats
from convexnn.losses.base import Loss

__all__ = ["Squared"]


class Squared(Loss):
    """loss(f) = 1/2 sum_i w_i |f_i - y_i|^2 (a sum, with the half)."""

    name: ClassVar[str] = "squared"

    def value(self, f: Floats) -> float:
        r = f - self.y
        return 0.5 * float(np.sum(self._weighted(r * r)))

    def gradient(self, f: Floats) -> Floats:
        return self._weighted(f - self.y)

    def curvature(self, f: Floats) -> Floats:
        return self._weighted(np.ones_like(self.y))

    def dual(self, v: Floats) -> float:
        if self.weight is None:
            return float(np.sum(v * self.y) - 0.5 * np.sum(v * v))
        seen = self.weight[:, 0] > 0
        if np.any(v[~seen]):
            return -np.inf
        v, y, w = v[seen], self.y[seen], self.weight[seen]
        return float(np.sum(v * y) - 0.5 * np.sum(v * v / w))

    def best_constant(self) -> Floats:
        if self.weight is None:
            return np.asarray(self.y.mean(axis=0))
        total = float(self.weight.sum())
        return np.asarray((self.weight * self.y).sum(axis=0) / total) if total > 0 else np.zeros(self.y.shape[1])
