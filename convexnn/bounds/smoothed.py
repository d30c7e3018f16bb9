"""Smooth neighbours of losses with kinks, for the interior-point method; bounds are valued with the loss itself."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from convexnn._types import Floats
from convexnn.losses import Loss

__all__ = ["SmoothLoss", "smoothed"]

# Width of the smoothed kink over the mean distance of the targets from the best constant.
_WIDTH = 0.01
_FLAT = 0.01


class SmoothLoss(Protocol):
    """What the interior-point method asks of a loss."""

    @property
    def y(self) -> Floats: ...
    @property
    def separable(self) -> bool: ...
    def value(self, f: Floats) -> float: ...
    def gradient(self, f: Floats) -> Floats: ...
    def curvature(self, f: Floats) -> Floats: ...
    def best_constant(self) -> Floats: ...
    def nearest_dual(self, v: Floats, *, centred: bool) -> Floats: ...


def smoothed(loss: Loss) -> SmoothLoss:
    """The loss, or for a loss max_u u (y - f) over intervals of u its Moreau envelope of a small width."""
    return loss if loss.smooth else _Envelope(loss)


class _Envelope:
    """The sum of  max over u of  u (y - f) - width u^2 / (2 weight)  over the intervals of the dual entries."""

    def __init__(self, loss: Loss) -> None:
        self._loss = loss
        self.y = loss.y
        self.separable = True
        # At f = y every entry of the dual vector may be anywhere in its interval.
        self._low, self._high = loss.optimal_duals(loss.y)
        self._weight = np.ones((len(loss.y), 1)) if loss.weight is None else loss.weight
        self._width = _WIDTH * float(np.abs(loss.y - loss.best_constant()).mean()) + 1e-300

    def _duals(self, f: Floats) -> Floats:
        return np.clip(self._weight * (self.y - f) / self._width, self._low, self._high)

    def value(self, f: Floats) -> float:
        u = self._duals(f)
        curved = np.divide(u * u, self._weight, out=np.zeros_like(u), where=self._weight > 0)
        return float(np.sum(u * (self.y - f) - 0.5 * self._width * curved))

    def gradient(self, f: Floats) -> Floats:
        return -self._duals(f)

    def curvature(self, f: Floats) -> Floats:
        u = self._duals(f)
        inside = (u > self._low) & (u < self._high)
        # Outside the kink the slope is constant, but a Newton step without curvature would have no length.
        return np.where(inside, 1.0, _FLAT) * (self._weight / self._width)

    def best_constant(self) -> Floats:
        return self._loss.best_constant()

    def nearest_dual(self, v: Floats, *, centred: bool) -> Floats:
        return self._loss.nearest_dual(v, centred=centred)
