"""Sectors of normals around every sample of the plane: bounds that say where no neuron can respond most.

The normals of all hyperplanes through a sample are cut into sectors by a few directions that all samples share. One
sort of the samples along such a direction w tells every pivot which of them are ahead of it, and running sums give U,
the sum of v z over these, z measured from the pivot. The response is P - N, with P, N >= 0 from the samples of positive
and of negative weight. Both are convex and positively homogeneous in w, so inside a sector P is at most its
interpolation from the ends, and N at least any mixture of its tangents there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from convexnn._types import Floats, Ints

__all__ = ["Bounds", "Sectors", "bound_sectors", "count_sectors", "keep_lines", "make_sectors"]

# Sectors of half a turn: this factor times n to this power. More of them cost more sums, fewer leave more lines.
_MANY, _POWER = 4.0, 0.4
# Where the first direction lies, and by which share of a sector the others may be off their place: none should be
# that of a line through samples of a regular grid.
_FIRST, _SHIFT = 0.7390851332151607, 0.2718281828459045
# Different samples nearer than this to each other along a direction, as a share of the data, cannot be told apart.
_TIE = 1e-13
# Entries that are worked on together: small enough to stay in the second-level cache.
_BLOCK = 2**14
# Pairs of a sector and a sample that are compared together.
_PAIRS = 2**17
_TINY = 1e-300

# Sums over samples of positive and, as imaginary part, of negative weight.
_Pairs: TypeAlias = npt.NDArray[np.complex128]


@dataclass(frozen=True)
class Sectors:
    """Directions that cut half a turn of normals, and the samples in their order.

    Attributes
    ----------
    points : (n, 2) array
    normals : (b + 1, 2) array
        Unit vectors; the last one is minus the first.
    orders : (b, n) array of int
        Samples by decreasing coordinate along the normals.
    ahead : (b + 1, n) array of int
        For every sample the number of those strictly ahead of it.
    lines : (n, n) array of int, optional
        Around every pivot the other samples by the angle of their line; last are those that coincide with it.
    starts : (b + 1, n) array of int, optional
        How many of these lines lie before each direction.
    """

    points: Floats
    normals: Floats
    orders: Ints
    ahead: Ints
    lines: Ints | None = None
    starts: Ints | None = None

    def crossed(self, b: Ints, p: Ints) -> tuple[Ints, Ints]:
        """How many lines lie in each of some sectors (s,), and their samples by sector and angle.

        Both do not depend on whether the lines are kept.
        """
        if self.lines is not None and self.starts is not None:
            start = self.starts[b, p]
            sizes = self.starts[b + 1, p] - start
            first = np.cumsum(sizes) - sizes
            at = np.arange(sizes.sum()) + np.repeat(p * len(self.points) + start - first, sizes)
            return sizes, self.lines.ravel().take(at).astype(np.int64)
        step = max(1, _PAIRS // len(self.points))
        found = [self._compared(b[k : k + step], p[k : k + step]) for k in range(0, len(b), step)]
        return np.concatenate([sizes for sizes, _ in found]), np.concatenate([samples for _, samples in found])

    def _compared(self, b: Ints, p: Ints) -> tuple[Ints, Ints]:
        """Those that are ahead of the pivot at one end of the sector only."""
        before = self.ahead[b] < self.ahead[b, p][:, None]
        after = self.ahead[b + 1] < self.ahead[b + 1, p][:, None]
        which, sample = np.nonzero(before != after)
        order = np.argsort(_angles(self, sample, p[which]), kind="stable")
        order = order[np.argsort(which[order], kind="stable")]
        return np.bincount(which, minlength=len(b)), sample[order]


@dataclass(frozen=True)
class Bounds:
    """What is known of the responses in all sectors.

    Attributes
    ----------
    above : (b, n) array
        No neuron through the sample with its normal in the sector responds more, apart from rounding.
    least : float
        What some neuron responds at a border of sectors.
    x, y : (b + 1, n) arrays
        U at the directions, per pivot.
    tx, ty : (n,) arrays
        Sum of v z over all samples, per pivot.
    """

    above: Floats
    least: float
    x: Floats
    y: Floats
    tx: Floats
    ty: Floats


def count_sectors(n: int) -> int:
    """Sectors of half a turn for n samples."""
    return int(_MANY * n**_POWER)


def make_sectors(points: Floats) -> Sectors | None:
    """Choose directions for points (n, 2); None if samples are too close to each other to be told apart."""
    n = len(points)
    count = count_sectors(n)
    steps = np.arange(count)
    angles = _FIRST + np.pi / count * (steps + _SHIFT * np.sin(steps))
    normals = np.column_stack([np.cos(angles), np.sin(angles)])
    along = normals[:, :1] * points[:, 0] + normals[:, 1:] * points[:, 1]
    orders = np.argsort(-along, axis=1)
    along = np.take_along_axis(along, orders, axis=1)
    apart = np.ones((count, n), dtype=bool)
    apart[:, 1:] = along[:, :-1] - along[:, 1:] > _TIE * np.abs(points).max(initial=0.0)
    direction, place = np.nonzero(~apart)
    differ = (points[orders[direction, place]] != points[orders[direction, place - 1]]).any(axis=1)
    sound = np.ones(count, dtype=bool)
    sound[direction[differ]] = False
    # The first direction is where angles begin.
    if not sound[0] or sound.sum() < 0.5 * count:
        return None
    normals, orders, apart = normals[sound], orders[sound], apart[sound]
    ahead = np.empty((len(orders) + 1, n), dtype=np.int64)
    np.put_along_axis(ahead[:-1], orders, np.maximum.accumulate(np.where(apart, np.arange(n), 0), axis=1), axis=1)
    # From behind the same samples are met in the opposite order.
    final = np.where(np.append(apart[0, 1:], True), np.arange(n), n)
    ahead[-1, orders[0]] = n - 1 - np.minimum.accumulate(final[::-1])[::-1]
    return Sectors(points, np.vstack([normals, -normals[:1]]), orders, ahead)


def keep_lines(sectors: Sectors) -> Sectors:
    """The same with all lines sorted, which takes 2 n^2 bytes, or 4 n^2 beyond 65536 samples."""
    points, normals = sectors.points, sectors.normals
    n = len(points)
    with np.errstate(divide="ignore"):
        turns = (normals[0, 0] * normals[1:-1, 1] - normals[0, 1] * normals[1:-1, 0]) / (normals[1:-1] @ normals[0])
        borders = np.concatenate([[-np.inf], -1.0 / turns])
    lines = np.empty((n, n), dtype=np.uint16 if n <= 2**16 else np.uint32)
    starts = np.empty((len(normals), n), dtype=np.int64)
    step = max(1, _BLOCK // n)
    for start in range(0, n, step):
        pivot = np.arange(start, min(n, start + step))
        angles = _angles(sectors, np.arange(n), pivot[:, None])
        for p, order, angle in zip(pivot, np.argsort(angles, axis=1), angles):
            found = angle[order]
            if (found[1:] == found[:-1]).any():  # which comes first must not depend on how it is sorted
                order = np.argsort(angle, kind="stable")
            lines[p] = order
            starts[:-1, p] = np.searchsorted(found, borders)
            starts[-1, p] = np.searchsorted(found, np.inf)
    return replace(sectors, lines=lines, starts=starts)


def _angles(sectors: Sectors, sample: Ints, pivot: Ints) -> Floats:
    """Minus the cotangent of the angle of the normals of lines from the first direction on; infinite for no line."""
    x, y = sectors.points.T
    zx, zy = x[sample] - x[pivot], y[sample] - y[pivot]
    wx, wy = sectors.normals[0]
    along = wx * zx + wy * zy
    return np.asarray(np.divide(wx * zy - wy * zx, along, out=np.full(along.shape, np.inf), where=along != 0.0))


def bound_sectors(sectors: Sectors, v: Floats) -> Bounds:
    """Bounds for weights v (n,), from running sums along the directions."""
    b, n = sectors.orders.shape
    parts = np.maximum(v, 0.0) + 1j * np.maximum(-v, 0.0)
    weights = np.stack([parts, parts * sectors.points[:, 0], parts * sectors.points[:, 1]])
    above, x, y = np.empty((b, n)), np.empty((b + 1, n)), np.empty((b + 1, n))
    total = weights.sum(axis=1)
    tx, ty = (total[k] - total[0] * sectors.points[:, k - 1] for k in (1, 2))
    tx, ty = tx.real - tx.imag, ty.real - ty.imag
    least, step = 0.0, max(1, _BLOCK // n)
    for start in range(0, b, step):
        stop = min(b, start + step)
        ux, uy = _sums(sectors, weights, start, stop)
        normals = sectors.normals[start : stop + 1]
        x[start : stop + 1], y[start : stop + 1] = ux.real - ux.imag, uy.real - uy.imag
        ends = _ends(normals, x[start : stop + 1], y[start : stop + 1], tx, ty)
        least = max(least, float(ends.max(initial=0.0)))
        above[start:stop] = _above(normals, ux, uy, ends)
    return Bounds(above, least, x, y, tx, ty)


def _sums(sectors: Sectors, weights: _Pairs, start: int, stop: int) -> tuple[_Pairs, _Pairs]:
    """U at directions start to stop: of samples of positive and, as imaginary part, of negative weights."""
    last = stop == len(sectors.orders)
    orders, ahead = sectors.orders[start : stop + 1], sectors.ahead[start : stop + 1]
    count, n = orders.shape
    at = ahead[:count] + (n + 1) * np.arange(count)[:, None]
    run, found = np.zeros((count, n + 1), dtype=np.complex128), []
    for part in weights:
        # Each addition waits for the one before it, so both sums are run in the time of one, as complex numbers.
        np.cumsum(part.take(orders), axis=1, out=run[:, 1:])
        state = run.ravel().take(at)
        if last:  # everything that is not ahead at first is so in the end
            state = np.vstack([state, _behind(sectors, part)])
        found.append(state)
    return found[1] - found[0] * sectors.points[:, 0], found[2] - found[0] * sectors.points[:, 1]


def _behind(sectors: Sectors, part: _Pairs) -> _Pairs:
    """Sum over all samples that are ahead of each along the last direction."""
    run = np.concatenate([[0.0], np.cumsum(part.take(sectors.orders[0, ::-1]))])
    return np.asarray(run.take(sectors.ahead[-1]))


def _ends(normals: Floats, x: Floats, y: Floats, tx: Floats, ty: Floats) -> Floats:
    """Responses at directions, the larger of both orientations."""
    wx, wy = normals[:, :1], normals[:, 1:]
    near = wx * x
    near += wy * y
    far = wx * tx
    far += wy * ty
    far -= near
    return np.maximum(np.abs(near, out=near), np.abs(far, out=far), out=near)


def _above(normals: Floats, ux: _Pairs, uy: _Pairs, ends: Floats) -> Floats:
    """Bounds between neighbouring directions."""
    wx, wy = normals[:, :1], normals[:, 1:]
    dx, dy = (ux[:-1] - ux[1:]).view(np.float64), (uy[:-1] - uy[1:]).view(np.float64)
    # What P or N, the larger one, lose at an end by their tangent at the other end.
    first, last = _larger(wx[:-1] * dx + wy[:-1] * dy), _larger(-wx[1:] * dx - wy[1:] * dy)
    # Of all mixtures of both tangents the best is the one that gives both ends the same bound.
    both = first + last
    both += _TINY
    first /= both
    bound = first * last
    bound += first * (ends[1:] - ends[:-1])
    bound += ends[:-1]
    np.maximum(bound, ends[:-1], out=bound)
    np.maximum(bound, ends[1:], out=bound)
    # On the unit circle between the ends the linear bound is larger than on their chord.
    half = np.sqrt(0.5 * (1.0 + (normals[:-1] * normals[1:]).sum(axis=1)))
    bound /= half[:, None]
    return np.asarray(bound)


def _larger(pairs: Floats) -> Floats:
    return np.maximum(np.maximum(pairs[:, ::2], pairs[:, 1::2]), 0.0)
