"""Cells as cones: how wide they are, measured on their unit extreme rays."""

from __future__ import annotations

import math

import numpy as np

from convexnn._types import Floats

__all__ = ["hull_distance", "jung_gamma", "least_gamma", "widest_chord"]


def hull_distance(rays: Floats) -> float:
    """Distance from the origin to the convex hull of points (k, r).

    Non-negative least squares on [rays'; 1'] a ~ [0; 1]: its minimiser, scaled to sum one, is the
    nearest point, because for weights t * lambda the objective t^2 |p|^2 + (1 - t)^2 grows with |p|.
    """
    from scipy.optimize import nnls

    k, r = rays.shape
    a, _ = nnls(np.vstack([rays.T, np.ones((1, k))]), np.append(np.zeros(r), 1.0))
    return float(np.linalg.norm(rays.T @ a) / a.sum())


def jung_gamma(diameter: float, dimension: int) -> float:
    """Lower bound sqrt(1 - D^2 (r-1) / (2r)) of the hull distance of unit vectors with chords at most D.

    Jung's theorem: points with distances <= D in a flat of dimension r - 1 lie in a ball of squared
    radius D^2 (r-1) / (2r), and the nearest point of the hull lies in such a flat. Sharp. The constant
    sqrt(1 - D^2/4) of arXiv 2309.16512 (Lemma 16) is the case r = 2 and too large beyond.
    """
    if dimension <= 1:
        return 1.0
    return math.sqrt(max(0.0, 1.0 - diameter**2 * (dimension - 1) / (2 * dimension)))


def least_gamma(cells: list[Floats], below: float = 1.0) -> float:
    """The smallest hull distance among cells, or `below` if none is smaller.

    Parameters
    ----------
    cells : list of (k, v, r) arrays
        Stacks of cells with v unit rays each.
    below : float
        Best value known so far; cells that cannot beat it by Jung's theorem are not looked at.
    """
    for stack in cells:
        cosine = np.einsum("kir,kjr->kij", stack, stack).min(axis=(1, 2))
        r = stack.shape[2]
        # Squared chord 2 - 2 cos in Jung's bound.
        promise = 1.0 - (1.0 - cosine) * (r - 1) / r
        for c in np.argsort(promise, kind="stable"):
            if promise[c] >= below**2:
                break
            below = min(below, hull_distance(stack[c]))
    return below


def widest_chord(cells: list[Floats]) -> float:
    """The largest distance between two unit vectors of one cell (chamber diameter of that cell).

    At an angle of at most 90 degrees it is attained between two extreme rays; beyond, one end may lie
    inside an edge, where the direction opposite to the other end is projected.
    """
    least = 1.0
    for stack in cells:
        cosine = np.einsum("kir,kjr->kij", stack, stack).min(axis=(1, 2))
        least = min(least, float(cosine.min()))
        for c in np.flatnonzero(cosine < 0):
            least = min(least, _least_cosine_on_arcs(stack[c]))
    return math.sqrt(max(0.0, 2.0 - 2.0 * least))


def _least_cosine_on_arcs(rays: Floats) -> float:
    """Least cosine between a ray and the arcs between two others (arcs inside the cell do no harm)."""
    least = 1.0
    i, j = np.triu_indices(len(rays), 1)
    for ray in rays:
        p, q = rays[i] @ ray, rays[j] @ ray
        mixed = np.einsum("kr,kr->k", rays[i], rays[j])
        # -ray projected on span(r_i, r_j) is a r_i + b r_j; it lies on the arc if both are positive.
        gram = 1.0 - mixed**2
        with np.errstate(divide="ignore", invalid="ignore"):
            a, b = (mixed * q - p) / gram, (mixed * p - q) / gram
            value = -np.sqrt(np.maximum(0.0, -(a * p + b * q)))
        inside = (gram > 1e-14) & (a > 0) & (b > 0)
        least = min(least, float(value[inside].min(initial=1.0)))
    return least
