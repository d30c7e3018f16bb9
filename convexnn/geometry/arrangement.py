"""How many neurons and activation patterns a data set has: exact counts in Python integers."""

from __future__ import annotations

import math

from convexnn._types import Bias, Norm

__all__ = ["count_cells", "count_hyperplanes", "working_dimension"]


def working_dimension(n: int, d: int, *, norm: Norm, bias: Bias) -> int:
    """Dimension r of the working space of n samples with d features in general position."""
    if bias == "penalized":
        d += 1
    if norm == "l1":
        return d
    return min(d, n - 1) if bias is True else min(d, n)


def count_hyperplanes(n: int, r: int, *, norm: Norm, affine: bool) -> int:
    """Number of hyperplanes through rows of n samples in general position in r dimensions.

    Not affine: C(n, r-1) for l2, C(n+r, r-1) for l1 (the r axes are rows too). Affine: C(n, r) for l2,
    C(n+r, r) - 1 for l1 (every subset but the one of axes alone). Without samples or dimensions: none.
    """
    n, r = int(n), int(r)
    if n < 1 or r < 1:
        return 0
    rows = n + r if norm == "l1" else n
    return math.comb(rows, r) - (norm == "l1") if affine else math.comb(rows, r - 1)


def count_cells(n: int, r: int, *, affine: bool = False) -> int:
    """Number of activation patterns of n samples in general position (Cover 1965).

    Through the origin 2 sum_{k<r} C(n-1, k); with a free bias the same in r + 1 dimensions.

    Parameters
    ----------
    n : int
        Number of samples.
    r : int
        Dimension (rank) of the samples.
    affine : bool
        Whether neurons have a free bias.
    """
    n, r = int(n), int(r) + int(affine)
    if n < 1 or r < 1:
        return 1
    return 2 * sum(math.comb(n - 1, k) for k in range(r))
