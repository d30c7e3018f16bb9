"""Poisson loss for counts: the output is the logarithm of the expected count."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import kl_div, logsumexp, xlogy

from convexnn._types import Floats
from convexnn.exceptions import DataError
from convexnn.losses.separable import Separable

__all__ = ["Poisson"]

_EPS = float(np.finfo(float).eps)
# exp(-750) is zero in double precision.
_VANISHED = 750.0


class Poisson(Separable):
    """l(f; y) = exp(f) - y f + y log y - y, y >= 0: half the Poisson deviance, zero at a perfect fit.

    Outputs above 709 overflow to an infinite loss, as they should.
    """

    name = "poisson"

    def _check_targets(self) -> None:
        if (self.y < 0).any():
            raise DataError(
                f"loss='poisson' needs counts y >= 0, but the smallest is {self.y.min():g}; "
                "use 'squared_error' or 'huber' for targets of any sign."
            )

    def _values(self, f: Floats) -> Floats:
        with np.errstate(over="ignore"):
            return np.exp(f) - self.y * f + (xlogy(self.y, self.y) - self.y)

    def _slopes(self, f: Floats) -> Floats:
        with np.errstate(over="ignore"):
            return np.exp(f) - self.y

    def _curvatures(self, f: Floats) -> Floats:
        with np.errstate(over="ignore"):
            return np.exp(f)

    def _interval(self) -> tuple[Floats, Floats]:
        return np.full_like(self.y, -np.inf), self.y

    def _duals(self, u: Floats) -> Floats:
        rate = np.maximum(self.y - u, 0.0)
        zero = self.y == 0
        # For y > 0 the divergence form avoids the difference of two large logarithms.
        spread = kl_div(rate, np.where(zero, 1.0, self.y)) - xlogy(u, np.where(zero, 1.0, self.y))
        return -np.where(zero, xlogy(rate, rate) - rate, spread)

    def _logs(self) -> Floats:
        return 1.0 + np.abs(np.log(np.maximum(self.y, 1e-300))) * (self.y > 0)

    def dual_rounding(self, v: Floats) -> float:
        u = self._unweighted(v)
        size = np.abs(self.y) + np.abs(u)
        rate = np.maximum(self.y - u, _EPS * np.maximum(size, 1e-290))
        return 64 * _EPS * float(self._weighted(size * (self._logs() + np.abs(np.log(rate)))).sum()) * (1 + 1e-9)

    def value_rounding(self, f: Floats) -> float:
        with np.errstate(over="ignore"):
            size = np.exp(f) + self.y * (np.abs(f) + self._logs())
        return 32 * _EPS * float(self._weighted(size).sum()) * (1 + 1e-9)

    def best_shift(self, f: Floats) -> Floats:
        seen = self._seen()
        weight = np.ones((len(f), 1)) if self.weight is None else self.weight
        total = (weight * self.y).sum(axis=0)
        reach = logsumexp(f[seen], b=weight[seen], axis=0)
        vanish = -f[seen].max(axis=0) - _VANISHED
        return np.where(total > 0, np.log(np.where(total > 0, total, 1.0)) - reach, vanish)

    def expression(self, f: Any) -> Any:
        import cvxpy as cp

        constant = xlogy(self.y, self.y) - self.y
        return cp.sum(self._weigh_expression(cp.exp(f) - cp.multiply(self.y, f) + constant))
