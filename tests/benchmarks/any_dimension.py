"""Objectives, times and neurons of the search against local training on real data: ``any_dimension.py OUTPUT.md``.

Every cell (data set, beta, split) is one run of convexnn and many of Adam and L-BFGS in the same process, all on one
common objective, 1/2 |f - y|^2 + beta sum ||w|| |a|, without biases. Results are appended to OUTPUT.jsonl; a second
call continues where the first one stopped. The full grid of three splits and all seeds takes hours; smaller ones are
chosen on the command line and stated in the table.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from pathlib import Path

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.model_selection import train_test_split

import convexnn as cn
from convexnn.compare.methods import run_method
from convexnn.compare.task import Task
from convexnn.data import make_spiral

TABLES = Path(__file__).resolve().parents[3] / "shared" / "data" / "tabular"
RATIOS = (1e-1, 1e-2, 1e-3)


def spiral(n: int) -> tuple[np.ndarray, np.ndarray]:
    X, y = make_spiral(n, random_state=0)
    return np.column_stack([X, np.ones(n)]), y


def teacher() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X, W, a = rng.standard_normal((2000, 20)), rng.standard_normal((10, 20)), rng.standard_normal(10)
    return X, np.maximum(X @ W.T, 0) @ a + 0.1 * rng.standard_normal(2000)


def table(name: str, positive: str | None = None, header: bool = True) -> tuple[np.ndarray, np.ndarray]:
    lines = (TABLES / f"{name}.csv").read_text().strip().splitlines()
    rows = [line.replace('"', "").split(";" if ";" in line else ",") for line in lines]
    if header and not all(_is_number(v) for v in rows[0][1:-1]):
        rows = rows[1:]
    if name == "abalone":  # the first column is a category
        kinds = sorted({row[0] for row in rows})
        rows = [[str(float(row[0] == kind)) for kind in kinds] + row[1:] for row in rows]
    target = [row[-1] for row in rows]
    X = np.array([[float(v) for v in row[:-1]] for row in rows])
    y = np.array([1.0 if t == positive else -1.0 for t in target] if positive else [float(t) for t in target])
    return X[:, np.ptp(X, axis=0) > 0], y


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


DATA = {
    "spiral200": lambda: spiral(200),
    "spiral1000": lambda: spiral(1000),
    "diabetes": lambda: load_diabetes(return_X_y=True),
    "breast_cancer": lambda: load_breast_cancer(return_X_y=True),
    "digits": lambda: (load_digits().data / 16.0, np.where(load_digits().target < 5, -1.0, 1.0)),
    "teacher": teacher,
    "ionosphere": lambda: table("ionosphere", "g"),
    "sonar": lambda: table("sonar", "R"),
    "phoneme": lambda: table("phoneme", "1"),
    "abalone": lambda: table("abalone"),
    "winequality-red": lambda: table("winequality-red"),
}
RAW = ("digits", "teacher", "spiral200", "spiral1000")


def make(name: str, ratio: float, split: int) -> Task:
    X, y = DATA[name]()
    X, X_test, y, y_test = train_test_split(X, np.asarray(y, dtype=float), test_size=0.2, random_state=split)
    if name not in RAW:
        mean, std = X.mean(axis=0), X.std(axis=0)
        std[std == 0] = 1.0
        X, X_test = (X - mean) / std, (X_test - mean) / std
    centre, spread = y.mean(), y.std()
    y, y_test = ((y - centre) / spread, (y_test - centre) / spread) if len(np.unique(y)) > 2 else (y, y_test)
    beta = ratio * cn.beta_max(X, y, bias=False, scope="searched")
    return Task(name, X, y[:, None], X_test, y_test[:, None], beta, "l2", False, "squared", ())


def cell(name: str, ratio: float, split: int, args: argparse.Namespace) -> dict:
    task = make(name, ratio, split)
    begin = time.perf_counter()
    ours = cn.train(task.X, task.y, beta=task.beta, bias=False, scope="searched", time_limit=args.ours)
    seconds = time.perf_counter() - begin
    row = {
        "data": name, "shape": list(task.X.shape), "ratio": ratio, "split": split,
        "ours": ours.network.objective(task.X, task.y, beta=task.beta, bias=False), "seconds": seconds,
        "neurons": ours.network.n_neurons, "test": task.score(ours.network.outputs(task.X_test), test=True),
        "status": ours.status.name, "others": [],
    }  # fmt: skip
    for method in ("lbfgs", "adam"):
        for width in (100, 1000):
            for seed in range(args.seeds):
                run = run_method(task, method, seed, width=width, time_limit=args.seconds)
                row["others"].append(
                    [f"{method}-{width}", seed, run.objective, run.seconds, run.neurons, run.test_score]
                )
    return row


def summary(rows: list[dict], args: argparse.Namespace) -> str:
    lines = [
        "# Search against local training on real data",
        "",
        f"`tests/benchmarks/any_dimension.py`, {platform.machine()}, {platform.system()}, one BLAS thread, convexnn "
        f"{cn.__version__}, NumPy {np.__version__}. Objective 1/2 |f - y|^2 + beta sum ||w|| |a| without biases, "
        f"on the training 80 %. Per cell: one run of convexnn (at most {args.ours:g} s) against L-BFGS and Adam, "
        f"widths 100 and 1000, {args.seeds} seed(s) each, {args.seconds:g} s each; the best of them all is shown.",
        "",
        "| data | n x d | beta / beta_max | convexnn | best local | ratio | s | s of that run | neurons | "
        "its neurons | test R2 | its test R2 |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    good = close = fast = small = 0
    for row in sorted(rows, key=lambda r: (list(DATA).index(r["data"]), -r["ratio"], r["split"])):
        best = min(row["others"], key=lambda r: r[2])
        ratio = row["ours"] / best[2]
        good, close = good + (ratio <= 1.0005), close + (ratio <= 1.005)
        fast, small = fast + (row["seconds"] <= best[3]), small + (row["neurons"] < best[4])
        lines.append(
            f"| {row['data']} | {row['shape'][0]} x {row['shape'][1]} | {row['ratio']:g} | {row['ours']:.6g} | "
            f"{best[2]:.6g} ({best[0]}) | {ratio:.4f} | {row['seconds']:.1f} | {best[3]:.1f} | {row['neurons']} | "
            f"{best[4]} | "
            f"{row['test']:.3f} | {best[5]:.3f} |"
        )
    n = len(rows)
    lines += [
        "",
        f"{n} cells: objective at most 1.0005 times the best local one in {good}, at most 1.005 times in {close}; "
        f"not slower than that run in {fast}; fewer neurons in {small}.",
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=Path)
    parser.add_argument("--data", nargs="+", default=list(DATA), choices=list(DATA))
    parser.add_argument("--splits", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=30.0, help="time of each competing run")
    parser.add_argument("--ours", type=float, default=60.0, help="time limit of convexnn")
    args = parser.parse_args()
    log = args.output.with_suffix(".jsonl")
    rows = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    known = {(r["data"], r["ratio"], r["split"]) for r in rows}
    for split in range(args.splits):
        for name in args.data:
            for ratio in RATIOS:
                if (name, ratio, split) in known:
                    continue
                rows.append(cell(name, ratio, split, args))
                with log.open("a") as file:
                    file.write(json.dumps(rows[-1]) + "\n")
                print(
                    rows[-1]["data"],
                    ratio,
                    split,
                    rows[-1]["ours"],
                    min(r[2] for r in rows[-1]["others"]),
                    flush=True,
                )
                args.output.write_text(summary(rows, args))
    args.output.write_text(summary(rows, args))


if __name__ == "__main__":
    main()
