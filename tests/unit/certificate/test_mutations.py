"""No forged certificate is confirmed unless what it claims is true."""

from __future__ import annotations

import json

import numpy as np
import pytest
from certificate_cases import NAMES, make_case
from certificate_mutations import Proved, accepted, forge, is_true
from second_checker import decide


@pytest.fixture(scope="module")
def proofs(tmp_path_factory):
    """Two small problems of every loss that the second checker decides."""
    folder, rng, found = tmp_path_factory.mktemp("honest"), np.random.default_rng(11), []
    for name in NAMES * 2:
        while True:
            case = make_case(name, rng, sizes=(8, 6))
            result = case.solve()
            if result is None or result.certificate.scope == "none":
                continue
            proved = Proved.of(case, result, folder)
            if is_true(decide, proved, proved.text, proved.vectors, honest=True):
                found.append(proved)
                break
    return found


def test_forgeries_are_refused_or_true(proofs, tmp_path):
    """Four hundred forgeries: some claim less than what is proved, or change a note; the others are found out."""
    rng = np.random.default_rng(12)
    passed = 0
    for k in range(400):
        proved, other = proofs[k % len(proofs)], proofs[rng.integers(len(proofs))]
        text, vectors = forge(proved, other, rng)
        if accepted(proved, text, vectors, tmp_path):
            passed += 1
            assert is_true(decide, proved, text, vectors), text
    assert 0 < passed < 200


def test_the_smallest_lie_is_found_out(proofs, tmp_path):
    """A bound above the exact one by less than a millionth of a millionth is refused, the honest one confirmed."""
    for proved in proofs:
        assert accepted(proved, proved.text, proved.vectors, tmp_path)
        claim = json.loads(proved.text)
        if claim["dual"] == 0:
            continue
        claim["dual"] = claim["dual"] * (1 + 2e-13)
        claim["gap"] = max(0.0, claim["primal"] - claim["dual"])
        claim["relative_gap"] = claim["gap"] / max(claim["primal"], claim["dual"])
        claim["holds"] = claim["relative_gap"] <= claim["tol"]
        assert not accepted(proved, json.dumps(claim), proved.vectors, tmp_path)
