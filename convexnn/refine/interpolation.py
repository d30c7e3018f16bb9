"""Coefficients of least norm with given outputs, by column generation: the limit beta -> 0 of training."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linprog

from convexnn._progress import Clock
from convexnn._types import Floats, Norm
from convexnn.exceptions import SolverError
from convexnn.network.relu import row_norms
from convexnn.restricted.columns import fit_columns

__all__ = ["Interpolation", "least_norm"]

# A coefficient below this share of the largest is zeroed before outputs are made exact: linear programs end in
# vertices, interior points leave dust.
_NEGLIGIBLE_VERTEX, _NEGLIGIBLE_INTERIOR = 1e-9, 1e-6
# Generation ends at this relative gap, or when it has not shrunk by a tenth for so many rounds.
_CLOSED, _PATIENCE = 1e-8, 10
# Penalty, as a share of the one that makes everything zero, that stands for the limit zero.
_TINY = 1e-6

More = Callable[[Floats], tuple[Floats, float]]


@dataclass(frozen=True)
class Interpolation:
    """min sum_j ||z_j||  subject to  K z + t = T.

    Attributes
    ----------
    coef : (m, c) array
    intercept : (c,) array
    v : (n, c) array
        Dual vector: <v, T> / max_j ||K_j'v|| is a lower bound on the norm, over whichever columns j runs.
    """

    coef: Floats
    intercept: Floats
    v: Floats


def least_norm(
    K: Floats, T: Floats, more: More, *, norm: Norm, intercept: bool, clock: Clock
) -> Interpolation:
    """Solve over the columns of K (n, m), add what `more` finds for the dual vector, until it finds nothing.

    One output and l1 rows are linear programs, l2 rows of several outputs a second-order cone program.

    Parameters
    ----------
    K : (n, m) array
        Columns to start from; together they must be able to reach T.
    T : (n, c) array
    more : callable
        From a dual vector (n, c) in the units of K and T to further columns (n, k) that respond by more than 1,
        which are appended in order, and the lower bound on the norm that the vector proves.
    norm, intercept :
        Norm of the rows z_j; whether there is a t.
    clock : Clock
        Generation ends when it has expired; the best coefficients so far are returned.

    Raises
    ------
    SolverError
        If a restricted problem could not be solved.
    """
    # Numbers of order one: columns are divided by a common factor, which scales the norm and nothing else.
    scale = float(np.abs(K).max(initial=0.0)) or 1.0
    size = float(np.abs(T).max(initial=0.0)) or 1.0
    columns, targets, own = K / scale, T / size, K.shape[1]
    linear = norm == "l1" or T.shape[1] == 1
    solve = _linear if linear else _rows
    least, best_v, highest, shut, idle = np.inf, np.zeros_like(T), -np.inf, np.inf, 0
    z, t = np.zeros((own, T.shape[1])), np.zeros(T.shape[1])
    while True:
        trial, shift, v = solve(columns, targets, intercept)
        fresh, bound = more(v / scale)
        # A degenerate program may end with a worse point than before; its dual vector may still be better.
        if (value := float(row_norms(trial, norm).sum()) * size / scale) < least:
            least, z, t = value, trial, shift
        if bound > highest:
            highest, best_v = bound, v / scale
        gap = (least - highest) / least if least > 0 else 0.0
        shut, idle = (gap, 0) if gap < 0.9 * shut else (shut, idle + 1)
        if not fresh.shape[1] or gap <= _CLOSED or idle >= _PATIENCE or clock.expired:
            break
        columns = np.hstack([columns, fresh / scale])
    # Columns that came after the last solve have no coefficient.
    z = np.vstack([z, np.zeros((columns.shape[1] - len(z), z.shape[1]))])
    z, t = _exact(columns, targets, z, t, own, intercept, _NEGLIGIBLE_VERTEX if linear else _NEGLIGIBLE_INTERIOR)
    return Interpolation(z * (size / scale), t * size, best_v)


def _linear(K: Floats, T: Floats, intercept: bool) -> tuple[Floats, Floats, Floats]:
    """Output by output: min 1'(p + q) with K (p - q) + t = T_k; the dual are the marginals."""
    n, m = K.shape
    parts = []
    for target in T.T:
        matrix = np.hstack([K, -K, np.ones((n, 1))]) if intercept else np.hstack([K, -K])
        cost = np.concatenate([np.ones(2 * m), np.zeros(int(intercept))])
        bounds = [(0.0, None)] * (2 * m) + [(None, None)] * int(intercept)
        found = linprog(cost, A_eq=matrix, b_eq=target, bounds=bounds, method="highs-ds")
        if found.x is None:
            raise SolverError(f"the linear program of a block could not be solved: {found.message}")
        parts.append((found.x[:m] - found.x[m : 2 * m], found.x[-1] if intercept else 0.0, found.eqlin.marginals))
    z, t, v = zip(*parts)
    return np.column_stack(z), np.array(t), np.column_stack(v)


def _rows(K: Floats, T: Floats, intercept: bool) -> tuple[Floats, Floats, Floats]:
    """The cone program; where it is so degenerate that interior points fail, the Lasso with a tiny penalty."""
    try:
        return _cone(K, T, intercept)
    except SolverError:
        start = float(np.linalg.norm(K.T @ (T - T.mean(axis=0) * intercept), axis=1).max())
        if start == 0.0:
            raise
        fit = fit_columns(K, T, beta=_TINY * start, norm="l2", intercept=intercept)
        return fit.coef, fit.intercept, fit.v / (_TINY * start)


def _cone(K: Floats, T: Floats, intercept: bool) -> tuple[Floats, Floats, Floats]:
    import cvxpy as cp

    (n, m), c = K.shape, T.shape[1]
    z, t = cp.Variable((m, c)), cp.Variable((1, c))
    outputs = K @ z + np.ones((n, 1)) @ t if intercept else K @ z
    tie = outputs == T
    program = cp.Problem(cp.Minimize(cp.sum(cp.norm(z, 2, axis=1))), [tie])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # outputs are made exact afterwards, and the bound is recomputed
            program.solve(solver="CLARABEL")
    except cp.error.SolverError as error:
        raise SolverError(f"the cone program of a block could not be solved: {error}") from error
    if z.value is None or tie.dual_value is None:
        raise SolverError(f"the cone program of a block ended with status {program.status!r} and no solution.")
    shift = np.asarray(t.value)[0] if intercept else np.zeros(c)
    return np.asarray(z.value), shift, -np.asarray(tie.dual_value).reshape(n, c)


def _exact(
    K: Floats, T: Floats, z: Floats, t: Floats, own: int, intercept: bool, negligible: float
) -> tuple[Floats, Floats]:
    """Make the outputs exact: drop negligible columns, then the smallest correction, in proportion to each size."""
    length = np.linalg.norm(z, axis=1)
    largest = float(length.max(initial=0.0)) or 1.0
    kept = length > negligible * largest
    z = np.where(kept[:, None], z, 0.0)
    for first in (False, True):
        # The kept columns can nearly always take the correction; the first `own` ones can for certain.
        used = kept | (first & (np.arange(len(kept)) < own))
        weight = np.maximum(length[used], negligible * largest)
        matrix = K[:, used] * weight
        if intercept:
            matrix = np.hstack([matrix, np.full((len(K), 1), max(largest, 1.0))])
        trial, shift = z.copy(), t
        for _ in range(3):
            step = np.linalg.lstsq(matrix, T - K @ trial - shift, rcond=1e-14)[0]
            trial[used] += step[: used.sum()] * weight[:, None]
            if intercept:
                shift = shift + step[-1] * max(largest, 1.0)
        if np.abs(T - K @ trial - shift).max(initial=0.0) <= 1e-12:
            break
    return trial, shift
