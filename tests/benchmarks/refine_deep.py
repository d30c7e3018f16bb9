"""DeepConvexReLUClassifier against a tuned MLPClassifier of the same depth.

    python tests/benchmarks/refine_deep.py FOLDER [--tabular FOLDER_WITH_ionosphere.csv] [--sets digits,ionosphere]
        [--seed 11] [--folds 3] [--limit 10] [--ratios 0.003,0.001,0.0003] [--loss squared_hinge] [--scaling minmax]

Stratified outer folds, drawn with ``--seed``; in each both methods choose their penalty on the same fifth of the
training part and are trained again on all of it. Every fold is appended to ``deep.jsonl``, and folds that are there
already are not repeated; ``deep.md`` is the table. Seconds are processor time and, in brackets, time on the clock, of
one process with one BLAS thread: for the last fit, and for choosing the penalty and the last fit together.
"""

import argparse
import csv
import json
import time
import warnings
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import StratifiedKFold, train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from convexnn import DeepConvexReLUClassifier

ALPHAS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
WIDTH = 100
SCALERS = {"standard": StandardScaler, "minmax": MinMaxScaler}


def ionosphere(folder):
    with (folder / "ionosphere.csv").open() as file:
        rows = [row for row in csv.reader(file) if row]
    return np.array([row[:-1] for row in rows], dtype=float), np.array([row[-1] for row in rows])


def mlp(alpha):
    return MLPClassifier(hidden_layer_sizes=(WIDTH, WIDTH), alpha=alpha, max_iter=500, random_state=0)


def convex(limit, fine_tune, loss):
    def make(ratio):
        return DeepConvexReLUClassifier(
            n_blocks=2, width=WIDTH, beta_ratio=ratio, fine_tune=fine_tune, loss=loss, time_limit=limit, random_state=0
        )

    return make


def scaled(make, scaling):
    """Both methods see the same features."""
    return lambda value: make_pipeline(SCALERS[scaling](), make(value))


def trained(make, value, X, y):
    """A model, and its processor and clock seconds."""
    cpu, clock = time.process_time(), time.perf_counter()
    model = make(value).fit(X, y)
    return model, np.array([time.process_time() - cpu, time.perf_counter() - clock])


def chosen(make, grid, X, y, seed):
    """Score on the validation fifth decides (nothing to decide for one value); the winner is trained on everything."""
    best, scores, whole = grid[0], [], np.zeros(2)
    if len(grid) > 1:
        fit, X_val, y_fit, y_val = train_test_split(X, y, test_size=0.2, stratify=y, random_state=seed)
        for value in grid:
            model, spent = trained(make, value, fit, y_fit)
            scores.append(model.score(X_val, y_val))
            whole += spent
        best = grid[int(np.argmax(scores))]
    model, spent = trained(make, best, X, y)
    return best, scores, model, spent, whole + spent


def fold(name, label, k, make, grid, X, y, parts, seed):
    """One line of the book."""
    train, test = parts
    best, scores, model, spent, whole = chosen(make, grid, X[train], y[train], 1000 * seed + k)
    net = model[-1]
    widths = net.network_.widths if hasattr(net, "network_") else net.hidden_layer_sizes
    proof = net.certificates_[-1] if hasattr(net, "certificates_") else None
    return {
        "set": name, "method": label, "seed": seed, "fold": k, "best": best, "validation": scores,
        "score": model.score(X[test], y[test]), "train": model.score(X[train], y[train]),
        "fit": spent.tolist(), "whole": whole.tolist(), "widths": [int(w) for w in widths],
        "last": "-" if proof is None else f"{proof.scope}, gap {proof.relative_gap:.1e}",
    }  # fmt: skip


def row(name, label, lines):
    scores = np.array([line["score"] for line in lines])
    error = scores.std(ddof=1) / len(scores) ** 0.5
    fit, whole = (np.mean([line[key] for line in lines], axis=0) for key in ("fit", "whole"))
    picked = [line["best"] for line in lines]
    return (
        f"| {name} | {label} | {scores.mean():.4f} ± {error:.4f} | {', '.join(f'{s:.4f}' for s in scores)} "
        f"| {', '.join(f'{penalty:g}' for penalty in picked)} | {tuple(lines[-1]['widths'])} "
        f"| {fit[0]:.1f} ({fit[1]:.1f}) | {whole[0]:.0f} ({whole[1]:.0f}) | {lines[-1]['last']} |"
    )


def compare(name, X, y, methods, n_splits, seed, book):
    """Rows of the table for one data set."""
    known = [json.loads(line) for line in book.read_text().splitlines()] if book.exists() else []
    folds = list(StratifiedKFold(n_splits, shuffle=True, random_state=seed).split(X, y))
    rows = []
    for label, make, grid in methods:
        lines = []
        for k, parts in enumerate(folds):
            key = {"set": name, "method": label, "seed": seed, "fold": k}
            line = next((old for old in known if key.items() <= old.items()), None)
            if line is None:
                line = fold(name, label, k, make, grid, X, y, parts, seed)
                with book.open("a") as file:
                    file.write(json.dumps(line) + "\n")
                print(line, flush=True)
            lines.append(line)
        rows.append(row(name, label, lines))
    return rows


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tabular", type=Path)
    parser.add_argument("--sets", default="ionosphere,digits")
    parser.add_argument("--limit", type=float, default=10.0, help="seconds per block and for fine-tuning")
    parser.add_argument("--ratios", default="0.03,0.01,0.003")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0, help="of the outer folds")
    parser.add_argument("--loss", default="log_loss", help="of the blocks")
    parser.add_argument("--scaling", default="standard", choices=SCALERS, help="of the features, for both")
    parser.add_argument("--fine-tune", action="store_true", help="also the variant with 500 iterations of L-BFGS")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    warnings.simplefilter("ignore")
    ratios = tuple(map(float, options.ratios.split(",")))
    lines = [
        "| data | method | test accuracy | per fold | chosen penalty per fold | widths (last fold) | s per fit "
        "| s with choosing | last block |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name in options.sets.split(","):
        X, y = load_digits(return_X_y=True) if name == "digits" else ionosphere(options.tabular)
        loss, scaling = options.loss, options.scaling
        blocks = f"blocks, {loss}, {options.limit:g} s each"
        methods = [("MLPClassifier", mlp, ALPHAS), (blocks, convex(options.limit, 0, loss), ratios)]
        if options.fine_tune:
            methods.append((f"{blocks}, fine-tuned", convex(options.limit, 500, loss), ratios))
        methods = [(f"{label}, {scaling}", scaled(make, scaling), grid) for label, make, grid in methods]
        lines += compare(name, X, y, methods, options.folds, options.seed, options.folder / "deep.jsonl")
        (options.folder / "deep.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
