"""Exact one-dimensional minimisation: roots of increasing functions and weighted quantiles."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from convexnn._types import Floats

__all__ = ["increasing_roots", "weighted_quantile"]

_EPS = float(np.finfo(float).eps)


def increasing_roots(terms: Callable[[Floats], tuple[Floats, Floats]], low: Floats, high: Floats) -> Floats:
    """Find t_k in [low_k, high_k] where a sum of n increasing functions vanishes, to rounding, for every k.

    Newton steps, replaced by bisection where they leave the bracket or do not halve.

    Parameters
    ----------
    terms : callable
        ``terms(t)`` gives the values (n, c) and the derivatives (n, c) at t (c,).
    low, high : (c,) arrays
        The sum is <= 0 at `low` and >= 0 at `high`.

    Returns
    -------
    (c,) array
        The roots; where rounding hides the sign change, the last point of the shrinking bracket.
    """
    low, high = low.copy(), high.copy()
    t: Floats = np.clip(0.0, low, high)
    last = np.full_like(t, np.inf)
    for _ in range(200):
        values, slopes = terms(t)
        total, size, slope = values.sum(axis=0), np.abs(values).sum(axis=0), slopes.sum(axis=0)
        low, high = np.where(total < 0, t, low), np.where(total > 0, t, high)
        step = np.divide(total, slope, out=np.full_like(t, np.inf), where=slope > 0)
        middle = low + 0.5 * (high - low)
        done = (np.abs(total) <= 4 * _EPS * size) | (np.abs(step) <= 2 * _EPS * np.abs(t))
        done |= ~((low < middle) & (middle < high))
        if done.all():
            break
        newton = (low < t - step) & (t - step < high) & (np.abs(step) <= 0.5 * last)
        last = np.where(newton, np.abs(step), np.inf)
        t = np.where(done, t, np.where(newton, t - step, middle))
    return t


def weighted_quantile(values: Floats, weights: Floats, level: float) -> float:
    """Minimise sum_i w_i * pinball(values_i - t): the quantile of a weighted sample.

    Parameters
    ----------
    values, weights : (n,) arrays
        Sample and weights >= 0, not all zero.
    level : float
        Share of the weight below the quantile, in [0, 1].

    Returns
    -------
    float
        The middle of the interval of minimisers, or its finite end at the levels 0 and 1.
    """
    seen = weights > 0
    values, weights = values[seen], weights[seen]
    order = np.argsort(values, kind="stable")
    values, mass = values[order], np.cumsum(weights[order])
    target, slack = level * mass[-1], 8 * _EPS * mass[-1]
    last = len(values) - 1
    left = min(int(np.searchsorted(mass, target - slack)), last)
    right = min(int(np.searchsorted(mass, target + slack, side="right")), last)
    if target <= slack:
        left = right = 0
    # Half of each, not half of the sum, which could overflow.
    return float(0.5 * values[left] + 0.5 * values[right])
