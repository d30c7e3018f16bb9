"""Slow, direct references for the solver core: Lasso, responses, hyperplanes by enumeration, searches by sampling.

Imports nothing of convexnn.
"""

from __future__ import annotations

from functools import cache
from itertools import combinations, product

import numpy as np


# -- data ------------------------------------------------------------------------------------------------------------
def awkward_points(kind, n, d, seed=0):
    """Samples (n, d) of a named kind: in general position, or degenerate in one particular way."""
    rng = np.random.default_rng([seed, n, d])
    X = rng.normal(size=(n, d))
    if kind == "grid":
        return rng.integers(-2, 3, size=(n, d)).astype(float)
    if kind == "duplicates":
        return X[rng.integers(0, max(1, n // 2), size=n)]
    if kind == "collinear":
        return np.outer(rng.normal(size=n), rng.normal(size=d)) + rng.normal(size=d)
    if kind == "cocircular":
        return X / np.linalg.norm(X, axis=1, keepdims=True)
    if kind == "clusters":
        return np.where(rng.random((n, 1)) < 0.5, 0.0, 1.0) + 1e-6 * X
    if kind == "far":
        return X + 1e5
    if kind == "constant":
        return np.ones((n, d))
    assert kind == "normal"
    return X


KINDS = ("normal", "grid", "duplicates", "collinear", "cocircular", "clusters", "far", "constant")


# -- Lasso -----------------------------------------------------------------------------------------------------------
def lasso_objective(K, y, beta, z, t=0.0, base=None):
    """1/2 ||y - K z - t base||^2 + beta ||z||_1."""
    r = y - K @ z - (0.0 if base is None else t * base)
    return 0.5 * float(r @ r) + beta * float(np.abs(z).sum())


def lasso_bound(K, y, beta, z, t=0.0, base=None):
    """Lower bound on the optimum from the residual of (z, t), projected and shrunk until it is feasible."""
    v = y - K @ z - (0.0 if base is None else t * base)
    if base is not None:
        for _ in range(2):
            v = v - base * float(base @ v) / float(base @ base)
    response = float(np.abs(K.T @ v).max(initial=0.0))
    v = v * min(1.0, beta / response) if response > 0 else v
    return float(y @ v) - 0.5 * float(v @ v)


def lasso_by_signs(K, y, beta, base=None):
    """Optimum by trying every support and sign pattern: for at most six columns."""
    m = K.shape[1]
    fixed = np.zeros((len(y), 0)) if base is None else base[:, None]
    best = np.inf
    for signs in product((-1, 0, 1), repeat=m):
        on = np.flatnonzero(signs)
        s = np.array([signs[j] for j in on], dtype=float)
        A = np.hstack([K[:, on], fixed])
        rhs = A.T @ y - beta * np.concatenate([s, np.zeros(fixed.shape[1])])
        x = np.linalg.lstsq(A.T @ A, rhs, rcond=None)[0] if A.shape[1] else np.zeros(0)
        z = np.zeros(m)
        z[on] = x[: len(on)]
        t = float(x[-1]) if base is not None else 0.0
        best = min(best, lasso_objective(K, y, beta, z, t, base))  # any point is an upper bound, the right one is exact
    return best


# -- responses -------------------------------------------------------------------------------------------------------
def response(points, normals, offsets, v, norm):
    """Norm over the outputs of sum_i v_i (x_i.u + c)_+ for neurons (k, r), (k,): one number each."""
    answers = np.maximum(points @ normals.T + offsets, 0.0).T @ v
    return np.abs(answers).max(axis=1) if norm == "l1" else np.sqrt((answers**2).sum(axis=1))


def normal_through(directions, norm, r):
    """Unit normal orthogonal to r - 1 directions, or None if they are dependent."""
    lengths = np.linalg.norm(directions, axis=1)
    if (lengths <= 1e-12).any():
        return None
    _, s, vt = np.linalg.svd(directions / lengths[:, None])
    if len(directions) and s[-1] < 1e-9:
        return None
    u = vt[-1] if len(directions) else np.ones(1)
    return u / (np.abs(u).sum() if norm == "l1" else np.linalg.norm(u))


def wedges(points, axes, affine, norm):
    """Every hyperplane through rows: list of (rows, normal, offset); dependent subsets are left out."""
    n, r = points.shape
    rows = np.vstack([points, axes.reshape(-1, r)])
    found = []
    for subset in combinations(range(len(rows)), r if affine else r - 1):
        if affine and subset[0] >= n:
            continue
        pivot = points[subset[0]] if affine else np.zeros(r)
        directions = [rows[i] - (pivot if i < n else 0.0) for i in subset[1 if affine else 0 :]]
        u = normal_through(np.array(directions).reshape(r - 1, r), norm, r)
        if u is not None:
            found.append((subset, u, -float(u @ pivot)))
    return found


def wedge_responses(points, axes, affine, norm, v):
    """Rows of every hyperplane and the larger response of its two neurons."""
    planes = wedges(points, axes, affine, norm)
    if not planes:
        return [], np.zeros(0)
    normals, offsets = np.array([p[1] for p in planes]), np.array([p[2] for p in planes])
    values = np.maximum(response(points, normals, offsets, v, norm), response(points, -normals, -offsets, v, norm))
    return [p[0] for p in planes], values


def sampled_neurons(points, affine, norm, rng, count):
    """Random unit neurons; with free biases their hyperplanes pass through a sample."""
    u = rng.normal(size=(count, points.shape[1]))
    u /= np.linalg.norm(u, ord=1 if norm == "l1" else 2, axis=1)[:, None]
    pivots = points[rng.integers(0, len(points), size=count)]
    return u, -np.einsum("ij,ij->i", u, pivots) if affine else np.zeros(count)


def searched_maximum(points, affine, norm, v, rng, count=4000, rounds=60):
    """Best response found by sampling neurons and then perturbing the best ones at ever smaller scales."""
    u, c = sampled_neurons(points, affine, norm, rng, count)
    values = response(points, u, c, v, norm)
    top = np.argsort(-values)[:20]
    u, c, best = u[top], c[top], values[top]
    if affine:
        pivot = np.abs(points @ u.T + c).argmin(axis=0)
    for step in np.geomspace(0.3, 1e-8, rounds):
        for _ in range(4):
            trial = u + step * rng.normal(size=u.shape)
            trial /= np.linalg.norm(trial, ord=1 if norm == "l1" else 2, axis=1)[:, None]
            offset = -np.einsum("ij,ij->i", trial, points[pivot]) if affine else np.zeros(len(trial))
            fresh = response(points, trial, offset, v, norm)
            better = fresh > best
            u[better], c[better], best[better] = trial[better], offset[better], fresh[better]
    return float(best.max())


# -- the line --------------------------------------------------------------------------------------------------------
def hinge_sums(x, v):
    """sum_{i: x_i > x_j} v_i (x_i - x_j) for every j, by the definition."""
    return np.maximum(x[:, None] - x[None, :], 0.0).T @ v


# -- the l2 problem over all activation patterns ---------------------------------------------------------------------
def patterns_of(X, affine, rng, count=20_000):
    """Activation patterns of all neurons on few samples, by sampling near hyperplanes through samples."""
    n, d = X.shape
    A = np.hstack([X, np.ones((n, 1))]) if affine else X
    draws = rng.normal(size=(count, A.shape[1]))
    found = {tuple(row) for row in (draws @ A.T >= 0)}
    k = A.shape[1] - 1
    for subset in combinations(range(n), min(k, n)):
        _, _, vt = np.linalg.svd(A[list(subset)])
        for flip in (1.0, -1.0):
            near = flip * vt[-1] + 1e-5 * rng.normal(size=(40, A.shape[1]))
            found |= {tuple(row) for row in (near @ A.T >= 0)}
    return np.array(sorted(found), dtype=bool)


def network_optimum(X, y, beta, affine, rng):
    """The convex program over activation patterns (arXiv 2002.10553), squared loss, l2: by CVXPY and Clarabel."""
    import cvxpy as cp

    n, d = X.shape
    A = np.hstack([X, np.ones((n, 1))]) if affine else X
    f, penalty, constraints = (cp.Variable() if affine else 0.0), 0.0, []
    for pattern in patterns_of(X, affine, rng):
        side = np.where(pattern, 1.0, -1.0)[:, None] * A
        for sign in (1.0, -1.0):
            w = cp.Variable(A.shape[1])
            f = f + sign * (A * pattern[:, None]) @ w
            penalty = penalty + cp.norm(w[:d], 2)
            constraints.append(side @ w >= 0)
    problem = cp.Problem(cp.Minimize(0.5 * cp.sum_squares(f - y) + beta * penalty), constraints)
    return float(problem.solve(solver="CLARABEL"))


# -- the restricted problem, by a conic solver -----------------------------------------------------------------------
@cache
def _conic_problem(loss, n, m, c, rows, intercept):
    import cvxpy as cp

    K, y, w = cp.Parameter((n, m)), cp.Parameter((n, c)), cp.Parameter((n, 1), nonneg=True)
    beta = cp.Parameter(nonneg=True)
    z, t = cp.Variable((m, c)), cp.Variable((1, c))
    f = K @ z + (np.ones((n, 1)) @ t if intercept else 0.0)
    margin = 1.0 - cp.multiply(y, f)
    each = {
        "squared_error": lambda: 0.5 * cp.square(f - y),
        "huber": lambda: 0.5 * cp.huber(f - y, 1.0),
        "quantile": lambda: 0.5 * cp.abs(f - y),
        "poisson": lambda: cp.exp(f) - cp.multiply(y, f),
        "log_loss_multilabel": lambda: cp.logistic(-cp.multiply(y, f)),
        "squared_hinge": lambda: 0.5 * cp.square(cp.pos(margin)),
        "hinge": lambda: cp.pos(margin),
        "log_loss": lambda: cp.reshape(
            cp.log_sum_exp(f, axis=1) - cp.sum(cp.multiply(y, f), axis=1), (n, 1), order="C"
        ),
    }["log_loss_multilabel" if loss == "log_loss" and c == 1 else loss]()
    value = cp.sum(w.T @ each) + beta * cp.sum(cp.norm(z, rows, axis=1))
    return cp.Problem(cp.Minimize(value)), K, y, w, beta


def conic_optimum(loss, K, y, beta, *, rows=1, intercept=True, weight=None):
    """Optimum of loss(K z + t; y) + beta sum_j ||z_j||_rows for K (n, m), y (n, c), by CVXPY and Clarabel."""
    import warnings

    problem, *parameters = _conic_problem(loss, *K.shape, y.shape[1], rows, intercept)
    weight = np.ones((len(y), 1)) if weight is None else np.reshape(weight, (-1, 1))
    for parameter, value in zip(parameters, (K, y, weight, beta)):
        parameter.value = value
    accurate = {"tol_gap_abs": 1e-11, "tol_gap_rel": 1e-11, "tol_feas": 1e-11}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # exponential cones may stop at "almost solved": still far below 1e-7
        value = float(problem.solve(solver="CLARABEL", **accurate))
    if loss == "poisson":  # half the deviance: zero at a perfect fit
        log = np.log(np.where(y > 0, y, 1.0))
        value += float((weight * (y * log - y)).sum())
    return value
