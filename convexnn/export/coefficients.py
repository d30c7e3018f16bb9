"""Where the neurons of a trained network stand in a dictionary: coefficients as a sparse matrix."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from convexnn._types import Floats, Ints
from convexnn.dictionaries import Atoms
from convexnn.exceptions import DataError

__all__ = ["find_atoms", "sparse_coefficients"]

# Two unit atoms this close are one: enumeration and training round differently.
_SAME = 1e-9


def find_atoms(wanted: Atoms, parts: Iterable[Atoms]) -> Ints:
    """Index of each wanted atom in the dictionary that the parts make up.

    Raises
    ------
    DataError
        If one is not there, for instance a neuron that training has moved off the samples.
    """
    place = np.full(len(wanted), -1, dtype=np.int64)
    first = 0
    for part in parts:
        for j, row in _matches(wanted, part):
            if place[j] < 0:
                place[j] = first + row
        first += len(part)
    if (place < 0).any():
        j = int(np.flatnonzero(place < 0)[0])
        raise DataError(
            f"neuron {j} (normal {wanted.normals[j]}, offset {wanted.offsets[j]:.6g}) is none of the {first} atoms. "
            "Train with scope='dictionary', or export atoms=result.atoms instead of the whole dictionary."
        )
    return place


def _matches(wanted: Atoms, part: Atoms) -> list[tuple[int, int]]:
    """Pairs (wanted, row of the part) of equal atoms: by a projection, then entry by entry."""
    generic = np.cos(1.3 * np.arange(1, part.normals.shape[1] + 1) ** 2)
    keys = part.normals @ generic
    order = np.argsort(keys, kind="stable")
    aims = wanted.normals @ generic
    slack = _SAME * np.abs(generic).sum()
    low = np.searchsorted(keys[order], aims - slack)
    high = np.searchsorted(keys[order], aims + slack, side="right")
    pairs = []
    for j in np.flatnonzero(high > low):
        rows = order[low[j] : high[j]]
        near = np.abs(part.normals[rows] - wanted.normals[j]).max(axis=1) <= _SAME
        near &= np.abs(part.offsets[rows] - wanted.offsets[j]) <= _SAME * (1.0 + abs(wanted.offsets[j]))
        pairs += [(int(j), int(row)) for row in rows[near][:1]]
    return pairs


def sparse_coefficients(place: Ints, coef: Floats, n_atoms: int) -> Any:
    """Coefficients (m,) or (m, c) at their atoms, a scipy.sparse CSR array (n_atoms, c)."""
    from scipy.sparse import coo_array

    table = np.asarray(coef, dtype=np.float64)
    table = table.reshape(len(table), -1)
    if len(table) != len(place):
        raise DataError(f"coef has {len(table)} rows, but there are {len(place)} atoms; pass one row per atom.")
    rows, columns = np.nonzero(table)
    shape = (n_atoms, table.shape[1])
    return coo_array((table[rows, columns], (place[rows], columns)), shape=shape).tocsr()
