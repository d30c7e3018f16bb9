"""The rows through which hyperplanes pass: distinct points and directions, each with its index.

Duplicates and near duplicates (for hyperplanes through the origin: parallel rows) are represented by
the first of them, so that every hyperplane has one set of generating rows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from convexnn._types import Bools, Floats, Ints
from convexnn.geometry.frame import Frame
from convexnn.geometry.tolerance import SAME

__all__ = ["GeneratingRows", "distinct_rows", "generating_rows", "unit_rows"]


@dataclass(frozen=True)
class GeneratingRows:
    """Distinct rows of a frame, points first, then silent axes.

    Attributes
    ----------
    rows : (N, r) array
        Points as they are (affine) or as directions of length one (not affine).
    n_points : int
        How many of them are samples; the rest are axes.
    index : (N,) array of int
        Sample i as i, axis k as n + k.
    affine : bool
    subset_size : int
        Rows per hyperplane.
    """

    rows: Floats
    n_points: int
    index: Ints
    affine: bool
    subset_size: int

    @property
    def count(self) -> int:
        """Number of subsets to look at, in lexicographic order; an upper bound on the hyperplanes."""
        if self.subset_size < (1 if self.affine else 0):
            return 0
        every = math.comb(len(self.rows), self.subset_size)
        # An affine hyperplane passes through a point; the subsets of axes alone come last.
        return every - (math.comb(len(self.rows) - self.n_points, self.subset_size) if self.affine else 0)


def generating_rows(frame: Frame) -> GeneratingRows:
    """Distinct rows of a frame."""
    n = frame.n
    if frame.affine:
        keep = np.flatnonzero(distinct_rows(frame.points, signed=True, tolerance=frame.same))
        rows = np.vstack([frame.points[keep], frame.axes])
        index = np.concatenate([keep, n + np.arange(len(frame.axes))])
        n_points = len(keep)
    else:
        directions, nonzero = unit_rows(np.vstack([frame.points, frame.axes]))
        index = np.flatnonzero(nonzero)
        first = distinct_rows(directions[index], signed=False)
        index = index[first]
        rows, n_points = directions[index], int((index < n).sum())
    return GeneratingRows(
        rows=np.ascontiguousarray(rows),
        n_points=n_points,
        index=index.astype(np.int64),
        affine=frame.affine,
        subset_size=frame.subset_size,
    )


def unit_rows(rows: Floats) -> tuple[Floats, Bools]:
    """Rows divided by their Euclidean length, and which of them are not zero."""
    largest = np.abs(rows).max(axis=1, initial=0.0)
    nonzero = largest > 0
    # Twice, so that squares neither overflow nor underflow.
    unit = rows / np.where(nonzero, largest, 1.0)[:, None]
    lengths = np.sqrt((unit * unit).sum(axis=1))
    return unit / np.where(nonzero, lengths, 1.0)[:, None], np.asarray(nonzero)


def distinct_rows(rows: Floats, *, signed: bool, tolerance: float = SAME) -> Bools:
    """Mark the first of every group of rows that coincide.

    Parameters
    ----------
    rows : (N, r) array
    signed : bool
        False: a row and its negative coincide (lines through the origin).
    tolerance : float
        Euclidean distance up to which rows coincide.

    Returns
    -------
    (N,) array of bool
    """
    keep = np.ones(len(rows), dtype=bool)
    if rows.shape[1] == 0:
        keep[1:] = False
        return keep
    # Rows that coincide have almost the same coordinate along any direction; this one is generic.
    direction = 1.0 + np.cos(1.7 * np.arange(1, rows.shape[1] + 1) ** 2)
    key = rows @ (direction / np.linalg.norm(direction))
    key = key if signed else np.abs(key)
    order = np.argsort(key, kind="stable")
    starts = np.concatenate([[True], np.diff(key[order]) > 2 * tolerance])
    bounds = np.append(np.flatnonzero(starts), len(rows))
    for g in np.flatnonzero(np.diff(bounds) > 1):
        group = np.sort(order[bounds[g] : bounds[g + 1]])
        keep[group] = _first_in_group(rows[group], signed, tolerance)
    return keep


def _first_in_group(rows: Floats, signed: bool, tolerance: float) -> Bools:
    keep = np.zeros(len(rows), dtype=bool)
    left = np.arange(len(rows))
    while left.size:
        leader, left = left[0], left[1:]
        keep[leader] = True
        far = np.linalg.norm(rows[left] - rows[leader], axis=1) > tolerance
        if not signed:
            far &= np.linalg.norm(rows[left] + rows[leader], axis=1) > tolerance
        left = left[far]
    return keep
