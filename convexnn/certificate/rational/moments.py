"""Bounds by moments decided in integers: a symmetric matrix is positive semidefinite if elimination says so.

The form and its multipliers are those of :mod:`convexnn.certificate.moments`. Coefficients that are quotients there are
replaced by doubles near them, which amounts to slightly other multipliers, so that everything is an integer times a
power of two.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from convexnn._types import Bias, Floats, Norm
from convexnn.certificate.moments import Multipliers, response_bound
from convexnn.certificate.rational.numbers import root_above
from convexnn.exceptions import ParameterError

__all__ = ["moment_response_squared"]

_HALF = Fraction(1, 2)
Row = list[Fraction]


def moment_response_squared(
    X: Floats, v: Floats, multipliers: Sequence[Sequence[Multipliers]], *, norm: Norm, bias: Bias
) -> Fraction:
    """R^2 for a number R that no response of a unit neuron exceeds.

    Double precision proposes a bound for every output, which is confirmed here without rounding.

    Parameters
    ----------
    X : (n, d) array
        Samples, with a column of ones if the bias is penalised.
    v : (n, c) array
        Dual vector; columns sum to exactly zero if biases are free.
    multipliers : sequence of sequences of multipliers
        For each output those of its pieces.

    Raises
    ------
    ParameterError
        If the multipliers do not prove what double precision says that they prove.
    """
    squares = []
    for column, pieces in zip(v.T, multipliers, strict=True):
        if not column.any():
            squares.append(Fraction(0))
            continue
        claimed = response_bound(X, column, pieces, bias=bias is True, norm=norm)
        if not math.isfinite(claimed):
            raise ParameterError("the multipliers of a piece prove no finite bound of the response.")
        _confirm(X, column, pieces, Fraction(claimed), centred=bias is True, norm=norm)
        squares.append(Fraction(claimed) ** 2)
    return max(squares) if norm == "l1" else sum(squares, Fraction(0))


def _confirm(
    X: Floats, v: Floats, pieces: Sequence[Multipliers], bound: Fraction, *, centred: bool, norm: Norm
) -> None:
    """Raise unless every piece proves the bound, and the pieces leave no bias out."""
    if centred and sum(map(Fraction, v.tolist())) != 0:
        raise ParameterError("the dual vector does not sum to zero.")
    origin = X.mean(axis=0) if centred else np.zeros(X.shape[1])
    middle = [Fraction(a) for a in origin.tolist()]
    Z = [[Fraction(a) - b for a, b in zip(row, middle)] for row in X.tolist()]
    reach = [max(map(abs, z)) if norm == "l1" else root_above(sum((a * a for a in z), Fraction(0))) for z in Z]
    span = max(reach) if centred else Fraction(0)
    for sign in (1, -1):
        reached = -span
        for piece in sorted((p for p in pieces if p.sign == sign), key=lambda p: p.lower):
            if Fraction(piece.lower) > reached:
                break
            reached = max(reached, Fraction(piece.upper))
        if reached < span or not any(p.sign == sign and Fraction(p.lower) <= -span for p in pieces):
            raise ParameterError("the pieces leave out some biases.")
    for piece in pieces:
        T = _matrix(Z, v * piece.sign, reach, piece, bound, centred=centred)
        if not _is_semidefinite(T):
            raise ParameterError(f"the multipliers of the piece from {piece.lower:g} to {piece.upper:g} prove less.")


def _matrix(
    Z: list[Row], V: Floats, reach: Row, piece: Multipliers, bound: Fraction, *, centred: bool
) -> list[Row]:
    """[[2 R - rest, -g'], [-g, H]] with  2 response <= rest + 2 g.z - z'Hz  on the piece, z = (w, b)."""
    low, high, omega, k = (Fraction(float(a)) for a in (piece.lower, piece.upper, piece.omega, piece.k))
    if omega < 0 or k < 0:
        raise ParameterError("multipliers of inequalities must not be negative.")
    d = len(Z[0])
    linear, square, rest = [], [], omega - k * low * high
    for i, (value, length) in enumerate(zip(V.tolist(), reach)):
        a, b, c = _coefficients(Fraction(value), length, low, high, piece, i)
        linear.append(a)
        square.append(b)
        rest += c
    rows = _whole([[*z, Fraction(1)] if centred else z for z in Z])
    (columns, e), (s, es), (t, et) = rows, _whole([square]), _whole([linear])
    order = d + centred
    H = -(columns.T * s[0]) @ columns
    unit = _power(2 * e + es)
    g = columns.T @ t[0]
    half = _HALF * _power(e + et)
    T = [[Fraction(0)] * (order + 1) for _ in range(order + 1)]
    T[0][0] = 2 * bound - rest
    for p in range(order):
        T[0][p + 1] = T[p + 1][0] = -half * int(g[p])
        for q in range(order):
            T[p + 1][q + 1] = unit * int(H[p, q])
    for p in range(d):
        T[p + 1][p + 1] += omega
    if centred:
        T[order][order] += k
        T[0][order] -= _HALF * k * (low + high)
        T[order][0] = T[0][order]
    return T


def _coefficients(
    V: Fraction, reach: Fraction, low: Fraction, high: Fraction, piece: Multipliers, i: int
) -> tuple[Fraction, Fraction, Fraction]:
    """Coefficients of t, t^2 and 1 in a form above 2 V t_+ for t between low - reach and high + reach."""
    if V == 0 or high + reach <= 0:
        return Fraction(0), Fraction(0), Fraction(0)
    if low >= reach:
        return 2 * V, Fraction(0), Fraction(0)
    if V > 0:
        c = Fraction(float(piece.curvature[i]))
        if c <= 0:
            raise ParameterError("multipliers curvature must be positive where the dual vector is.")
        above = Fraction(math.nextafter(float(V * V / c), math.inf))
        if above < V * V / c:
            raise ParameterError("multipliers curvature are out of range.")
        return V, c / 4, above
    slope, kappa = Fraction(float(piece.slope[i])), min(Fraction(1), max(Fraction(0), Fraction(float(piece.kappa[i]))))
    if abs(slope) > 1:
        raise ParameterError("multipliers slope must lie in [-1, 1].")
    left, right = reach - low, reach + high
    # A double for 2 V kappa / (left + right), towards zero, so that kappa stays in [0, 1].
    bend = Fraction(math.nextafter(float(2 * V * kappa / (left + right)), 0.0)) if kappa else Fraction(0)
    width = bend * (left + right) / 2  # V kappa
    return V + bend * (left - right) / 2 + (V - width) * slope, bend, Fraction(0)


def _whole(rows: list[Row]) -> tuple[np.ndarray[tuple[int, int], np.dtype[np.object_]], int]:
    """Fractions whose denominators are powers of two as integers and one exponent."""
    digits = max((q.denominator.bit_length() - 1 for row in rows for q in row), default=0)
    whole = np.array([[int(q * (1 << digits)) for q in row] for row in rows], dtype=object)
    return whole, -digits


def _power(exponent: int) -> Fraction:
    return Fraction(1, 1 << -exponent) if exponent < 0 else Fraction(1 << exponent)


def _is_semidefinite(T: list[Row]) -> bool:
    """Elimination without fractions: every leading pivot is positive, or its row is zero."""
    digits = max(q.denominator.bit_length() - 1 for row in T for q in row)
    A = np.array([[int(q * (1 << digits)) for q in row] for row in T], dtype=object)
    last = 1
    while len(A):
        pivot = int(A[0, 0])
        if pivot < 0 or (pivot == 0 and A[0].any()):
            return False
        if pivot == 0:
            A = A[1:, 1:]
            continue
        A = (A[1:, 1:] * pivot - np.multiply.outer(A[1:, 0], A[0, 1:])) // last
        last = pivot
    return True
