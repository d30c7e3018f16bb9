"""Hinges on a line: every response by two running sums after one sort."""

from __future__ import annotations

import numpy as np

from convexnn._types import Floats, Norm

__all__ = ["line_response"]


def line_response(x: Floats, v: Floats, norm: Norm = "l2") -> tuple[float, Floats, float]:
    """Largest response of a hinge (x - x_j)_+ or (x_j - x)_+ to v, over all offsets.

    The response is piecewise linear in the offset, vanishes at one end and, as 1'v = 0, is constant at the
    other: its extremes are at samples (Theorem 1).

    Parameters
    ----------
    x : (n,) array
        Samples.
    v : (n, c) array
        Dual vector with columns summing to zero.
    norm : "l1" or "l2"
        Over the outputs: largest entry or Euclidean length.

    Returns
    -------
    value : float
    normal : (1,) array
    offset : float
        The neuron up to orientation: the kink is at ``-offset / normal``.
    """
    order = np.argsort(x)
    gaps = np.diff(x[order])
    single = norm == "l1" or v.shape[1] == 1
    both = np.zeros(len(x))
    left, right = np.zeros(len(x)), np.zeros(len(x))
    for output in v.T:
        weights = output[order]
        # Response to (x - x_j)_+ grows from one kink to the next by gap * (sum of v beyond it): sums of like
        # size, where the textbook form sum(v x) - x_j sum(v) cancels.
        lower = _integral(gaps, weights)
        upper = _integral(gaps[::-1], weights[::-1])[::-1]
        if single:
            np.maximum(both, np.abs(lower), out=both)
            np.maximum(both, np.abs(upper), out=both)
        else:
            left += lower * lower
            right += upper * upper
    if not single:
        both = np.sqrt(np.maximum(left, right))
    j = int(np.argmax(both))
    return float(both[j]), np.ones(1), -float(x[order[j]])


def _integral(gaps: Floats, weights: Floats) -> Floats:
    """Responses to the hinges that open towards the start, kink by kink."""
    out = np.zeros(len(weights))
    np.cumsum(gaps * np.cumsum(weights[:-1]), out=out[1:])
    return out
