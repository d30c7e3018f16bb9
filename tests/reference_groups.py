"""Slow, direct references for networks whose neurons see one group of features. Imports nothing of convexnn."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from reference_solver import conic_optimum, patterns_of, wedges


def groups_of(cst, d):
    """The groups that a specification stands for; those within another change nothing."""
    if cst == "no_interactions":
        return [(j,) for j in range(d)]
    if cst == "pairwise":
        return list(combinations(range(d), 2))
    rest = set(range(d)).difference(*map(set, cst))
    return [tuple(group) for group in cst] + ([tuple(sorted(rest))] if rest else [])


def union_columns(X, groups, norm, bias):
    """Responses of all wedge neurons of all groups, both orientations, and where norms are l2 their count."""
    columns = []
    for group in groups:
        points = X[:, list(group)]
        if bias == "penalized":
            points = np.hstack([points, np.ones((len(X), 1))])
        if bias is True and not np.ptp(points, axis=0).any():
            continue
        axes = np.eye(points.shape[1]) if norm == "l1" else np.zeros((0, points.shape[1]))
        for _, u, c in wedges(points, axes, bias is True, norm):
            columns += [np.maximum(points @ u + c, 0.0), np.maximum(-points @ u - c, 0.0)]
    return np.array(columns).T if columns else np.zeros((len(X), 1))


def union_optimum(X, y, beta, groups, *, norm, bias, loss, weight=None):
    """Optimum over the wedge neurons of all groups, which for l1 and for single features is that over all neurons."""
    K = union_columns(X, groups, norm, bias)
    K = np.unique(K, axis=1)
    y = y[:, None] if y.ndim == 1 else y
    rows = 1 if norm == "l1" else 2
    return conic_optimum(loss, K, y, beta, rows=rows, intercept=bias is True, weight=weight)


def patterns_optimum(X, y, beta, groups, bias, rng, loss="squared_error", weight=None):
    """Optimum over all l2 networks of the groups: the convex program over their activation patterns, by Clarabel."""
    import cvxpy as cp

    n = len(X)
    w = np.ones(n) if weight is None else weight
    f, penalty, constraints = (cp.Variable() if bias is True else 0.0) * np.ones(n), 0.0, []
    for group in groups:
        points = X[:, list(group)]
        points = np.hstack([points, np.ones((n, 1))]) if bias == "penalized" else points
        A = np.hstack([points, np.ones((n, 1))]) if bias is True else points
        for pattern in patterns_of(points, bias is True, rng):
            side = np.where(pattern, 1.0, -1.0)[:, None] * A
            for sign in (1.0, -1.0):
                a = cp.Variable(A.shape[1])
                f = f + sign * (A * pattern[:, None]) @ a
                penalty = penalty + cp.norm(a[: points.shape[1]], 2)
                constraints.append(side @ a >= 0)
    value = {
        "squared_error": lambda: 0.5 * cp.sum(cp.multiply(w, cp.square(f - y))),
        "log_loss": lambda: cp.sum(cp.multiply(w, cp.logistic(-cp.multiply(y, f)))),
        "huber": lambda: 0.5 * cp.sum(cp.multiply(w, cp.huber(f - y, 1.0))),
    }[loss]()
    return float(cp.Problem(cp.Minimize(value + beta * penalty), constraints).solve(solver="CLARABEL"))
