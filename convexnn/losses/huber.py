"""Squared near zero, absolute far away: outliers pull with bounded force."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from convexnn._checks import check_real
from convexnn._types import ArrayLike, Floats
from convexnn.losses.separable import Separable

__all__ = ["Huber"]


class Huber(Separable):
    """l(f; y) = r^2 / 2 for |r| <= delta, delta |r| - delta^2 / 2 beyond, with r = f - y.

    Parameters
    ----------
    delta : float, default=1.0
        Residual at which the loss turns linear, in units of y. By name: ``"huber(0.5)"``.
    """

    movable: ClassVar[bool] = True
    conjugate: ClassVar[str] = "quadratic"

    def __init__(self, y: Floats, sample_weight: ArrayLike | None = None, *, delta: float = 1.0) -> None:
        self.delta = check_real("delta", delta, low=0.0, strict=True, hint="It is a residual in units of y.")
        self.name = f"huber({self.delta!r})"
        super().__init__(y, sample_weight)

    def _values(self, f: Floats) -> Floats:
        size = np.abs(f - self.y)
        near = np.minimum(size, self.delta)
        return near * (size - 0.5 * near)

    def _slopes(self, f: Floats) -> Floats:
        return np.clip(f - self.y, -self.delta, self.delta)

    def _curvatures(self, f: Floats) -> Floats:
        return np.asarray(np.abs(f - self.y) <= self.delta, dtype=np.float64)

    def _interval(self) -> tuple[Floats, Floats]:
        return np.full_like(self.y, -self.delta), np.full_like(self.y, self.delta)

    def _duals(self, u: Floats) -> Floats:
        return u * (self.y - 0.5 * u)

    def expression(self, f: Any) -> Any:
        import cvxpy as cp

        return 0.5 * cp.sum(self._weigh_expression(cp.huber(f - self.y, self.delta)))
