"""Exact interpolation as a loss: zero where f = y, infinite elsewhere; the limit beta -> 0 (Corollary 8)."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from convexnn._types import Floats
from convexnn.exceptions import ParameterError
from convexnn.losses.base import Loss

__all__ = ["Interpolation"]

# Largest |f - y| relative to the spread of y that counts as equal in double precision, besides roundings of y.
_EQUAL = 1e-8
_ROUNDED = 8 * float(np.finfo(float).eps)


class Interpolation(Loss):
    """The indicator of f = y. With it the objective is the norm of the network; the dual value is v'y.

    Not in `LOSSES`: it is what ``beta=0`` means in :func:`convexnn.train` and :func:`convexnn.certify`. Weights do
    not matter, as every sample with a positive one is met exactly.
    """

    name = "interpolation"
    smooth: ClassVar[bool] = False
    conjugate: ClassVar[str] = "linear"

    def value(self, f: Floats) -> float:
        apart = np.abs(f - self.y).max(initial=0.0)
        size = np.abs(self.y).max(initial=0.0)
        # A constant is free, so it must not set the size of what counts as equal; its own rounding has to be allowed.
        spread = np.ptp(self.y, axis=0).max(initial=0.0) or size
        return 0.0 if apart <= _EQUAL * min(size, spread) + _ROUNDED * size else np.inf

    def gradient(self, f: Floats) -> Floats:
        raise ParameterError("interpolation (beta=0) has no gradient; pass dual_point, as train() returns it.")

    def optimal_duals(self, f: Floats) -> tuple[Floats, Floats]:
        return np.full_like(f, -np.inf), np.full_like(f, np.inf)

    def curvature(self, f: Floats) -> Floats:
        return self._refuse_curvature()

    def dual(self, v: Floats) -> float:
        return float(np.sum(v * self.y))

    def nearest_dual(self, v: Floats, *, centred: bool) -> Floats:
        return v - v.mean(axis=0) if centred else v

    def best_shift(self, f: Floats) -> Floats:
        return np.asarray((self.y - f).mean(axis=0))

    def expression(self, f: Any) -> Any:
        import cvxpy as cp

        return cp.transforms.indicator([f == self.y])
