"""Fewer terms in a nonnegative combination, without changing it and without raising the sum (Caratheodory)."""

from __future__ import annotations

import numpy as np

from convexnn._types import Bools, Floats, Ints

__all__ = ["sparsest_vertex"]

# Singular values below this share of the largest are rounding.
_RANK = 1e-13


def _null_basis(columns: Floats) -> Floats:
    """Orthonormal basis (m, k) of the vectors that the columns (n, m) map to zero."""
    _, s, vt = np.linalg.svd(columns, full_matrices=True)
    rank = int((s > _RANK * max(columns.shape) * s.max(initial=0.0)).sum())
    return np.ascontiguousarray(vt[rank:].T)


def _without(basis: Floats, i: int) -> Floats:
    """The vectors of the span with entry i zero: one reflection, one column less."""
    row = basis[i].copy()
    # Reflect row i onto the first axis; the other columns then have a zero there.
    row[0] += np.copysign(np.linalg.norm(row), row[0])
    length = float(row @ row)
    if length > 0:
        basis = basis - np.outer(basis @ row, row * (2.0 / length))
    rest = basis[:, 1:]
    rest[i] = 0.0
    return rest


def _direction(basis: Floats, cost: Floats) -> Floats:
    """A null vector along which the cost does not rise: the steepest, or any if all are level."""
    slopes = basis.T @ cost
    if np.linalg.norm(slopes) > 1e-12 * np.linalg.norm(cost):
        return -basis @ slopes
    move = basis[:, 0]
    return -move if cost @ move > 0 else move


def _falling(move: Floats, free: Bools) -> Ints:
    """Entries that a move lowers, by more than rounding: a step must not be set by noise."""
    return np.flatnonzero(~free & (move < -1e-12 * np.abs(move[~free]).max()))


def sparsest_vertex(columns: Floats, start: Floats, free: Bools) -> Floats:
    """A basic solution of ``columns @ x = columns @ start`` with no larger sum over the entries not free.

    Moves along null vectors until an entry reaches zero and stays there; at the end the columns of the
    entries left are independent.

    Parameters
    ----------
    columns : (n, m) array
    start : (m,) array
        Nonnegative where not free.
    free : (m,) array of bool
        Entries of either sign and no cost.

    Returns
    -------
    (m,) array
        At most rank(columns) nonzero entries.
    """
    sizes = np.linalg.norm(columns, axis=0)
    # A column of zeros constrains nothing; its entry is dropped by its own null vector.
    scale = np.where(sizes > 0, sizes, 1.0)
    x, cost = start * scale, np.where(free, 0.0, 1.0 / scale)
    basis = _null_basis(columns / scale)
    for i in np.flatnonzero(~free & (x == 0)):
        basis = _without(basis, int(i)) if basis.shape[1] else basis
    # Without any entry that could be stopped at zero the rest of the null space moves free entries only.
    while basis.shape[1] and np.abs(basis[~free]).max(initial=0.0) > 1e-12:
        move = _direction(basis, cost)
        falling = _falling(move, free)
        if falling.size == 0:
            move = -move
            falling = _falling(move, free)
        steps = x[falling] / -move[falling]
        stop = int(falling[np.argmin(steps)])
        x = x + steps.min() * move
        x[~free] = np.maximum(x[~free], 0.0)
        x[stop] = 0.0
        basis = _without(basis, stop)
    return x / scale
