"""All lines through samples of the plane, by a sweep around every sample (free biases, rank 2)."""

from __future__ import annotations

from copy import copy

import numpy as np

from convexnn._native import core, default_threads
from convexnn._progress import UNLIMITED, Clock
from convexnn._types import Floats
from convexnn.geometry.frame import Frame
from convexnn.network.neurons import NeuronSet
from convexnn.oracles.base import Effort, Oracle, Pricing, strongest_first

__all__ = ["PlanarOracle"]


class PlanarOracle(Oracle):
    """Exact pricing in O(n) per pivot sample once the angular orders are kept.

    Parameters
    ----------
    frame : Frame
        Affine, rank 2.
    network : bool
        Search every neuron (l2: also inside the arcs between lines), not only wedges.
    memory : int
        Bytes for the angular orders (2 n^2 up to n = 65536); if too few, they are sorted anew in every call.
    n_jobs : int, optional
        Threads; results do not depend on it.
    """

    exact = True

    def __init__(self, frame: Frame, *, network: bool, memory: int = 2**30, n_jobs: int | None = None) -> None:
        self._frame = frame
        self._threads = default_threads(n_jobs)
        self._core = core.PlanarOracle(frame.points, frame.norm == "l1", memory)
        self.moves = network and frame.norm == "l2"
        self.scope = "network" if network or frame.norm == "l1" else "dictionary"
        self.strategy = "planar sweep: every line through two samples" + (
            " and every arc of lines through one" if self.moves else ""
        )

    def cost(self, n_outputs: int) -> float:
        return 2.0 * float(self._frame.n) ** 2 * n_outputs

    def wedges_only(self) -> PlanarOracle:
        """The same oracle for wedge neurons, sharing the angular orders."""
        narrow = copy(self)
        narrow.moves = False
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
        points = self._frame.points
        n = len(points)
        value, row, normal = np.empty(n), np.empty(n, dtype=np.int64), np.empty((n, 2))
        done = self._core.price(
            np.ascontiguousarray(v), self.moves, self._threads, value, row, normal,
            self._frame.activation.slope, clock.deadline,
        )  # fmt: skip
        pivots = np.arange(n)
        pairs = np.sort(np.stack([pivots, row], axis=1), axis=1)
        lonely = row < 0
        pairs[lonely] = np.stack([pivots[lonely], row[lonely]], axis=1)
        offsets = -np.einsum("ij,ij->i", normal, points)
        return strongest_first(self._frame, normal, offsets, pairs, value, floor=floor, limit=limit, complete=done == n)
