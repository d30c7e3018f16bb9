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

from convexnn._progress import Clock
from convexnn._types import Floats
from convexnn.certificate.arcs import arc_response
from convexnn.certificate.budget import check_time
from convexnn.certificate.cells import Candidates, candidate_cells, most_responsive
from convexnn.certificate.fan import Peak, peaks
from convexnn.certificate.orders import Orders, Pencils, Rows, batches, make_rows
from convexnn.certificate.sectors import make_sectors
from convexnn.geometry.frame import Frame

__all__ = ["has_sectors", "pencil_response"]

# Batches handed to the threads together.
_WINDOW = 256
# Samples from which on bounds of sectors pay.
_MANY = 100


@dataclass(frozen=True)
class _Best:
    value: float
    normal: Floats
    offset: float
    cells: Candidates | None


def _respond(
    frame: Frame, data: Rows, weights: Floats, everything: bool, clock: Clock | None, make: Callable[[], Pencils | None]
) -> _Best | None:
    """Best neuron of a batch of pencils, and the cells that may hold a better one."""
    check_time(clock)
    pencils = make()
    if pencils is None:
        return None
    fan, fixed, basis = pencils.fan, pencils.fixed, pencils.basis
    arcs = everything and frame.norm == "l2"
    peak: Peak = peaks(fan, weights, pencils.totals(data, weights), frame.norm, pencils.inverse, arcs=arcs)
    normal = basis[peak.fan] @ np.array(peak.direction) / max(np.abs(peak.direction))
    normal = normal / np.linalg.norm(normal, ord=1 if frame.norm == "l1" else 2)
    offset = -float(frame.points[fixed[peak.fan, 0]] @ normal) if frame.affine else 0.0
    cells = None
    if pencils.rows is not None and pencils.ignore is not None:
        row = data.rows[fixed[:, 0]]
        cells = candidate_cells(fan, weights, basis, row, pencils.rows, pencils.ignore, peak.value)
    return _Best(peak.value, normal, offset, cells)


def pencil_response(
    frame: Frame,
    v: Floats,
    everything: bool,
    n_jobs: int | None = None,
    orders: Orders | None = None,
    clock: Clock | None = None,
) -> tuple[float, Floats, float, int]:
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
    orders : Orders, optional
        Where the angular orders are kept for the next dual vector.
    clock : Clock, optional
        When it has run out :class:`~convexnn.certificate.budget.OutOfTime` is raised.

    Returns
    -------
    value : float
        In working units.
    normal : (r,) array
    offset : float
        The neuron, up to orientation.
    terms : int
        The longest sum that was run: it bounds the rounding.
    """
    if everything and has_sectors(frame, v.shape[1]):
        sectors = make_sectors(frame.points) if orders is None else orders.sectors(frame)
        if sectors is not None:
            value, normal, pivot, terms = arc_response(sectors, v[:, 0])
            return value, normal, -float(frame.points[pivot] @ normal), terms
    data = make_rows(frame, everything)
    task = partial(_respond, frame, data, data.weights(v), everything, clock)
    sets = batches(frame, data) if orders is None else orders.batches(frame, data)
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
        return 0.0, np.zeros(frame.rank), 0.0, 0
    top = max(found, key=lambda best: best.value)
    check_time(clock)
    cells = [best.cells for best in found if best.cells is not None]
    value, normal = most_responsive(frame.points, v, cells, top.value, top.normal)
    return value, normal, top.offset, 0


def has_sectors(frame: Frame, n_outputs: int) -> bool:
    """Whether bounds of sectors spare most lines: one output and l2 in the plane with free biases."""
    plane = frame.norm == "l2" and frame.affine and frame.rank == 2
    return plane and n_outputs == 1 and frame.n >= _MANY


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
