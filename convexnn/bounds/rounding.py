"""Dual vectors whose columns sum to exactly zero in floating point."""

from __future__ import annotations

import numpy as np

from convexnn._types import Floats

__all__ = ["exactly_centred"]


def exactly_centred(v: Floats) -> Floats:
    """The vector moved by rounding only, so that its exact sum is zero.

    The entries are rounded to a common grid, where sums are sums of integers; what is left is spread over the
    entries that are not zero, less than a few units of the grid each.

    Parameters
    ----------
    v : (n,) array
        Sums to zero up to rounding.
    """
    top = float(np.abs(v).max(initial=0.0))
    if top == 0.0 or not np.isfinite(top):
        return np.zeros_like(v)
    grid = 2.0 ** (int(np.frexp(top)[1]) - 50)
    units = np.rint(v / grid).astype(np.int64)
    # Sums wrap modulo 2^64, which does not matter: the sum itself is small.
    left = int(units.sum())
    used = np.flatnonzero(units)
    each, rest = divmod(abs(left), len(used))
    step = np.full(len(used), each, dtype=np.int64)
    step[:rest] += 1
    units[used] -= int(np.sign(left)) * step
    return np.asarray(units * grid, dtype=np.float64)
