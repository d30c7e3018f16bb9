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
from sklearn.datasets import load_breast_cancer, load_diabetes

import convexnn
from convexnn.certificate.lower_bound import check_lower_bound, lower_bound

CASES = [
    ("diabetes", True, 0.5),
    ("diabetes", True, 0.2),
    ("diabetes", True, 0.1),
    ("diabetes", False, 0.3),
    ("diabetes", False, 0.1),
    ("breast cancer", True, 0.3),
    ("breast cancer", True, 0.1),
    ("breast cancer", False, 0.3),
    ("teacher 2000 x 20", True, 0.3),
    ("teacher 2000 x 20", False, 0.3),
]


def data_of(name):
    """Standardised features and targets."""
    if name.startswith("teacher"):
        rng = np.random.default_rng(0)
        X = rng.standard_normal((2000, 20))
        y = np.maximum(X @ rng.standard_normal((20, 10)) / np.sqrt(20), 0) @ rng.standard_normal(10)
        y = y + 0.1 * rng.standard_normal(2000)
    else:
        X, y = (load_diabetes if name == "diabetes" else load_breast_cancer)(return_X_y=True)
    return (X - X.mean(0)) / X.std(0), (y - y.mean()) / y.std()


def network_of(name, bias, ratio, seconds):
    """Penalty and the objective of a searched network."""
    X, y = data_of(name)
    beta = ratio * convexnn.beta_max(X, y, bias=bias)
    network = convexnn.train(X, y, beta=beta, bias=bias, time_limit=seconds).network
    return {"beta": beta, "objective": network.objective(X, y, beta=beta)}


def bound_of(name, bias, beta, effort, limit):
    """Bound, seconds, and seconds of the check."""
    X, y = data_of(name)
    began = time.perf_counter()
    found = lower_bound(X, y, beta=beta, bias=bias, effort=effort, time_limit=limit)
    seconds = time.perf_counter() - began
    began = time.perf_counter()
    assert check_lower_bound(X, y, found, beta=beta, bias=bias) == found.value
    return {"bound": found.value, "seconds": seconds, "check": time.perf_counter() - began, "effort": effort}


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
                found = network_of(name, bias, ratio, options.search)
            else:
                found = bound_of(name, bias, done["network", name, bias, ratio]["beta"], kind, options.limit)
            done[key] = {"kind": kind, "data": name, "bias": bias, "ratio": ratio, **found}
            with options.file.open("a") as file:
                file.write(json.dumps(done[key]) + "\n")


if __name__ == "__main__":
    main()
