"""Safety of moment bounds: never above exact optima in one to three dimensions, and no ascent finds a larger response.

Run as ``python tests/benchmarks/bounds_safety.py results.jsonl [--problems 10000] [--ascents 1000000]``. Seeds that the
file already has are skipped, so an interrupted run continues; ``--summary`` counts what the file has.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

import convexnn
from convexnn.bounds.relaxation import BoundParams
from convexnn.certificate.lower_bound import lower_bound

# Rounding that a proof and a solver may differ by, over the objective.
ROUNDING = 1e-9


def problem_of(seed):
    """Samples, targets, bias, and the parameters of one of the two methods; every third has ties and degeneracies."""
    rng = np.random.default_rng(seed)
    n, d = int(rng.integers(2, 16)), int(rng.integers(1, 4))
    X = rng.standard_normal((n, d)) * 10.0 ** rng.integers(-3, 4)
    if seed % 3 == 0:
        X = np.round(rng.standard_normal((n, d)))
        X[:, -1] = X[0, -1] if d > 1 else X[:, -1]
        X[-1] = X[0]
    y = rng.standard_normal(n) + 3.0 * X[:, 0] / (np.abs(X[:, 0]).max() + 1e-300)
    # In three dimensions the exact optimum is quick without free biases only.
    bias = [True, False, "penalized"][seed % 7 % 3] if d < 3 else False
    params = BoundParams(interior_step=0.0 if seed % 2 else 1e12)
    return X, y, bias, params


def against_optimum(seed):
    """How far the bound is above the exact optimum, over it; negative where it is below."""
    X, y, bias, params = problem_of(seed)
    top = convexnn.beta_max(X, y, bias=bias)
    if top == 0.0:
        return {"excess": -1.0}
    beta = top * [0.5, 0.1, 0.02][seed % 3]
    exact = convexnn.train(X, y, beta=beta, bias=bias, scope="network")
    bound = lower_bound(X, y, beta=beta, bias=bias, params=params)
    return {"excess": float((bound.value - exact.certificate.primal) / max(exact.certificate.primal, 1e-300))}


def against_ascents(seed, starts=5000, rounds=12):
    """The largest response that ascents find over the bound of the response."""
    rng = np.random.default_rng(seed)
    n, d, bias = int(rng.integers(20, 60)), int(rng.integers(2, 12)), bool(seed % 2)
    X, y = rng.standard_normal((n, d)), rng.standard_normal(n)
    beta = rng.uniform(0.05, 0.6) * convexnn.beta_max(X, y, bias=bias)
    params = BoundParams(interior_step=0.0 if seed % 4 < 2 else 1e12)
    bound = lower_bound(X, y, beta=beta, bias=bias, params=params)
    v, best = bound.dual_point[:, 0], 0.0
    for V in (v, -v):
        U = rng.standard_normal((starts, d))
        which = rng.integers(n, size=starts)
        for _ in range(rounds):
            U /= np.maximum(np.linalg.norm(U, axis=1), 1e-300)[:, None]
            T = U @ X.T
            # With a free bias the best hyperplane of a direction passes through a sample; a random one is tried.
            T = T - T[np.arange(starts), which][:, None] if bias else T
            active = T > 0
            best = max(best, float(((T * active) @ V).max()))
            U = (active * V) @ X
    return {"share": best / bound.response, "starts": 2 * starts}


def summary(lines):
    """Counts, and the worst of each kind."""
    optima = [e["excess"] for e in lines if e["kind"] == "optimum"]
    shares = [(e["share"], e["starts"]) for e in lines if e["kind"] == "ascents"]
    wrong = sum(e > ROUNDING for e in optima) + sum(share > 1.0 for share, _ in shares)
    print(f"{len(optima)} problems, largest excess {max(optima, default=0.0):.1e}")
    count = sum(starts for _, starts in shares)
    print(f"{count} ascents, largest share of a bound {max((share for share, _ in shares), default=0.0):.6f}")
    print(f"{wrong} false bounds")
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--problems", type=int, default=10_000)
    parser.add_argument("--ascents", type=int, default=1_000_000)
    parser.add_argument("--summary", action="store_true")
    options = parser.parse_args()
    lines = [json.loads(line) for line in options.file.read_text().splitlines()] if options.file.exists() else []
    if options.summary:
        raise SystemExit(int(summary(lines) > 0))
    done = {(e["kind"], e["seed"]) for e in lines}
    tasks = [("optimum", seed, against_optimum) for seed in range(options.problems)]
    tasks += [("ascents", seed, against_ascents) for seed in range(options.ascents // 10_000)]
    with options.file.open("a") as file:
        for kind, seed, task in tasks:
            if (kind, seed) not in done:
                file.write(json.dumps({"kind": kind, "seed": seed, **task(seed)}) + "\n")
                file.flush()


if __name__ == "__main__":
    main()
