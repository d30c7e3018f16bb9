"""Atoms: unit neurons with the samples that made them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from convexnn._checks import check_points
from convexnn._types import ArrayLike, Floats, Ints
from convexnn.network import RELU

__all__ = ["Atoms"]


@dataclass(frozen=True)
class Atoms:
    """Unit-norm neurons x -> (x.u_j + c_j)_+ in input coordinates.

    Attributes
    ----------
    normals : (m, d) array
        Rows u_j. For ``bias="penalized"`` (u_j, c_j) together has length one.
    offsets : (m,) array
        c_j.
    generators : (m, k) array of int
        Rows that the hyperplane of atom j passes through: samples as 0..n-1, coordinate axes (silent
        directions of the l1 norm) as n..n+d-1.
    orientation : (m,) array of int
        +1 as the cross product of the generators in their order points, -1 reversed.
    """

    normals: Floats
    offsets: Floats
    generators: Ints
    orientation: Ints

    def __len__(self) -> int:
        return len(self.offsets)

    def select(self, which: ArrayLike) -> Atoms:
        """The atoms at the given indices, mask or slice, in that order."""
        if not isinstance(which, slice):
            which = np.asarray(which, dtype=None if len(which) else np.int64)
        return Atoms(
            self.normals[which], self.offsets[which], self.generators[which], self.orientation[which]
        )

    def columns(self, X: ArrayLike) -> Floats:
        """Responses (x_i.u_j + c_j)_+ at any samples X (n, d), shape (n, m)."""
        points = check_points(X, n_features=self.normals.shape[1])
        out = points @ self.normals.T
        out += self.offsets
        return RELU.value(out, out=out)
