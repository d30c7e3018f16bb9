"""Working coordinates of a data set: every theorem becomes "hyperplanes through r-1 rows".

A frame carries the samples in the coordinates in which hyperplanes are enumerated, and the way back.
It is chosen once per data set (MATHS: rank reduction is for the l2 norm only, because a rotation
changes the l1 norm).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from convexnn._types import Bias, Bools, Floats, Ints, Norm
from convexnn.exceptions import DictionarySizeError
from convexnn.geometry.interactions import Interactions
from convexnn.geometry.rank import reduce_rank
from convexnn.geometry.tolerance import INPUT, NOISE, SAME
from convexnn.network.activation import RELU, Activation

__all__ = ["Frame", "Part", "centre", "make_frame"]

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
    groups : Interactions, optional
        Which input features a neuron may see together; None: all. With groups the coordinates are those of the input,
        shifted and scaled, because the length of a neuron that sees some features is not its length after a rotation.
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
    groups: Interactions | None = None

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """The coordinates in which the neurons of each group live; without groups one part, the frame itself."""
        if self.groups is None:
            return (Part(self, None, 1.0),)
        own = (self.rank - 1,) if self.penalized else ()
        return tuple(_part(self, [*group, *own]) for group in self.groups.groups)

    def part_of(self, normals: Floats) -> Ints:
        """In which part each neuron lives (m,), by its normal (m, r)."""
        if self.groups is None:
            return np.zeros(len(normals), dtype=np.int64)
        return self.groups.group_of(normals[:, : self.groups.n_features])

    def visible(self, normals: Floats) -> Bools | None:
        """Which coordinates neurons may see (m, r), by the parts in which they live; None: all."""
        if self.groups is None:
            return None
        seen = np.zeros(normals.shape, dtype=bool)
        for row, group in zip(seen, self.part_of(normals).tolist()):
            row[list(self.groups.groups[group])] = True
        seen[:, self.groups.n_features :] = True
        return seen

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
        """Number of rows that fix a hyperplane: r if affine, r - 1 if not; with groups the most among them."""
        rank = self.rank
        if self.groups is not None:
            rank = max(map(len, self.groups.groups)) + int(self.penalized)
        return rank if self.affine else rank - 1

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


@dataclass(frozen=True)
class Part:
    """Working coordinates of the neurons that see one group of features, as a frame of their own.

    Attributes
    ----------
    frame : Frame
        Points divided by `unit`, a power of two, and reduced to their rank (l2).
    lift : (r, k) array or None
        The normal u of the part belongs to the normal ``lift @ u`` of the whole; None: they are the same.
    unit : float
        Lengths, offsets and responses of the part times this are those of the whole.
    """

    frame: Frame
    lift: Floats | None
    unit: float

    def embed(self, normals: Floats) -> Floats:
        """Normals (m, k) of the part in the whole, (m, r)."""
        return normals if self.lift is None else np.asarray(normals @ self.lift.T)

    def restrict(self, normals: Floats) -> Floats:
        """Normals (m, r) of the whole in the part, (m, k)."""
        return normals if self.lift is None else np.asarray(normals @ self.lift)

    def embed_rows(self, rows: Ints, width: int) -> Ints:
        """Rows of the part (m, .) as rows of the whole (m, width): samples are the same, axes those of its columns."""
        if self.lift is None:
            return rows
        n = self.frame.n
        if len(self.frame.axes):
            rows = np.where(rows >= n, n + self.lift.argmax(axis=0)[np.maximum(rows - n, 0)], rows)
        out = np.full((len(rows), max(width, 1)), -1, dtype=np.int64)
        out[:, : rows.shape[1]] = rows[:, : out.shape[1]]
        return out

    def restrict_rows(self, rows: Ints) -> Ints:
        """Rows of the whole (m, .) as rows of the part, as many as fix a hyperplane; axes that it has not are none."""
        if self.lift is None:
            return rows
        n = self.frame.n
        if len(self.frame.axes):
            place = np.full(n + len(self.lift) + 1, -1, dtype=np.int64)
            place[:n] = np.arange(n)
            place[n + self.lift.argmax(axis=0)] = n + np.arange(self.lift.shape[1])
            rows = place[rows]
        return rows[:, : max(self.frame.subset_size, 1)]


def _part(whole: Frame, columns: list[int]) -> Part:
    """The part of a frame with groups whose neurons see some of its columns."""
    points = np.ascontiguousarray(whole.points[:, columns])
    unit = _power_of_two(points)
    points = points / unit
    lift = np.eye(len(columns))
    if whole.norm == "l2":
        # What centring has taken from the samples was rounded with them.
        given = np.abs(points).max(axis=0) + np.abs(whole.shift[columns]) / (whole.scale * unit)
        points, lift = reduce_rank(points, INPUT * given if whole.affine else np.zeros(len(columns)))
    sizes = np.abs(points).max(axis=0, initial=0.0)
    frame = replace(
        whole,
        points=np.ascontiguousarray(points),
        axes=np.eye(points.shape[1]) if whole.norm == "l1" else np.zeros((0, points.shape[1])),
        lift=lift,
        shift=np.zeros(len(columns)),
        scale=1.0,
        smallest=min(1.0, float(sizes[sizes > 0].min(initial=1.0))),
        groups=None,
    )
    embedding = np.zeros((whole.rank, points.shape[1]))
    embedding[columns] = lift
    return Part(frame, embedding, unit)


def make_frame(X: Floats, *, norm: Norm, bias: Bias, groups: Interactions | None = None) -> Frame:
    """Choose working coordinates for samples X (n, d), whose neurons see all features or one group of them.

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
    if norm == "l2" and groups is None:
        points, lift = reduce_rank(points, blur)
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
        groups=groups,
    )


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
            f"norm='l1' and groups of features keep {d:,} axes, tables of {16 * d * d:,} bytes; the budget is "
            f"{_AXES_BYTES:,}. Use norm='l2' without groups, or fewer features.",
            count=16 * d * d,
            budget=_AXES_BYTES,
        )
