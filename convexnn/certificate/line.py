"""Hinges on a line: every response by two running sums after one sort."""

from __future__ import annotations

import numpy as np

from convexnn._types import Floats, Ints, Norm

__all__ = ["hinge_correlations", "line_response"]

_EPS = float(np.finfo(float).eps)


def _order(x: Floats) -> Ints | slice:
    """What sorts x: nothing if it is sorted."""
    return slice(None) if bool((x[:-1] <= x[1:]).all()) else np.argsort(x)


def _integral(gaps: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """sum over earlier samples of v_i |x_k - x_i|, sample by sample (n,), and of v_i (n - 1,).

    It grows from one sample to the next by gap * (sum of v so far): sums of like size, where the textbook form
    sum(v x) - x_k sum(v) cancels.
    """
    out = np.zeros(len(weights))
    sums = np.cumsum(weights[:-1])
    np.cumsum(gaps * sums, out=out[1:])
    return out, sums


def _rounding(gaps: Floats, weights: Floats, integral: Floats, sums: Floats) -> float:
    """More than rounding can change any entry of an integral: every addition errs by a share of its own result.

    An error of the inner sum is carried along at most the whole line; none of the sums exceeds |v| times its length.
    """
    reach = float(gaps.sum())
    sums = np.abs(sums, out=sums)
    inner = reach * float(sums.sum()) + 3.0 * float(gaps @ sums)
    slack = 1.0 + 2.0 * len(weights) * _EPS
    return _EPS * slack * (inner + float(np.abs(integral).sum())) + 2.0 * _EPS * reach * float(np.abs(weights).sum())


def line_response(x: Floats, v: Floats, norm: Norm = "l2") -> tuple[float, Floats, float, float]:
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
    error : float
        No neuron responds more than `value` and this together.
    """
    order = _order(x)
    gaps, error = np.diff(x[order]), 0.0
    single = norm == "l1" or v.shape[1] == 1
    both = np.zeros(len(x))
    left, right = np.zeros(len(x)), np.zeros(len(x))
    for output in v.T:
        weights = output[order]
        lower, after = _integral(gaps, weights)
        back, before = _integral(gaps[::-1], weights[::-1])
        upper = back[::-1]
        # From the right the sums are the same ones but for the sign and rounding, as the weights sum to zero.
        error += 2.0 * max(_rounding(gaps, weights, lower, after), _rounding(gaps[::-1], weights, upper, before))
        if single:
            np.maximum(both, np.abs(lower, out=lower), out=both)
            np.maximum(both, np.abs(upper, out=upper), out=both)
        else:
            left += lower * lower
            right += upper * upper
    if not single:
        both = np.sqrt(np.maximum(left, right))
    j = int(np.argmax(both))
    return float(both[j]), np.ones(1), -float(x[order][j]), error + 8.0 * _EPS * float(both[j])


def hinge_correlations(x: Floats, v: Floats, w: Floats, b: Floats) -> Floats:
    """K'v, shape (m, c), for neurons (w_j x + b_j)_+ with kinks anywhere.

    Parameters
    ----------
    x : (n,) array
    v : (n, c) array
    w, b : (m,) array
    """
    out: Floats = np.maximum(b, 0.0)[:, None] * v.sum(axis=0)
    order = _order(x)
    # Weights that no sample can make felt leave a constant, whose kink may not be a number.
    sloped = np.abs(w) * np.abs(x).max() > 1e-30 * np.abs(b)
    # A neuron with w < 0 looks to the left: turned round, it looks to the right like the others.
    for sign in (1.0, -1.0):
        mine = np.flatnonzero(sloped & (sign * w > 0))
        if len(mine) == 0:
            continue
        turned = x[order] if sign > 0 else -x[order][::-1]
        kinks = -b[mine] / np.abs(w[mine])
        place = np.searchsorted(turned, kinks)
        inside = place < len(x)
        place = np.minimum(place, len(x) - 1)
        distance = np.where(inside, turned[place] - kinks, 0.0)
        for k, output in enumerate(v.T):
            weights = output[order] if sign > 0 else output[order][::-1]
            beyond = np.cumsum(weights[::-1])[::-1]
            sums = _integral(np.diff(turned)[::-1], weights[::-1])[0][::-1]
            response = np.where(inside, sums[place] + distance * beyond[place], 0.0)
            out[mine, k] = np.abs(w[mine]) * response
    return out
