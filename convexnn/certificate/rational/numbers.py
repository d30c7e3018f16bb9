"""Doubles as integers, and roots, logarithms and exponentials as fractions that are known to lie on one side."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np

from convexnn._types import Floats

__all__ = ["Integers", "exp_above", "integers", "log_bounds", "power", "root_above"]

Integers: TypeAlias = Any
"""An array of Python integers (dtype object)."""

_DIGITS = 120  # binary digits of what is rounded
_TERMS = 60


def power(exponent: int) -> Fraction:
    """2^exponent."""
    return Fraction(1 << exponent) if exponent >= 0 else Fraction(1, 1 << -exponent)


def integers(values: Floats) -> tuple[Integers, int]:
    """An array of doubles as integers times one power of two, exactly: values == whole * 2^exponent."""
    mantissas, exponents = np.frexp(np.asarray(values, dtype=np.float64))
    used = mantissas != 0
    lowest = int(exponents[used].min()) - 53 if used.any() else 0
    whole = np.empty(mantissas.shape, dtype=object)
    flat = [
        int(m * 2.0**53) << (int(e) - 53 - lowest) if m else 0
        for m, e in zip(mantissas.ravel().tolist(), exponents.ravel().tolist())
    ]
    whole.ravel()[:] = flat
    return whole, lowest


def root_above(q: Fraction) -> Fraction:
    """The root of q >= 0, rounded up by at most a share of 2^-100."""
    if q == 0:
        return Fraction(0)
    shift = max(0, 2 * _DIGITS - q.numerator.bit_length() + q.denominator.bit_length()) // 2 * 2
    return Fraction(math.isqrt((q.numerator << shift) // q.denominator) + 1, 1 << (shift // 2))


def _artanh_bounds(t: Fraction) -> tuple[Fraction, Fraction]:
    """2 artanh(t) for 0 <= t <= 1/3: partial sums below, and the remainder of a geometric series above."""
    below = 2 * sum((t**j / j for j in range(1, _TERMS, 2)), Fraction(0))
    return below, below + 3 * t ** (_TERMS + 1)


def _on_grid(t: Fraction, *, up: bool) -> Fraction:
    scaled = t * (1 << _DIGITS)
    return Fraction(math.ceil(scaled) if up else math.floor(scaled), 1 << _DIGITS)


def log_bounds(q: Fraction) -> tuple[Fraction, Fraction]:
    """Two fractions with the logarithm of q > 0 between them: q = 2^k m with m in [2/3, 4/3]."""
    k = q.numerator.bit_length() - q.denominator.bit_length()
    if q / power(k) > Fraction(4, 3):
        k += 1
    m = q / power(k)
    t = (m - 1) / (m + 1)
    size = abs(t)
    low, high = _artanh_bounds(_on_grid(size, up=False))[0], _artanh_bounds(_on_grid(size, up=True))[1]
    if t < 0:
        low, high = -high, -low
    two = _artanh_bounds(Fraction(1, 3))
    return low + k * two[0 if k > 0 else 1], high + k * two[1 if k > 0 else 0]


def exp_above(x: Fraction) -> Fraction:
    """exp(x), rounded up: 2^k e^r with |r| <= 1/2 and a Taylor sum with its remainder."""
    k = round(float(x) / math.log(2.0))
    bounds = log_bounds(Fraction(2))
    r = _on_grid(x - k * bounds[0 if k > 0 else 1], up=True)
    total, term = Fraction(1), Fraction(1)
    for j in range(1, 28):
        term = term * r / j
        total += term
    return power(k) * (total + 2 * abs(term * r) / 28)
