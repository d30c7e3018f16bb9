"""Proven gaps over all networks: searched networks against lower bounds of moments, one line for each case.

Run as ``python tests/benchmarks/bounds.py results.jsonl [--limit 30] [--only diabetes]``. Cases that the file already
has are skipped, so an interrupted run continues. ``--table`` prints the file as the table of docs/benchmarks-bounds.md.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits

import convexnn
from convexnn.certificate.lower_bound import check_lower_bound, lower_bound

CASES = [
    *[("diabetes", True, ratio) for ratio in (0.5, 0.2, 0.1)],
    *[("diabetes", False, ratio) for ratio in (0.3, 0.1)],
    *[("breast cancer", True, ratio) for ratio in (0.3, 0.1)],
    ("breast cancer", False, 0.3),
    *[("teacher 2000 x 20", bias, ratio) for bias in (True, False) for ratio in (0.3, 0.1)],
    *[(name, True, ratio) for name in ("abalone", "winequality-red") for ratio in (0.3, 0.1)],
    *[(name, True, ratio) for name in ("sonar", "ionosphere", "digits") for ratio in (0.5, 0.3, 0.1)],
    *[("diabetes, 50 rows", False, ratio) for ratio in (0.1, 0.01)],
    ("teacher 100000 x 20", True, 0.3),
]


def raw_of(name, folder):
    """Features and targets; tables of the UCI repository lie in a folder, without headers, the target last."""
    if name.startswith("teacher"):
        rng, n = np.random.default_rng(0), int(name.split()[1])
        X = rng.standard_normal((n, 20))
        y = np.maximum(X @ rng.standard_normal((20, 10)) / np.sqrt(20), 0) @ rng.standard_normal(10)
        return X, y + 0.1 * rng.standard_normal(n)
    if name == "digits":
        X, y = load_digits(return_X_y=True)
        return X, np.where(y < 5, -1.0, 1.0)
    if name.startswith("diabetes") or name == "breast cancer":
        X, y = (load_diabetes if name.startswith("diabetes") else load_breast_cancer)(return_X_y=True)
        kept = np.random.default_rng(0).permutation(len(X))[:50] if "50" in name else slice(None)
        return X[kept], y[kept]
    table = np.genfromtxt(folder / f"{name}.csv", delimiter=",", dtype=str)
    last = table[:, -1]
    y = last.astype(float) if np.char.isnumeric(last).all() else (last == last[0]).astype(float)
    # The first column of abalone is a letter.
    return table[:, int(name == "abalone") : -1].astype(float), y


def data_of(name, folder=Path()):
    """Standardised features and targets; the pixels of digits are only centred."""
    X, y = raw_of(name, folder)
    X = X - X.mean(0)
    spread = X.std(0)
    return (X / 16.0 if name == "digits" else X[:, spread > 0] / spread[spread > 0]), (y - y.mean()) / y.std()


def network_of(name, bias, ratio, seconds, folder):
    """Penalty and the objective of a searched network."""
    X, y = data_of(name, folder)
    beta = ratio * convexnn.beta_max(X, y, bias=bias)
    network = convexnn.train(X, y, beta=beta, bias=bias, time_limit=seconds, bound="none").network
    return {"beta": beta, "objective": network.objective(X, y, beta=beta)}


def bound_of(name, bias, beta, effort, limit, folder):
    """Bound, seconds of the processor, and those of the check."""
    X, y = data_of(name, folder)
    began = time.process_time()
    found = lower_bound(X, y, beta=beta, bias=bias, effort=effort, time_limit=limit)
    seconds = time.process_time() - began
    began = time.process_time()
    assert check_lower_bound(X, y, found, beta=beta, bias=bias) == found.value
    check, pieces = time.process_time() - began, len(found.multipliers[0])
    return {"bound": found.value, "seconds": seconds, "check": check, "pieces": pieces, "effort": effort}


def table(lines):
    """The table of the documentation."""
    print("| data | biases | beta / beta_max | quick: gap, seconds | full: gap, seconds | check |")
    print("|---|---|---|---|---|---|")
    objectives = {(e["data"], e["bias"], e["ratio"]): e for e in lines if e["kind"] == "network"}
    for key, network in objectives.items():
        cells = []
        for effort in ("quick", "full"):
            mine = [e for e in lines if e["kind"] == effort and (e["data"], e["bias"], e["ratio"]) == key]
            gap = (1.0 - mine[0]["bound"] / network["objective"]) if mine else np.nan
            cells.append(f"{gap:.2%}, {mine[0]['seconds']:.1f}" if mine else "-")
        check = f"{1e3 * mine[0]['check']:.0f} ms" if mine else "-"
        print(f"| {key[0]} | {'free' if key[1] else 'none'} | {key[2]} | {cells[0]} | {cells[1]} | {check} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--limit", type=float, default=30.0)
    parser.add_argument("--search", type=float, default=15.0)
    parser.add_argument("--only", default="")
    parser.add_argument("--kinds", default="network,quick,full")
    parser.add_argument("--folder", type=Path, default=Path(), help="where abalone.csv and other tables lie")
    parser.add_argument("--table", action="store_true")
    options = parser.parse_args()
    lines = [json.loads(line) for line in options.file.read_text().splitlines()] if options.file.exists() else []
    if options.table:
        table(lines)
        return
    done = {(e["kind"], e["data"], e["bias"], e["ratio"]): e for e in lines}
    for name, bias, ratio in CASES:
        for kind in options.kinds.split(","):
            key = (kind, name, bias, ratio)
            if key in done or options.only not in name:
                continue
            if kind == "network":
                found = network_of(name, bias, ratio, options.search, options.folder)
            else:
                beta = done["network", name, bias, ratio]["beta"]
                found = bound_of(name, bias, beta, kind, options.limit, options.folder)
            done[key] = {"kind": kind, "data": name, "bias": bias, "ratio": ratio, **found}
            with options.file.open("a") as file:
                file.write(json.dumps(done[key]) + "\n")


if __name__ == "__main__":
    main()
