"""Neurons that oracles have offered, remembered as fixed columns."""

from __future__ import annotations

import numpy as np

from convexnn._types import Floats, Ints
from convexnn.geometry.frame import Frame
from convexnn.oracles.base import Candidates

__all__ = ["Pool"]


class Pool:
    """Unit neurons with their responses, of which the weakest are forgotten when there are too many.

    Attributes
    ----------
    normals : (m, r) array
    offsets : (m,) array
    rows : (m, q) array of int
    columns : list of (k, n) arrays
        Responses, in the order of the neurons.
    """

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self.normals: Floats = np.zeros((0, frame.rank))
        self.offsets: Floats = np.zeros(0)
        self.rows: Ints = np.zeros((0, max(frame.subset_size, 1)), dtype=np.int64)
        self.columns: list[Floats] = []

    def __len__(self) -> int:
        return len(self.offsets)

    def add(self, found: Candidates) -> Floats:
        """Remember candidates; their columns (k, n)."""
        columns = np.ascontiguousarray(self._frame.columns(found.normals, found.offsets).T)
        self.normals = np.concatenate([self.normals, found.normals])
        self.offsets = np.concatenate([self.offsets, found.offsets])
        self.rows = np.concatenate([self.rows, found.rows])
        self.columns.append(columns)
        return columns

    def trim(self, v: Floats, limit: int) -> None:
        """Keep those that respond most to the dual vector v (n,)."""
        if len(self) <= limit:
            return
        columns = np.concatenate(self.columns)
        best = np.sort(np.argsort(-np.abs(columns @ v), kind="stable")[:limit])
        self.normals, self.offsets, self.rows = self.normals[best], self.offsets[best], self.rows[best]
        self.columns = [columns[best]]
