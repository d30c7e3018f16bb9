"""Certificates that version 0.1 wrote: read, put into present words, and confirmed where they proved something."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from convexnn import ReLUNetwork, verify
from convexnn.certificate import Certificate
from convexnn.exceptions import DataError, ModelFormatError

FILES = Path(__file__).parents[2] / "data" / "version_0_1" / "certificates"
PROBLEMS = json.loads((FILES / "problems.json").read_text())
TABLE = np.loadtxt(FILES.parent / "data.csv", delimiter=",", skiprows=1)
WEIGHT = np.where(np.arange(20) % 4 == 0, 0.0, 1.5)


def data(name):
    """Samples and targets, as in the script that wrote the files."""
    X, y = TABLE[:, :2], TABLE[:, 2]
    more = X[:, 0] * X[:, 1], X[:, 0] ** 2, np.sin(3 * X[:, 1]), np.cos(2 * X[:, 0])
    wide = np.column_stack([X, *more])
    labels = np.where(y > np.median(y), 1.0, -1.0)
    kind = PROBLEMS[name]
    return {"two": X, "three": wide[:, :3], "six": wide}[kind["X"]], labels if kind["y"] == "labels" else y


@pytest.mark.parametrize("name", PROBLEMS)
def test_read_and_confirmed(name, tmp_path):
    """Every one is confirmed from its network and data, and written again in the present format."""
    X, y = data(name)
    old, network = Certificate.load(FILES / f"{name}.json"), ReLUNetwork.load(FILES / f"{name}.safetensors")
    weight = None
    if name == "weighted":
        # Version 0.1 took the fingerprint after it had dropped the samples of weight zero.
        with pytest.raises(DataError, match="20 samples, but it speaks of 15"):
            verify(old, network, X, y, sample_weight=WEIGHT)
        X, y, weight = X[WEIGHT > 0], y[WEIGHT > 0], WEIGHT[WEIGHT > 0]
    assert old.dual_point is None
    if name != "searched":
        assert old.dual == pytest.approx(json.loads((FILES / f"{name}.json").read_text())["dual"], rel=2e-9)
    assert old.method == {"searched": "none", "branch": "branch"}.get(name, "exact")
    new = verify(old, network, X, y, sample_weight=weight)
    assert new.scope == old.scope
    assert new.holds == old.holds == (name != "searched")
    new.save(tmp_path / "new.json")
    assert verify(tmp_path / "new.json", network, X, y, sample_weight=weight) == new


def test_what_was_searched_claims_nothing():
    """The bound of 0.1 was what a search had not found to be wrong."""
    text = (FILES / "searched.json").read_text()
    assert json.loads(text)["holds"]
    old = Certificate.from_json(text)
    assert (old.scope, old.method, old.holds) == ("none", "none", False)
    assert np.isnan([old.dual, old.gap, old.relative_gap, old.response]).all()
    assert old.primal == json.loads(text)["primal"]
    assert "Version 0.1 had searched" in old.summary()


def test_what_did_not_hold_in_spite_of_its_gap_claims_nothing():
    """Version 0.1 said so where two ways to compute a number disagreed."""
    content = {**json.loads((FILES / "dictionary.json").read_text()), "holds": False}
    old = Certificate.from_json(json.dumps(content))
    assert (old.scope, old.holds) == ("none", False)
    assert "disagreed" in old.note


@pytest.mark.parametrize(
    ("change", "field"),
    [({"scope": "none"}, "scope"), ({"dual": None}, "dual"), ({"method": "exact"}, "method"),
     ({"version": 0}, "version"), ({"holds": None}, "holds"), ({"primal": 10**400}, "primal"),
     ({"loss": "absolute"}, "loss")],
)  # fmt: skip
def test_old_files_are_checked_too(change, field):
    content = {**json.loads((FILES / "dictionary.json").read_text()), **change}
    with pytest.raises(ModelFormatError, match=field):
        Certificate.from_json(json.dumps(content))
