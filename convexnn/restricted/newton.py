"""Newton's method for a smooth loss plus a sum of Euclidean norms, on blocks that stay away from zero.

    min over a, t of  loss(sum_t G_t a_t + t) + beta sum_t ||a_t||_2

A norm is smooth except at zero, so between events (a block vanishes, a block reaches the border of its cone)
the problem is smooth and convex. The caller owns the blocks and reacts to the events.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

import numpy as np
from scipy.linalg.lapack import dpotrf, dpotrs

from convexnn._native import core
from convexnn._types import Floats, Ints
from convexnn.losses.base import Loss
from convexnn.restricted.parameters import NewtonParams

__all__ = ["Blocks", "Event", "NewtonState", "minimise"]

_DEFAULT = NewtonParams()
_UNSEEN = 1e-40  # diagonal entries of the Newton system below this share of the largest are none


class Blocks(Protocol):
    """The linear maps G_t side by side."""

    starts: Ints
    """Position of each block in the flat vector a, and the total length at the end."""

    def outputs(self, a: Floats) -> Floats:
        """Sum of G_t a_t, shape (n, c)."""
        ...

    def correlate(self, v: Floats) -> Floats:
        """All G_t'v, flat."""
        ...

    def gram(self, h: Floats) -> Floats | Curvature:
        """G'HG for curvatures h: (n, c) diagonal or (n, c, c)."""
        ...

    def border(self, h: Floats) -> Floats:
        """G'H1, shape (total, c): how the intercepts couple to the blocks."""
        ...

    def reach(self, a: Floats, d: Floats) -> Floats:
        """For every block the largest step along d before it leaves its cone (infinite: none)."""
        ...


class Curvature(Protocol):
    """G'HG with a structure that makes Newton's step cheaper."""

    def block(self, j: int) -> Floats:
        """The diagonal block of one G_t."""
        ...

    def step(
        self, directions: Floats, stiffness: Floats, gradient: Floats, residual: Floats | None
    ) -> tuple[Floats, Floats] | None:
        """The step for directions a_t / ||a_t|| and stiffness beta / ||a_t||; None where it is not accurate."""
        ...

    def dense(self) -> Floats:
        """The whole matrix."""
        ...


class Event(Enum):
    """Why the iteration returned."""

    CONVERGED = 0
    BLOCKED = 1
    VANISHED = 2
    UNFINISHED = 3


@dataclass
class NewtonState:
    """Iterate: blocks a (flat), intercept t (c,), outputs f (n, c), and the block that an event is about."""

    a: Floats
    t: Floats
    f: Floats
    event: Event = Event.CONVERGED
    block: int = -1


def block_norms(a: Floats, starts: Ints) -> Floats:
    """Euclidean length of every block."""
    return np.asarray(np.sqrt(np.add.reduceat(a * a, starts[:-1]))) if len(starts) > 1 else np.zeros(0)


def minimise(
    blocks: Blocks,
    loss: Loss,
    beta: float,
    a: Floats,
    t: Floats,
    *,
    intercept: bool,
    accuracy: float = 0.0,
    params: NewtonParams = _DEFAULT,
) -> NewtonState:
    """Iterate from a (no block zero) until the gradient vanishes or an event happens.

    Parameters
    ----------
    blocks : Blocks
    loss : Loss
        Smooth.
    beta : float
    a, t : arrays
        Start.
    intercept : bool
    accuracy : float
        Predicted decrease, relative to the objective, at which the next full step is the last; 0: that of `params`.
    params : NewtonParams
    """
    accuracy = accuracy or params.accuracy
    state = NewtonState(a.copy(), t.copy(), blocks.outputs(a) + t)
    starts = blocks.starts
    sizes = np.diff(starts)
    value = loss.value(state.f) + beta * float(block_norms(state.a, starts).sum())
    for _ in range(params.max_steps):
        lengths = block_norms(state.a, starts)
        unit = state.a / np.repeat(lengths, sizes)
        v = -loss.gradient(state.f)
        correlation = blocks.correlate(v)
        gradient = beta * unit - correlation
        h = _curvature(loss, state.f, params)
        gram = blocks.gram(h)
        if _drop_smallest(blocks, loss, beta, state, value, correlation, gram, lengths):
            return state
        step, step_t = _newton_step(gram, unit, lengths, beta, gradient, blocks, h, v, intercept)
        slope = float(gradient @ step - (v.sum(axis=0) @ step_t if intercept else 0.0))
        steps = blocks.reach(state.a, step)
        reach = float(steps.min(initial=np.inf))
        # A full last step squares the error; where a border forbids one, nothing less than no error will do.
        if not slope < 0 or -slope <= (accuracy if reach > 1 else min(accuracy, params.accuracy)) * abs(value):
            state.event = Event.CONVERGED
            if slope < 0 and reach > 1:
                # A search of one trial keeps it honest.
                _search(blocks, loss, beta, state, step, step_t, 1.0, 0.0, value, trials=1)
            return state
        alpha, blocked = min(1.0, reach), reach <= 1.0
        value, taken = _search(blocks, loss, beta, state, step, step_t, alpha, slope, value)
        if taken == 0.0:
            return state
        if blocked and taken == alpha:
            state.event, state.block = Event.BLOCKED, int(np.argmin(steps))
            return state
    state.event = Event.UNFINISHED
    return state


def _curvature(loss: Loss, f: Floats, params: NewtonParams) -> Floats:
    full = getattr(loss, "hessian", None)
    if full is not None and f.shape[1] > 1:
        return np.asarray(full(f))
    h = loss.curvature(f)
    return np.maximum(h, max(params.flat * float(h.max()), params.flattest if not h.any() else 0.0))


def _newton_step(
    gram: Floats | Curvature,
    unit: Floats,
    lengths: Floats,
    beta: float,
    gradient: Floats,
    blocks: Blocks,
    h: Floats,
    v: Floats,
    intercept: bool,
) -> tuple[Floats, Floats]:
    """Solve the Newton system, bordered by the intercepts, with as little damping as a factor needs."""
    if not isinstance(gram, np.ndarray):
        found = gram.step(unit, beta / lengths, gradient, v.sum(axis=0) if intercept else None)
        if found is not None:
            return found
        gram = gram.dense()
    total, rhs = len(gram), -gradient
    border, corner = np.zeros((total, 0)), np.zeros((0, 0))
    if intercept:
        border, corner = blocks.border(h), h.sum(axis=0) if h.ndim == 3 else np.diag(h.sum(axis=0))
        rhs = np.concatenate([rhs, v.sum(axis=0)])
    # Jacobi scaling: wedge columns and intercepts differ in size by many powers of ten.
    # A block of one entry that no sample sees has none at all; its step need only be long enough to meet zero.
    size = len(rhs)
    H, scale = np.empty((size, size)), np.empty(size)
    core.newton_matrix(gram, blocks.starts, unit, lengths, beta, border, corner, _UNSEEN, H, scale)
    damping = 1e-13 * size
    # Both triangles are alike, so the rows may pass for columns.
    while True:
        damped = H.copy()
        damped.flat[:: size + 1] += damping
        factor, failed = dpotrf(damped.T, lower=True, clean=False, overwrite_a=True)
        if failed == 0:
            break
        damping *= 100.0
    rhs *= scale
    x = dpotrs(factor, rhs, lower=True)[0]
    x += dpotrs(factor, rhs - H @ x, lower=True)[0]
    x *= scale
    return x[:total], x[total:] if intercept else np.zeros(v.shape[1])


def _search(
    blocks: Blocks,
    loss: Loss,
    beta: float,
    state: NewtonState,
    step: Floats,
    step_t: Floats,
    alpha: float,
    slope: float,
    value: float,
    trials: int = 40,
) -> tuple[float, float]:
    """Backtrack from alpha until the objective falls enough; the new value and the step taken (0: none)."""
    moved = blocks.outputs(step) + step_t
    for _ in range(trials):
        a, f = state.a + alpha * step, state.f + alpha * moved
        trial = loss.value(f) + beta * float(block_norms(a, blocks.starts).sum())
        if trial <= value + 1e-4 * alpha * slope + 1e-15 * abs(value):
            state.a, state.t, state.f = a, state.t + alpha * step_t, f
            return trial, alpha
        alpha *= 0.5
    return value, 0.0


def _drop_smallest(
    blocks: Blocks,
    loss: Loss,
    beta: float,
    state: NewtonState,
    value: float,
    correlation: Floats,
    gram: Floats | Curvature,
    lengths: Floats,
) -> bool:
    """Set a block of several entries to zero if zero is optimal for it (to second order)."""
    starts = blocks.starts
    short = np.flatnonzero((lengths <= 1e-2 * lengths.max(initial=0.0)) & (np.diff(starts) > 1))
    if not len(short):
        return False
    for k in short[np.argsort(lengths[short], kind="stable")]:
        i, j = starts[k], starts[k + 1]
        own = gram[i:j, i:j] if isinstance(gram, np.ndarray) else gram.block(int(k))
        at_zero = correlation[i:j] + own @ state.a[i:j]
        if float(np.linalg.norm(at_zero)) > beta:
            continue
        a = state.a.copy()
        a[i:j] = 0.0
        f = blocks.outputs(a) + state.t
        if loss.value(f) + beta * float(block_norms(a, starts).sum()) <= value:
            state.a, state.f, state.event, state.block = a, f, Event.VANISHED, int(k)
            return True
    return False
