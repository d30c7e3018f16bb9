"""Training as users call it beside scikit-learn's MLPs and L-BFGS at the same penalty: ``users.py OUTPUT.md``.

The objective is the loss plus beta sum ||w|| |a|, with free biases. scikit-learn minimises the mean loss plus
alpha / (2 n) times the squared weights, so that alpha = beta is the same problem; that is checked on the weights of
every L-BFGS run. All times are processor seconds of one process. Cells are appended to OUTPUT.jsonl; a second call
continues where the first one stopped, and ``--again`` renews our runs. One run per method, and L-BFGS of our own from
``--seeds`` seeds.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from any_dimension import DATA as TABLES, RAW
from large_sample import teacher
from local_training import WIDTHS, lbfgs
from sklearn.datasets import load_digits, load_iris, load_wine, make_moons
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from threadpoolctl import threadpool_limits

import convexnn as cn
from convexnn.compare.task import Task
from convexnn.export import from_sklearn

RATIOS = (0.1, 0.03, 0.01)
WITHIN = 1e-3  # relative distance to the best competitor that counts as reaching it
AGREE = 1e-6  # relative difference of scikit-learn's loss and our objective on the same weights


def moons() -> tuple[np.ndarray, np.ndarray]:
    X, y = make_moons(500, noise=0.2, random_state=0)
    return X, 2.0 * y - 1.0


CLASSES = {
    "iris": lambda: load_iris(return_X_y=True),
    "wine": lambda: load_wine(return_X_y=True),
    "digits10": lambda: (load_digits().data / 16.0, load_digits().target),
}
NUMBERS = {
    **{k: TABLES[k] for k in ("breast_cancer", "diabetes", "sonar", "ionosphere", "phoneme", "abalone")},
    "winequality-red": TABLES["winequality-red"],
    "moons": moons,
    "teacher1500x8": lambda: teacher(1500, 8, 10),
    "teacher6000x8": lambda: teacher(6000, 8, 10),
    "teacher15000x8": lambda: teacher(15000, 8, 10),
    "teacher2000x100": lambda: teacher(2000, 100, 10),
    "teacher100000x20": lambda: teacher(100_000, 20, 10),
}
DATA = CLASSES | NUMBERS


def make(name: str, ratio: float) -> Task:
    """Standardised data, a fifth of it for tests; log loss for three classes and more, else the squared error."""
    X, target = DATA[name]()
    labels = tuple(str(label) for label in np.unique(target)) if name in CLASSES else ()
    y = np.eye(len(labels))[target] if labels else np.asarray(target, dtype=float)[:, None]
    X, X_test, y, y_test = train_test_split(X, y, test_size=0.2, random_state=0)
    if name not in RAW:
        mean, std = X.mean(axis=0), X.std(axis=0)
        std[std == 0] = 1.0
        X, X_test = (X - mean) / std, (X_test - mean) / std
    if not labels and len(np.unique(y)) > 2:
        centre, spread = y.mean(), y.std()
        y, y_test = (y - centre) / spread, (y_test - centre) / spread
    loss = "log_loss" if labels else "squared_error"
    beta = ratio * cn.beta_max(X, y, bias=True, loss=loss, max_atoms=1)
    return Task(name, X, y, X_test, y_test, beta, "l2", True, loss, labels)


def ours(task: Task, tol: float | None) -> dict[str, Any]:
    """Our run with all defaults, bound and certificate included."""
    begin = time.process_time()
    result = cn.train(task.X, task.y, tol=tol, **task.problem)
    seconds, network = time.process_time() - begin, result.network
    return measured(task, network, seconds) | {"status": result.status.name, "version": cn.__version__}


def measured(task: Task, network: cn.ReLUNetwork, seconds: float) -> dict[str, Any]:
    return {
        "objective": network.rescaled("l2", True).objective(task.X, task.y, **task.problem), "seconds": seconds,
        "neurons": network.n_neurons, "test": task.score(network.outputs(task.X_test), test=True),
    }  # fmt: skip


def mlp(task: Task, **options: Any) -> dict[str, Any]:
    """A run of scikit-learn's MLP with 100 neurons at our penalty."""
    model = (MLPClassifier if task.classes else MLPRegressor)(alpha=task.beta, random_state=0, **options)
    begin = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(task.X, task.y.argmax(axis=1) if task.classes else task.y[:, 0])
    seconds, network = time.process_time() - begin, from_sklearn(model)
    if model.solver == "lbfgs":
        squares = sum(float((weight**2).sum()) for weight in model.coefs_)
        loss = network.objective(task.X, task.y, **task.problem | {"beta": 0.0}) + task.beta * squares / 2
        if abs(model.loss_ * len(task.X) - loss) > AGREE * loss:
            raise AssertionError(f"{task.name}: scikit-learn minimised {model.loss_ * len(task.X)!r}, not {loss!r}.")
    return measured(task, network, seconds)


def rivals(task: Task, seeds: int, limit: float) -> dict[str, Any]:
    """The competitors by name; of our own L-BFGS the best seed, with the seconds of that run."""
    runs = {
        "mlp_lbfgs": mlp(task, solver="lbfgs", tol=1e-7, max_iter=100_000, max_fun=10**7),
        "mlp_adam": mlp(task, early_stopping=True, max_iter=1000),
    }
    for width in WIDTHS if seeds else ():
        own = [lbfgs(task, width, seed, limit).record(task) for seed in range(seeds)]
        runs[f"lbfgs{width}"] = min(own, key=lambda run: run["objective"])
    return runs


def summary(rows: list[dict[str, Any]]) -> list[str]:
    """The table and what it says about objectives and times."""
    lines = [
        "| data | n x d | beta / beta_max | objective / best rival | best rival | s | s / one MLP L-BFGS | neurons | "
        "test | test of MLP L-BFGS | test of MLP Adam |",
        "|" + "---|" * 11,
    ]
    gaps, times, tests = [], [], []
    for row in rows:
        mine, others = row["ours"], row["rivals"]
        best = min(others, key=lambda name: others[name]["objective"])
        gaps.append(mine["objective"] / others[best]["objective"])
        times.append(mine["seconds"] / others["mlp_lbfgs"]["seconds"])
        tests.append(mine["test"] - others["mlp_lbfgs"]["test"])
        lines.append(
            f"| {row['data']} | {row['shape'][0]} x {row['shape'][1]} | {row['ratio']:g} | {gaps[-1]:.5f} | {best} | "
            f"{mine['seconds']:.2f} | {times[-1]:.2f} | {mine['neurons']} | {mine['test']:.3f} | "
            f"{others['mlp_lbfgs']['test']:.3f} | {others['mlp_adam']['test']:.3f} |"
        )
    gap, cost = np.array(gaps), np.array(times)
    return [
        *lines, "",
        f"{len(rows)} cells: objective within {WITHIN:g} of the best rival in {(gap <= 1 + WITHIN).sum()}, below it in "
        f"{(gap < 1).sum()}, largest ratio {gap.max():.5f}; at most the time of one MLP L-BFGS run in "
        f"{(cost <= 1).sum()}, of two in {(cost <= 2).sum()}, median {np.median(cost):.2f}; test score less that of "
        f"MLP L-BFGS on average {np.mean(tests):+.4f}. Sets that were not run: "
        f"{', '.join(name for name in DATA if all(row['data'] != name for row in rows)) or 'none'}.",
    ]  # fmt: skip


def page(rows: list[dict[str, Any]]) -> str:
    head = [
        "# Training as users call it", "",
        f"`tests/benchmarks/users.py`, one BLAS thread, convexnn {cn.__version__}, NumPy {np.__version__}. Objective: "
        "loss + beta sum ||w|| |a| with free biases, on the training 80 %; squared error, and log loss for data with "
        "three classes and more. One run of each method. The machine was shared with other work, so times are "
        "processor seconds, and their ratios say more than they do. MLP is scikit-learn's with 100 neurons at alpha "
        "= beta, the same penalty; L-BFGS runs it with tol 1e-7 until it stalls, Adam with early stopping. lbfgs100 "
        "and lbfgs1000 are the best of several starts of our own L-BFGS; they were run in "
        f"{sum('lbfgs100' in row['rivals'] for row in rows)} of {len(rows)} cells. Test: R2, or accuracy.",
        "",
    ]  # fmt: skip
    return "\n".join([*head, *summary(rows), ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path)
    parser.add_argument("--data", nargs="+", default=list(DATA), choices=list(DATA))
    parser.add_argument("--ratios", nargs="+", type=float, default=RATIOS)
    parser.add_argument("--seeds", type=int, default=3, help="starts of our own L-BFGS per width; 0 for none")
    parser.add_argument("--limit", type=float, default=60.0, help="processor seconds of each of those")
    parser.add_argument("--tol", type=float, help="tolerance of our runs (default: that of train)")
    parser.add_argument("--again", action="store_true", help="run convexnn again where it has run")
    args = parser.parse_args()
    log = args.output.with_suffix(".jsonl")
    rows = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    known = {(row["data"], row["ratio"]): row for row in rows}
    for name, ratio in ((name, ratio) for name in args.data for ratio in args.ratios):
        row = known.get((name, ratio))
        if row is not None and not args.again:
            continue
        task = make(name, ratio)
        if row is None:
            row = {"data": name, "ratio": ratio, "shape": list(task.X.shape), "beta": task.beta}
            row["rivals"] = rivals(task, args.seeds, args.limit)
            rows.append(row)
        row["ours"] = ours(task, args.tol)
        log.write_text("".join(json.dumps(each) + "\n" for each in rows))
        args.output.write_text(page(rows))
        print(name, ratio, row["ours"], row["rivals"], flush=True)
    args.output.write_text(page(rows))


if __name__ == "__main__":
    with threadpool_limits(1):
        main()
