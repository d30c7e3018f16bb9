"""Time limits: how late a call returns, with what network, and how it compares with a search alone in that time.

Run as ``python tests/benchmarks/limits.py results.jsonl [--repeats 3]``; OPENBLAS_NUM_THREADS=1 gives one thread. Cases
that the file already has are skipped, so an interrupted run continues. ``--table`` prints the file as the table of
docs/benchmarks-limits.md: medians. The rule is 1.1 times the limit plus 0.3 s, for n d > 1e7 plus two passes
over the data.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from pathlib import Path
from statistics import median

import numpy as np
from sklearn.datasets import load_diabetes, load_iris
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import StandardScaler

import convexnn as cn

warnings.simplefilter("ignore")
RATIO = 1e-2


def teacher(n, d, seed=0):
    """Samples and the outputs of ten neurons with noise."""
    rng = np.random.default_rng(seed)
    X, W = rng.standard_normal((n, d)), rng.standard_normal((d, 10))
    return X, np.maximum(X @ W / np.sqrt(d), 0.0) @ rng.standard_normal(10) + 0.1 * rng.standard_normal(n)


def diabetes(n, d):
    X, y = load_diabetes(return_X_y=True)
    return X[:n, :d] / X[:n, :d].std(0), y[:n]


def trained(X, y, limit, **options):
    """Wall and processor seconds, neurons, objective, and the objective of a search alone in that time."""
    beta = RATIO * cn.beta_max(X, y, time_limit=limit, **{k: v for k, v in options.items() if k in ("norm", "loss")})
    wall, cpu = time.perf_counter(), time.process_time()
    result = cn.train(X, y, beta=beta, time_limit=limit, **options)
    row = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu, "neurons": result.network.n_neurons}
    options.pop("scope", None)
    alone = cn.train(X, y, beta=beta, time_limit=limit, max_atoms=1, bound="none", **options)
    objectives = [r.certificate.primal for r in (result, alone)]
    return row | {"objective": objectives[0], "ratio": objectives[0] / objectives[1], "scope": result.certificate.scope}


def fitted(estimator, X, y):
    """Wall and processor seconds, neurons and the score of an estimator."""
    wall, cpu = time.perf_counter(), time.process_time()
    estimator.fit(X, y)
    row = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu, "score": estimator.score(X, y)}
    best = getattr(estimator, "best_estimator_", estimator)
    layers = best.network_.layers[:-1] if hasattr(best.network_, "layers") else None
    neurons = best.n_neurons_ if layers is None else sum(len(bias) for _, bias in layers)
    return row | {"neurons": int(neurons)}


def cases():
    """Name, limit, and what to run."""
    iris, species = load_iris(return_X_y=True)
    scaled, onehot = StandardScaler().fit_transform(iris), np.eye(3)[species]
    for limit in (1, 2, 10):
        yield f"iris, classifier, {limit} s", limit, lambda limit=limit: fitted(
            cn.ConvexReLUClassifier(time_limit=limit), iris, species
        )
    yield "iris, softmax, 5 s", 5, lambda: trained(scaled, onehot, 5, loss="log_loss")
    yield "iris, l1, squared, 5 s", 5, lambda: trained(scaled, onehot, 5, norm="l1")
    for n, d in ((442, 3), (200, 4)):
        for limit in (1, 5):
            yield f"diabetes {n} x {d}, {limit} s", limit, lambda n=n, d=d, limit=limit: trained(*diabetes(n, d), limit)
    for n in (40, 100, 200):
        for d in (4, 5):
            yield f"teacher {n} x {d}, .5 s", 0.5, lambda n=n, d=d: trained(*teacher(n, d), 0.5)
    for n, d in ((30, 8), (40, 6)):
        yield f"teacher {n} x {d}, dictionary, 1 s", 1, lambda n=n, d=d: trained(*teacher(n, d), 1, scope="dictionary")
    yield "teacher 400 x 3, 1 s", 1, lambda: trained(*teacher(400, 3), 1)
    for limit in (2, 10):
        yield f"teacher 20,000 x 8, {limit} s", limit, lambda limit=limit: trained(*teacher(20_000, 8), limit)
    yield "teacher 20,000 x 50, 2 s", 2, lambda: trained(*teacher(20_000, 50), 2)
    yield "teacher 200,000 x 2, l1, 3 s", 3, lambda: trained(*teacher(200_000, 2), 3, norm="l1")
    yield "teacher 100,000 x 20, 15 s", 15, lambda: trained(*teacher(100_000, 20), 15)
    yield "deep 30 x 2, 2 s", 2, lambda: fitted(cn.DeepConvexReLURegressor(time_limit=2), *teacher(30, 2))
    yield "iris, grid search, 3 folds, 3 s a fit", 12, lambda: fitted(
        GridSearchCV(cn.ConvexReLUClassifier(time_limit=3), {"beta_ratio": [1e-2]}, cv=3), iris, species
    )


def run(path, repeats):
    """Add what is missing to the file."""
    known = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    for name, limit, start in cases():
        for k in range(sum(row["case"] == name for row in known), repeats):
            row = {"case": name, "limit": limit, **start()}
            with path.open("a") as file:
                file.write(json.dumps(row) + "\n")
            print(k, row, flush=True)


def table(path):
    """The file as a table in Markdown."""
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    print("| case | wall s | processor s | neurons | objective, or score | over a search alone |")
    print("|---|---|---|---|---|---|")
    for name in dict.fromkeys(row["case"] for row in rows):
        of = {key: median(row[key] for row in rows if row["case"] == name) for key in rows[0] if key in ("wall", "cpu")}
        same = [row for row in rows if row["case"] == name]
        value = f"{median(row.get('objective', row.get('score')) for row in same):.6g}"
        ratio = f"{median(row['ratio'] for row in same):.5f}" if "ratio" in same[0] else ""
        neurons = f"{median(row['neurons'] for row in same):.0f}"
        print(f"| {name} | {of['wall']:.2f} | {of['cpu']:.2f} | {neurons} | {value} | {ratio} |")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--table", action="store_true")
    arguments = parser.parse_args()
    if arguments.table:
        table(arguments.file)
    else:
        run(arguments.file, arguments.repeats)
