"""Batches of pencils: what the search for the largest response needs to know of the samples alone.

Nothing here depends on a dual vector, so the samples are sorted around every pivot once, if memory allows, however
many vectors of one data set are certified (:class:`Orders`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from threading import Lock

import numpy as np

from convexnn._types import Bias, Bools, Floats, Ints, Norm
from convexnn.certificate.fan import Fan, make_fan
from convexnn.certificate.sectors import Sectors, keep_lines, make_sectors
from convexnn.certificate.subsets import fixed_sets, pencil_work
from convexnn.geometry.frame import Frame, make_frame
from convexnn.geometry.tolerance import BLADE

__all__ = ["Orders", "Pencils", "Rows", "batches", "make_rows"]

# Entries of a batch of fans: small enough to stay in the second-level cache.
_BATCH = 32_768
_EPS = float(np.finfo(float).eps)
# Bytes that a batch keeps per entry (in space it keeps the rows too), and bytes that one data set may keep.
_ENTRY, _ROW = 32, 41
_MEMORY = 2**28


@dataclass(frozen=True)
class Rows:
    """Rows (points, then axes), and the length factors that their weights carry."""

    rows: Floats
    factor: Floats
    n: int
    noise: Floats
    exact: bool

    def weights(self, v: Floats) -> Floats:
        """Weights of all rows for a dual vector (n, c); axes have none."""
        silent = np.zeros((len(self.rows) - self.n, v.shape[1]))
        return np.vstack([v * self.factor, silent])


def make_rows(frame: Frame, exact: bool) -> Rows:
    """Append silent axes; without a pivot, scale rows to length one and let the weights carry the length."""
    points = frame.points
    n, r = points.shape
    factor = np.ones((n, 1))
    lengths = np.abs(points).max(axis=1)
    if frame.affine:
        # Differences of points are rounded by a share of their own size, so the smallest of them still count.
        noise = np.zeros(n + len(frame.axes))
    else:
        factor = np.where(lengths > 0, lengths, 1.0)[:, None]
        points = points / factor
        noise = np.full(n + len(frame.axes), 8 * _EPS if r > 2 else 0.0)
    rows = np.vstack([points, frame.axes])
    return Rows(rows, factor, n, noise, exact)


def _planes(directions: Floats, exact: bool) -> tuple[Floats, Bools]:
    """Bases (p, r, 2) of the planes orthogonal to sets (p, r-2, r), and which sets are independent."""
    p, size, r = directions.shape
    if size == 0:
        return np.broadcast_to(np.eye(2), (p, 2, 2)), np.ones(p, dtype=bool)
    lengths = np.linalg.norm(directions, axis=2, keepdims=True)
    unit = directions / np.where(lengths > 0, lengths, 1.0)
    _, s, vt = np.linalg.svd(unit, full_matrices=True)
    sound = np.prod(s, axis=1) > (0.0 if exact else BLADE)
    return np.ascontiguousarray(np.swapaxes(vt[:, size:, :], 1, 2)), sound


def _batch(frame: Frame, data: Rows, fixed: Ints) -> tuple[Ints, Floats, Floats]:
    """Independent fixed sets, bases of their normals (p, r, 2), rows measured from the pivot (p, r, m)."""
    rows = np.broadcast_to(data.rows.T, (len(fixed), *data.rows.T.shape))
    free = fixed
    if frame.affine:
        pivots = data.rows[fixed[:, 0], :, None]
        points, axes = rows[:, :, : data.n] - pivots, rows[:, :, data.n :]
        rows = np.concatenate([points, axes], axis=2) if len(frame.axes) else points
        free = fixed[:, 1:]
    directions = np.swapaxes(np.take_along_axis(rows, free[:, None, :], axis=2), 1, 2)
    basis, sound = _planes(directions, data.exact)
    if not sound.all():
        fixed, basis, rows = fixed[sound], basis[sound], rows[sound]
    return fixed, basis, rows


def _quotient(frame: Frame, data: Rows, basis: Floats, rows: Floats, fixed: Ints) -> tuple[Floats, Bools, Bools]:
    """Rows in the plane of normals (p, 2, m), which of them lie on the fixed span, and which give no wedge.

    The wedge dictionary leaves out hyperplanes that nearly dependent rows leave undetermined. Among all
    neurons they count like any other, so there only rows lost in rounding are passed over.
    """
    flat = rows if frame.rank == 2 else np.swapaxes(basis, 1, 2) @ rows
    size = np.abs(flat)
    size = np.maximum(size[:, 0], size[:, 1], out=size[:, 0])
    ignore = size <= data.noise
    mute = np.zeros((1, 1), dtype=bool) if data.exact else size <= (frame.same if frame.affine else 0.0)
    if frame.rank > 2:
        lengths = np.abs(rows).max(axis=1)
        ignore |= size <= 8 * _EPS * lengths
        if not data.exact:
            mute |= size <= BLADE * lengths
    np.put_along_axis(ignore, fixed, True, axis=1)
    return flat, ignore, mute


def _lengths(frame: Frame, basis: Floats, silent: Bools | None) -> Callable[[Floats], Floats]:
    """Length of the working normal basis @ (1, k) as a function of k (p, m); infinite where `silent`."""
    if frame.norm == "l1":
        return lambda k: np.asarray(
            sum(np.abs(basis[:, i, 0, None] + basis[:, i, 1, None] * k) for i in range(basis.shape[1]))
        )
    if silent is None:
        return lambda k: np.sqrt(1.0 + k * k)
    return lambda k: np.where(silent, np.inf, np.sqrt(1.0 + k * k))


@dataclass(frozen=True)
class Pencils:
    """A batch of p pencils.

    Attributes
    ----------
    fixed : (p, size) array of int
        Fixed rows.
    basis : (p, r, 2) array
        Planes of normals.
    pivots : (p, r) array
        What rows are measured from.
    fan : Fan
        The other rows in these planes, sorted by angle.
    inverse : (p, m) array
        One over the length of the normal at every line; zero where it is no wedge.
    rows : (p, r, m) array, optional
        All rows, and `ignore` (p, m) those on the fixed span: only where cells in space are searched.
    """

    fixed: Ints
    basis: Floats
    pivots: Floats
    fan: Fan
    inverse: Floats
    rows: Floats | None
    ignore: Bools | None

    def totals(self, data: Rows, weights: Floats) -> list[tuple[Floats, Floats]]:
        """Sum of v z over all rows z of every pencil, for each output (m, c): pairs of (p, 1) arrays."""
        sums = data.rows.T @ weights
        pairs = []
        for total, mass in zip(sums.T, weights.sum(axis=0)):
            flat = np.einsum("prk,pr->pk", self.basis, total - mass * self.pivots)
            pairs.append((flat[:, :1], flat[:, 1:]))
        return pairs


def _pencils(frame: Frame, data: Rows, fixed: Ints) -> Pencils | None:
    """One batch; None if none of its fixed sets is independent."""
    fixed, basis, rows = _batch(frame, data, fixed)
    if len(fixed) == 0:
        return None
    flat, ignore, mute = _quotient(frame, data, basis, rows, fixed)
    fan = make_fan(flat[:, 0].copy(), flat[:, 1].copy(), ignore)
    # Ignored rows repeat the last line, which may itself be mute.
    silent = fan.sort(mute | ignore) if mute.any() else None
    inverse = 1.0 / _lengths(frame, basis, silent)(fan.slopes)
    spatial = data.exact and frame.norm == "l2" and frame.rank == 3
    pivots = data.rows[fixed[:, 0]] if frame.affine else np.zeros((len(fixed), frame.rank))
    if not spatial:
        # Only the search of cells goes back to the coordinates of rows in the planes.
        fan = replace(fan, a=np.zeros((0, 0)), b=np.zeros((0, 0)))
        return Pencils(fixed, basis, pivots, fan, inverse, None, None)
    return Pencils(fixed, basis, pivots, fan, inverse, rows, ignore)


def batches(frame: Frame, data: Rows) -> Iterator[Callable[[], Pencils | None]]:
    """Makers of all batches, each to be called once, in any thread."""
    return (partial(_pencils, frame, data, fixed) for fixed in fixed_sets(frame, _BATCH))


class Orders:
    """Sorted pencils of one data set, kept from one certificate to the next.

    The first certificate of a data set sorts and forgets; from the second one on the orders are kept, unless they
    need more than `memory` bytes. They belong to the coordinates of the samples bit by bit: other samples, or
    another norm, replace them. Safe to share between threads.

    Parameters
    ----------
    memory : int
    """

    def __init__(self, memory: int = _MEMORY) -> None:
        self._memory = memory
        self._lock = Lock()
        self._key: tuple[object, ...] | None = None
        self._kept: list[Pencils] | None = None
        self._samples: tuple[object, ...] | None = None
        self._frame: Frame | None = None
        self._sectors: tuple[bytes, Sectors | None] | None = None

    def frame(self, X: Floats, *, norm: Norm, bias: Bias) -> Frame:
        """As :func:`convexnn.geometry.frame.make_frame`, kept as long as the samples are the same bit by bit."""
        samples = (X.tobytes(), X.shape, norm, bias)
        with self._lock:
            if self._frame is not None and samples == self._samples:
                return self._frame
        frame = make_frame(X, norm=norm, bias=bias)
        with self._lock:
            self._samples, self._frame = samples, frame
        return frame

    def sectors(self, frame: Frame) -> Sectors | None:
        """As :func:`convexnn.certificate.sectors.make_sectors`; from the second time on their lines are kept too."""
        key = frame.points.tobytes()
        with self._lock:
            known = self._sectors
        if known is None or known[0] != key:
            sectors = make_sectors(frame.points)
        elif known[1] is None or known[1].lines is not None or 4 * frame.n**2 > self._memory:
            return known[1]
        else:
            sectors = keep_lines(known[1])
        with self._lock:
            self._sectors = (key, sectors)
        return sectors

    def batches(self, frame: Frame, data: Rows) -> Iterator[Callable[[], Pencils | None]]:
        """As :func:`batches`, without sorting again where that was done before."""
        key = (frame.points.tobytes(), frame.points.shape, frame.axes.tobytes(), frame.affine, frame.norm, frame.noise,
               data.exact)  # fmt: skip
        with self._lock:
            known, kept = key == self._key, self._kept
            if not known:
                self._key, self._kept = key, None
        if not known or pencil_work(frame) * (_ENTRY + _ROW * (frame.rank == 3)) > self._memory:
            return batches(frame, data)
        if kept is None:
            made = (make() for make in batches(frame, data))
            kept = [pencils for pencils in made if pencils is not None]
            with self._lock:
                if self._key == key:
                    self._kept = kept
        return (partial(_same, pencils) for pencils in kept)


def _same(pencils: Pencils) -> Pencils:
    return pencils
