"""Neurons that oracles have offered, remembered as fixed columns."""

from __future__ import annotations

import numpy as np

from convexnn._types import Floats
from convexnn.geometry.frame import Frame
from convexnn.network.neurons import NeuronSet

__all__ = ["Pool"]


class Pool:
    """Unit neurons with their responses, of which the weakest are forgotten when there are too many.

    Attributes
    ----------
    neurons : NeuronSet
    columns : list of (k, n) arrays
        Responses, in the order of the neurons.
    """

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self.neurons = NeuronSet.empty(frame.rank, frame.subset_size)
        self.columns: list[Floats] = []

    def __len__(self) -> int:
        return len(self.neurons)

    def add(self, found: NeuronSet) -> Floats:
        """Remember candidates; their columns (k, n)."""
        columns = np.ascontiguousarray(self._frame.columns(found.normals, found.offsets).T)
        self.neurons = self.neurons.joined(found)
        self.columns.append(columns)
        return columns

    def trim(self, v: Floats, limit: int) -> None:
        """Keep those that respond most to the dual vector v (n,)."""
        if len(self) <= limit:
            return
        columns = np.concatenate(self.columns)
        best = np.sort(np.argsort(-np.abs(columns @ v), kind="stable")[:limit])
        self.neurons = self.neurons.select(best)
        self.columns = [columns[best]]
