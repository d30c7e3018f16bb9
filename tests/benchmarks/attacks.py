"""Attack certificates: train on problems of many families, and look for networks below the proven bound.

    python tests/benchmarks/attacks.py --problems 2000 [--start 0] [--kind ratio]

Prints counts by family: false certificates (a rival lies below the bound by more than 1e-12 of it), certificates that
hold, scopes, problems in which a rival is more than 1.001 times better than the returned network, and penalties from
which on the constant is said to be best (`beta_max`) at which a rival is better than it by more than 1e-9.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections import Counter
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np

import convexnn

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from attack_families import KINDS, Problem, exact_objective, make_problem, rivals


def attack(kind: str, seed: int, descents: int) -> dict[str, float]:
    """Train once, and compare with all rivals."""
    problem = make_problem(kind, seed)
    result = convexnn.train(
        problem.X, problem.y, beta=problem.beta, norm=problem.norm, sample_weight=problem.weight, time_limit=20.0
    )
    network, certificate = result.network, result.certificate
    own = exact_objective(
        problem, network.hidden_weights, network.hidden_biases, network.output_weights[:, 0],
        float(network.intercept[0]),
    )  # fmt: skip
    with np.errstate(all="ignore"):
        best = min(
            exact_objective(problem, *rival)
            for rival in rivals(problem, seed, descents=descents)
            if all(np.isfinite(part).all() for part in rival)
        )
    proven = certificate.scope == "network"
    return {
        "false": proven and min(best, own) < certificate.dual * (1 - 1e-12),
        "holds": certificate.holds,
        "network": proven,
        "beaten": best * 1.001 < own,
        "own_above": own > certificate.primal * (1 + 1e-15),
        "beta_max": beta_max_is_false(problem, seed, descents),
    }


def beta_max_is_false(problem: Problem, seed: int, descents: int) -> bool:
    """Whether a rival beats the best constant at a penalty that is a millionth above `beta_max`."""
    if problem.X.shape[1] > 2:
        return False  # only searched there, a lower estimate
    top = convexnn.beta_max(problem.X, problem.y, norm=problem.norm, sample_weight=problem.weight)
    lifted = replace(problem, beta=top * (1 + 1e-6))
    weights = [Fraction(1)] * len(problem.y) if problem.weight is None else list(map(Fraction, problem.weight.tolist()))
    targets = list(map(Fraction, problem.y.tolist()))
    mean = sum(w * y for w, y in zip(weights, targets)) / sum(weights)
    constant = float(sum(w * (y - mean) ** 2 for w, y in zip(weights, targets)) / 2)
    with np.errstate(all="ignore"):
        found = [
            exact_objective(lifted, *rival)
            for rival in rivals(lifted, seed, descents=descents)
            if all(np.isfinite(part).all() for part in rival)
        ]
    return min(found) < constant * (1 - 1e-9)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--problems", type=int, default=1000)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--kind", choices=KINDS)
    parser.add_argument("--descents", type=int, default=2)
    options = parser.parse_args()
    kinds = KINDS if options.kind is None else (options.kind,)
    warnings.simplefilter("ignore")
    for kind in kinds:
        counts: Counter[str] = Counter()
        for seed in range(options.start, options.start + options.problems // len(kinds)):
            counts["problems"] += 1
            try:
                found = attack(kind, seed, options.descents)
            except Exception as error:  # a script that counts goes on
                counts[type(error).__name__] += 1
                print(f"  {kind} {seed}: {type(error).__name__}: {str(error)[:150]}", flush=True)
                continue
            for name in ("false", "beaten", "own_above", "beta_max"):
                if found[name]:
                    print(f"  {kind} {seed}: {name}", flush=True)
            counts.update({name: int(value) for name, value in found.items()})
        print(kind, dict(counts), flush=True)


if __name__ == "__main__":
    main()
