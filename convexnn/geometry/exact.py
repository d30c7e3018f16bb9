"""Sums and products of doubles without rounding: the result and what it misses, as a second double.

Formulas of Knuth (two_sum) and Dekker, Veltkamp (two_product), as in T. J. Dekker, Numerische Mathematik 18 (1971).
"""

from __future__ import annotations

import math

import numpy as np

from convexnn._types import Floats

__all__ = ["exact_sum", "two_product", "two_sum"]

_SPLIT = 2.0**27 + 1.0


def two_sum(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """The rounded sum of arrays and its error: together exactly a + b, barring overflow."""
    total = np.asarray(a + b)
    part = total - a
    return total, np.asarray((a - (total - part)) + (b - part))


def two_product(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """The rounded product of arrays and its error: together exactly a b, barring overflow and underflow."""
    # Powers of two take both factors into the range in which splitting cannot overflow.
    (a, i), (b, j) = np.frexp(a), np.frexp(b)
    product = a * b
    big = _SPLIT * a
    a_high = big - (big - a)
    a_low = a - a_high
    big = _SPLIT * b
    b_high = big - (big - b)
    b_low = b - b_high
    error = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low
    return np.ldexp(product, i + j), np.ldexp(error, i + j)


def exact_sum(values: Floats) -> float:
    """The sum of all entries, rounded once; infinite or nan where the terms are."""
    try:
        return math.fsum(np.ravel(values).tolist())
    except (OverflowError, ValueError):
        return float(np.sum(values))
