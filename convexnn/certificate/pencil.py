"""All hyperplanes through r-1 rows, one pencil at a time: fix rows, look along their span, walk the fan of the rest.

With free biases a pivot sample is fixed first and everything is measured from it. Fixing one row less than a
hyperplane needs leaves a plane of normals, in which :mod:`convexnn.certificate.fan` visits all of them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import combinations, islice
from math import comb

import numpy as np

from convexnn._types import Bools, Floats, Ints
from convexnn.certificate.cells import Candidates, candidate_cells, most_responsive
from convexnn.certificate.fan import Peak, make_fan, peaks
from convexnn.geometry.frame import Frame

__all__ = ["pencil_response", "pencil_work"]

# Entries of a batch of fans: small enough to stay in the second-level cache.
_BATCH = 32_768
# Fixed rows whose volume is below this share of the product of their lengths fix nothing but noise. The wedge
# dictionary of the l2 norm leaves out subsets below its own, larger threshold.
_DEPENDENT = 1e-13
_DICTIONARY_DEPENDENT = 1e-10
_EPS = float(np.finfo(float).eps)


@dataclass(frozen=True)
class _Rows:
    """Rows (points, then axes) with the weights and length factors that belong to them."""

    rows: Floats
    weights: Floats
    n: int
    noise: Floats
    exact: bool


def _fixed_size(frame: Frame) -> int:
    return frame.subset_size - 1


def _fixed_count(frame: Frame) -> int:
    n, k, size = frame.n, len(frame.axes), _fixed_size(frame)
    if size == 2:
        half = n // 2
        pairs = comb(half, 2) + comb(n - half, 2) + n * k
        return pairs if frame.affine else pairs + comb(k, 2)
    return comb(n + k, size) - (comb(k, size) if frame.affine else 0)


def pencil_work(frame: Frame) -> int:
    """Rows that are visited in total: fans times rows."""
    return _fixed_count(frame) * (frame.n + len(frame.axes))


def _fixed_sets(frame: Frame, size: int) -> Iterator[Ints]:
    """Batches of fixed rows such that each hyperplane lies in at least one pencil."""
    n, total = frame.n, frame.n + len(frame.axes)
    per_batch = max(1, _BATCH // total)
    sets: Iterator[tuple[int, ...]] = combinations(range(total), size)
    if frame.affine:
        sets = (s for s in sets if s[0] < n)
    if size == 2:
        # Of any three points two have indices of equal parity, so those pairs already meet every hyperplane.
        sets = ((i, j) for i, j in sets if j >= n or (j - i) % 2 == 0)
    while batch := list(islice(sets, per_batch)):
        yield np.array(batch, dtype=np.int64).reshape(len(batch), size)


def _prepare(frame: Frame, v: Floats, exact: bool) -> _Rows:
    """Append silent axes; without a pivot, scale rows to length one and let the weights carry the length."""
    points = frame.points
    n, r = points.shape
    lengths = np.abs(points).max(axis=1)
    if frame.affine:
        noise = np.full(n + len(frame.axes), 4 * _EPS * float(lengths.max(initial=0.0)))
        noise[n:] = 0.0
    else:
        factor = np.where(lengths > 0, lengths, 1.0)[:, None]
        points, v = points / factor, v * factor
        noise = np.full(n + len(frame.axes), 8 * _EPS if r > 2 else 0.0)
    rows = np.vstack([points, frame.axes])
    weights = np.vstack([v, np.zeros((len(frame.axes), v.shape[1]))])
    return _Rows(rows, weights, n, noise, exact)


def _planes(directions: Floats, exact: bool) -> tuple[Floats, Bools]:
    """Orthonormal bases (p, r, 2) of the planes orthogonal to p sets of r-2 directions, and which sets are sound."""
    p, size, r = directions.shape
    if size == 0:
        return np.broadcast_to(np.eye(2), (p, 2, 2)), np.ones(p, dtype=bool)
    lengths = np.linalg.norm(directions, axis=2, keepdims=True)
    unit = directions / np.where(lengths > 0, lengths, 1.0)
    _, s, vt = np.linalg.svd(unit, full_matrices=True)
    sound = np.prod(s, axis=1) > (_DEPENDENT if exact else _DICTIONARY_DEPENDENT)
    return np.ascontiguousarray(np.swapaxes(vt[:, size:, :], 1, 2)), sound


def _batch(frame: Frame, data: _Rows, fixed: Ints) -> tuple[Ints, Floats, Floats]:
    """Sound fixed sets, the bases of their normals (p, r, 2), and all rows measured from the pivot (p, m, r)."""
    rows = np.broadcast_to(data.rows, (len(fixed), *data.rows.shape))
    free = fixed
    if frame.affine:
        rows = rows.copy()
        rows[:, : data.n] -= data.rows[fixed[:, 0], None, :]
        free = fixed[:, 1:]
    directions = np.take_along_axis(rows, free[:, :, None], axis=1)
    basis, sound = _planes(directions, data.exact)
    return fixed[sound], basis[sound], rows[sound]


def _quotient(frame: Frame, data: _Rows, basis: Floats, rows: Floats, fixed: Ints) -> tuple[Floats, Bools]:
    """Rows in the plane of normals (p, m, 2) and which of them lie on the fixed span."""
    flat = rows if frame.rank == 2 else rows @ basis
    size = np.abs(flat).max(axis=2)
    ignore = size <= data.noise
    if frame.rank > 2:
        lengths = np.abs(rows).max(axis=2)
        ignore |= size <= (8 * _EPS if data.exact else _DICTIONARY_DEPENDENT) * lengths
    np.put_along_axis(ignore, fixed, True, axis=1)
    return flat, ignore


def _lengths(frame: Frame, basis: Floats) -> Callable[[Floats], Floats]:
    """Length of the working normal basis @ (1, k) as a function of k (p, m)."""
    if frame.norm == "l2":
        return lambda k: np.sqrt(1.0 + k * k)
    return lambda k: np.asarray(
        sum(np.abs(basis[:, i, 0, None] + basis[:, i, 1, None] * k) for i in range(basis.shape[1]))
    )


@dataclass(frozen=True)
class _Best:
    value: float
    normal: Floats
    offset: float
    cells: Candidates | None


def _respond(frame: Frame, data: _Rows, everything: bool, fixed: Ints) -> _Best | None:
    """Best neuron of a batch of pencils, and the cells that may hold a better one."""
    fixed, basis, rows = _batch(frame, data, fixed)
    if len(fixed) == 0:
        return None
    flat, ignore = _quotient(frame, data, basis, rows, fixed)
    fan = make_fan(flat[:, :, 0], flat[:, :, 1], ignore)
    arcs = everything and frame.norm == "l2"
    peak: Peak = peaks(fan, data.weights, frame.norm, _lengths(frame, basis), arcs=arcs)
    normal = basis[peak.fan] @ np.array(peak.direction) / max(np.abs(peak.direction))
    normal = normal / np.linalg.norm(normal, ord=1 if frame.norm == "l1" else 2)
    offset = -float(frame.points[fixed[peak.fan, 0]] @ normal) if frame.affine else 0.0
    cells = None
    if arcs and frame.rank == 3:
        height = np.take_along_axis(rows, fixed[:, :, None], axis=1)[:, 0]
        cells = candidate_cells(fan, data.weights, basis, height, rows, ignore, peak.value)
    return _Best(peak.value, normal, offset, cells)


def pencil_response(frame: Frame, v: Floats, everything: bool, n_jobs: int | None = None) -> tuple[float, Floats, float]:
    """Largest response over the wedge neurons of a frame of rank >= 2, or over all neurons.

    Parameters
    ----------
    frame : Frame
    v : (n, c) array
        Dual vector, columns summing to zero if the frame is affine.
    everything : bool
        All neurons; exact for l1, and for l2 up to rank 3 (2 if affine).
    n_jobs : int, optional
        Threads; the batches and the order of their comparison do not depend on it.

    Returns
    -------
    value : float
        In working units.
    normal : (r,) array
    offset : float
        The neuron, up to orientation.
    """
    data = _prepare(frame, v, everything)
    task = partial(_respond, frame, data, everything)
    sets = _fixed_sets(frame, _fixed_size(frame))
    found: list[_Best] = []
    with ThreadPoolExecutor(max_workers=_threads(n_jobs)) as pool:
        # A bounded window: the list of fixed sets can be far longer than memory.
        while window := list(islice(sets, 256)):
            found.extend(best for best in pool.map(task, window) if best is not None)
            top = max(found, key=lambda best: best.value, default=None)
            found = _keep(found, top)
    if not found:
        return 0.0, np.zeros(frame.rank), 0.0
    top = max(found, key=lambda best: best.value)
    cells = [best.cells for best in found if best.cells is not None]
    value, normal = most_responsive(frame.points, v, cells, top.value, top.normal)
    return value, normal, top.offset


def _keep(found: list[_Best], top: _Best | None) -> list[_Best]:
    """Forget batches that can no longer hold the maximum."""
    if top is None:
        return []
    return [b for b in found if b is top or (b.cells is not None and b.cells.bound() > top.value)]


def _threads(n_jobs: int | None) -> int:
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if n_jobs is None:
        return available
    return max(1, n_jobs if n_jobs > 0 else available + 1 + n_jobs)
