"""The rank of samples: directions that carry nothing but rounding are dropped (l2 norm only)."""

from __future__ import annotations

import numpy as np
from scipy.linalg import lapack

from convexnn._types import Bools, Floats

__all__ = ["reduce_rank"]

# Directions whose largest component is below this share of the size of every column carry only rounding.
_ROUNDING = 64.0 * float(np.finfo(np.float64).eps)
# Most that the rounding of the samples as they were given may count for, as a share of the size of a column.
_BLURRED = 4e-9


def _least_singular(triangle: Floats) -> float:
    """A lower bound on the least singular value: 1 / ||R^-1||_F, at a fraction of the cost of all of them."""
    inverse, failed = lapack.dtrtri(triangle)
    if failed:
        return 0.0
    with np.errstate(over="ignore", invalid="ignore"):
        size = float(np.linalg.norm(inverse))
    return 1.0 / size if 0.0 < size < np.inf else 0.0


def _embedding(used: Bools) -> Floats:
    """The unit vectors of the columns that are used, (d, their number)."""
    lift = np.zeros((len(used), int(used.sum())))
    lift[np.flatnonzero(used), np.arange(lift.shape[1])] = 1.0
    return lift


def reduce_rank(points: Floats, blur: Floats) -> tuple[Floats, Floats]:
    """Drop columns that are zero, and rotate onto the row space where its dimension is below their number.

    Full-rank data are left untouched: rotated, columns of very different sizes would lose their digits. The rank is
    that of columns of equal size; `blur` (d,) is the rounding error that the samples had already.
    """
    n = len(points)
    largest = np.abs(points).max(axis=0)
    used = largest > 0
    points, largest, blur = points[:, used], largest[used], blur[used]
    d = points.shape[1]
    sizes = np.ldexp(1.0, np.frexp(largest)[1])
    even, doubt = points / sizes, np.minimum(blur / sizes, _BLURRED)
    triangle = np.asarray(np.linalg.qr(even, mode="r")) if n > d else even
    # Along any direction the largest of n entries is at least their root mean square.
    if d <= 1 or (n > d and _least_singular(triangle) > (_ROUNDING + float(doubt.sum())) * n**0.5):
        return points, _embedding(used)
    directions = np.linalg.svd(triangle, full_matrices=False)[2]
    rank = int((np.abs(even @ directions.T).max(axis=0) > _ROUNDING + np.abs(directions) @ doubt).sum())
    # Rows that are zero, such as the one that was subtracted from all, add no dimension.
    rank = min(rank, int(points.any(axis=1).sum()))
    if rank == d:
        return points, _embedding(used)
    directions = np.linalg.svd(np.linalg.qr(points, mode="r") if n > d else points, full_matrices=False)[2][:rank]
    rotated = points @ directions.T
    # A row that lies in the dropped directions has no direction left but rounding noise.
    lost = np.abs(rotated).max(axis=1, initial=0.0) <= _ROUNDING * np.abs(points).max(axis=1)
    rotated[lost] = 0.0
    lift = np.zeros((len(used), rank))
    lift[used] = directions.T
    return rotated, lift
