"""Forged certificates by the thousand: how many are confirmed, and whether one of these is false.

    PYTHONPATH=tests python tests/benchmarks/mutated_certificates.py [--forgeries 100000] [--seed 0]
"""

from __future__ import annotations

import argparse
import collections
import json
import tempfile
import time
from pathlib import Path

import numpy as np
from certificate_cases import NAMES, make_case
from certificate_mutations import Proved, accepted, forge, is_true
from second_checker import decide

# Forgeries for each honest proof.
EACH = 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--forgeries", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng, counts, began = np.random.default_rng(options.seed), collections.Counter(), time.perf_counter()
    folder = Path(tempfile.mkdtemp())
    other: Proved | None = None
    while counts["forgeries"] < options.forgeries:
        case = make_case(NAMES[rng.integers(len(NAMES))], rng, sizes=(8, 6))
        result = case.solve()
        if result is None or result.certificate.scope == "none":
            continue
        proved = Proved.of(case, result, folder)
        if not is_true(decide, proved, proved.text, proved.vectors, honest=True):
            counts["honest proofs that the second checker does not decide"] += 1
            continue
        counts["honest proofs"] += 1
        for _ in range(EACH):
            text, vectors = forge(proved, other or proved, rng)
            counts["forgeries"] += 1
            if accepted(proved, text, vectors, folder):
                counts["confirmed"] += 1
                if not is_true(decide, proved, text, vectors):
                    counts["FALSE"] += 1
                    print("false:", text, vectors)
        other = proved
    print(json.dumps({**counts, "seconds": round(time.perf_counter() - began)}))


if __name__ == "__main__":
    main()
