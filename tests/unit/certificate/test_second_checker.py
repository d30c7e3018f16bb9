"""The package and a checker in rational arithmetic, which shares nothing with it, say the same of certificates."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import second_checker
from certificate_cases import NAMES, make_case

from convexnn import certify

SOURCE = Path(second_checker.__file__)


def rows(array):
    array = np.asarray(array, dtype=float)
    return [[Fraction(float(a)) for a in row] for row in (array[:, None] if array.ndim == 1 else array)]


def second_opinion(case, network, certificate):
    """The verdict of the checker."""
    parts = network.hidden_weights, network.hidden_biases, network.output_weights, network.intercept
    W, b, A, t = (rows(part) for part in parts)
    weight = None if case.weight is None else [Fraction(float(a)) for a in case.weight]
    return second_checker.decide(
        (W, [a for (a,) in b], A, [a for (a,) in t]), json.loads(certificate.to_json()), rows(certificate.dual_point),
        rows(case.X), rows(case.y), weight,
    )  # fmt: skip


def test_it_is_short_and_shares_nothing():
    text = SOURCE.read_text()
    assert len(text.splitlines()) <= 200
    imported = {
        name.name.split(".")[0] for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Import)
        for name in node.names
    } | {node.module for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom)}  # fmt: skip
    assert imported == {"csv", "hashlib", "itertools", "json", "math", "struct", "sys", "fractions", "pathlib"}


@pytest.mark.parametrize("name", NAMES)
def test_both_agree(name):
    """The exact bound is never below the published one, and the exact gap is within tol whenever it is said to be."""
    rng = np.random.default_rng([7, NAMES.index(name)])
    decided = 0
    for k in range(7):
        case = make_case(name, rng)
        result = case.train("dictionary") if k % 2 else case.solve()
        if result is None:
            continue
        found = second_opinion(case, result.network, result.certificate)
        if not found["decided"]:
            continue
        decided += 1
        assert found["true"], result.certificate.summary()
        assert found["holds"] == result.certificate.holds
        assert float(found["objective"]) == pytest.approx(result.certificate.primal, rel=1e-9)
        # The published bound is not much below the exact one either.
        assert float(found["bound"]) <= result.certificate.dual + 1e-9 * result.certificate.primal
        if result.network.n_neurons:
            worse = replace(result.network, output_weights=1.5 * result.network.output_weights)
            assert not second_opinion(case, worse, result.certificate)["holds"]
        bolder = replace(result.certificate, dual=result.certificate.dual * (1 + 1e-9) + 1e-9)
        if result.certificate.relative_gap < 1e-9 and result.certificate.dual > 0:
            assert not second_opinion(case, result.network, bolder)["true"]
    assert decided >= 4


def test_the_command_line(tmp_path):
    """From the three files alone, run by itself."""
    rng = np.random.default_rng(1)
    case = make_case("hinge", rng, norm="l1", bias=True, sizes=(8, 8))
    weight = np.linspace(0.0, 2.0, len(case.y))
    case = replace(case, kind={**case.kind, "sample_weight": weight})
    result = case.solve()
    result.network.save(tmp_path / "m.safetensors")
    result.certificate.save(tmp_path / "m.json")
    head = ",".join(f"column_{k}" for k in range(case.X.shape[1] + 2))
    table = [",".join(map(repr, map(float, row))) for row in np.column_stack([case.X, case.y, weight])]
    (tmp_path / "m.csv").write_text("\n".join([head, *table]))
    command = [sys.executable, "-I", SOURCE, tmp_path / "m.safetensors", tmp_path / "m.json", tmp_path / "m.csv"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "decided: True" in said
    assert "holds: True, true: True" in said
    certify(result.network, case.X, case.y, beta=case.beta, scope="none", **case.kind).save(tmp_path / "none.json")
    assert "nothing is claimed" in second_checker.main(tmp_path / "m.safetensors", tmp_path / "none.json", command[-1])
    (tmp_path / "m.csv").write_text("\n".join([head, *table[::-1]]))
    assert "not the data" in subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("q", [Fraction(1), Fraction(3, 7), Fraction(10**40), Fraction(1, 10**40), Fraction(4, 3)])
def test_enclosures(q):
    """Logarithm, exponential and root on both sides of the double, and hardly apart."""
    low, high = second_checker.log(q, False), second_checker.log(q, True)
    assert low <= high <= low + Fraction(1, 10**25)
    assert float(low) == pytest.approx(float(np.log(float(q))), rel=1e-15, abs=1e-30)
    root = second_checker.root(q)
    assert q <= root**2 <= q * (1 + Fraction(1, 10**25))
    power = second_checker.exp_up(low)
    assert q * (1 - Fraction(1, 10**20)) <= power <= q * (1 + Fraction(1, 10**20))
