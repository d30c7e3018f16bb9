"""All neurons of the plane with free biases (l2, one output) by bounds on sectors of normals, without n^2 sweeps."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from convexnn._native import core, default_threads
from convexnn._progress import UNLIMITED, Clock
from convexnn._types import Floats, Ints
from convexnn.geometry.frame import Frame
from convexnn.network.neurons import NeuronSet
from convexnn.oracles.base import Effort, Oracle, Pricing
from convexnn.oracles.planar import PlanarOracle

__all__ = ["SectorOracle", "sector_count"]

# Sectors of half a turn to begin with: this factor times n to this power; those that may hold a maximum are halved.
_MANY, _POWER = 1.0, 0.4
# Visits of a sample in one sector, beside those of a sweep, as neurons of good bounds are looked at line by line.
_VISITS = 4.0


def sector_count(n: int) -> int:
    """Sectors of half a turn for n samples."""
    return max(4, int(_MANY * n**_POWER))


class SectorOracle(Oracle):
    """Exact pricing in about n^1.4: directions that all samples share bound the responses between them.

    Equal samples count as one, with the sum of their weights.

    Parameters
    ----------
    frame : Frame
        Affine, rank 2, norm "l2", with ReLU neurons.
    memory : int
        Bytes for the orders along the directions (4 n each); if too few, they are sorted anew in every call.
    n_jobs : int, optional
        Threads; results do not depend on it.
    """

    exact = True
    scope = "network"
    moves = True
    starts_on_wedges = False
    strategy = "sectors of the plane: bounds that spare most lines through samples"

    def __init__(self, frame: Frame, *, memory: int = 2**30, n_jobs: int | None = None) -> None:
        self._frame, self._memory, self._n_jobs = frame, memory, n_jobs
        self._threads = default_threads(n_jobs)

    # Sorting many samples takes a while, which a plan that never asks should not pay.
    @cached_property
    def _distinct(self) -> tuple[Ints, Ints] | None:
        """First places of different samples and what each sample is equal to; None if all are different."""
        points = np.ascontiguousarray(self._frame.points)
        _, first, group = np.unique(points.view(np.complex128)[:, 0], return_index=True, return_inverse=True)
        return None if len(first) == len(points) else (first, group)

    @cached_property
    def _points(self) -> Floats:
        points = np.ascontiguousarray(self._frame.points)
        return points if self._distinct is None else np.ascontiguousarray(points[self._distinct[0]])

    @cached_property
    def _core(self) -> core.SectorOracle:
        return core.SectorOracle(self._points, sector_count(len(self._points)), self._memory)

    def cost(self, n_outputs: int) -> float:
        return _VISITS * float(self._frame.n * sector_count(self._frame.n))

    def wedges_only(self) -> PlanarOracle:
        """The sweep over wedge neurons."""
        return PlanarOracle(self._frame, network=False, memory=self._memory, n_jobs=self._n_jobs)

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
        weights = np.ascontiguousarray(v[:, 0])
        if self._distinct is not None:
            weights = np.asarray(np.bincount(self._distinct[1], weights, len(self._points)), dtype=np.float64)
        value, rows, normals = np.empty(limit), np.empty((limit, 2), dtype=np.int64), np.empty((limit, 2))
        found, strongest, above, complete = self._core.price(
            weights, floor, self._threads, value, rows, normals, clock.deadline
        )
        normals, pivots, partners = normals[:found], rows[:found, 0], rows[:found, 1]
        offsets = -np.einsum("ij,ij->i", normals, self._points[pivots])
        if self._distinct is not None:
            first = self._distinct[0]
            pivots, partners = first[pivots], np.where(partners >= 0, first[partners], -1)
        alone = partners < 0
        low, high = np.minimum(pivots, partners), np.maximum(pivots, partners)
        rows = np.column_stack([np.where(alone, pivots, low), np.where(alone, -1, high)])
        return Pricing(NeuronSet.found(normals, offsets, rows), value[:found], strongest, complete, above)
