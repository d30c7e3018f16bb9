"""Working coordinates of a data set: every theorem becomes "hyperplanes through r-1 rows".

A frame carries the samples in the coordinates in which hyperplanes are enumerated, and the way back.
It is chosen once per data set (MATHS: rank reduction is for the l2 norm only, because a rotation
changes the l1 norm).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.linalg import lapack

from convexnn._types import Bias, Bools, Floats, Norm
from convexnn.exceptions import DictionarySizeError
from convexnn.geometry.tolerance import INPUT, NOISE, SAME
from convexnn.network.activation import RELU, Activation

__all__ = ["Frame", "centre", "make_frame"]

# Directions whose largest component is below this share of the size of every column carry only rounding.
_ROUNDING = 64.0 * float(np.finfo(np.float64).eps)
# Most that the rounding of the samples as they were given may count for, as a share of the size of a column.
_BLURRED = 4e-9

# Bytes that the axes of the l1 norm and the way back may take.
_AXES_BYTES = 2**32

@dataclass(frozen=True)
class Frame:
    """Samples in working coordinates.

    Attributes
    ----------
    points : (n, r) array
        Samples, centred (if `affine`), reduced to their rank (l2 only), divided by `scale`: the largest
        entry before the reduction lies in [1, 2), unless all are zero.
    axes : (k, r) array
        Silent directions: the unit vectors for l1, none for l2.
    affine : bool
        True: hyperplanes pass through at least one sample and have a free offset (bias=True).
        False: hyperplanes pass through the origin.
    norm : "l1" or "l2"
        Norm in which a normal has length one.
    lift : (d, r) array
        A working normal u belongs to the normal ``lift @ u`` of the (augmented) input space; its columns
        are orthonormal, so the length of u does not change.
    shift : (d,) array
        What was subtracted from the samples.
    scale : float
        A power of two; working lengths times `scale` are input lengths.
    penalized : bool
        True if the last input coordinate is the constant 1 of a penalised bias.
    smallest : float
        Size of the smallest column of points that is not zero: columns may differ by many orders of magnitude.
    activation : Activation
        What neurons do with x.u + c.
    """

    points: Floats
    axes: Floats
    affine: bool
    norm: Norm
    lift: Floats
    shift: Floats
    scale: float
    penalized: bool
    smallest: float = 1.0
    activation: Activation = RELU

    @property
    def same(self) -> float:
        """Distance up to which rows coincide or lie on a hyperplane."""
        return SAME * self.smallest

    @property
    def noise(self) -> float:
        """Rounding error of differences of points."""
        return NOISE * self.smallest

    @property
    def n(self) -> int:
        """Number of samples."""
        return int(self.points.shape[0])

    @property
    def rank(self) -> int:
        """Dimension r of the working space."""
        return int(self.points.shape[1])

    @property
    def subset_size(self) -> int:
        """Number of rows that fix a hyperplane: r if affine, r - 1 if not."""
        return self.rank if self.affine else self.rank - 1

    def columns(self, normals: Floats, offsets: Floats) -> Floats:
        """Responses (x_i.u_j + c_j)_+ in working units, shape (n, m)."""
        out = self.points @ normals.T
        out += offsets
        return self.activation.value(out, out=out)

    def to_input(self, normals: Floats, offsets: Floats) -> tuple[Floats, Floats]:
        """Hidden weights (m, d) and biases (m,) in the user's coordinates of unit-norm working neurons."""
        weights = normals @ self.lift.T
        biases = offsets * self.scale - weights @ self.shift
        if self.penalized:
            return np.ascontiguousarray(weights[:, :-1]), biases + weights[:, -1]
        return weights, biases


def make_frame(X: Floats, *, norm: Norm, bias: Bias) -> Frame:
    """Choose working coordinates for samples X (n, d).

    Directions that carry nothing but rounding are dropped (l2 only). Columns are not divided by their sizes, as that
    would change the lengths of normals; they keep all digits however small they are beside each other.
    """
    penalized = bias == "penalized"
    affine = bias is True
    points = np.hstack([X, np.ones((X.shape[0], 1))]) if penalized else X
    scale = _power_of_two(points)
    points = points / scale
    shift, blur = np.zeros(points.shape[1]), np.zeros(points.shape[1])
    if affine:
        blur = INPUT * np.abs(points).max(axis=0)
        points, shift = centre(points)
        inner = _power_of_two(points)
        points, shift, scale, blur = points / inner, shift * scale, scale * inner, blur / inner
    if norm == "l2":
        points, lift = _reduce(points, blur)
    else:
        _check_axes(points.shape[1])
        lift = np.eye(points.shape[1])
    sizes = np.abs(points).max(axis=0)
    return Frame(
        points=np.ascontiguousarray(points),
        axes=np.eye(points.shape[1]) if norm == "l1" else np.zeros((0, points.shape[1])),
        affine=affine,
        norm=norm,
        lift=lift,
        shift=shift,
        scale=scale,
        penalized=penalized,
        smallest=min(1.0, float(sizes[sizes > 0].min(initial=1.0))),
    )


def _least_singular(triangle: Floats) -> float:
    """A lower bound on the least singular value: 1 / ||R^-1||_F, at a fraction of the cost of all of them."""
    inverse, failed = lapack.dtrtri(triangle)
    if failed:
        return 0.0
    with np.errstate(over="ignore", invalid="ignore"):
        size = float(np.linalg.norm(inverse))
    return 1.0 / size if 0.0 < size < np.inf else 0.0


def _power_of_two(points: Floats) -> float:
    """The power of two 2^k with 2^k <= max |entry| < 2^(k+1): dividing by it is exact."""
    largest = float(np.abs(points).max())
    return math.ldexp(1.0, math.frexp(largest)[1] - 1) if largest > 0 else 1.0


def centre(points: Floats) -> tuple[Floats, Floats]:
    """Subtract the sample nearest to the mean: doubles that are near each other have an exact difference.

    The mean itself would do as well only if it were a double.
    """
    low, high = points.min(axis=0), points.max(axis=0)
    spread = np.where(high > low, high - low, 1.0)
    apart = np.abs((points - np.clip(points.mean(axis=0), low, high)) / spread).max(axis=1)
    shift = points[int(np.argmin(apart))]
    return points - shift, shift


def _check_axes(d: int) -> None:
    """Refuse more axes than fit: the l1 norm keeps every feature as a direction of its own."""
    if 16 * d * d > _AXES_BYTES:
        raise DictionarySizeError(
            f"norm='l1' keeps {d:,} axes, tables of {16 * d * d:,} bytes; the budget is {_AXES_BYTES:,}. "
            "Use norm='l2', or fewer features.",
            count=16 * d * d,
            budget=_AXES_BYTES,
        )


def _embedding(used: Bools) -> Floats:
    """The unit vectors of the columns that are used, (d, their number)."""
    lift = np.zeros((len(used), int(used.sum())))
    lift[np.flatnonzero(used), np.arange(lift.shape[1])] = 1.0
    return lift


def _reduce(points: Floats, blur: Floats) -> tuple[Floats, Floats]:
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
