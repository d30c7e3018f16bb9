"""100,000 samples of 100 features: time, memory and objective of the search beside Adam.

    python tests/benchmarks/large_sample.py OUTPUT.md [--adam 240]

A network of 20 ReLUs with noise 0.1 is learnt at 1e-2 beta_max, without biases. Adam runs on all data at width 100
with three steps, each for the given processor seconds.
"""

from __future__ import annotations

import argparse
import resource
import time
from pathlib import Path

import numpy as np
from local_training import STEPS, Adam
from threadpoolctl import threadpool_limits

import convexnn as cn
from convexnn.compare.task import Task

RATIO = 1e-2


def teacher(n: int = 100_000, d: int = 100, m: int = 20) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X, W, a = rng.standard_normal((n, d)), rng.standard_normal((m, d)) / np.sqrt(d), rng.standard_normal(m)
    return X, np.maximum(X @ W.T, 0.0) @ a + 0.1 * rng.standard_normal(n)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path)
    parser.add_argument("--adam", type=float, default=240.0, help="processor seconds of each run of Adam")
    args = parser.parse_args()
    X, y = teacher()
    wall, begin = time.perf_counter(), time.process_time()
    beta = RATIO * cn.beta_max(X, y, bias=False, max_atoms=1)
    result = cn.train(X, y, beta=beta, bias=False, max_atoms=1, time_limit=540)
    seconds, wall = time.process_time() - begin, time.perf_counter() - wall
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    objective = result.network.objective(X, y, beta=beta, bias=False)
    lines = [
        "# 100,000 samples of 100 features",
        "",
        f"`tests/benchmarks/large_sample.py`: a teacher of 20 ReLUs, noise 0.1, beta = {RATIO:g} beta_max, no biases, "
        f"one BLAS thread, convexnn {cn.__version__}.",
        "",
        "| method | objective | processor seconds | neurons |",
        "|---|---|---|---|",
        f"| convexnn (ended {result.status.name}, {wall:.0f} s of wall time, peak {peak:.2f} GB) | {objective:.8g} | "
        f"{seconds:.0f} | {result.network.n_neurons} |",
    ]
    print(lines[-1], flush=True)
    task = Task("teacher", X, y[:, None], X[:10], y[:10, None], beta, "l2", False, "squared_error", ())
    for step in STEPS:
        run = Adam(task, 100, step, 0).go(args.adam).record(task)
        stalled = "stalled" if run["stalled"] else "stopped"
        lines.append(
            f"| Adam, width 100, step {step:g}, {stalled} | {run['objective']:.8g} | {run['seconds']:.0f} | "
            f"{run['neurons']} |"
        )
        print(lines[-1], flush=True)
    args.output.write_text("\n".join([*lines, ""]))


if __name__ == "__main__":
    with threadpool_limits(1):
        main()
