"""A given list of atoms, priced in blocks: sampled dictionaries, and the reference for the sweeps."""

from __future__ import annotations

import numpy as np

from convexnn._native import core
from convexnn._types import Floats, Ints
from convexnn.geometry.frame import Frame
from convexnn.oracles.base import Candidates, strongest_first

__all__ = ["ListedOracle"]


class ListedOracle:
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
        self.network = complete and (frame.norm == "l1" or frame.rank <= 1)
        count = 2 * len(offsets)
        self.strategy = f"list of {count} atoms, " + (
            "the whole dictionary" if complete else "a sample of the dictionary"
        )

    def listed(self, frame: Frame) -> tuple[Floats, Floats]:
        """Both orientations of every hyperplane in input units: hidden weights and biases."""
        return frame.to_input(
            np.concatenate([self._normals, -self._normals]), np.concatenate([self._offsets, -self._offsets])
        )

    def price(self, v: Floats, floor: float, limit: int) -> Candidates:
        correlation = np.empty((len(self._offsets), 2, v.shape[1]))
        core.correlate_wedges(self._frame.points, self._normals, self._offsets, np.ascontiguousarray(v), correlation)
        if self._frame.norm == "l1":
            values = np.abs(correlation).max(axis=2)
        else:
            values = np.sqrt((correlation**2).sum(axis=2))
        side = np.where(values[:, 0] >= values[:, 1], 1.0, -1.0)
        return strongest_first(
            self._normals * side[:, None],
            self._offsets * side,
            self._rows,
            values.max(axis=1, initial=0.0),
            floor=floor,
            limit=limit,
        )
