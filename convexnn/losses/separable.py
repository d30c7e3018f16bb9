"""Losses that are a sum over single entries: weights, conjugate and intercept in one place."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import numpy as np

from convexnn._types import Bools, Floats
from convexnn.losses.base import Loss
from convexnn.losses.roots import increasing_roots

__all__ = ["Separable"]

# v is stored as weight times slope, so v / weight misses a bound of the domain by rounding only.
_SLACK = 8 * float(np.finfo(float).eps)
# Outputs this close to a kink, relative to their size, are on it.
_ON_KINK = 1e-9


class Separable(Loss):
    """loss(f) = sum_ik w_i l(f_ik; y_ik).

    A subclass gives l, its two derivatives, the interval in which the conjugate is finite, and the dual
    value -l*(-u), all entry by entry and without weights.
    """

    separable: ClassVar[bool] = True

    @abstractmethod
    def _values(self, f: Floats) -> Floats: ...

    @abstractmethod
    def _slopes(self, f: Floats) -> Floats: ...

    def _curvatures(self, f: Floats) -> Floats:
        return self._refuse_curvature()

    @abstractmethod
    def _interval(self) -> tuple[Floats, Floats]:
        """Least and largest u (n, c) with a finite -l*(-u); zero lies between them."""

    @abstractmethod
    def _duals(self, u: Floats) -> Floats:
        """-l*(-u) for u inside the interval."""

    def dual_interval(self) -> tuple[Floats, Floats]:
        """Least and largest dual vector (n, c), entry by entry, at which :meth:`dual` is finite."""
        low, high = self._interval()
        return self._weighted(low), self._weighted(high)

    def _bracket(self, f: Floats) -> tuple[Floats, Floats]:
        """Shifts (c,) between which the best one lies, from the entries f with positive weight."""
        apart = self.y - f
        seen = self._seen()
        return apart[seen].min(axis=0), apart[seen].max(axis=0)

    def _seen(self) -> slice | Bools:
        return slice(None) if self.weight is None else self.weight[:, 0] > 0

    def value(self, f: Floats) -> float:
        return float(np.sum(self._weighted(self._values(f))))

    def gradient(self, f: Floats) -> Floats:
        return self._weighted(self._slopes(f))

    def curvature(self, f: Floats) -> Floats:
        return self._weighted(self._curvatures(f))

    def _unweighted(self, v: Floats) -> Floats:
        if self.weight is None:
            return v
        # Weights may be so small that the quotient overflows; clipping to the interval follows.
        with np.errstate(over="ignore"):
            return np.divide(v, self.weight, out=np.zeros(v.shape), where=self.weight > 0)

    def dual(self, v: Floats) -> float:
        if self.weight is not None and np.any(v[self.weight[:, 0] == 0]):
            return -np.inf
        u = self._unweighted(v)
        low, high = self._interval()
        reach = np.maximum(np.where(np.isfinite(low), -low, 0.0), np.where(np.isfinite(high), high, 0.0))
        if np.any(u < low - _SLACK * reach) or np.any(u > high + _SLACK * reach):
            return -np.inf
        # A vector from a file may be as large as any number; then the bound is of no use.
        with np.errstate(over="ignore", invalid="ignore"):
            value = float(np.sum(self._weighted(self._duals(np.clip(u, low, high)))))
        return value if np.isfinite(value) else -np.inf

    def nearest_dual(self, v: Floats, *, centred: bool) -> Floats:
        low, high = self._interval()
        u = np.clip(self._unweighted(v), low, high)
        if centred:
            seen = self._seen()
            weight = np.ones((len(u), 1)) if self.weight is None else self.weight
            start, a, b, w = u[seen], low[seen], high[seen], weight[seen]

            def terms(t: Floats) -> tuple[Floats, Floats]:
                moved = start + t
                return w * np.clip(moved, a, b), w * ((moved >= a) & (moved <= b))

            shift = increasing_roots(terms, -start.max(axis=0), -start.min(axis=0))
            u = np.clip(u + shift, low, high)
        return self._weighted(u)

    def dual_at(self, f: Floats, *, centred: bool) -> Floats:
        """See :meth:`Loss.dual_at`. At a kink every number of an interval is a subgradient.

        The kinked losses are max of u (y - f) over the interval of u. So u is at the end that y - f points to, and
        samples on their kink share what the sum of the column still lacks, each the same part of its interval. Moving
        all entries alike, as :meth:`nearest_dual` does, would take the others from their ends and cost dual value.
        """
        if self.smooth:
            return super().dual_at(f, centred=centred)
        low, high = self.optimal_duals(f)
        v = np.clip(0.0, low, high)
        if centred:
            lack, room = -low.sum(axis=0), (high - low).sum(axis=0)
            part = np.clip(np.divide(lack, room, out=np.zeros_like(room), where=room > 0), 0.0, 1.0)
            v = low + part * (high - low)
        return self.nearest_dual(v, centred=centred)

    def optimal_duals(self, f: Floats) -> tuple[Floats, Floats]:
        if self.smooth:
            return super().optimal_duals(f)
        low, high = self._interval()
        apart = self.y - f
        kink = np.abs(apart) <= _ON_KINK * (np.abs(self.y) + np.abs(f))
        return (
            self._weighted(np.where(kink | (apart < 0), low, high)),
            self._weighted(np.where(kink | (apart > 0), high, low)),
        )

    def best_shift(self, f: Floats) -> Floats:
        return increasing_roots(lambda t: (self.gradient(f + t), self.curvature(f + t)), *self._bracket(f))
