"""Outputs of all neurons on all samples and their derivatives, the arithmetic of the joint descent.

Matrix products are BLAS; what is done entry by entry is compiled and runs once over one matrix of the size of the
responses. In single precision both take half the time, which is exact enough wherever neurons are far from their
places. On a GPU both are operations of its array library.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from convexnn._arrays import Device
from convexnn._native import core
from convexnn._types import Floats

__all__ = ["make_forward_backward"]


def make_forward_backward(
    points: Floats, m: int, c: int, precision: type[np.floating], *, ones: bool = False, device: Device | None = None
) -> OneOutput | SeveralOutputs | DevicePass:
    """Passes of m neurons with c outputs over points (n, k), in the given precision, on a device if one is given.

    With `ones` the points have a further coordinate 1.

    ``forward(W, a, e)`` returns the outputs (n, c) of neurons W (m, k) with output weights a (m, c); e (m,) are the
    half widths in which their ReLUs are rounded off, None for true ReLUs. ``backward(G)`` follows it and returns the
    derivatives of a function of the outputs with gradient G (n, c): by W, by a, and by e.
    """
    if device is not None:
        return DevicePass(device, points, precision, ones)
    if ones:
        points = np.column_stack([points, np.ones(len(points))])
    kind = OneOutput if c == 1 else SeveralOutputs
    return kind(np.ascontiguousarray(points, dtype=precision), m)


class OneOutput:
    """One output: responses need no storage, since they are homogeneous in (W, e), so da = W.dW/a + e de/a (Euler)."""

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
        # One place in memory for all evaluations: fresh memory of this size costs more than the arithmetic.
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


class DevicePass:
    """Any number of outputs, on another device: weights go there and derivatives come back."""

    def __init__(self, device: Device, points: Floats, precision: type[np.floating], ones: bool) -> None:
        self._device, self._precision = device, precision
        self._points = device.keep(points, precision)
        if ones:
            one = device.send(np.ones((len(points), 1)), precision)
            self._points = device.xp.concat([self._points, one], axis=1)

    def forward(self, W: Floats, a: Floats, e: Floats | None) -> Floats:
        xp, device, kind = self._device.xp, self._device, self._precision
        self._a = device.send(a, kind)
        S = device.product(self._points, device.send(W, kind).T)
        if e is None:
            self._P, self._R = xp.astype(S > 0, S.dtype), xp.clip(S, min=0.0)
        else:
            scale = 0.5 / np.maximum(e, np.finfo(kind).tiny)
            self._P = xp.clip(S * device.send(scale, kind) + 0.5, min=0.0, max=1.0)
            self._R = xp.maximum(S, self._P * self._P * device.send(e, kind))
        return device.fetch(device.product(self._R, self._a))

    def backward(self, G: Floats) -> tuple[Floats, Floats, Floats]:
        xp, device, g = self._device.xp, self._device, self._device.send(G, self._precision)
        da = device.product(self._R.T, g)
        D = device.product(g, self._a.T) * self._P
        total = xp.sum(D - D * self._P, axis=0)
        found = device.fetch(xp.concat([device.product(D.T, self._points), da, total[:, None]], axis=1))
        k = self._points.shape[1]
        return found[:, :k], found[:, k:-1], found[:, -1]
