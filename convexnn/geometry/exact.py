"""Sums and products of doubles without rounding: the result and what it misses, as a second double.

Formulas of Knuth (two_sum) and Dekker, Veltkamp (two_product), as in T. J. Dekker, Numerische Mathematik 18 (1971).
"""

from __future__ import annotations

import math

import numpy as np

from convexnn._types import Floats

__all__ = ["exact_sum", "sum_above", "two_product", "two_sum"]

_EPS = 2.0**-52
_SPLIT = 2.0**27 + 1.0
# Terms up to which an exact sum costs no more than pairs.
_MANY = 4096


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


def sum_above(values: Floats) -> float:
    """The sum of entries that are not negative, rounded up: NumPy adds in pairs, which rounds each term fewer times."""
    terms = np.ascontiguousarray(values).ravel()
    return float(terms.sum()) * (1.0 + 128.0 * _EPS)


def exact_sum(values: Floats) -> float:
    """The sum of all entries as if with twice the digits, then rounded; infinite or nan where the terms are.

    Few terms are summed exactly. Many are added in pairs, what each addition misses is kept, and the two sums are added
    in the end, which misses at most 2^-90 of the sum of absolute values for any number of terms that fits in memory.
    """
    terms = np.ravel(values)
    missed = 0.0
    with np.errstate(over="ignore", invalid="ignore"):
        while len(terms) > _MANY:
            half = len(terms) // 2
            rest = terms[2 * half :]
            terms, errors = two_sum(terms[:half], terms[half : 2 * half])
            missed += float(errors.sum())
            terms = np.concatenate([terms, rest])
        if not np.isfinite(missed):
            return float(np.sum(values))
        try:
            return math.fsum([*terms.tolist(), missed])
        except (OverflowError, ValueError):
            return float(np.sum(values))
