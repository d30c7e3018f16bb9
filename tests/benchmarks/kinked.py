"""Losses with kinks on small random problems: the objective of the returned network against CVXPY over all wedges.

Run as ``python tests/benchmarks/kinked.py [--count 300] [--first 0] [--solver auto]``. It prints every problem that
ends more than 1e-6 above the optimum, or whose certificate is wrong or not held, and the counts.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections import Counter
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from reference_certificate import wedge_neurons
from reference_solver import conic_optimum

import convexnn as cn

warnings.simplefilter("ignore")
TOL = 1e-6


def problem(seed):
    """Data, settings and the optimum over all wedges."""
    rng = np.random.default_rng(seed)
    n, d = int(rng.integers(4, 16)), int(rng.integers(1, 4))
    loss = ("hinge", "quantile", "huber")[seed % 3]
    norm, bias = ("l1", "l2")[int(rng.integers(2))], (True, False, "penalized")[int(rng.integers(3))]
    X = rng.standard_normal((n, d))
    if rng.random() < 0.3:
        X = np.round(2 * X)
    y = X[:, 0] * rng.standard_normal() + np.abs(X[:, -1]) + 0.3 * rng.standard_normal(n)
    y = np.where(y > np.median(y), 1.0, -1.0) if loss == "hinge" else 10.0 ** rng.integers(-2, 3) * y
    top = cn.beta_max(X, y, loss=loss, norm=norm, bias=bias, scope="dictionary")
    settings = {"beta": float(top * 10.0 ** rng.uniform(-3, 0)), "norm": norm, "bias": bias, "loss": loss}
    return X, y, settings


def optimum(X, y, settings):
    """By CVXPY over the wedges of the definition."""
    points, u, c = wedge_neurons(X, settings["norm"], settings["bias"])
    K = np.maximum(points @ u.T + c, 0.0) if len(c) else np.zeros((len(X), 1))
    return conic_optimum(settings["loss"], K, y[:, None], settings["beta"], intercept=settings["bias"] is True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--solver", default="auto")
    arguments = parser.parse_args()
    counts = Counter()
    for seed in range(arguments.first, arguments.first + arguments.count):
        X, y, settings = problem(seed)
        if not settings["beta"] > 0:
            counts["no penalty"] += 1
            continue
        best = optimum(X, y, settings)
        result = cn.train(X, y, **settings, scope="dictionary", solver=arguments.solver)
        certificate = result.certificate
        size = max(abs(best), 1e-9 * np.abs(y).sum())
        above, below = (certificate.primal - best) / size, (certificate.dual - best) / size
        verdict = "optimal" if above <= TOL else "above"
        if below > TOL:
            verdict = "wrong bound"
        elif above < -TOL:
            verdict = "better than the reference"
        counts[verdict] += 1
        counts["held" if certificate.holds else f"not held ({result.status.name})"] += 1
        if verdict != "optimal" or not certificate.holds:
            kind = {k: v for k, v in settings.items() if k != "beta"}
            gap = f"gap {certificate.relative_gap:.1e}"
            print(seed, X.shape, kind, verdict, f"{above:.1e}", gap, result.status.name)
    print(dict(counts))


if __name__ == "__main__":
    main()
