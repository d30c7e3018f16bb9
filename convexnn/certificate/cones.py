"""Cones of neurons: where branch and bound begins, and how a cone is cut in two.

A neuron is w = u (offsets are zero) or w = (u, b), a sample row x or (x, 1), so its activation is (x.w)_+. With
F(w) = sum_{v_i > 0} v_i (x_i.w)_+ and G(w) = sum_{v_i < 0} |v_i| (x_i.w)_+ the response is F - G, both convex and
positively homogeneous. A cone is kept as its rays with F and G there, so a cut costs one evaluation.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, product
from typing import NamedTuple

import numpy as np

from convexnn._types import Bools, Floats, Ints, Norm
from convexnn.geometry.frame import Frame

__all__ = ["Cones", "Neurons", "joined", "make_neurons"]

_EPS = float(np.finfo(float).eps)
# Share of the identity in the metric that decides which edge is cut: directions without data are cut late, not never.
_ROUND = 1e-3


class Cones(NamedTuple):
    """N cones of K rays in D dimensions, with F and G at their rays and the bound of each."""

    rays: Floats  # (N, K, D)
    sums: Floats  # (N, K, 2c)
    bounds: Floats  # (N,)

    def select(self, which: Ints | Bools) -> Cones:
        """The cones at the given indices or mask."""
        return Cones(self.rays[which], self.sums[which], self.bounds[which])


def joined(parts: list[Cones]) -> Cones:
    """All cones of several groups."""
    rays, sums, bounds = (np.concatenate(arrays) for arrays in zip(*parts))
    return Cones(rays, sums, bounds)


@dataclass(frozen=True)
class Neurons:
    """All neurons of a frame, and what bounds their response to one dual vector.

    Attributes
    ----------
    rows : (n, D) array
        Distinct samples with a weight; the constant one is appended if offsets are free.
    weights : (n, 2c) array
        Positive parts of the dual vector, then negative parts.
    tilted : (n, 2cD) array
        weights times rows: a matrix product with activities gives all subgradients.
    metric : (D, D) array
        M with |w M|^2 = sum_i |v_i| (x_i.w)^2, roughly: the length in which edges are compared.
    rank : int
        Entries of w that count in its norm.
    norm : "l1" or "l2"
    margin : float
        More than rounding can add to or take from a response of a unit neuron.
    """

    rows: Floats
    weights: Floats
    tilted: Floats
    metric: Floats
    rank: int
    norm: Norm
    margin: float

    def scaled(self, rays: Floats) -> Floats:
        """Rays of length one in the metric, so that their sum halves the angle between two of them."""
        mapped = rays @ self.metric
        return np.asarray(rays / np.sqrt((mapped * mapped).sum(axis=-1))[..., None])

    def sums(self, rays: Floats) -> Floats:
        """F and G of every output (..., 2c)."""
        return np.asarray(np.maximum(rays @ self.rows.T, 0.0) @ self.weights)

    def responses(self, rays: Floats, sums: Floats) -> Floats:
        """Responses of the unit neurons along rays."""
        c = sums.shape[-1] // 2
        return np.asarray(self.over_outputs(sums[..., :c] - sums[..., c:]) / self.lengths(rays))

    def cut(self, rays: Floats, sums: Floats) -> tuple[Floats, Floats]:
        """Both halves (2N, K, D) of every cone, across its longest edge, and the sums at their rays."""
        N, K, _ = rays.shape
        mapped = rays @ self.metric
        cosines = mapped @ np.swapaxes(mapped, 1, 2)
        first, second = np.array(list(combinations(range(K), 2))).T
        edge = cosines[:, first, second].argmin(axis=1)
        every, ends = np.arange(N), (first[edge], second[edge])
        middle = self.scaled(rays[every, ends[0]] + rays[every, ends[1]])
        at_middle = self.sums(middle)
        halves, values = np.concatenate([rays, rays]), np.concatenate([sums, sums])
        for half, end in enumerate(ends):
            halves[half * N + every, end] = middle
            values[half * N + every, end] = at_middle
        return halves, values

    def over_outputs(self, values: Floats) -> Floats:
        """Largest entry (l1) or Euclidean length (l2) over the outputs."""
        if values.shape[-1] == 1 or self.norm == "l1":
            return np.asarray(np.abs(values).max(axis=-1))
        return np.asarray(np.sqrt((values * values).sum(axis=-1)))

    def lengths(self, rays: Floats) -> Floats:
        """Lengths of the normals of rays."""
        u = rays[..., : self.rank]
        return np.asarray(np.abs(u).sum(axis=-1) if self.norm == "l1" else np.sqrt((u * u).sum(axis=-1)))


def make_neurons(frame: Frame, v: Floats) -> tuple[Neurons, Floats]:
    """The neurons of a frame with a dual vector v (n, c), and the rays (N, K, D) of cones that cover them."""
    points, places = np.unique(frame.points, axis=0, return_inverse=True)
    weights = np.zeros((len(points), v.shape[1]))
    np.add.at(weights, places.ravel(), v)
    used = (weights != 0).any(axis=1)
    used[0] |= not used.any()
    points, weights = points[used], weights[used]
    rows = np.hstack([points, np.ones((len(points), 1))]) if frame.affine else points
    size = np.abs(weights).sum(axis=1)
    second = (rows * size[:, None]).T @ rows
    D = rows.shape[1]
    second += _ROUND * (np.trace(second) / D or 1.0) * np.eye(D)
    both = np.hstack([np.maximum(weights, 0.0), np.maximum(-weights, 0.0)])
    neurons = Neurons(
        rows=rows,
        weights=both,
        tilted=np.ascontiguousarray((both[:, :, None] * rows[:, None, :]).reshape(len(rows), -1)),
        metric=np.linalg.cholesky(second),
        rank=frame.rank,
        norm=frame.norm,
        margin=_margin(frame, v, rows),
    )
    return neurons, neurons.scaled(_covering(points, frame.affine))


def _margin(frame: Frame, v: Floats, rows: Floats) -> float:
    """Rounding of sums over the samples."""
    largest = float(np.sqrt((rows * rows).sum(axis=1)).max(initial=0.0))
    terms = float(np.abs(v).sum())
    # A unit neuron w = (u, b) whose hyperplane meets the samples is no longer than the longest row.
    reach = largest * (largest if frame.affine else 1.0)
    return float(8 * rows.shape[1] * (frame.n + 16) * _EPS * terms * reach)


def _covering(points: Floats, affine: bool) -> Floats:
    """Cones over the orthants of u; with offsets, of the neurons whose hyperplane meets the samples.

    Outside these the response is zero, or that of the neuron that has all samples on its active side, because
    the weights sum to zero. In the orthant of the axes g_k the offsets of u = sum_k a_k g_k lie between
    sum_k a_k low_k and sum_k a_k high_k: a prism, cut into simplices along the staircase from low to high.
    """
    r = points.shape[1]
    cones = []
    for signs in product((1.0, -1.0), repeat=r):
        axes = np.diag(signs)
        if not affine:
            cones.append(axes)
            continue
        along = points @ axes
        high = np.hstack([axes, -along.min(axis=0)[:, None]])
        low = np.hstack([axes, -along.max(axis=0)[:, None]])
        cones += [np.vstack([low[: j + 1], high[j:]]) for j in range(r)]
    return np.array(cones)
