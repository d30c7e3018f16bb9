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
    right, left = np.zeros(len(x)), np.zeros(len(x))
    for output in v.T:
        # Response to (x - x_j)_+ grows from one kink to the next by gap * (sum of v beyond it): sums of like
        # size, where the textbook form sum(v x) - x_j sum(v) cancels.
        sums = np.cumsum(output[order])
        lower = np.concatenate([[0.0], np.cumsum(gaps * sums[:-1])])
        beyond = np.cumsum(output[order][::-1])[::-1]
        upper = np.concatenate([np.cumsum((gaps * beyond[1:])[::-1])[::-1], [0.0]])
        if norm == "l1":
            np.maximum(left, np.abs(lower), out=left)
            np.maximum(right, np.abs(upper), out=right)
        else:
            left += lower * lower
            right += upper * upper
    both = np.maximum(left, right)
    j = int(np.argmax(both))
    value = float(both[j]) if norm == "l1" else float(np.sqrt(both[j]))
    return value, np.ones(1), -float(x[order[j]])
