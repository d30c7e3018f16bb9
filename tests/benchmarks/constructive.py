"""Constructive networks on real data, their speed, and the cross-validation with the convex solver.

    python tests/benchmarks/constructive.py [--out docs/benchmarks-constructive.md]

Takes a few minutes and writes one page. Accuracies are means over 5 stratified folds; costs and bounds belong to
the training part of each fold.
"""

from __future__ import annotations

import argparse
import platform
import time
import warnings
from pathlib import Path
from statistics import median

import numpy as np
import sklearn
from sklearn.datasets import load_digits, load_iris, load_wine
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import StratifiedKFold
from sklearn.neighbors import NearestCentroid
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import convexnn
from convexnn import ConstructiveClassifier
from convexnn.constructive import (
    bounds,
    clamp_construct,
    cross_validate,
    deep_construct,
    gaussian_mixture,
    sequential_construct,
    shallow_affine,
    shallow_construct,
)
from convexnn.exceptions import ConditioningWarning, ConstructionError, ConvexNNError

KINDS = ("shallow", "affine", "truncation", "deep", "clamp", "sequential")
BASELINES = {
    "LDA": LinearDiscriminantAnalysis,
    "nearest centroid": NearestCentroid,
    "MLPClassifier(100), standardised": lambda: make_pipeline(
        StandardScaler(), MLPClassifier(max_iter=400, random_state=0)
    ),
}


def real_data():
    """Name, samples (features without variance dropped, unit variance, not centred), labels."""
    for name, load in (("iris", load_iris), ("wine", load_wine), ("digits", load_digits)):
        X, y = load(return_X_y=True)
        X = X[:, X.std(axis=0) > 0]
        # Not centred: class means of centred data are (nearly) dependent, which rules Theorem 3.1 out.
        yield name, X / X.std(axis=0), y


def folds(X, y):
    return list(StratifiedKFold(5, shuffle=True, random_state=0).split(X, y))


def constructive_rows(X, y):
    for kind in KINDS:
        scores, train, costs, seconds, failed = [], [], [], [], ""
        for fit, test in folds(X, y):
            start = time.perf_counter()
            try:
                model = ConstructiveClassifier(kind, random_state=0).fit(X[fit], y[fit])
            except ConstructionError as error:
                failed = type(error).__name__
                break
            seconds.append(time.perf_counter() - start)
            scores.append(model.score(X[test], y[test]))
            train.append(model.score(X[fit], y[fit]))
            costs.append(model.cost_)
        if failed:
            yield f"| {kind} | {failed} | | | | |"
        else:
            yield (
                f"| {kind} | yes | {np.mean(costs):.3g} | {np.mean(train):.3f} | "
                f"{np.mean(scores):.3f} +- {np.std(scores):.3f} | {median(seconds):.3f} |"
            )


def baseline_rows(X, y):
    for name, make in BASELINES.items():
        scores, train, seconds = [], [], []
        for fit, test in folds(X, y):
            start = time.perf_counter()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                model = make().fit(X[fit], y[fit])
            seconds.append(time.perf_counter() - start)
            scores.append(model.score(X[test], y[test]))
            train.append(model.score(X[fit], y[fit]))
        yield (
            f"| {name} | yes | | {np.mean(train):.3f} | {np.mean(scores):.3f} +- {np.std(scores):.3f} | "
            f"{median(seconds):.3f} |"
        )


def bound_rows(X, y):
    for name, bound in bounds(X, y).items():
        value = f"{bound.value:.4g}" if bound.value is not None else "does not exist"
        yield f"| {name} | {value} | {bound.theorem.replace('|', chr(92) + '|')} |"


def real_section():
    lines = ["## Real data", ""]
    lines.append(
        "Features of unit variance; cost is the root mean square error against unit targets on the training part."
    )
    for name, X, y in real_data():
        q = len(np.unique(y))
        lines += ["", f"### {name}: {X.shape[0]} samples, {X.shape[1]} features, {q} classes", ""]
        lines += ["| method | exists | cost | train accuracy | test accuracy | fit, s |", "|---|---|---|---|---|---|"]
        lines += [*constructive_rows(X, y), *baseline_rows(X, y)]
        lines += [
            "",
            "Bounds on the whole set:",
            "",
            "| bound | value | statement |",
            "|---|---|---|",
            *bound_rows(X, y),
        ]
    return lines


def speed_section():
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(10), 30)
    centres = rng.normal(size=(10, 784))
    X = centres[labels] + 0.3 * rng.normal(size=(300, 784))
    fresh = centres[labels] + 0.3 * rng.normal(size=(300, 784))
    makers = {
        "shallow_construct": shallow_construct,
        "shallow_affine": shallow_affine,
        "deep_construct": deep_construct,
        "deep_construct(direction='margin')": lambda X, y: deep_construct(X, y, direction="margin"),
        "clamp_construct": clamp_construct,
        "sequential_construct": sequential_construct,
    }
    lines = ["## Speed: 784 features, 10 classes, 300 samples", ""]
    lines += ["Median of 5 runs.", "", "| function | s | cost | held-out accuracy |", "|---|---|---|---|"]
    for name, make in makers.items():
        seconds = []
        for _ in range(5):
            start = time.perf_counter()
            built = make(X, labels)
            seconds.append(time.perf_counter() - start)
        accuracy = (built.network.predict(fresh).argmax(axis=1) == labels).mean()
        lines.append(f"| {name} | {median(seconds):.4f} | {built.cost:.1e} | {accuracy:.3f} |")
    return lines


def crossval_problems():
    """Three synthetic and two real problems, all in the plane, where the dictionary can be enumerated."""
    for q, n, std, seed in ((2, 6, 0.2, 3), (2, 10, 0.5, 1)):
        mix = gaussian_mixture(2, q, n, std, random_state=seed)
        yield f"mixture, {q} classes, std {std}, N={len(mix.X)}", mix.X, mix.labels
    rng = np.random.default_rng(0)
    angle = 2 * np.pi * np.arange(3) / 3
    labels = np.repeat(np.arange(3), 6)
    X = np.stack([np.cos(angle), np.sin(angle)], axis=1)[labels] + 0.2 * rng.normal(size=(18, 2))
    yield "triangle, 3 classes, std 0.2, N=18", X, labels
    for name, load in (("iris", load_iris), ("wine", load_wine)):
        X, y = load(return_X_y=True)
        keep = np.concatenate([np.flatnonzero(y == c)[:10] for c in range(3)])
        plane = PCA(2, whiten=True).fit_transform(StandardScaler().fit_transform(X))[keep]
        yield f"{name}, two principal components, first 10 samples of each class", plane, y[keep]


def crossval_section():
    lines = ["## Cross-validation with the convex solver", ""]
    lines.append(
        "Penalised biases, squared loss, one output per class. Every constructive network is an upper bound of the "
        "convex optimum, the gated relaxation a lower one. With scope network the optimum is over all networks and "
        "nothing may lie below it; with scope dictionary it is over the wedge dictionary, "
        "and other networks may be better. 'One output' is class 0 against the others."
    )
    cases = {"l1": {"norm": "l1"}, "l2": {"norm": "l2"}, "l2, one output": {"norm": "l2", "output": 0, "tol": 1e-7}}
    for norm, options in cases.items():
        for name, X, y in crossval_problems():
            found = cross_validate(X, y, betas=np.logspace(-3, 0.5, 6), **options)
            broken = found.violations(1e-8)
            lines += ["", f"### {name}, {norm}", "", f"scope: {found.rows[0].scope}", "", found.table(), ""]
            lines.append("No ordering violated beyond 1e-8." if not broken else "VIOLATED: " + "; ".join(broken))
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    root = Path(__file__).resolve().parents[2]
    parser.add_argument("--out", type=Path, default=root / "docs" / "benchmarks-constructive.md")
    parser.add_argument("--without-solver", action="store_true", help="leave the cross-validation out")
    options = parser.parse_args()
    warnings.simplefilter("ignore", ConditioningWarning)
    lines = ["# Constructive networks: tables", ""]
    lines.append(
        f"Made by `tests/benchmarks/constructive.py` with convexnn {convexnn.__version__}, scikit-learn "
        f"{sklearn.__version__}, NumPy {np.__version__}, Python {platform.python_version()} on "
        f"{platform.machine()}."
    )
    sections = [real_section, speed_section]
    if not options.without_solver:
        sections.append(crossval_section)
    for section in sections:
        try:
            lines += ["", *section()]
        except ConvexNNError as error:
            raise SystemExit(f"{section.__name__}: {error}") from error
    options.out.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
