"""All hyperplanes through r-1 rows, one pencil at a time: fix rows, look along their span, walk the rest.

With free biases a pivot sample is fixed first and everything is measured from it. Fixing one row less than a
hyperplane needs leaves a plane of normals, in which :mod:`convexnn.certificate.fan` visits all of them.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice

import numpy as np

from convexnn._types import Bools, Floats, Ints
from convexnn.certificate.cells import Candidates, candidate_cells, most_responsive
from convexnn.certificate.fan import Peak, make_fan, peaks
from convexnn.certificate.subsets import fixed_sets
from convexnn.geometry.frame import Frame
from convexnn.geometry.tolerance import BLADE, SAME

__all__ = ["pencil_response"]

# Entries of a batch of fans: small enough to stay in the second-level cache.
_BATCH = 16_384
# Batches handed to the threads together.
_WINDOW = 256
# Fixed rows whose volume is below this share of the product of their lengths fix nothing but noise.
_DEPENDENT = 1e-13
_EPS = float(np.finfo(float).eps)


@dataclass(frozen=True)
class _Rows:
    """Rows (points, then axes) with the weights and length factors that belong to them."""

    rows: Floats
    weights: Floats
    n: int
    noise: Floats
    exact: bool


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
    """Bases (p, r, 2) of the planes orthogonal to sets (p, r-2, r), and which sets are independent."""
    p, size, r = directions.shape
    if size == 0:
        return np.broadcast_to(np.eye(2), (p, 2, 2)), np.ones(p, dtype=bool)
    lengths = np.linalg.norm(directions, axis=2, keepdims=True)
    unit = directions / np.where(lengths > 0, lengths, 1.0)
    _, s, vt = np.linalg.svd(unit, full_matrices=True)
    sound = np.prod(s, axis=1) > (_DEPENDENT if exact else BLADE)
    return np.ascontiguousarray(np.swapaxes(vt[:, size:, :], 1, 2)), sound


def _batch(frame: Frame, data: _Rows, fixed: Ints) -> tuple[Ints, Floats, Floats]:
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


def _quotient(frame: Frame, data: _Rows, basis: Floats, rows: Floats, fixed: Ints) -> tuple[Floats, Bools, Bools]:
    """Rows in the plane of normals (p, 2, m), which of them lie on the fixed span, and which give no wedge.

    The wedge dictionary leaves out hyperplanes that nearly dependent rows leave undetermined. Among all
    neurons they count like any other, so there only rows lost in rounding are passed over.
    """
    flat = rows if frame.rank == 2 else np.swapaxes(basis, 1, 2) @ rows
    size = np.abs(flat)
    size = np.maximum(size[:, 0], size[:, 1], out=size[:, 0])
    ignore = size <= data.noise
    mute = np.zeros((1, 1), dtype=bool) if data.exact else size <= (SAME if frame.affine else 0.0)
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
    flat, ignore, mute = _quotient(frame, data, basis, rows, fixed)
    fan = make_fan(flat[:, 0].copy(), flat[:, 1].copy(), ignore)
    # Ignored rows repeat the last line, which may itself be mute.
    silent = (mute | ignore).ravel().take(fan.order) if mute.any() else None
    arcs = everything and frame.norm == "l2"
    peak: Peak = peaks(fan, data.weights, frame.norm, _lengths(frame, basis, silent), arcs=arcs)
    normal = basis[peak.fan] @ np.array(peak.direction) / max(np.abs(peak.direction))
    normal = normal / np.linalg.norm(normal, ord=1 if frame.norm == "l1" else 2)
    offset = -float(frame.points[fixed[peak.fan, 0]] @ normal) if frame.affine else 0.0
    cells = None
    if arcs and frame.rank == 3:
        row = data.rows[fixed[:, 0]]
        cells = candidate_cells(fan, data.weights, basis, row, rows, ignore, peak.value)
    return _Best(peak.value, normal, offset, cells)


def pencil_response(
    frame: Frame, v: Floats, everything: bool, n_jobs: int | None = None
) -> tuple[float, Floats, float]:
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
    sets = fixed_sets(frame, _BATCH)
    found: list[_Best] = []
    workers = _threads(n_jobs)
    # A bounded window: the list of fixed sets can be far longer than memory, and an interrupt waits for it.
    while window := list(islice(sets, _WINDOW)):
        if workers == 1 or len(window) == 1:
            found.extend(best for best in map(task, window) if best is not None)
        else:
            with ThreadPoolExecutor(max_workers=workers) as pool:
                found.extend(best for best in pool.map(task, window) if best is not None)
        found = _keep(found, max(found, key=lambda best: best.value, default=None))
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
