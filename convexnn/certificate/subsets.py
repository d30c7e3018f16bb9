"""Which rows to fix so that every hyperplane lies in at least one pencil, and how many that are."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, islice
from math import comb

import numpy as np

from convexnn._types import Ints
from convexnn.geometry.frame import Frame

__all__ = ["fixed_sets", "pencil_work"]


def fixed_size(frame: Frame) -> int:
    """Rows to fix: one less than a hyperplane needs."""
    return frame.subset_size - 1


def _count(frame: Frame) -> int:
    n, k, size = frame.n, len(frame.axes), fixed_size(frame)
    if size == 2:
        half = n // 2
        pairs = comb(half, 2) + comb(n - half, 2) + n * k
        return pairs if frame.affine else pairs + comb(k, 2)
    return comb(n + k, size) - (comb(k, size) if frame.affine else 0)


def pencil_work(frame: Frame) -> int:
    """Rows that are visited in total: fans times rows."""
    return _count(frame) * (frame.n + len(frame.axes))


def fixed_sets(frame: Frame, batch: int) -> Iterator[Ints]:
    """Rows to fix, in arrays (p, size) whose pencils visit about `batch` rows; axes follow the points."""
    n, total, size = frame.n, frame.n + len(frame.axes), fixed_size(frame)
    per_batch = max(1, batch // total)
    sets: Iterator[tuple[int, ...]] = combinations(range(total), size)
    if frame.affine:
        sets = (s for s in sets if s[0] < n)
    if size == 2:
        # Of any three points two have indices of equal parity, so those pairs already meet every hyperplane.
        sets = ((i, j) for i, j in sets if j >= n or (j - i) % 2 == 0)
    while chosen := list(islice(sets, per_batch)):
        yield np.array(chosen, dtype=np.int64).reshape(len(chosen), size)
