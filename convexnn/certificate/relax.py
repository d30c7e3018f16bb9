"""Upper bounds of the response on cones of neurons, linear relaxations made better by mixing tangents.

With F and G as in :mod:`convexnn.certificate.cones` and w = sum_k a_k w_k, a_k >= 0, in the cone of the rays w_k:

    F(w) <= sum_k a_k F(w_k)   and   G(w) >= sum_k a_k g.w_k   for every subgradient g of G,

so F - G <= sum_k a_k (F(w_k) - g.w_k), and likewise for G - F. Any mixture of subgradients is one; the best is the
value of a game between tangents and rays, in which a few rounds of fictitious play do well. The error is quadratic
in the size of the cone, and small also where the response has a concave kink, as at a neuron through samples.
"""

from __future__ import annotations

import numpy as np

from convexnn._types import Floats
from convexnn.certificate.cones import Neurons

__all__ = ["upper_bounds"]

# Tangents beyond the one at the middle of a cone, and rounds of play.
_EXTRA, _ROUNDS = 2, 12
# Parts of the slope that are tried as a tilt of the bound.
_SHARES = (0.0, 0.5, 1.0)
_TINY = float(np.finfo(float).tiny)


def upper_bounds(neurons: Neurons, rays: Floats, sums: Floats, limit: float) -> Floats:
    """Bounds (N,) on the response of every unit neuron of cones, made better while they are above `limit`.

    Parameters
    ----------
    neurons : Neurons
    rays : (N, K, D) array
    sums : (N, K, 2c) array
        F and G at the rays.
    limit : float
    """
    along, middle = _along(neurons, rays)
    values, slope = _tangent(neurons, rays, sums, rays.sum(axis=1))
    heights, slopes = (values / along)[:, None], slope[:, None]
    best = _largest(neurons, rays, along, middle, heights[:, 0], slope)
    open_ = np.arange(len(rays))
    for _ in range(_EXTRA):
        which = np.flatnonzero(best[open_] > limit)
        if not which.size:
            break
        open_, rays, sums, along, middle = open_[which], rays[which], sums[which], along[which], middle[which]
        heights, slopes = heights[which], slopes[which]
        weights = _play(heights)[1] / along
        values, slope = _tangent(neurons, rays, sums, (weights[:, None, :] @ rays)[:, 0])
        heights = np.concatenate([heights, (values / along)[:, None]], axis=1)
        slopes = np.concatenate([slopes, slope[:, None]], axis=1)
        mixture = _play(heights)[0][:, None, :]
        bounds = _largest(neurons, rays, along, middle, (mixture @ heights)[:, 0], (mixture @ slopes)[:, 0])
        best[open_] = np.minimum(best[open_], bounds)
    return best


def _along(neurons: Neurons, rays: Floats) -> tuple[Floats, Floats]:
    """Unit middles m (N, r) of cones, and factors f_k with sum_k a_k f_k <= 1 for all their unit neurons.

    For l1 the lengths of the rays, which add up because all are in one orthant; for l2 m.u_k.
    """
    u, lengths = rays[..., : neurons.rank], neurons.lengths(rays)
    middle = (u / lengths[..., None]).sum(axis=1)
    middle /= np.sqrt((middle * middle).sum(axis=1, keepdims=True))
    return lengths if neurons.norm == "l1" else (u @ middle[:, :, None])[..., 0], middle


def _tangent(neurons: Neurons, rays: Floats, sums: Floats, points: Floats) -> tuple[Floats, Floats]:
    """Values q_k (N, K) with response <= sum_k a_k q_k, from subgradients at points (N, D), and the slope there."""
    (N, _, D), c = rays.shape, sums.shape[-1] // 2
    active = (points @ neurons.rows.T > 0).astype(np.float64)
    slopes = (active @ neurons.tilted).reshape(N, 2 * c, D)
    below = rays @ np.swapaxes(slopes, 1, 2)
    reach = np.maximum(sums[..., :c] - below[..., c:], sums[..., c:] - below[..., :c])
    # The norm over outputs is convex, so at a sum of rays it is at most the sum of those at the rays.
    values = neurons.over_outputs(np.maximum(reach, 0.0))
    total = (sums[..., :c] - sums[..., c:]).sum(axis=1)
    total /= np.sqrt((total * total).sum(axis=1, keepdims=True)) + _TINY
    slope = (total[:, None, :] @ (slopes[:, :c] - slopes[:, c:]))[:, 0, : neurons.rank]
    return values, slope


def _largest(neurons: Neurons, rays: Floats, along: Floats, middle: Floats, heights: Floats, slope: Floats) -> Floats:
    """Largest sum_k a_k q_k of unit neurons, q_k = along_k heights_k: for l2 at most |y| if y.u_k >= q_k for all k.

    Tried are y = t m + z for the middle m of the cone and multiples z of the part of `slope` orthogonal to m. If
    no sample changes sides, y = slope, and |y| is the maximum where it is inside the cone.
    """
    if neurons.norm == "l1":
        return np.asarray(heights.max(axis=1))
    z = slope - (slope * middle).sum(axis=1, keepdims=True) * middle
    tilts = (rays[..., : neurons.rank] @ z[:, :, None])[..., 0] / along
    squares = (z * z).sum(axis=1)
    best = np.full(len(rays), np.inf)
    for share in _SHARES:
        t = np.maximum((heights - share * tilts).max(axis=1), 0.0)
        np.minimum(best, np.sqrt(t * t + share * share * squares), out=best)
    return best


def _play(heights: Floats) -> tuple[Floats, Floats]:
    """Mixtures of tangents (N, T) that lower the largest height (N, T, K) over the rays, and of rays against them."""
    N, T, K = heights.shape
    every = np.arange(N)
    tangents, rays = np.full((N, T), 1.0 / T), np.full((N, K), 1.0 / K)
    if T == 1:
        # Half way from the middle to the highest ray: at the ray itself the tangent says little of the rest.
        rays[every, heights[:, 0].argmax(axis=1)] += 1.0
        return tangents, rays / 2.0
    over_rays, over_tangents = heights.mean(axis=1), heights.mean(axis=2)
    for _ in range(_ROUNDS):
        k, t = over_rays.argmax(axis=1), over_tangents.argmin(axis=1)
        rays[every, k] += 1.0
        tangents[every, t] += 1.0
        over_rays += heights[every, t]
        over_tangents += heights[every, :, k]
    return tangents / (_ROUNDS + 1), rays / (_ROUNDS + 1)
