"""The one container of neurons: unit normals and offsets, the rows that made them, their coefficients."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from convexnn._types import ArrayLike, Bools, Floats, Ints

__all__ = ["NeuronSet"]

# Unit neurons whose cosine and offset agree up to this are the same.
_SAME = 1e-15


@dataclass(frozen=True)
class NeuronSet:
    """Neurons (x.u_j + c_j)_+ in working coordinates, and what they are multiplied with.

    The function that they stand for is f(x) = sum_j coef_j (x.u_j + c_j)_+ + intercept. Oracles answer with neurons
    whose coefficients are zero, restricted solvers and searches fill them in.

    Attributes
    ----------
    normals : (m, r) array
        Unit normals u_j (length one in the norm of the frame).
    offsets : (m,) array
        Offsets c_j.
    rows : (m, q) array of int
        Rows of the frame (samples, then axes) that lie on each hyperplane, increasing, -1 where there are fewer: a
        neuron inside a cell of the arrangement, or one that was searched, passes through fewer rows than a wedge.
    coef : (m, c) array
        Coefficients, one row per neuron and one column per output.
    intercept : (c,) array
        Output intercept.
    """

    normals: Floats
    offsets: Floats
    rows: Ints
    coef: Floats
    intercept: Floats

    @classmethod
    def empty(cls, rank: int, width: int, intercept: ArrayLike = (0.0,)) -> NeuronSet:
        """No neuron in a working space of dimension `rank` whose hyperplanes pass through `width` rows."""
        t = np.atleast_1d(np.asarray(intercept, dtype=np.float64))
        return cls(
            np.zeros((0, rank)), np.zeros(0), np.zeros((0, max(width, 1)), dtype=np.int64), np.zeros((0, len(t))), t
        )

    @classmethod
    def found(
        cls, normals: Floats, offsets: Floats, rows: Ints | None = None, *, width: int = 1, n_outputs: int = 1
    ) -> NeuronSet:
        """Neurons without coefficients; without `rows` they pass through none of `width` rows."""
        if rows is None:
            rows = np.full((len(offsets), max(width, 1)), -1, dtype=np.int64)
        return cls(normals, offsets, rows, np.zeros((len(offsets), n_outputs)), np.zeros(n_outputs))

    def __len__(self) -> int:
        return len(self.offsets)

    def select(self, which: ArrayLike) -> NeuronSet:
        """The neurons at the given indices or mask, in that order."""
        return replace(
            self,
            normals=self.normals[which],
            offsets=self.offsets[which],
            rows=self.rows[which],
            coef=self.coef[which],
        )

    def active(self) -> NeuronSet:
        """Only the neurons with a coefficient."""
        return self.select(np.flatnonzero((self.coef != 0).any(axis=1)))

    def with_coef(self, coef: Floats, intercept: Floats | None = None) -> NeuronSet:
        """The same neurons with other coefficients (m, c), and another intercept (c,) if one is given."""
        return replace(self, coef=coef, intercept=self.intercept if intercept is None else intercept)

    def moved(self, normals: Floats, offsets: Floats, coef: Floats, intercept: Floats) -> NeuronSet:
        """As many neurons elsewhere: they pass through no row any more, unless by chance."""
        rows = np.full((len(offsets), self.rows.shape[1]), -1, dtype=np.int64)
        return NeuronSet(normals, offsets, rows, coef, intercept)

    def joined(self, *others: NeuronSet) -> NeuronSet:
        """These neurons and then those of others side by side, with the intercept of these.

        Coefficients of others with another number of outputs (an oracle's answer) become zero.
        """
        sets, c = (self, *others), self.coef.shape[1]
        coef = [s.coef if s.coef.shape[1] == c else np.zeros((len(s), c)) for s in sets]
        return NeuronSet(
            np.concatenate([s.normals for s in sets]),
            np.concatenate([s.offsets for s in sets]),
            np.concatenate([s.rows for s in sets]),
            np.concatenate(coef),
            self.intercept,
        )

    def contains(self, others: NeuronSet) -> Bools:
        """For each of others whether the same neuron, to rounding, is in this set; shape (len(others),)."""
        known = np.zeros(len(others), dtype=bool)
        if not len(others) or not len(self):
            return known
        order = np.argsort(self.offsets)
        offsets = self.offsets[order]
        begin = np.searchsorted(offsets, others.offsets - _SAME, side="left")
        many = np.searchsorted(offsets, others.offsets + _SAME, side="right") - begin
        theirs = np.repeat(np.arange(len(others)), many)
        mine = order[np.arange(len(theirs)) + np.repeat(begin + many - np.cumsum(many), many)]
        u, w = self.normals[mine], others.normals[theirs]
        lengths = np.sqrt((u * u).sum(axis=1)) * np.sqrt((w * w).sum(axis=1))
        known[theirs[(u * w).sum(axis=1) >= (1.0 - _SAME) * lengths]] = True
        return known
