"""Slow, independent references for refining networks; imports nothing of convexnn."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linprog


def forward(layers, X):
    """Outputs of [(weight (out, in), bias (out,)), ...] with ReLU between layers, sample by sample."""
    out = []
    for x in X:
        h = x
        for weight, bias in layers[:-1]:
            h = np.array([max(0.0, float(w @ h) + float(b)) for w, b in zip(weight, bias)])
        out.append(layers[-1][0] @ h + layers[-1][1])
    return np.array(out)


def nearest_independent(rows, distances, count, rank_of=np.linalg.matrix_rank):
    """Greedy choice by the definition: the next nearest row is taken if it raises the rank."""
    chosen = []
    for i in np.argsort(distances, kind="stable"):
        if len(chosen) == count:
            break
        if rank_of(rows[[*chosen, i]]) == len(chosen) + 1:
            chosen.append(int(i))
    return chosen


def cross(rows):
    """Cross product by cofactors: (-1)^k det(rows without column k)."""
    d = rows.shape[1]
    return np.array([(-1) ** k * np.linalg.det(np.delete(rows, k, axis=1)) for k in range(d)])


def least_l1_norm(K, T, intercept):
    """min sum |Z| subject to K Z + t = T, output by output, as a linear program in standard form."""
    n, m = K.shape
    total = 0.0
    for target in T.T:
        columns = [K, -K] + ([np.ones((n, 1)), -np.ones((n, 1))] if intercept else [])
        A = np.hstack(columns)
        cost = np.concatenate([np.ones(2 * m), np.zeros(A.shape[1] - 2 * m)])
        found = linprog(cost, A_eq=A, b_eq=target)
        assert found.status == 0, found.message
        total += found.fun
    return total


def line_dictionary(x):
    """All atoms of samples on a line with free biases: (x - x_j)_+ and (x_j - x)_+."""
    return np.hstack([np.maximum(x[:, None] - x, 0.0), np.maximum(x - x[:, None], 0.0)])


def greedy_wedge(rows, distances, u, count, least=1e-9):
    """Rows in the order of their distance that stick out of the span of those before; the normal by a full SVD."""
    chosen, basis = [], np.zeros((0, rows.shape[1]))
    for i in np.argsort(distances, kind="stable"):
        size = np.linalg.norm(rows[i])
        if len(chosen) == count or size == 0.0:
            continue
        rest = rows[i] / size
        for _ in range(3):
            rest = rest - basis.T @ (basis @ rest)
        if np.linalg.norm(rest) > least:
            basis = np.vstack([basis, rest / np.linalg.norm(rest)])
            chosen.append(int(i))
    normal = np.linalg.svd(basis, full_matrices=True)[2][-1]
    return chosen, normal * np.sign(normal @ u)
