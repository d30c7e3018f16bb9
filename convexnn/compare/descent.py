"""Gradient methods in NumPy: Adam and stochastic gradient descent with momentum, as people run them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from convexnn._progress import Clock
from convexnn._types import Floats
from convexnn.compare.objective import Objective

__all__ = ["adam", "sgd"]

Batches = list[Objective]
Report = Callable[[Floats], None]


def adam(
    batches: Batches, theta: Floats, *, max_iter: int, clock: Clock, rng: np.random.Generator, report: Report
) -> tuple[Floats, int]:
    """Adam (Kingma & Ba, 2015) with step 1e-2, falling to zero with the share of time or epochs that is spent.

    Parameters
    ----------
    batches : list of Objective
        Parts of the data; together one epoch.
    theta : (p,) array
        Start.
    max_iter : int
        Epochs.
    clock : Clock
    rng : Generator
        Order of the batches.
    report : callable
        Called with the point after every epoch.

    Returns
    -------
    theta : (p,) array
    n_iter : int
        Epochs made.
    """
    first, second, step = np.zeros_like(theta), np.zeros_like(theta), 0
    for epoch in range(max_iter):
        rate = 1e-2 * _remaining(epoch / max_iter, clock)
        for k in rng.permutation(len(batches)):
            gradient, step = batches[k].value_and_gradient(theta)[1], step + 1
            first += 0.1 * (gradient - first)
            second += 0.001 * (gradient * gradient - second)
            scale = np.sqrt(second / (1 - 0.999**step)) + 1e-8
            theta = _project(theta - rate * (first / (1 - 0.9**step)) / scale, batches[0])
        report(theta)
        if clock.expired:
            return theta, epoch + 1
    return theta, max_iter


def sgd(
    batches: Batches, theta: Floats, *, max_iter: int, clock: Clock, rng: np.random.Generator, report: Report
) -> tuple[Floats, int]:
    """Stochastic gradient descent with momentum 0.9 and clipped steps; parameters as in :func:`adam`.

    The step is relative to a bound on the curvature of the squared loss, so that it fits any units.
    """
    velocity = np.zeros_like(theta)
    top = 0.2 / _curvature(batches)
    for epoch in range(max_iter):
        rate = top * _remaining(epoch / max_iter, clock)
        for k in rng.permutation(len(batches)):
            velocity = 0.9 * velocity - rate * batches[k].value_and_gradient(theta)[1]
            # One batch far from the minimum must not throw the weights to infinity.
            size, limit = float(np.linalg.norm(velocity)), 0.1 * max(1.0, float(np.linalg.norm(theta)))
            velocity *= min(1.0, limit / size) if size > 0 else 1.0
            theta = _project(theta + velocity, batches[0])
        report(theta)
        if clock.expired:
            return theta, epoch + 1
    return theta, max_iter


def _remaining(spent: float, clock: Clock) -> float:
    """Cosine from 1 to 0 over epochs or time, whichever ends first."""
    spent = max(spent, clock.share)
    return 0.5 * (1.0 + float(np.cos(np.pi * min(spent, 1.0))))


def _curvature(batches: Batches) -> float:
    """Typical size of the second derivative: squared length of the inputs, over all samples."""
    total = sum(float(np.square(batch.X).sum()) + len(batch.X) for batch in batches)
    return max(total, 1e-300)


def _project(theta: Floats, batch: Objective) -> Floats:
    """Both parts of a split weight stay nonnegative."""
    if not batch.split:
        return theta
    low = batch.lower_bounds
    return np.maximum(theta, low)
