"""Objectives, times and neurons of training against local training on real data: ``any_dimension.py OUTPUT.md``.

Every cell (data set, beta, split) is one run of convexnn and 28 of Adam and L-BFGS (``local_training.py``), all on one
objective, 1/2 |f - y|^2 + beta sum ||w|| |a|, without biases, computed from the networks by one function. convexnn
chooses its method itself; where that is an exact one (spirals, rank 3) the search runs too. With ``--longer``,
wide networks go on for longer where the best competitor is a narrow one, far above ours. The best competing run is
made once more right beside ours, so that both times see the same machine. Cells are appended to OUTPUT.jsonl; a second
call continues where the first one stopped, and ``--again`` renews our runs. The rows behind the page in docs, with the
best competing run of each cell only, are in ``any_dimension.jsonl`` beside. MLPRegressor runs as a user calls it; scnn
in an environment of its own that has convexnn too (``--scnn PYTHON``), adelie in one without (``--adelie PYTHON``).
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from local_training import LONGEST, PATIENT, WIDTHS, all_runs, longer, repeat
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPRegressor
from threadpoolctl import threadpool_limits

import convexnn as cn
from convexnn.compare.methods import run_method
from convexnn.compare.task import Task
from convexnn.data import make_spiral
from convexnn.export import from_sklearn
from convexnn.network import ReLUNetwork

TABLES = Path(__file__).resolve().parents[3] / "shared" / "data" / "tabular"
RATIOS = (1e-1, 1e-2, 1e-3)
WELL_BELOW = 1e-3  # relative distance to the best competitor from which on more may be in it


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
    beta = ratio * cn.beta_max(X, y, bias=False, max_atoms=1)
    return Task(name, X, y[:, None], X_test, y_test[:, None], beta, "l2", False, "squared_error", ())


def ours(task: Task, limit: float) -> tuple[dict[str, Any], ReLUNetwork]:
    """Our run as users call it; where the method is exact also the search, beside the certified lower bound."""
    record, result = one_of_ours(task, limit, "network")
    if result.certificate.scope == "network":
        searched, _ = one_of_ours(task, limit, "searched")
        record["bound"], record["searched"] = result.certificate.dual, searched
    return record, result.network


def one_of_ours(task: Task, limit: float, scope: str) -> tuple[dict[str, Any], cn.TrainingResult]:
    begin = time.process_time()
    result = cn.train(task.X, task.y, beta=task.beta, bias=False, scope=scope, time_limit=limit)
    seconds, network = time.process_time() - begin, result.network
    return {
        "objective": network.objective(task.X, task.y, beta=task.beta, bias=False), "seconds": seconds,
        "neurons": network.n_neurons, "test": task.score(network.outputs(task.X_test), test=True),
        "status": result.status.name, "scope": result.certificate.scope, "version": cn.__version__,
    }, result  # fmt: skip


def thinned(task: Task, network: ReLUNetwork, mine: dict[str, Any], rival: dict[str, Any]) -> dict[str, Any]:
    """How few neurons reach the objective of the best competitor, if ours has no fewer than that has."""
    if mine["neurons"] < rival["neurons"] or mine["objective"] >= rival["objective"]:
        return {}
    begin, within = time.process_time(), rival["objective"] / mine["objective"] - 1
    small = cn.prune(network, task.X, task.y, beta=task.beta, within=within, bias=False)
    value = small.objective(task.X, task.y, beta=task.beta, bias=False)
    return {"thinned": {"objective": value, "neurons": small.n_neurons, "seconds": time.process_time() - begin}}


def as_users_call_it(task: Task) -> dict[str, Any]:
    """MLPRegressor with alpha = beta; it has free biases, a larger class of networks."""
    mlp = MLPRegressor(alpha=task.beta, random_state=0)
    begin = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        mlp.fit(task.X, task.y[:, 0])
    seconds, network = time.process_time() - begin, from_sklearn(mlp)
    return {
        "objective": network.rescaled("l2", True).objective(task.X, task.y, beta=task.beta, bias=True),
        "seconds": seconds, "test": task.score(network.outputs(task.X_test), test=True),
    }  # fmt: skip


def scnn(args: argparse.Namespace, name: str, ratio: float, split: int) -> dict[str, Any] | None:
    """The augmented Lagrangian of scnn with 500 random gates, in its own environment."""
    if args.scnn is None:
        return None
    command = [args.scnn, __file__, str(args.output), "--one-scnn", name, str(ratio), str(split)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else {"failed": done.stderr[-300:]}


def one_scnn(name: str, ratio: str, split: str) -> None:
    task = make(name, float(ratio), int(split))
    begin = time.process_time()
    run = run_method(task, "scnn", 0, width=1000, time_limit=20.0)
    print(json.dumps({"objective": run.objective, "seconds": time.process_time() - begin, "test": run.test_score}))


def adelie(python: str, task: Task) -> dict[str, Any]:
    """The convex problem over 500 sampled gates with cone constraints, along a path of 30 penalties."""
    script = Path(__file__).with_name("adelie_run.py")
    with tempfile.TemporaryDirectory() as folder:
        given, made = Path(folder, "in.npz"), Path(folder, "out.npz")
        np.savez(given, X=task.X, y=task.y[:, 0], beta=task.beta)
        command = [python, str(script), str(given), str(made), "20"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
        except subprocess.TimeoutExpired:
            return {"failed": "not over after 300 s"}
        if done.returncode:
            return {"failed": done.stderr[-300:]}
        out = np.load(made)
    network = ReLUNetwork(out["W"], np.zeros(len(out["W"])), out["a"][:, None], np.zeros(1)).rescaled("l2", False)
    return {
        "objective": network.objective(task.X, task.y, beta=task.beta, bias=False), "seconds": float(out["seconds"]),
        "neurons": network.n_neurons, "test": task.score(network.outputs(task.X_test), test=True),
        "reached": float(out["reached"]),
    }  # fmt: skip


def visit(row: dict[str, Any], args: argparse.Namespace) -> bool:
    """Run what a cell lacks; whether anything was run."""
    task, changed = make(row["data"], row["ratio"], row["split"]), False
    row["shape"] = list(task.X.shape)
    if row.setdefault("beta", task.beta) != task.beta:
        raise SystemExit(f"{row['data']}: beta was {row['beta']!r} and is {task.beta!r}; start with a fresh OUTPUT.")
    if "runs" not in row:
        row["runs"], changed = sorted(all_runs(task), key=lambda run: run["objective"]), True
    if "mlp" not in row:
        row["mlp"], changed = as_users_call_it(task), True
    if args.scnn is not None and "scnn" not in row:
        row["scnn"], changed = scnn(args, row["data"], row["ratio"], row["split"]), True
    if args.adelie is not None and "adelie" not in row:
        row["adelie"], changed = adelie(args.adelie, task), True
    if "ours" not in row or args.again:
        row["ours"], network = ours(task, args.ours)
        if args.longer and "longer" not in row and open_ended(row):
            row["longer"] = longer(task, row["runs"])
            row["runs"] = sorted(row["runs"] + row["longer"], key=lambda run: run["objective"])
        best = row["runs"][0]
        row["ours"] |= thinned(task, network, row["ours"], best)
        timed = args.timed and best in row.get("longer", [])
        row["beside"] = best if timed else repeat(task, best, max(LONGEST[best["width"]], 1.01 * best["seconds"]))
        changed = True
    return changed


def open_ended(row: dict[str, Any]) -> bool:
    """Whether the best competitor is far above ours, and narrow only because wide networks were cut off."""
    best = row["runs"][0]
    return best["width"] < WIDTHS[-1] and best["objective"] / row["ours"]["objective"] - 1 > WELL_BELOW


def label(run: dict[str, Any]) -> str:
    return f"{run['method']}-{run['width']}"


def peer_cell(run: dict[str, Any]) -> str:
    if "objective" not in run:
        return "failed" if run else ""
    reached = f" (at {run['reached']:.2g} beta)" if run.get("reached", 1.0) > 1.001 else ""
    return f"{run['objective']:.6g}, {run['test']:.3f}{reached}"


def neurons_cell(mine: dict[str, Any]) -> str:
    return f"{mine['neurons']} ({mine['thinned']['neurons']})" if "thinned" in mine else str(mine["neurons"])


def test_scores(rows: list[dict[str, Any]]) -> str:
    """How test scores differ, at equal penalties and where each method uses the one that tests best for it."""
    cells: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for row in rows:
        cells.setdefault((row["data"], row["split"]), []).append(row)
    tests = [row["ours"]["test"] - row["runs"][0]["test"] for row in rows]
    # Cells of one split share their samples.
    means = [np.mean([row["ours"]["test"] - row["runs"][0]["test"] for row in cell]) for cell in cells.values()]
    error = np.std(means, ddof=1) / np.sqrt(len(means)) if len(means) > 1 else np.nan
    text = f"Test R2: on average {np.mean(tests):+.4f} (median {np.median(tests):+.6f}, standard error {error:.4f})"
    gains = [
        max(row["ours"]["test"] for row in cell) - max(row["runs"][0]["test"] for row in cell)
        for cell in cells.values()
        if len(cell) == len(RATIOS)
    ]
    if not gains:
        return text + ". "
    return (
        f"{text}; where each method has the penalty that tests best for it, {np.mean(gains):+.4f} "
        f"(median {np.median(gains):+.6f}). "
    )


def searches(rows: list[dict[str, Any]]) -> str:
    """How near the search comes where the optimum is certified."""
    known = [row["ours"] for row in rows if "bound" in row["ours"]]
    if not known:
        return ""
    gaps = [one["searched"]["objective"] / one["bound"] - 1 for one in known]
    exact = [one["objective"] / one["bound"] - 1 for one in known]
    return (
        f"In the {len(known)} cells with a certified optimum (gap at most {max(exact):.1g}) the search alone ends at "
        f"most {max(gaps):.2g} above the lower bound; all of them take it "
        f"{sum(one['searched']['seconds'] for one in known):.0f} s, the exact method "
        f"{sum(one['seconds'] for one in known):.0f} s. "
    )


def summary(rows: list[dict[str, Any]], args: argparse.Namespace) -> str:
    ends = ", ".join(f"{limit:g} s at width {width}" for width, limit in LONGEST.items())
    lines = [
        "# Training against local training on real data",
        "",
        f"`tests/benchmarks/any_dimension.py`, {platform.machine()}, {platform.system()}, one BLAS thread, convexnn "
        f"{cn.__version__}, NumPy {np.__version__}. Objective 1/2 |f - y|^2 + beta sum ||w|| |a| without biases, "
        f"on the training 80 %. Per cell: one run of convexnn (at most {args.ours:g} s of wall time), Adam on all data "
        "(three steps, three seeds, widths 100 and 1000: a short look at all, the best three go on until they stall) "
        f"and L-BFGS (five seeds, both widths), each at most {ends}. The best of these 28 runs is shown, and its time "
        f"when run again beside ours. Where it is a narrow network more than {WELL_BELOW:.1%} above ours (marked *), "
        f"wide ones were cut off too early: Adam with all steps and L-BFGS then go on to {PATIENT:g} s at width 1000, "
        "and the time is of that run itself. Cells are kept from call to call, so that competitors may be older than "
        "our runs; objectives of those that were cut off depend on the machine they had. "
        "convexnn chooses its method: the exact one for spirals (rank 3), the search elsewhere. All times are "
        "processor seconds. MLPRegressor has free biases, a larger class of "
        "networks, and scikit-learn's own stopping. scnn and adelie (split 0 where they were run, 20 s) solve the "
        "convex problem over 500 sampled gates; adelie's path is marked where it broke off before beta. Where our "
        "network has no fewer neurons than the best run, the number in brackets is what `convexnn.prune` leaves of it "
        "at no higher objective than that run's.",
        "",
        "| data | n x d | beta / beta_max | split | convexnn | best local | ratio | s | s of that run | neurons | its "
        "neurons | test R2 | its test R2 | MLPRegressor objective, test R2 | scnn objective, test R2 | adelie "
        "objective, test R2 |",
        "|" + "---|" * 16,
    ]
    order = list(DATA)
    rows = sorted(
        (row for row in rows if "ours" in row), key=lambda r: (order.index(r["data"]), -r["ratio"], r["split"])
    )
    ratios = []
    below = fast = small = thinned = 0
    for row in rows:
        mine, best, beside = row["ours"], row["runs"][0], row["beside"]
        ratios.append(mine["objective"] / best["objective"])
        below += all(run["objective"] >= mine["objective"] for run in row["runs"])
        fast, small = fast + (mine["seconds"] <= beside["seconds"]), small + (mine["neurons"] < best["neurons"])
        thinned += "thinned" in mine and mine["thinned"]["neurons"] < best["neurons"]
        peer_cells = [peer_cell(row.get(name) or {}) for name in ("mlp", "scnn", "adelie")]
        lines.append(
            f"| {row['data']} | {row['shape'][0]} x {row['shape'][1]} | {row['ratio']:g} | {row['split']} | "
            f"{mine['objective']:.7g} | {best['objective']:.7g} ({label(best)}){'*' * ('longer' in row)} | "
            f"{ratios[-1]:.5f} | "
            f"{mine['seconds']:.1f} | {beside['seconds']:.1f} | {neurons_cell(mine)} | {best['neurons']} | "
            f"{mine['test']:.3f} | {best['test']:.3f} | {' | '.join(peer_cells)} |"
        )
    if rows:
        lines += [
            "",
            f"{len(rows)} cells: objective below all local runs in {below}, largest ratio {max(ratios):.5f}, smallest "
            f"{min(ratios):.5f}; not slower than the best local run in {fast}; fewer neurons than it in {small}, "
            f"and thinned to its objective in {thinned} more. {test_scores(rows)}{searches(rows)}Cells of the whole "
            f"grid (three splits) that were not run: {3 * len(RATIOS) * len(DATA) - len(rows)}.",
        ]
    return "\n".join([*lines, ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=Path)
    parser.add_argument("--data", nargs="+", default=list(DATA), choices=list(DATA))
    parser.add_argument("--splits", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--ours", type=float, default=60.0, help="time limit of convexnn")
    parser.add_argument("--again", action="store_true", help="run convexnn again where it has run")
    parser.add_argument(
        "--longer", action="store_true", help=f"let wide competitors go on for {PATIENT:g} s where narrow ones won"
    )
    parser.add_argument(
        "--timed", action="store_true", help="take the times of longer runs as they are, from this machine"
    )
    parser.add_argument("--known", action="store_true", help="only cells whose competitors have run")
    parser.add_argument("--scnn", help="Python of an environment with scnn and convexnn")
    parser.add_argument("--adelie", help="Python of an environment with adelie")
    parser.add_argument("--one-scnn", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one_scnn:
        one_scnn(*args.one_scnn)
        return
    log = args.output.with_suffix(".jsonl")
    rows = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    known = {(row["data"], row["ratio"], row["split"]): row for row in rows}
    for split in args.splits:
        for name in args.data:
            for ratio in RATIOS:
                row = known.get((name, ratio, split))
                if row is None and args.known:
                    continue
                if row is None:
                    row = {"data": name, "ratio": ratio, "split": split}
                    rows.append(row)
                if visit(row, args):
                    log.write_text("".join(json.dumps(each) + "\n" for each in rows))
                    args.output.write_text(summary(rows, args))
                    print(name, ratio, split, row["ours"], row["runs"][0], file=sys.stderr, flush=True)
    args.output.write_text(summary(rows, args))


if __name__ == "__main__":
    with threadpool_limits(1):
        main()
