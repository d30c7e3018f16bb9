"""Rows of a matrix that come and go, without copying those that stay."""

from __future__ import annotations

import numpy as np

from convexnn._types import Bools, Floats, Ints

__all__ = ["Rows"]


class Rows:
    """Arrays of one shape in a common block of memory, in an order of their own.

    Parameters
    ----------
    shape : tuple of int
        Of one of them.

    Attributes
    ----------
    places : (m,) array of int
        Where they lie in the block.
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._data: Floats = np.zeros((16, *shape))
        self.places: Ints = np.zeros(0, dtype=np.int64)

    def __len__(self) -> int:
        return len(self.places)

    @property
    def block(self) -> Floats:
        """All of them as they lie there."""
        return self._data[: len(self.places)]

    def in_order(self) -> Floats:
        """A copy in their order."""
        return self._data.take(self.places, axis=0)

    def change(self, stays: Bools, new: Floats) -> None:
        """Keep some and append others; what lies last fills the gaps."""
        kept, old = self.places[stays], len(self.places)
        total = len(kept) + len(new)
        if total > len(self._data):
            grown = np.zeros((2 * total, *self._data.shape[1:]))
            grown[:old] = self.block
            self._data = grown
        gone = self.places[~stays]
        free = np.concatenate([gone[gone < total], np.arange(old, total)])
        late = np.flatnonzero(kept >= total)
        if len(late):
            self._data[free[: len(late)]] = self._data[kept[late]]
            kept[late] = free[: len(late)]
        self._data[free[len(late) :]] = new
        self.places = np.concatenate([kept, free[len(late) :]])
