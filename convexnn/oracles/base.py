"""What an oracle answers: unit neurons in working coordinates, strongest first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from convexnn._types import ArrayLike, Floats, Ints

__all__ = ["Candidates", "Oracle", "strongest_first"]


@dataclass(frozen=True)
class Candidates:
    """Neurons with a strong response to a dual vector.

    Attributes
    ----------
    normals : (k, r) array
        Unit normals in the coordinates of the frame.
    offsets : (k,) array
        Offsets in working units.
    rows : (k, q) array of int
        Rows (samples, then axes) that lie on the hyperplane, increasing, -1 where there are fewer: a neuron
        inside an arc or a cell of the arrangement passes through fewer rows than a wedge.
    responses : (k,) array
        Norm over the outputs of v'(Xu + c)_+, decreasing.
    strongest : float
        The largest response of any neuron in the oracle's scope; also where `responses` is empty.
    """

    normals: Floats
    offsets: Floats
    rows: Ints
    responses: Floats
    strongest: float

    def __len__(self) -> int:
        return len(self.offsets)

    def select(self, which: ArrayLike) -> Candidates:
        """The neurons at the given indices or mask."""
        return Candidates(
            self.normals[which], self.offsets[which], self.rows[which], self.responses[which], self.strongest
        )


class Oracle(Protocol):
    """Finds the neurons that respond most to a dual vector."""

    strategy: str
    """One sentence: which method, and why it is exact or not."""
    exact: bool
    """Whether `strongest` is the maximum over the whole scope."""
    network: bool
    """Whether the scope is every neuron (True) or the atoms of a dictionary (False)."""

    def price(self, v: Floats, floor: float, limit: int) -> Candidates:
        """At most `limit` diverse neurons with response above `floor` to v (n, c)."""
        ...


def strongest_first(
    normals: Floats, offsets: Floats, rows: Ints, responses: Floats, *, floor: float, limit: int
) -> Candidates:
    """Sort, drop what is not above `floor`, and keep one neuron per hyperplane."""
    strongest = float(responses.max(initial=0.0))
    above = np.flatnonzero(responses > floor)
    order = above[np.argsort(-responses[above], kind="stable")]
    # The same line is found from each of its samples, and from either side: keep the first, which is the strongest.
    order = order[: 8 * limit]
    keys = np.hstack([rows[order], np.where(rows[order, -1:] < 0, order[:, None], -1)])
    _, first = np.unique(_as_numbers(keys), axis=0, return_index=True)
    keep = order[np.sort(first)][:limit]
    return Candidates(normals[keep], offsets[keep], rows[keep], responses[keep], strongest)


def _as_numbers(keys: Ints) -> Ints:
    """One number for every row of integers >= -1, if they are small enough: sorted many times faster."""
    base = int(keys.max(initial=-1)) + 2
    if base ** keys.shape[1] > np.iinfo(np.int64).max:
        return keys
    return np.asarray((keys + 1) @ base ** np.arange(keys.shape[1]))
