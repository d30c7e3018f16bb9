"""Logistic loss of each column of labels -1 and +1: every output is the log-odds of its own label."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import entr, expit

from convexnn._types import Floats
from convexnn.losses.labels import TwoClass

__all__ = ["MultilabelLogLoss"]

_EPS = float(np.finfo(float).eps)
# exp(-750) is zero in double precision.
_VANISHED = 750.0


class MultilabelLogLoss(TwoClass):
    """l(f; y) = log(1 + exp(-y f)), labels -1 and +1, summed over the columns (n, c)."""

    name = "log_loss_multilabel"

    def _values(self, f: Floats) -> Floats:
        return np.logaddexp(0.0, -self.y * f)

    def _slopes(self, f: Floats) -> Floats:
        return -self.y * expit(-self.y * f)

    def _curvatures(self, f: Floats) -> Floats:
        return np.asarray(expit(f) * expit(-f))

    def _interval(self) -> tuple[Floats, Floats]:
        return self._signed(0.0, 1.0)

    def _duals(self, u: Floats) -> Floats:
        share = np.clip(self.y * u, 0.0, 1.0)
        return np.asarray(entr(share) + entr(1.0 - share))

    def dual_rounding(self, v: Floats) -> float:
        # Entropies of a share of at most one err by some units of rounding of one.
        return 64 * _EPS * float(self._weighted(np.ones_like(v)).sum())

    def value_rounding(self, f: Floats) -> float:
        return 0.0  # logarithms of numbers from one on, none of them negative

    def _bracket(self, f: Floats) -> tuple[Floats, Floats]:
        seen = f[self._seen()]
        return -seen.max(axis=0) - _VANISHED, -seen.min(axis=0) + _VANISHED

    def best_shift(self, f: Floats) -> Floats:
        low, high = self._bracket(f)
        seen = self.y[self._seen()]
        # Rounding hides the slope far out, so a single class is sent to the end of the bracket by name.
        inner = np.where((seen < 0).all(axis=0), low, super().best_shift(f))
        return np.where((seen > 0).all(axis=0), high, inner)

    def expression(self, f: Any) -> Any:
        import cvxpy as cp

        return cp.sum(self._weigh_expression(cp.logistic(cp.multiply(-self.y, f))))
