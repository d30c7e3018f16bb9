"""Cells of a three-dimensional arrangement of planes through the origin, each with its extreme rays.

Every activation pattern of neurons without bias on samples of rank 3 is such a cell: a cone over a
convex spherical polygon whose corners are cross products of two samples.
"""

from __future__ import annotations

import numpy as np

from convexnn._types import Floats, Ints
from convexnn.geometry.algebra import cross_product
from convexnn.geometry.distinct import distinct_rows, unit_rows

__all__ = ["cell_corners"]

# Corners closer than this are one corner, rows this close to a corner pass through it.
_SAME_CORNER = 1e-8
# Seed of the numbers that turn sign patterns into keys; any will do.
_SEED = 20230916
# Rays handled at once, against memory.
_BLOCK = 4096


def cell_corners(rows: Floats) -> list[Floats]:
    """Extreme rays of every cell of the planes {u : u.x_i = 0}, up to the symmetry u -> -u.

    Parameters
    ----------
    rows : (m, 3) array
        Unit normals x_i of the planes, pairwise not parallel, spanning three dimensions.

    Returns
    -------
    list of (k, v, 3) arrays
        The cells with v corners together: k of them, unit rays. Of each pair of opposite cells one.
    """
    rays = _corners(rows)
    # A cell is known by the sum of +-weight over its planes; sums wrap modulo 2^64.
    weights = np.random.default_rng(_SEED).integers(1, 2**62, size=len(rows))
    parts = [_keys_around(rays[start : start + _BLOCK], rows, weights) for start in range(0, len(rays), _BLOCK)]
    keys = np.concatenate([key for key, _ in parts])
    ends = np.concatenate([ray for _, ray in parts])
    # Opposite cells have opposite keys: of both keep the positive one.
    return _group(np.abs(keys), np.where(keys < 0, -1.0, 1.0)[:, None] * ends)


def _corners(rows: Floats) -> Floats:
    """Unit rays in which two or more planes meet, one of each opposite pair."""
    i, j = np.triu_indices(len(rows), 1)
    rays, nonzero = unit_rows(cross_product(np.stack([rows[i], rows[j]], axis=1)))
    rays = rays[nonzero]
    return rays[distinct_rows(rays, signed=False, tolerance=_SAME_CORNER)]


def _keys_around(rays: Floats, rows: Floats, weights: Ints) -> tuple[Ints, Floats]:
    """Keys of all cells around each ray, with the ray: 2k cells where k planes meet."""
    side = rays @ rows.T
    met = np.abs(side) <= _SAME_CORNER
    base = np.where(met, 0, np.where(side > 0, 1, -1)) @ weights
    simple = np.flatnonzero(met.sum(axis=1) == 2)
    first, second = weights[np.nonzero(met[simple])[1]].reshape(-1, 2).T
    keys = [base[simple] + a * first + b * second for a in (1, -1) for b in (1, -1)]
    which = [simple] * 4
    for v in np.flatnonzero(met.sum(axis=1) > 2):
        around = _sectors(rays[v], rows[met[v]]) @ weights[met[v]]
        keys.append(base[v] + around)
        which.append(np.full(len(around), v))
    return np.concatenate(keys), rays[np.concatenate(which)]


def _sectors(ray: Floats, met: Floats) -> Ints:
    """Signs of the planes that meet in a ray on each of the 2m sectors around it."""
    _, _, basis = np.linalg.svd(ray[None])
    flat = met @ basis[1:].T
    # Plane i is seen from the ray as the line orthogonal to flat_i.
    lines = np.sort(np.mod(np.arctan2(flat[:, 1], flat[:, 0]) + np.pi / 2, np.pi))
    middle = (lines + np.append(lines[1:], lines[0] + np.pi)) / 2
    middle = np.concatenate([middle, middle + np.pi])
    directions = np.column_stack([np.cos(middle), np.sin(middle)])
    return np.where(directions @ flat.T > 0, 1, -1)


def _group(keys: Ints, rays: Floats) -> list[Floats]:
    """Rays with equal key belong to one cell; cells with equally many rays are stacked."""
    order = np.argsort(keys, kind="stable")
    keys, rays = keys[order], rays[order]
    starts = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
    sizes = np.diff(np.append(starts, len(keys)))
    return [rays[starts[sizes == v][:, None] + np.arange(v)] for v in np.unique(sizes)]
