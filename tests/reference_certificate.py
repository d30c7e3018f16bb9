"""Slow, direct versions of what a certificate computes. Imports nothing of convexnn.

Neurons are pairs (u, c) with u of length one; a response is |sum_i v_i (x_i.u + c)_+| over the outputs.
"""

from __future__ import annotations

import itertools
import warnings
from fractions import Fraction

import numpy as np


def length(u, norm):
    return np.abs(u).sum(axis=-1) if norm == "l1" else np.sqrt((u * u).sum(axis=-1))


def response(X, v, u, c, norm):
    """Responses (m,) of neurons u (m, d), c (m,) to v (n, k)."""
    values = np.maximum(X @ u.T + c, 0.0).T @ v
    return np.abs(values).max(axis=1) if norm == "l1" else np.sqrt((values**2).sum(axis=1))


def reduced(X, bias):
    """Samples in coordinates of their span (affine hull if biased) if that is smaller than the space."""
    centred = X - X.mean(axis=0) if bias is True else X
    _, s, vt = np.linalg.svd(centred, full_matrices=False)
    rank = int((s > 1e-9 * max(s.max(initial=0.0), 1e-300)).sum())
    return X if rank == X.shape[1] else centred @ vt[:rank].T


def wedge_neurons(X, norm, bias):
    """All wedge neurons in both orientations, by the table of the dictionaries (MATHS 2), itertools only.

    Returns the points they belong to (for l2 reduced to their rank), normals and offsets.
    """
    points = np.hstack([X, np.ones((len(X), 1))]) if bias == "penalized" else X
    if norm == "l2":
        points = reduced(points, bias)
    r = points.shape[1]
    axes = list(np.eye(r)) if norm == "l1" else []
    found = []
    for pivot in () if r == 0 else range(len(points)) if bias is True else [None]:
        origin = points[pivot] if pivot is not None else np.zeros(r)
        rows = [row for row in points - origin if row.any()] + axes
        for subset in itertools.combinations(rows, r - 1):
            matrix = np.array(subset).reshape(r - 1, r)
            normal = np.array([(-1) ** k * minor(matrix, k) for k in range(r)])
            if np.linalg.norm(normal) > 1e-10 * np.prod(np.linalg.norm(matrix, axis=1)):
                u = normal / length(normal, norm)
                found += [(u, -origin @ u), (-u, origin @ u)]
    return points, np.array([u for u, _ in found]).reshape(len(found), r), np.array([c for _, c in found])


def minor(matrix, k):
    rest = np.delete(matrix, k, axis=1)
    return 1.0 if rest.size == 0 else np.linalg.det(rest)


def wedge_response(X, v, norm, bias):
    points, u, c = wedge_neurons(X, norm, bias)
    return response(points, v, u, c, norm).max(initial=0.0)


def sampled_neurons(rng, X, count, norm, bias):
    """Random unit neurons in ambient coordinates; biases place the hyperplane among the samples."""
    d = X.shape[1] + (bias == "penalized")
    u = rng.standard_normal((count, d))
    # Some of them sparse or close to an axis, where the l1 ball has its corners.
    u[: count // 3] *= rng.random((count // 3, d)) < 0.5
    u = u[u.any(axis=1)]
    u /= length(u, norm)[:, None]
    if bias == "penalized":
        return u[:, :-1], u[:, -1]
    if bias is False:
        return u, np.zeros(len(u))
    inside = rng.random((len(u), 1))
    one, two = X[rng.integers(len(X), size=len(u))], X[rng.integers(len(X), size=len(u))]
    return u, -((inside * one + (1 - inside) * two) * u).sum(axis=1)


def ascended_response(rng, X, v, starts, bias):
    """Best l2 response found by u <- U(u)/|U(u)| from random starts (one output), biases at samples."""
    points = np.hstack([X, np.ones((len(X), 1))]) if bias == "penalized" else X
    u = rng.standard_normal((starts, points.shape[1]))
    u /= length(u, "l2")[:, None]
    pivots = points[rng.integers(len(points), size=starts)] if bias is True else np.zeros_like(u)
    best = 0.0
    for _ in range(60):
        active = np.einsum("ij,sj->si", points, u) > (pivots * u).sum(axis=1)[:, None]
        total = (active * v[:, 0]) @ points - (active @ v) * pivots
        sizes = np.abs((total * u).sum(axis=1))
        best = max(best, sizes.max())
        sign = np.sign((total * u).sum(axis=1, keepdims=True))
        norms = length(total, "l2")[:, None]
        u = np.where(norms > 1e-12, sign * total / np.where(norms > 0, norms, 1.0), u)
        u /= length(u, "l2")[:, None]
    return best


# More than the solver can promise: it stops where it gets no further, and the certificate is the judge.
TIGHT = {"solver": "CLARABEL", "tol_gap_abs": 1e-12, "tol_gap_rel": 1e-12, "tol_feas": 1e-12}


def solve(problem):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Solution may be inaccurate")
        problem.solve(**TIGHT)


def lasso_network(X, Y, beta, norm, bias, loss="squared_error"):
    """Optimal network over the wedge dictionary by an interior-point method: (u, c, z, t); X of full rank."""
    import cvxpy as cp

    points, u, c = wedge_neurons(X, norm, bias)
    assert points is X
    K = np.maximum(X @ u.T + c, 0.0)
    z, t = cp.Variable((K.shape[1], Y.shape[1])), cp.Variable((1, Y.shape[1]))
    f = K @ z + np.ones((len(X), 1)) @ t
    margins = cp.multiply(Y, f)
    fit = 0.5 * cp.sum_squares(f - Y) if loss == "squared_error" else cp.sum(cp.logistic(-margins))
    penalty = cp.sum(cp.abs(z)) if norm == "l1" else cp.sum(cp.norm(z, 2, axis=1))
    solve(cp.Problem(cp.Minimize(fit + beta * penalty), [] if bias is True else [t == 0]))
    return u, c, z.value, t.value[0] if bias is True else np.zeros(Y.shape[1])


def activation_patterns(X, bias):
    """Every set of samples that a neuron can be active on; X in general position.

    Each cell has a wedge neuron on its border, and all on/off choices for the samples on it occur.
    """
    _, u, c = wedge_neurons(X, "l2", bias)
    found = set()
    for values in (X @ u.T + c).T:
        active, touched = values > 1e-9, np.flatnonzero(np.abs(values) <= 1e-9)
        for choice in itertools.product([False, True], repeat=len(touched)):
            active[touched] = choice
            found.add(tuple(active.tolist()))
    return np.array(sorted(found))


def network_response(X, v, bias):
    """Largest l2 response of all neurons, d <= 3 rows through the origin or d <= 2 with free biases.

    On a face of a cell the response is the length of a matrix times u, largest at its top singular vector, if
    that lies on the face. All these vectors of all faces are tried; X in general position.
    """
    if bias is True:
        # At the best bias a sample lies on the hyperplane: measured from it, there are no biases.
        others = [np.delete(X - x, i, axis=0) for i, x in enumerate(X)]
        return max(network_response(rows, np.delete(v, i, axis=0), False) for i, rows in enumerate(others))
    rows = np.hstack([X, np.ones((len(X), 1))]) if bias == "penalized" else X
    best, d = wedge_response(rows, v, "l2", False), rows.shape[1]
    for active in activation_patterns(rows, False):
        matrix = (v * active[:, None]).T @ rows
        for face in [None, *rows] if d == 3 else [None]:
            flat = matrix if face is None else matrix - np.outer(matrix @ face, face) / (face @ face)
            u = np.linalg.svd(flat)[2][:1]
            best = max(best, *(response(rows, v, sign * u, 0.0, "l2")[0] for sign in (1.0, -1.0)))
    return best


def network_program(X, y, beta, bias):
    """Optimal l2 network of any width (Pilanci & Ergen 2020): cones over all patterns; (u, c, z, t)."""
    import cvxpy as cp

    n, d = X.shape
    patterns = activation_patterns(X, bias)
    rows = np.hstack([X, np.ones((n, 1))]) if bias else X
    constraints, penalty = [], 0
    t = cp.Variable()
    f = t * np.ones(n)
    weights = {sign: cp.Variable((len(patterns), rows.shape[1])) for sign in (1, -1)}
    for sign, w in weights.items():
        values = rows @ w.T
        f = f + sign * cp.sum(cp.multiply(patterns.T, values), axis=1)
        constraints.append(cp.multiply(2.0 * patterns.T - 1.0, values) >= 0)
        penalty = penalty + cp.sum(cp.norm(w[:, :d], 2, axis=1))
    objective = 0.5 * cp.sum_squares(f - y) + beta * penalty
    solve(cp.Problem(cp.Minimize(objective), constraints + ([] if bias else [t == 0])))
    found = np.vstack([weights[1].value, weights[-1].value])
    signs = np.repeat([1.0, -1.0], len(patterns))
    c = found[:, d] if bias else np.zeros(len(found))
    return found[:, :d], c, signs[:, None], np.array([float(t.value) if bias else 0.0])


def exact_wedge_response(X, v):
    """Largest l1 response to rational v in rational arithmetic: free biases, integer samples in d <= 2."""
    best, d = Fraction(0), len(X[0])
    axes = [[int(i == k) for i in range(d)] for k in range(d)]
    for pivot in X:
        rows = [[a - b for a, b in zip(x, pivot)] for x in X]
        normals = [[1]] if d == 1 else [[b, -a] for a, b in rows + axes if a or b]
        for normal in normals:
            size = sum(abs(entry) for entry in normal)
            heights = [Fraction(sum(u * a for u, a in zip(normal, row)), size) for row in rows]
            for sign in (1, -1):
                total = sum(weight * max(sign * height, Fraction(0)) for weight, height in zip(v, heights))
                best = max(best, abs(total))
    return best
