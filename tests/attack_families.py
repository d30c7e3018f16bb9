"""Problems on which certificates were false, or would be if a digit were lost, and rivals that would show it.

A rival is any network; its objective is computed in rational arithmetic. A certificate is false if a rival lies below
its bound.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from scipy.optimize import minimize

KINDS = (
    "ratio", "crosses", "shifted", "stamps", "duplicates", "collinear", "integers", "binary", "offset y", "weights",
    "ordinary", "tiny", "huge", "three", "wide weights",
)  # fmt: skip


@dataclass(frozen=True)
class Problem:
    """A training problem for the squared loss."""

    kind: str
    X: np.ndarray
    y: np.ndarray
    beta: float
    norm: str
    weight: np.ndarray | None


def make_problem(kind: str, seed: int) -> Problem:
    """The problem of a family with this seed."""
    rng = np.random.default_rng([KINDS.index(kind), seed])
    n = int(rng.integers(4, 13))
    X = rng.standard_normal((n, 2))
    y = rng.standard_normal(n) + 2.0 * np.maximum(X[:, 0], 0.0)
    weight = None
    if kind == "ratio":
        X[:, 1] *= 10.0 ** rng.uniform(-16, 16)
    elif kind == "crosses":
        ratio = 10.0 ** rng.uniform(-16, 0)
        X = np.array([[0, 0], [0, ratio], [1, 0], [1, ratio]])
        y = np.array([-1.0, 1.0, -1.0, 1.0]) + 0.1 * rng.standard_normal(4)
    elif kind == "shifted":
        X = X[:, : rng.integers(1, 3)] + np.round(10.0 ** rng.uniform(0, 15))
    elif kind == "stamps":
        X = np.column_stack([1.6e18 + 10.0 ** rng.uniform(6, 17) * rng.random(n), 15 + 10 * rng.standard_normal(n)])
        y = rng.standard_normal(n) + 0.3 * X[:, 1]
    elif kind == "duplicates":
        X[n // 2 :] = X[: n - n // 2] + 10.0 ** rng.uniform(-17, -6) * rng.standard_normal((n - n // 2, 2))
    elif kind == "collinear":
        X = np.outer(X[:, 0], [1.0, 0.3]) + 10.0 ** rng.uniform(-17, -5) * rng.standard_normal((n, 2)) + 0.7
    elif kind == "integers":
        X = rng.integers(-3, 4, (n, 2)).astype(float)
    elif kind == "binary":
        X = rng.integers(0, 2, (n, 2)).astype(float)
    elif kind == "offset y":
        y = y + 10.0 ** rng.uniform(3, 15)
    elif kind == "weights":
        weight = 10.0 ** rng.uniform(-30, 30, n)
    elif kind == "wide weights":
        weight = 10.0 ** rng.uniform(-300, rng.uniform(-290, 290), n)
    elif kind == "three":
        X = rng.standard_normal((n, 3)) * 10.0 ** rng.uniform(-12, 0, 3)
    elif kind in ("tiny", "huge"):
        X = X * 10.0 ** (rng.uniform(50, 100) * (1 if kind == "huge" else -1))
    centred = X - X[0]
    # Penalties at which some direction of the data is worth its price.
    sizes = np.abs(centred).max(axis=0)
    scale = float(rng.choice(sizes[sizes > 0])) if (sizes > 0).any() else 1.0
    level = float(np.abs(y - np.average(y, weights=weight)).max()) * (1.0 if weight is None else float(weight.max()))
    return Problem(kind, X, y, 10.0 ** rng.uniform(-4, 1) * scale * level, "l1" if seed % 3 == 2 else "l2", weight)


def exact_objective(problem: Problem, W: np.ndarray, b: np.ndarray, a: np.ndarray, t: float) -> float:
    """The objective in rationals, up to square roots of lengths, which are rounded once."""
    total = Fraction(0)
    rows = [[Fraction(x) for x in row] for row in problem.X.tolist()]
    outer = a.tolist()
    neurons = list(zip(W.tolist(), map(Fraction, b.tolist()), map(Fraction, outer)))
    weights = [1.0] * len(rows) if problem.weight is None else problem.weight.tolist()
    for row, target, weight in zip(rows, problem.y.tolist(), weights):
        f = Fraction(t)
        for normal, offset, outer_weight in neurons:
            f += outer_weight * max(_dot(normal, row) + offset, Fraction(0))
        total += Fraction(weight) * (f - Fraction(target)) ** 2 / 2
    largest = np.abs(W).max(axis=1, initial=0.0)
    unit = W / np.where(largest > 0, largest, 1.0)[:, None]
    l1 = problem.norm == "l1"
    lengths = np.abs(unit).sum(axis=1) if l1 else np.sqrt((unit * unit).sum(axis=1))
    parts = zip(lengths.tolist(), largest.tolist(), outer)
    penalty = sum(Fraction(s) * Fraction(k) * abs(Fraction(c)) for s, k, c in parts)
    return float(total + Fraction(problem.beta) * penalty)


def _dot(a, b) -> Fraction:
    return sum((Fraction(p) * Fraction(q) for p, q in zip(a, b)), Fraction(0))


def rivals(problem: Problem, seed: int, *, descents: int = 1) -> Iterator[tuple[np.ndarray, ...]]:
    """Networks (W, b, a, t): one neuron on each feature or a random direction in units of its own, and descents."""
    rng = np.random.default_rng(seed)
    X, y = problem.X, problem.y
    weight = np.ones(len(y)) if problem.weight is None else problem.weight
    yield np.zeros((0, X.shape[1])), np.zeros(0), np.zeros(0), float(np.average(y, weights=weight / weight.max()))
    centred = X - X[0]
    sizes = np.abs(centred).max(axis=0)
    sizes[sizes == 0] = np.inf
    directions = [unit / sizes for unit in np.vstack([np.eye(X.shape[1]), rng.standard_normal((4, X.shape[1]))])]
    for u in directions:
        along = centred @ u
        for side in (1.0, -1.0):
            for k in np.unique(along)[:12]:
                hidden = np.maximum(side * (along - k), 0.0)
                found = _fit(hidden, problem, weight, u)
                if found is not None:
                    # The offset in rationals, rounded once: what a user could write down.
                    offset = float(-int(side) * (Fraction(float(k)) + _dot(u.tolist(), X[0].tolist())))
                    yield (side * u)[None, :], np.array([offset]), np.array([found[0]]), found[1]
    for _ in range(descents):
        yield _descend(problem, rng, sizes, weight)


def _fit(hidden, problem, weight, u):
    """Best coefficient of one neuron and the intercept, by soft thresholding."""
    w = weight / weight.max()
    h = hidden - np.average(hidden, weights=w)
    r = problem.y - np.average(problem.y, weights=w)
    energy, push = float((w * h) @ h), float((w * h) @ r)
    length = float(np.abs(u).sum() if problem.norm == "l1" else np.linalg.norm(u))
    excess = max(abs(push) - problem.beta / weight.max() * length, 0.0)
    coefficient = np.sign(push) * excess / energy if energy > 0 else 0.0
    if not coefficient or not np.isfinite(coefficient):
        return None
    return coefficient, float(np.average(problem.y - coefficient * hidden, weights=w))


def _descend(problem, rng, sizes, weight, m=3):
    """L-BFGS in coordinates in which every feature has size one, with penalties of the features as they are."""
    d = problem.X.shape[1]
    Z = (problem.X - problem.X[0]) / sizes
    middle = float(np.average(problem.y, weights=weight / weight.max()))
    spread = float(np.abs(problem.y - middle).max()) or 1.0
    w = weight / weight.max()
    beta = problem.beta / (weight.max() * spread)
    prices = 1.0 / sizes

    def split(theta):
        return theta[: m * d].reshape(m, d), theta[m * d : m * d + m], theta[m * d + m : -1], theta[-1]

    def value(theta):
        V, b, a, t = split(theta)
        pre = Z @ V.T + b
        h = np.maximum(pre, 0.0)
        r = h @ a + t - (problem.y - middle) / spread
        lengths = np.sqrt(((V * prices) ** 2).sum(axis=1) + 1e-300)
        g = w * r
        back = (g[:, None] * a) * (pre > 0)
        slope_V = back.T @ Z + beta * np.abs(a)[:, None] * V * prices**2 / lengths[:, None]
        slope_a = h.T @ g + beta * lengths * np.sign(a)
        loss = 0.5 * float(g @ r) + beta * float(lengths @ np.abs(a))
        return loss, np.concatenate([slope_V.ravel(), back.sum(axis=0), slope_a, [g.sum()]])

    start = rng.standard_normal(m * d + 2 * m + 1)
    with np.errstate(all="ignore"):
        theta = minimize(value, start, jac=True, method="L-BFGS-B", options={"maxiter": 200}).x
    V, b, a, t = split(theta)
    W = V * prices
    offsets = [float(Fraction(c) - _dot(row, problem.X[0].tolist())) for c, row in zip(b.tolist(), W.tolist())]
    return W, np.array(offsets), a * spread, float(t * spread + middle)
