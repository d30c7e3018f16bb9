"""Hyperplanes through rows in any dimension: fix all rows but one, sweep the last."""

from __future__ import annotations

from copy import copy

import numpy as np

from convexnn._native import core, default_threads
from convexnn._progress import UNLIMITED, Clock
from convexnn._types import Floats, Ints
from convexnn.geometry.frame import Frame
from convexnn.network.neurons import NeuronSet
from convexnn.oracles.base import Effort, Oracle, Pricing, strongest_first

__all__ = ["PencilOracle", "pencil_count"]


def pencil_count(frame: Frame) -> int:
    """Number of pencils, in Python integers: subsets of all rows but the swept one."""
    from math import comb

    total, axes = frame.n + len(frame.axes), len(frame.axes)
    if not frame.affine:
        return comb(total, frame.rank - 2)
    return comb(total, frame.rank - 1) - comb(axes, frame.rank - 1)


class PencilOracle(Oracle):
    """Exact pricing over C(n, r-2) pencils (free biases: C(n, r-1)), n log n each, n with kept orders.

    Parameters
    ----------
    frame : Frame
        Rank at least 2.
    network : bool
        Search every neuron, not only wedges; for l2 exact up to rank 3 without free biases.
    memory : int
        Bytes for the angular orders.
    n_jobs : int, optional
        Threads; results do not depend on it.
    """

    exact = True

    def __init__(self, frame: Frame, *, network: bool, memory: int = 2**30, n_jobs: int | None = None) -> None:
        self._frame = frame
        self._threads = default_threads(n_jobs)
        self._core = core.PencilOracle(frame.points, frame.axes, frame.affine, frame.norm == "l1", memory)
        inside = network and frame.norm == "l2"
        # What the kernel visits: wedges; arcs, too; or cells, too.
        self._reach = 0 if not inside else 1 if frame.rank == 2 else 2
        self.moves = inside
        self.scope = "network" if network or frame.norm == "l1" else "dictionary"
        self.strategy = f"pencil sweep: every hyperplane through {frame.subset_size} rows" + (
            ", and the inside of every arc and cell" if inside else ""
        )

    def cost(self, n_outputs: int) -> float:
        rows = self._frame.n + len(self._frame.axes)
        return 2.0 * float(pencil_count(self._frame)) * rows * n_outputs

    def wedges_only(self) -> PencilOracle:
        """The same oracle for wedge neurons, sharing the angular orders."""
        narrow = copy(self)
        narrow._reach, narrow.moves = 0, False
        narrow.scope = "network" if self._frame.norm == "l1" else "dictionary"
        return narrow

    def price(
        self,
        v: Floats,
        floor: float,
        limit: int,
        *,
        clock: Clock = UNLIMITED,
        effort: Effort = Effort.NORMAL,
        near: NeuronSet | None = None,
    ) -> Pricing:
        kernel, r = self._core, self._frame.rank
        count = kernel.n_pencils * kernel.n_segments
        value, row, normal = np.empty(count), np.empty(count, dtype=np.int64), np.empty((count, r))
        done = kernel.price(
            np.ascontiguousarray(v), self._reach, floor, self._threads, value, row, normal,
            self._frame.activation.slope, clock.deadline,
        )  # fmt: skip
        # Most pencils have nothing to say: name the rows of those that do.
        strongest = float(value.max(initial=0.0))
        above = np.flatnonzero(value > floor)
        if len(above) > 16 * limit:
            above = above[np.argpartition(-value[above], 16 * limit)[: 16 * limit]]
        value, row, normal = value[above], row[above], np.ascontiguousarray(normal[above])
        fixed = np.empty((len(above), kernel.n_fixed), dtype=np.int64)
        kernel.fixed_rows(above // kernel.n_segments, fixed)
        offsets = np.zeros(len(above))
        if self._frame.affine and len(above):
            offsets = -np.einsum("ij,ij->i", normal, self._frame.points[fixed[:, 0]])
        return strongest_first(
            self._frame, normal, offsets, _tight(fixed, row), value, floor=floor, limit=limit, strongest=strongest,
            complete=done == kernel.n_pencils,
        )  # fmt: skip


def _tight(fixed: Ints, row: Ints) -> Ints:
    """Rows on each hyperplane, increasing; -1 at the end for every row that is missing (arcs: 1, cells: 2)."""
    rows = np.hstack([fixed, row[:, None]])
    inside_cell = row == -2
    rows[inside_cell] = -1
    rows = np.where(rows < 0, np.iinfo(np.int64).max, rows)
    rows.sort(axis=1)
    return np.where(rows == np.iinfo(np.int64).max, -1, rows)
