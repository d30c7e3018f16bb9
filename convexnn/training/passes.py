"""Outputs of all neurons on all samples and their derivatives, the arithmetic of the joint descent.

Matrix products are BLAS; what is done entry by entry is compiled and runs once over one matrix of the size of the
responses. In single precision both take half the time, which is exact enough wherever neurons are far from their
places.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from convexnn._native import core
from convexnn._types import Floats

__all__ = ["make_passes"]


def make_passes(points: Floats, m: int, c: int, precision: type[np.floating]) -> OneOutput | SeveralOutputs:
    """Passes of m neurons with c outputs over points (n, k), in the given precision.

    ``forward(W, a, e)`` returns the outputs (n, c) of neurons W (m, k) with output weights a (m, c); e (m,) are the
    half widths in which their ReLUs are rounded off, None for true ReLUs. ``backward(G)`` follows it and returns the
    derivatives of a function of the outputs with gradient G (n, c): by W, by a, and by e.
    """
    kind = OneOutput if c == 1 else SeveralOutputs
    return kind(np.ascontiguousarray(points, dtype=precision), m)


class OneOutput:
    """One output: responses need no place, since they are homogeneous in (W, e), so da = W.dW/a + e de/a (Euler)."""

    def __init__(self, points: np.ndarray[Any, Any], m: int) -> None:
        self._points = points
        self._S = np.empty((len(points), m), dtype=points.dtype)
        self._f, self._total = np.empty(len(points)), np.empty(m)

    def forward(self, W: Floats, a: Floats, e: Floats | None) -> Floats:
        T = self._points.dtype
        self._W, self._a, self._e = W, a, e
        np.matmul(self._points, W.T.astype(T, copy=False), out=self._S)
        core.slopes_and_outputs(self._S, a[:, 0].astype(T), None if e is None else e.astype(T), self._f)
        return self._f[:, None].copy()

    def backward(self, G: Floats) -> tuple[Floats, Floats, Floats]:
        core.gradient_through_slopes(self._S, G[:, 0].astype(self._points.dtype), self._total)
        E = (self._S.T @ self._points).astype(np.float64)
        da = (self._W * E).sum(axis=1)
        if self._e is not None:
            da += self._e * self._total
        return self._a * E, da[:, None], self._a[:, 0] * self._total


class SeveralOutputs:
    """Several outputs: derivatives by the output weights need the responses."""

    def __init__(self, points: np.ndarray[Any, Any], m: int) -> None:
        self._points = points
        # One place for all evaluations: fresh memory of this size costs more than the arithmetic.
        self._S, self._R, self._D = (np.empty((len(points), m), dtype=points.dtype) for _ in range(3))
        self._total = np.empty(m)

    def forward(self, W: Floats, a: Floats, e: Floats | None) -> Floats:
        T = self._points.dtype
        self._a = a.astype(T, copy=False)
        np.matmul(self._points, W.T.astype(T, copy=False), out=self._S)
        core.slopes_and_responses(self._S, self._R, None if e is None else e.astype(T))
        return np.asarray(self._R @ self._a, dtype=np.float64)

    def backward(self, G: Floats) -> tuple[Floats, Floats, Floats]:
        g = G.astype(self._points.dtype, copy=False)
        da = (self._R.T @ g).astype(np.float64)
        D = np.matmul(g, self._a.T, out=self._D)
        core.through_slopes(D, self._S, self._total)
        return (D.T @ self._points).astype(np.float64), da, self._total
