"""Hyperplanes of a frame, enumerated in blocks: the dictionary before orientation and units."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from convexnn._native import core
from convexnn._types import ArrayLike, Floats, Ints
from convexnn.dictionaries.atoms import Atoms
from convexnn.geometry.distinct import GeneratingRows, generating_rows
from convexnn.geometry.frame import Frame
from convexnn.geometry.tolerance import BLADE

__all__ = ["Hyperplanes", "enumerate_hyperplanes", "iter_atoms", "orient", "unrank_subset", "wedges_of"]

BLOCK = 65_536


@dataclass(frozen=True)
class Hyperplanes:
    """Hyperplanes {x : x.u_h + c_h = 0} in working coordinates.

    Attributes
    ----------
    normals : (h, r) array
        u_h, of length one in the norm of the frame.
    offsets : (h,) array
        c_h in working units, zero if the frame is not affine.
    generators : (h, k) array of int
        Samples as 0..n-1, axes as n..n+r-1.
    """

    normals: Floats
    offsets: Floats
    generators: Ints

    def __len__(self) -> int:
        return len(self.offsets)

    def select(self, which: ArrayLike) -> Hyperplanes:
        """The hyperplanes at the given indices, mask or slice."""
        return Hyperplanes(self.normals[which], self.offsets[which], self.generators[which])

    @classmethod
    def joined(cls, parts: list[Hyperplanes], frame: Frame) -> Hyperplanes:
        """All parts in one value; none gives an empty one of the right shape."""
        r, k = frame.rank, max(frame.subset_size, 0)
        if not parts:
            return cls(np.zeros((0, r)), np.zeros(0), np.zeros((0, k), dtype=np.int64))
        return cls(
            np.concatenate([p.normals for p in parts]),
            np.concatenate([p.offsets for p in parts]),
            np.concatenate([p.generators for p in parts]),
        )


def unrank_subset(rank: int, n: int, k: int) -> Ints:
    """The k-subset of 0..n-1 of the given lexicographic rank, in Python integers of any size."""
    subset = np.empty(k, dtype=np.int64)
    item = 0
    for position in range(k):
        while rank >= (behind := math.comb(n - item - 1, k - position - 1)):
            rank -= behind
            item += 1
        subset[position] = item
        item += 1
    return subset


def enumerate_hyperplanes(
    frame: Frame, *, block: int = BLOCK, start: int = 0, stop: int | None = None
) -> Iterator[Hyperplanes]:
    """Every hyperplane of the dictionary once, in lexicographic order of its generators.

    A hyperplane through more rows than it needs is kept only for the first independent subset of them,
    so nothing has to be remembered between blocks (arXiv 2309.16512, Theorems 1-7).

    Parameters
    ----------
    frame : Frame
    block : int
        Subsets looked at per block; a block yields at most so many hyperplanes.
    start, stop : int
        Lexicographic ranks of the first subset and behind the last one; together with `GeneratingRows.count`
        this splits the work over processes.

    Yields
    ------
    Hyperplanes
        Blocks that are not empty.
    """
    rows = generating_rows(frame)
    stop = rows.count if stop is None else min(stop, rows.count)
    if start >= stop:
        return
    subset = unrank_subset(start, len(rows.rows), rows.subset_size)
    for begin in range(start, stop, block):
        # The kernel leaves `subset` at the first one of the next block.
        found = _next_block(rows, frame, subset, min(block, stop - begin))
        if len(found):
            yield found


def _next_block(rows: GeneratingRows, frame: Frame, subset: Ints, count: int) -> Hyperplanes:
    normals = np.empty((count, frame.rank))
    offsets = np.empty(count)
    generators = np.empty((count, rows.subset_size), dtype=np.int64)
    kept, _ = core.enumerate_wedges(
        rows.rows, rows.n_points, rows.affine, frame.norm == "l1", frame.same, frame.noise, BLADE,
        subset, normals, offsets, generators,
    )  # fmt: skip
    return Hyperplanes(normals[:kept].copy(), offsets[:kept].copy(), rows.index[generators[:kept]])


def wedges_of(rows: GeneratingRows, frame: Frame, subsets: Ints) -> Hyperplanes:
    """Hyperplanes through subsets (m, k) of generating rows (increasing), dependent ones left out."""
    m = len(subsets)
    normals, offsets, valid = np.empty((m, frame.rank)), np.empty(m), np.empty(m, dtype=np.uint8)
    core.make_wedges(
        rows.rows, rows.n_points, rows.affine, frame.norm == "l1", frame.same, frame.noise, BLADE,
        np.ascontiguousarray(subsets), normals, offsets, valid,
    )  # fmt: skip
    keep = valid.astype(bool)
    return Hyperplanes(normals[keep], offsets[keep], rows.index[subsets[keep]])


def orient(frame: Frame, planes: Hyperplanes, orientation: Ints) -> Atoms:
    """Atoms in input coordinates of hyperplanes with the given orientations (+1 or -1)."""
    sign = orientation.astype(np.float64)
    normals, offsets = frame.to_input(planes.normals * sign[:, None], planes.offsets * sign)
    return Atoms(normals, offsets, planes.generators, orientation)


def iter_atoms(frame: Frame, *, block: int = BLOCK) -> Iterator[Atoms]:
    """All atoms in blocks, in the order of a dictionary: 2h as generated, 2h + 1 reversed."""
    for planes in enumerate_hyperplanes(frame, block=block):
        twice = planes.select(np.repeat(np.arange(len(planes)), 2))
        yield orient(frame, twice, np.tile(np.array([1, -1], dtype=np.int64), len(planes)))
