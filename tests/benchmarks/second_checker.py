"""Small random problems, certified by the package and decided again in rational arithmetic: who is right how often.

    PYTHONPATH=tests python tests/benchmarks/second_checker.py [--problems 500] [--seed 0]
"""

from __future__ import annotations

import argparse
import collections
import json
import runpy
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
from certificate_cases import NAMES, make_case

# This script has the checker's name, so it cannot be imported.
decide = runpy.run_path(str(Path(__file__).parents[1] / "second_checker.py"))["decide"]


def rows(array):
    array = np.asarray(array, dtype=float)
    return [[Fraction(float(a)) for a in row] for row in (array[:, None] if array.ndim == 1 else array)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--problems", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng, counts, seconds = np.random.default_rng(options.seed), collections.Counter(), 0.0
    while counts["decided"] < options.problems:
        case = make_case(NAMES[counts["tried"] % len(NAMES)], rng)
        result = case.train("dictionary") if rng.random() < 0.3 else case.solve()
        counts["tried"] += 1
        if result is None or result.certificate.scope == "none":
            counts["nothing proved"] += 1
            continue
        certificate, network, began = result.certificate, result.network, time.perf_counter()
        found = decide(
            (rows(network.hidden_weights), [a for (a,) in rows(network.hidden_biases)],
             rows(network.output_weights), [a for (a,) in rows(network.intercept)]),
            json.loads(certificate.to_json()), rows(certificate.dual_point), rows(case.X), rows(case.y),
            None if case.weight is None else [Fraction(float(a)) for a in case.weight],
        )  # fmt: skip
        seconds += time.perf_counter() - began
        if not found["decided"]:
            counts["too large"] += 1
            continue
        counts["decided"] += 1
        counts["bound confirmed"] += found["true"]
        counts["same verdict"] += found["holds"] == certificate.holds
        if not found["true"] or found["holds"] != certificate.holds:
            print(case.kind, case.beta, certificate.summary(), {k: float(v) for k, v in found.items()})
    print(json.dumps({**counts, "seconds of the second checker": round(seconds, 1)}))


if __name__ == "__main__":
    main()
