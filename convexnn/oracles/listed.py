"""A given list of atoms, priced in blocks: sampled dictionaries, and the reference for the sweeps."""

from __future__ import annotations

import numpy as np

from convexnn._native import core
from convexnn._progress import UNLIMITED, Clock
from convexnn._types import Floats, Ints
from convexnn.geometry.frame import Frame
from convexnn.network.neurons import NeuronSet
from convexnn.oracles.base import Effort, Oracle, Pricing, response_norms, strongest_first

__all__ = ["ListedOracle"]


class ListedOracle(Oracle):
    """Exact pricing over listed hyperplanes, both orientations; the cost is their number times n.

    Parameters
    ----------
    frame : Frame
    normals, offsets, rows :
        Hyperplanes in working coordinates and the rows they pass through.
    complete : bool
        Whether the list is the whole dictionary of the frame.
    """

    exact = True

    def __init__(self, frame: Frame, normals: Floats, offsets: Floats, rows: Ints, *, complete: bool) -> None:
        self._frame = frame
        self._normals = np.ascontiguousarray(normals)
        self._offsets = np.ascontiguousarray(offsets)
        self._rows = rows
        self.n_hyperplanes = len(offsets)
        whole = complete and (frame.norm == "l1" or frame.rank <= 1)
        self.scope = "network" if whole else "dictionary"
        count = 2 * len(offsets)
        self.strategy = f"list of {count} atoms, " + (
            "the whole dictionary" if complete else "a sample of the dictionary"
        )

    def atoms(self) -> tuple[Floats, Floats]:
        return self._frame.to_input(
            np.concatenate([self._normals, -self._normals]), np.concatenate([self._offsets, -self._offsets])
        )

    def hyperplanes(self) -> NeuronSet:
        """The listed neurons, in one orientation of two."""
        return NeuronSet.found(self._normals, self._offsets, self._rows)

    def cost(self, n_outputs: int) -> float:
        return float(len(self._offsets)) * self._frame.n * (self._frame.rank + n_outputs)

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
        correlation = np.empty((len(self._offsets), 2, v.shape[1]))
        done = core.correlate_wedges(
            self._frame.points, self._normals, self._offsets, np.ascontiguousarray(v), correlation,
            slope=self._frame.activation.slope, deadline=clock.deadline,
        )  # fmt: skip
        correlation[done:] = 0.0
        values = response_norms(correlation, self._frame.norm)
        side = np.where(values[:, 0] >= values[:, 1], 1.0, -1.0)
        return strongest_first(
            self._frame,
            self._normals * side[:, None],
            self._offsets * side,
            self._rows,
            values.max(axis=1, initial=0.0),
            floor=floor,
            limit=limit,
            complete=done == len(self._offsets),
        )
