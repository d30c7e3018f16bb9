"""Limited-memory BFGS for the joint descent of neurons.

SciPy's L-BFGS-B spends as long on its own work, which is made for bounds, as small networks take for an evaluation.
Without bounds a step is two passes over the memory. The line search asks for the weak Wolfe conditions only, which
exist and suffice at kinks too (Lewis & Overton, Math. Program. 141, 2013).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from convexnn._native import core
from convexnn._types import Floats

__all__ = ["minimise"]

Function = Callable[[Floats], tuple[float, Floats]]

_MEMORY = 8
_ARMIJO, _CURVATURE = 1e-4, 0.9
_TRIES = 20  # evaluations of one line search
_CURVED = 1e-12  # pairs whose curvature s.y is below this share of |s||y| are not kept


def minimise(function: Function, x: Floats, *, max_iter: int, tol: float) -> None:
    """Go downhill from x until an iteration gains less than `tol` of the value; the caller keeps what it wants.

    Parameters
    ----------
    function : callable
        Value and gradient at a point (p,).
    x : (p,) array
    max_iter : int
        Iterations; at most twice as many evaluations.
    tol : float
        Relative decrease per iteration at which to stop.
    """
    memory = _Memory(len(x))
    value, gradient = function(x)
    left = 2 * max_iter
    for k in range(max_iter):
        direction = memory.direction(gradient)
        slope = float(direction @ gradient)
        if slope >= 0.0:  # rounding, or a zero gradient
            if not memory.forget():
                return
            continue
        first = 1.0 if k and memory.size else min(1.0, 1.0 / np.sqrt(float(gradient @ gradient)))
        found = _search(function, x, value, direction, slope, first, min(left, _TRIES))
        left -= found.evaluations
        if found.step == 0.0:
            if not memory.forget():
                return
            continue
        memory.add(found.step * direction, found.gradient - gradient)
        gained = value - found.value
        x, value, gradient = x + found.step * direction, found.value, found.gradient
        if gained <= tol * abs(value) or left <= 0:
            return


class _Memory:
    """The last steps and changes of the gradient."""

    def __init__(self, p: int) -> None:
        self._S, self._Y, self._rho = np.zeros((_MEMORY, p)), np.zeros((_MEMORY, p)), np.zeros(_MEMORY)
        self._order: list[int] = []  # rows in use, newest first
        self._d = np.empty(p)

    @property
    def size(self) -> int:
        return len(self._order)

    def direction(self, gradient: Floats) -> Floats:
        core.lbfgs_direction(
            self._S, self._Y, self._rho, np.array(self._order, dtype=np.int64), np.ascontiguousarray(gradient), self._d
        )
        return self._d

    def add(self, s: Floats, y: Floats) -> None:
        sy = float(s @ y)
        if sy <= _CURVED * np.sqrt(float(s @ s) * float(y @ y)):
            return
        row = self._order.pop() if len(self._order) == _MEMORY else len(self._order)
        self._S[row], self._Y[row], self._rho[row] = s, y, 1.0 / sy
        self._order.insert(0, row)

    def forget(self) -> bool:
        """Drop all pairs; whether there were any."""
        had = bool(self._order)
        self._order = []
        return had


class _Found:
    """The best point of a line search: its step (0: none is lower), value and gradient."""

    def __init__(self, value: float, gradient: Floats) -> None:
        self.step, self.value, self.gradient, self.evaluations = 0.0, value, gradient, 0


def _search(
    function: Function, x: Floats, value: float, direction: Floats, slope: float, step: float, tries: int
) -> _Found:
    """A step with the weak Wolfe conditions; the lowest one tried if none of `tries` has them."""
    found = _Found(value, direction)
    low, high = 0.0, np.inf
    while found.evaluations < tries:
        new, gradient = function(x + step * direction)
        found.evaluations += 1
        decreases = new <= value + _ARMIJO * step * slope
        if new < found.value or (decreases and found.step == 0.0 and new <= value):
            found.step, found.value, found.gradient = step, new, gradient
        if not decreases:
            high = step
            # The parabola through both values and the slope, kept away from the ends.
            bend = 2.0 * (new - value - slope * step)
            best = -slope * step * step / bend if bend > 0 and np.isfinite(bend) else 0.0
            step = min(max(best, low + 0.1 * (high - low)), low + 0.5 * (high - low))
        elif float(gradient @ direction) < _CURVATURE * slope:
            low = step
            step = 2.0 * step if high == np.inf else 0.5 * (low + high)
        else:
            found.step, found.value, found.gradient = step, new, gradient
            break
    return found
