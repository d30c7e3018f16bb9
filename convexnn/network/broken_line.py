"""A network of one input is a broken line: its outputs cost one search per sample, whatever its width."""

from __future__ import annotations

import numpy as np

from convexnn._types import Floats

__all__ = ["broken_line"]


def broken_line(
    x: Floats, w: Floats, b: Floats, outer: Floats, intercept: Floats, slope: float = 0.0
) -> Floats:
    """Outputs (n, c) at x (n,) of sum_j a_j s(w_j x + b_j) + t.

    Parameters
    ----------
    x : (n,) array
    w, b : (m,) array
        Hidden weights and biases.
    outer : (m, c) array
        Rows a_j.
    intercept : (c,) array
    slope : float
        Slope of s for negative arguments: s(t) = slope t + (1 - slope) max(t, 0).
    """
    if slope:
        line = np.multiply.outer(x, w @ outer) + b @ outer
        return np.asarray(broken_line(x, w, b, (1.0 - slope) * outer, intercept) + slope * line)
    low, high = x.min(), x.max()
    turns = w * low + b, w * high + b
    # A neuron that does not change side between the samples is linear or silent there.
    bent = (turns[0] < 0) != (turns[1] < 0)
    linear = ~bent & (np.maximum(*turns) > 0)
    out = np.multiply.outer(x, w[linear] @ outer[linear])
    out += b[linear] @ outer[linear] + intercept
    if bent.any():
        out += _bent(x, w[bent], b[bent], outer[bent])
    return np.asarray(out)


def _bent(x: Floats, w: Floats, b: Floats, outer: Floats) -> Floats:
    """The same for neurons with their kinks among the samples."""
    kinks = -b / w
    order = np.argsort(kinks)
    kinks, w, b, outer = kinks[order], w[order], b[order], outer[order]
    nothing = np.zeros((1, outer.shape[1]))
    # Passing a kink turns a neuron on (w > 0) or off (w < 0); the slope changes by |w| a in both cases.
    slopes = np.vstack([nothing, np.cumsum(np.abs(w)[:, None] * outer, axis=0)])
    slopes += np.minimum(w, 0.0) @ outer
    # Values at kinks by steps from the first one: no large constants that cancel.
    steps = np.cumsum(np.diff(kinks)[:, None] * slopes[1:-1], axis=0)
    values = np.maximum(w * kinks[0] + b, 0.0) @ outer + np.vstack([nothing, steps])
    piece = np.searchsorted(kinks, x)
    start = np.maximum(piece - 1, 0)
    out = slopes[piece]
    out *= (x - kinks[start])[:, None]
    out += values[start]
    return out
