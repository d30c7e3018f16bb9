"""Geometric algebra of rows: cross products, blades, signed volumes, distances, in any dimension.

The generalised cross product of d - 1 vectors is the Hodge dual of their blade v_1 ^ ... ^ v_{d-1}.
Everything acts on stacks: leading axes are batches. Rows are scaled to length one before determinants
are formed, so that tiny and huge data lose no digits; results themselves may still leave the float range.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np

from convexnn._checks import check_norm
from convexnn._types import ArrayLike, Floats, Norm
from convexnn.exceptions import DataError
from convexnn.geometry.distinct import unit_rows

__all__ = [
    "blade_norm",
    "cross_product",
    "distance_to_affine_hull",
    "distance_to_span",
    "signed_volume",
]


def cross_product(vectors: ArrayLike) -> Floats:
    """Vector orthogonal to d - 1 vectors whose length is the volume they span.

    Its entries are (-1)^k det(rows without column k), so that ``y @ cross_product(V)`` is the signed
    volume det[y; V]: zero if and only if y depends on the rows (arXiv 2309.16512, section 2).

    Parameters
    ----------
    vectors : (..., d-1, d) array
        For d = 1 there are no vectors and the result is 1; for d = 2 it is the clockwise right angle.

    Returns
    -------
    (..., d) array
    """
    rows = _stack(vectors)
    k, d = rows.shape[-2:]
    if k != d - 1:
        raise DataError(f"vectors has {k} rows of {d} entries; the cross product in {d} dimensions needs {d - 1}.")
    if d <= 3:
        return _cross_small(rows)
    unit, length = _scaled(rows)
    columns = [np.linalg.det(np.delete(unit, j, axis=-1)) * (-1) ** j for j in range(d)]
    return np.asarray(np.stack(columns, axis=-1) * np.prod(length, axis=-1)[..., None])


def _cross_small(rows: Floats) -> Floats:
    """Dimensions 1 to 3 without determinant routines: exact on small integers."""
    d = rows.shape[-1]
    if d == 1:
        return np.ones((*rows.shape[:-2], 1))
    if d == 2:
        return np.stack([rows[..., 0, 1], -rows[..., 0, 0]], axis=-1)
    return np.asarray(np.cross(rows[..., 0, :], rows[..., 1, :]))


def blade_norm(vectors: ArrayLike, norm: Norm = "l2") -> Floats:
    """Length of the blade v_1 ^ ... ^ v_k: its components are the k x k minors of the rows.

    Parameters
    ----------
    vectors : (..., k, d) array, k <= d
    norm : "l1" or "l2"
        "l2" is the k-dimensional volume sqrt(det(V V')), computed without forming V V'; "l1" the sum of
        the absolute values of all C(d, k) minors.

    Returns
    -------
    (...) array
    """
    rows = _stack(vectors)
    k, d = rows.shape[-2:]
    if k > d:
        raise DataError(f"vectors has {k} rows of {d} entries; a blade has at most as many vectors as dimensions.")
    unit, length = _scaled(rows)
    if check_norm(norm) == "l2":
        triangle = np.linalg.qr(np.swapaxes(unit, -1, -2), mode="r")
        size = np.abs(np.diagonal(triangle, axis1=-2, axis2=-1)).prod(axis=-1)
    else:
        minors = [np.abs(np.linalg.det(unit[..., list(columns)])) for columns in combinations(range(d), k)]
        size = np.sum(minors, axis=0)
    return np.asarray(size * np.prod(length, axis=-1))


def signed_volume(vectors: ArrayLike) -> Floats:
    """Signed volume of the parallelotope of d vectors (..., d, d): their determinant."""
    rows = _stack(vectors)
    if rows.shape[-1] != rows.shape[-2]:
        raise DataError(f"vectors has shape {rows.shape}; a volume in d dimensions needs d rows of d entries.")
    unit, length = _scaled(rows)
    return np.asarray(np.linalg.det(unit) * np.prod(length, axis=-1))


def distance_to_span(points: ArrayLike, vectors: ArrayLike) -> Floats:
    """Euclidean distance of points (n, d) to the span of vectors (k, d); dependent vectors are allowed."""
    y, rows = np.atleast_2d(np.asarray(points, dtype=np.float64)), _stack(vectors)
    size = float(np.abs(y).max(initial=0.0)) or 1.0
    y = y / size
    unit, nonzero = unit_rows(rows)
    _, s, basis = np.linalg.svd(unit[nonzero], full_matrices=False)
    basis = basis[s > 1e-12 * s.max(initial=0.0)]
    for _ in range(2):
        # The second pass removes the rounding error of the first, relative to the distance itself.
        y = y - (y @ basis.T) @ basis
    return np.asarray(np.linalg.norm(y, axis=1) * size)


def distance_to_affine_hull(points: ArrayLike, hull: ArrayLike) -> Floats:
    """Euclidean distance of points (n, d) to the affine hull of the points `hull` (k, d), k >= 1."""
    y, rows = np.atleast_2d(np.asarray(points, dtype=np.float64)), _stack(hull)
    if not len(rows):
        raise DataError("hull has no points; at least one is needed to span an affine hull.")
    return distance_to_span(y - rows[0], rows[1:] - rows[0])


def _stack(vectors: ArrayLike) -> Floats:
    rows = np.asarray(vectors, dtype=np.float64)
    if rows.ndim < 2:
        raise DataError(f"vectors has shape {rows.shape}; expected rows of vectors, (..., k, d).")
    return rows


def _scaled(rows: Floats) -> tuple[Floats, Floats]:
    """Rows with largest entry one, and what they were divided by."""
    length = np.abs(rows).max(axis=-1, initial=0.0)
    return rows / np.where(length > 0, length, 1.0)[..., None], length
