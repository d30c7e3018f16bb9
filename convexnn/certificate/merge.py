"""Weighted and repeated samples in one canonical form, so that both give the same network bit for bit."""

from __future__ import annotations

import numpy as np

from convexnn._types import Floats, Ints
from convexnn.losses.base import check_weights

__all__ = ["merge_samples"]


def merge_samples(X: Floats, y: Floats, weight: Floats | None) -> tuple[Floats, Floats, Floats | None, Ints]:
    """Drop samples of weight zero and merge equal ones, adding their weights.

    Data without weights and without repetition are returned as they are; others sorted.

    Parameters
    ----------
    X : (n, d) array
    y : (n,) or (n, c) array
    weight : (n,) array or None

    Returns
    -------
    X, y, weight
        With distinct rows (x, y); no weights if all are one.
    index : array of int
        For each row the sample it stands for, the first of equal ones.
    """
    rows = np.column_stack([X, y])
    if weight is None:
        used, weight = np.arange(len(X)), np.ones(len(X))
    else:
        weight = check_weights(weight, len(X))[:, 0]
        used = np.flatnonzero(weight > 0)
    _, first, group = np.unique(rows[used], axis=0, return_index=True, return_inverse=True)
    total = np.bincount(group.ravel(), weights=weight[used])
    plain = bool((total == 1.0).all())
    if plain and len(first) == len(X):
        return X, y, None, np.arange(len(X))
    index: Ints = used[first]
    merged: Floats | None = None if plain else np.asarray(total, dtype=np.float64)
    return np.ascontiguousarray(X[index]), np.ascontiguousarray(y[index]), merged, index
