"""Trusted: an upper bound of the response of every unit neuron, from multipliers that somebody proposes.

A neuron with output sign sigma and normal w, |w| <= 1, has the response sum_i V_i (x_i.w + b)_+ with V = sigma v. On
a piece, all w and l <= b <= u, multipliers give a quadratic form above twice the response:

    V_i > 0:  2 V t_+ <= V t + V^2 / c + c t^2 / 4                         for any c > 0   ("curvature")
    V_i < 0:  2 V t_+ <= V (t + kappa g(t) + (1 - kappa) s t)              for kappa in [0, 1], s in [-1, 1],

where t = x_i.w + b lies in [-L, H] and g(t) = (2 t^2 + (L - H) t) / (L + H) <= |t| there. Samples whose sign is
constant on the piece are exact. With omega (1 - |w|^2) >= 0 and k (b - l)(u - b) >= 0 added, the form is at most 2 R
on the piece if a symmetric matrix of order d + 2 is positive semidefinite, which a Cholesky factorisation decides in
floating point (Rump, Verification of positive definiteness, BIT 46, 2006).

A free bias needs sum(v) = 0, and then only |b| <= max_i |x_i.w| matters: a hyperplane that misses all samples is as
good as one that touches one. Nothing here is shared with the engines in :mod:`convexnn.bounds`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from convexnn._types import Bools, Floats, Norm
from convexnn.exceptions import ParameterError

__all__ = ["Multipliers", "response_bound"]

_UNIT = 2.0**-53


class Multipliers(Protocol):
    """What is read of a piece; see the head of this module for the meaning of the numbers."""

    @property
    def sign(self) -> int: ...
    @property
    def lower(self) -> float: ...
    @property
    def upper(self) -> float: ...
    @property
    def curvature(self) -> Floats: ...
    @property
    def kappa(self) -> Floats: ...
    @property
    def slope(self) -> Floats: ...
    @property
    def omega(self) -> float: ...
    @property
    def k(self) -> float: ...


def response_bound(X: Floats, v: Floats, pieces: Sequence[Multipliers], *, bias: bool, norm: Norm = "l2") -> float:
    """An upper bound of max |sum_i v_i (x_i.w + b)_+| over all neurons with |w|_p <= 1, rounding included.

    O(n d^2 + d^3) for each piece.

    Parameters
    ----------
    X : (n, d) array
        Samples as the user gave them, finite.
    v : (n,) array
        Dual vector, finite.
    pieces : sequence of multipliers
        For each sign +1 and -1 the pieces must cover every bias that matters; without a bias one with
        lower = upper = 0 is enough. Each piece has arrays (n,).
    bias : bool
        Whether neurons have a free bias. Then sum(v) must be exactly zero; the bias is measured from the mean row.
    norm : "l2" or "l1"
        Norm of w. A unit vector of the l1 norm has an l2 norm of at most one, and |x.w| <= max |x_k|.

    Raises
    ------
    ParameterError
        If multipliers are out of range, pieces leave a bias out, or the sum of v is not zero.
    """
    if bias and math.fsum(v) != 0.0:
        raise ParameterError(f"The dual vector sums to {math.fsum(v):g}; with free biases it must sum to exactly zero.")
    Z, moved = _centred(X) if bias else (X, 0.0)
    reach = _lengths(Z, norm)
    span = float(reach.max(initial=0.0)) if bias else 0.0
    for sign in (1, -1):
        _check_cover([piece for piece in pieces if piece.sign == sign], span, sign)
    top = max(_piece_bound(Z, v * piece.sign, reach, span, piece) for piece in pieces)
    # Rows were rounded when they were centred, which moves x.w by no more than `moved` times the row's length.
    return (max(top, 0.0) + moved * float(np.abs(v) @ reach)) * (1.0 + 8.0 * len(v) * _UNIT)


def _centred(X: Floats) -> tuple[Floats, float]:
    """Rows minus a mean row, and the relative rounding error of the entries in units of the longest row."""
    return X - X.mean(axis=0), 2.0 * _UNIT * math.sqrt(X.shape[1])


def _lengths(Z: Floats, norm: Norm) -> Floats:
    """Upper bounds of |x_i.w| over unit w: the dual norm of the rows, rounded up."""
    size = np.abs(Z).max(axis=1, initial=0.0) if norm == "l1" else np.sqrt(np.square(Z).sum(axis=1))
    lengths: Floats = size * (1.0 + 4.0 * (Z.shape[1] + 8) * _UNIT)
    return lengths


def _check_cover(pieces: Sequence[Multipliers], span: float, sign: int) -> None:
    """Refuse pieces whose bias ranges leave out a part of [-span, span]."""
    reached = -span
    for piece in sorted(pieces, key=lambda piece: piece.lower):
        if not (np.isfinite(piece.lower) and np.isfinite(piece.upper) and piece.lower <= piece.upper):
            raise ParameterError(f"A piece goes from {piece.lower} to {piece.upper}; expected finite ends in order.")
        if piece.lower > reached:
            break
        reached = max(reached, piece.upper)
    if not pieces or reached < span or min(piece.lower for piece in pieces) > -span:
        raise ParameterError(
            f"The pieces for sign {sign:+d} cover biases up to {reached:g} only; expected all of {-span:g} to {span:g}."
        )


def _check_multipliers(piece: Multipliers, n: int) -> None:
    for name in ("curvature", "kappa", "slope"):
        array = np.asarray(getattr(piece, name))
        if array.shape != (n,) or not np.isfinite(array).all():
            raise ParameterError(f"Multipliers {name!r} of shape {array.shape}; expected ({n},) finite numbers.")
    if not (0.0 <= piece.omega < np.inf and 0.0 <= piece.k < np.inf):
        raise ParameterError(f"omega={piece.omega} and k={piece.k}; expected finite numbers >= 0.")
    if (piece.kappa < 0).any() or (piece.kappa > 1).any() or (np.abs(piece.slope) > 1).any():
        raise ParameterError("Multipliers kappa must lie in [0, 1] and slope in [-1, 1].")


def _piece_bound(Z: Floats, V: Floats, reach: Floats, span: float, piece: Multipliers) -> float:
    """Upper bound of sum_i V_i (x_i.w + b)_+ over |w| <= 1 and the biases of the piece.

    The form is  const + 2 g.(w, b/B) - (w, b/B)'H(w, b/B)  with B = `span` (no last coordinate if B = 0).
    """
    n, d = Z.shape
    _check_multipliers(piece, n)
    low, high = piece.lower, piece.upper
    always = low >= reach
    mid = ~always & (high > -reach)
    up = mid & (V > 0)
    if (piece.curvature[up] <= 0).any():
        raise ParameterError("Multipliers curvature must be positive where the dual vector is.")
    linear, square = _coefficients(V, reach, piece, always, mid)
    constant = float(np.sum(np.square(V[up]) / piece.curvature[up]))
    rows = np.concatenate([Z, np.full((n, 1), span)], axis=1) if span > 0 else Z
    order = rows.shape[1]
    H = -(rows.T * square) @ rows
    H[np.arange(d), np.arange(d)] += piece.omega
    g = 0.5 * (rows.T @ linear)
    if span > 0:
        H[d, d] += piece.k * span * span
        g[d] += 0.5 * piece.k * (low + high) * span
    rest = constant + piece.omega - piece.k * low * high
    # A priori bounds of what rounding changed in H, g and the constant: inner products of length n, a few
    # operations for each coefficient; twice what is needed, so that rounding of the allowance itself is paid for.
    each = 2.0 * (n + 64) * _UNIT
    long = np.sqrt(np.square(_lengths(Z, "l2")) + span * span)
    allowance = each * (
        float(np.abs(square) @ np.square(long)) + 4.0 * float(np.abs(V) @ long) + constant + piece.omega
    ) + 32.0 * _UNIT * piece.k * (span + max(abs(low), abs(high))) ** 2
    return _largest(H, g, rest, allowance, order)


def _coefficients(
    V: Floats, reach: Floats, piece: Multipliers, always: Bools, mid: Bools
) -> tuple[Floats, Floats]:
    """Coefficients (n,) of t and t^2 in the form above twice the response."""
    linear = np.where(always, 2.0 * V, 0.0)
    square = np.zeros_like(V)
    up, down = mid & (V > 0), mid & (V < 0)
    linear[up] = V[up]
    square[up] = 0.25 * piece.curvature[up]
    low, high = reach[down] - piece.lower, reach[down] + piece.upper
    kappa, width = piece.kappa[down], low + high
    linear[down] = V[down] * (1.0 + kappa * (low - high) / width + (1.0 - kappa) * piece.slope[down])
    square[down] = 2.0 * V[down] * kappa / width
    return linear, square


def _largest(H: Floats, g: Floats, rest: float, allowance: float, order: int) -> float:
    """A proven R with  rest + 2 g.z - z'Hz <= 2 R  for all z = (w, b/B), |w| <= 1, |b| <= B.

    The matrix [[2R - rest, -g'], [-g, H]] need not be semidefinite at the R that floating point suggests: adding e to
    its diagonal costs e (1 + |w|^2 + (b/B)^2) <= 3 e, which is added to 2 R.
    """
    scale = float(np.abs(H).max(initial=0.0)) + abs(rest) + float(np.abs(g).max(initial=0.0))
    if not np.isfinite(scale):
        return math.inf
    size = order + 1
    lift = 1e-14 * scale
    for _ in range(4):
        try:
            # Any vector x gives a candidate: what the factorisation below does not confirm is not used.
            solved = np.linalg.solve(H + lift * np.eye(order), g) if order else g
        except np.linalg.LinAlgError:
            solved = np.zeros(order)
        twice = rest + float(g @ solved)
        T = np.block([[np.array([[twice - rest]]), -g[None]], [-g[:, None], H]])
        chop = 4.0 * (size + 4) * _UNIT * (float(np.abs(np.diag(T)).sum()) + scale) + 1e-250
        for factor in (2.0, 8.0, 64.0, 1e3, 1e5):
            extra = factor * (allowance + chop)
            try:
                np.linalg.cholesky(T + (extra - allowance - chop) * np.eye(size))
            except np.linalg.LinAlgError:
                continue
            return 0.5 * (twice + 3.0 * extra + 8.0 * _UNIT * abs(twice))
        lift *= 1e3
    return math.inf
