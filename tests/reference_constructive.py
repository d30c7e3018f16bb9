"""Slow oracles of the constructive networks, in the papers' notation: samples are columns (M x N).

Normal equations, explicit inverses and loops on purpose; nothing of convexnn is imported.
"""

from __future__ import annotations

import numpy as np


def problem(seed, n_classes=None, extra=None, spread=0.3, balanced=False):
    """Random class data: rows X (N, M), labels, target rows (Q, Q)."""
    rng = np.random.default_rng(seed)
    q = int(rng.integers(2, 7)) if n_classes is None else n_classes
    m = q + (int(rng.integers(0, 6)) if extra is None else extra)
    counts = np.full(q, 8) if balanced else rng.integers(2, 12, size=q)
    means = rng.normal(size=(q, m)) + np.eye(q, m)
    labels = np.repeat(np.arange(q), counts)
    X = means[labels] + spread * rng.normal(size=(len(labels), m))
    targets = rng.normal(size=(q, q)) + 2 * np.eye(q)
    return X, labels, targets


def clusters(n_classes, std, seed, n=12):
    """Orthonormal means in R^Q with noise, and the means."""
    rng = np.random.default_rng(seed)
    means = np.linalg.qr(rng.normal(size=(n_classes, n_classes)))[0].T
    labels = np.repeat(np.arange(n_classes), n)
    return means[labels] + std * rng.normal(size=(len(labels), n_classes)), labels, means


def mean_columns(X, labels):
    return np.stack([X[labels == j].mean(axis=0) for j in range(labels.max() + 1)], axis=1)


def pen(columns):
    """(A^T A)^{-1} A^T."""
    return np.linalg.inv(columns.T @ columns) @ columns.T


def noise(X, labels):
    """DX, columns."""
    return X.T - mean_columns(X, labels)[:, labels]


def cost(outputs, labels, targets, by_class=False):
    """Root of the weighted mean square, one sample at a time."""
    total = 0.0
    for i, j in enumerate(labels):
        share = (labels == j).sum() if by_class else len(labels)
        total += float(((outputs[i] - targets[j]) ** 2).sum()) / share
    return np.sqrt(total)


def paper_value(X, labels, targets):
    """(3.25): ||Yext (I - PP)|| in the inner product weighted by 1 / N_c, by the projector (3.24)."""
    x0, yext = X.T, targets.T[:, labels]
    inverse = np.diag([1.0 / (labels == j).sum() for j in labels])
    projector = inverse @ x0.T @ np.linalg.inv(x0 @ inverse @ x0.T) @ x0
    rest = yext @ (np.eye(len(labels)) - projector)
    return np.sqrt(np.trace(rest @ inverse @ rest.T)), projector, inverse


def ramp(t):
    return np.maximum(t, 0.0)


def forward(layers, X):
    """Deep network on rows, one sample at a time."""
    out = []
    for x in X:
        for w, b in layers[:-1]:
            x = ramp(w @ x + b)
        out.append(layers[-1][0] @ x + layers[-1][1])
    return np.array(out)


def truncation(w, b, X):
    """tau(x) = W^{-1}(s(W x + b) - b) on rows, by an explicit inverse."""
    inverse = np.linalg.inv(w)
    return np.array([inverse @ (ramp(w @ x + b) - b) for x in X])


def least_squares_cost(features, labels, targets, by_class):
    """Cost of the best linear map of features (N, k), by normal equations with pseudo-inverse."""
    w = np.array([1.0 / ((labels == j).sum() if by_class else len(labels)) for j in labels])
    root = np.sqrt(w)[:, None]
    coef = np.linalg.pinv(root * features) @ (root * targets[labels])
    return cost(features @ coef, labels, targets, by_class)


def squared_cost(parameters, shapes, X, labels, targets, by_class):
    """C^2 of a network given as one flat vector, for finite differences."""
    layers, at = [], 0
    for rows, cols in shapes:
        w = parameters[at : at + rows * cols].reshape(rows, cols)
        b = parameters[at + rows * cols : at + rows * (cols + 1)]
        layers.append((w, b))
        at += rows * (cols + 1)
    return cost(forward(layers, X), labels, targets, by_class) ** 2
