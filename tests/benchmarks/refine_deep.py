"""DeepConvexReLUClassifier against a tuned MLPClassifier of the same depth.

    python tests/benchmarks/refine_deep.py FOLDER [--tabular FOLDER_WITH_ionosphere.csv] [--sets digits,ionosphere]

Stratified outer folds; in each both methods choose their penalty on the same fifth of the training part and are
trained again on all of it. Writes ``deep.md``; times are those of one process with one BLAS thread.
"""

import argparse
import csv
import time
import warnings
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import StratifiedKFold, train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from convexnn import DeepConvexReLUClassifier

ALPHAS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
WIDTH = 100


def ionosphere(folder):
    with (folder / "ionosphere.csv").open() as file:
        rows = [row for row in csv.reader(file) if row]
    return np.array([row[:-1] for row in rows], dtype=float), np.array([row[-1] for row in rows])


def mlp(alpha):
    return MLPClassifier(hidden_layer_sizes=(WIDTH, WIDTH), alpha=alpha, max_iter=500, random_state=0)


def convex(limit, fine_tune):
    def make(ratio):
        return DeepConvexReLUClassifier(
            n_blocks=2, width=WIDTH, beta_ratio=ratio, fine_tune=fine_tune, time_limit=limit, random_state=0
        )

    return make


def chosen(make, grid, X, y, seed):
    """Score on the validation fifth decides (nothing to decide for one value); the winner is trained on everything."""
    if len(grid) == 1:
        start = time.perf_counter()
        model = make_pipeline(StandardScaler(), make(grid[0])).fit(X, y)
        return grid[0], model, time.perf_counter() - start
    fit, X_val, y_fit, y_val = train_test_split(X, y, test_size=0.2, stratify=y, random_state=seed)
    scores = [make_pipeline(StandardScaler(), make(value)).fit(fit, y_fit).score(X_val, y_val) for value in grid]
    best = grid[int(np.argmax(scores))]
    start = time.perf_counter()
    model = make_pipeline(StandardScaler(), make(best)).fit(X, y)
    return best, model, time.perf_counter() - start


def compare(name, X, y, methods, n_splits):
    lines, folds = [], list(StratifiedKFold(n_splits, shuffle=True, random_state=0).split(X, y))
    for label, make, grid in methods:
        scores, seconds, picked, last = [], [], [], None
        for k, (train, test) in enumerate(folds):
            best, last, spent = chosen(make, grid, X[train], y[train], k)
            scores.append(last.score(X[test], y[test]))
            seconds.append(spent)
            picked.append(best)
            print(name, label, k, best, f"{scores[-1]:.4f}", f"{spent:.1f} s", flush=True)
        error = np.std(scores, ddof=1) / len(scores) ** 0.5
        net = last[-1]
        widths = net.network_.widths if hasattr(net, "network_") else net.hidden_layer_sizes
        proof = net.certificates_[-1] if hasattr(net, "certificates_") else None
        note = f"{proof.scope}, gap {proof.relative_gap:.1e}" if proof is not None else "-"
        lines.append(
            f"| {name} | {label} | {np.mean(scores):.4f} ± {error:.4f} | {', '.join(f'{p:g}' for p in picked)} "
            f"| {tuple(int(w) for w in widths)} | {np.mean(seconds):.1f} | {note} |"
        )
    return lines


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tabular", type=Path)
    parser.add_argument("--sets", default="ionosphere,digits")
    parser.add_argument("--limit", type=float, default=10.0, help="seconds per block and for fine-tuning")
    parser.add_argument("--ratios", default="0.03,0.01,0.003")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--fine-tune", action="store_true", help="also the variant with 500 iterations of L-BFGS")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    warnings.simplefilter("ignore")
    ratios = tuple(map(float, options.ratios.split(",")))
    lines = [
        "| data | method | test accuracy | chosen penalty per fold | widths (last fold) | s per fit | last block |",
        "|---|---|---|---|---|---|---|",
    ]
    for name in options.sets.split(","):
        X, y = load_digits(return_X_y=True) if name == "digits" else ionosphere(options.tabular)
        methods = [
            ("MLPClassifier", mlp, ALPHAS),
            ("blocks only", convex(options.limit, 0), ratios),
        ]
        if options.fine_tune:
            methods.append(("blocks, fine-tuned", convex(options.limit, 500), ratios))
        lines += compare(name, X, y, methods, options.folds)
        (options.folder / "deep.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
