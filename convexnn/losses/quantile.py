"""The pinball loss: the network estimates a quantile instead of a mean."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from convexnn._checks import check_real
from convexnn._types import ArrayLike, Floats
from convexnn.exceptions import ParameterError
from convexnn.losses.roots import weighted_quantile
from convexnn.losses.separable import Separable

__all__ = ["Quantile"]


class Quantile(Separable):
    """l(f; y) = max(q (y - f), (1 - q) (f - y)).

    Parameters
    ----------
    level : float, default=0.5
        The quantile q in (0, 1). By name: ``"quantile(0.9)"``.
    """

    smooth: ClassVar[bool] = False
    movable: ClassVar[bool] = True
    conjugate: ClassVar[str] = "linear"

    def __init__(self, y: Floats, sample_weight: ArrayLike | None = None, *, level: float = 0.5) -> None:
        self.level = check_real("level", level, low=0.0, strict=True, hint="It lies between 0 and 1.")
        if self.level > 1.0 - 1e-12:
            raise ParameterError(f"level={self.level!r}: must lie between 0 and 1; a quantile is below some samples.")
        self.name = f"quantile({self.level!r})"
        super().__init__(y, sample_weight)

    def _values(self, f: Floats) -> Floats:
        r = self.y - f
        return np.maximum(self.level * r, (self.level - 1.0) * r)

    def _slopes(self, f: Floats) -> Floats:
        # The subgradient at the kink that is zero: an interpolated sample pulls nowhere.
        r = self.y - f
        return np.where(r > 0, -self.level, np.where(r < 0, 1.0 - self.level, 0.0))

    def _interval(self) -> tuple[Floats, Floats]:
        return np.full_like(self.y, self.level - 1.0), np.full_like(self.y, self.level)

    def _duals(self, u: Floats) -> Floats:
        return u * self.y

    def best_shift(self, f: Floats) -> Floats:
        weights = np.ones(len(f)) if self.weight is None else self.weight[:, 0]
        return np.array([weighted_quantile(r, weights, self.level) for r in (self.y - f).T])

    def expression(self, f: Any) -> Any:
        import cvxpy as cp

        r = self.y - f
        return cp.sum(self._weigh_expression(cp.maximum(self.level * r, (self.level - 1.0) * r)))
