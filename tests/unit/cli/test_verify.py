"""`convexnn verify`: a saved certificate is confirmed, exactly too, and a changed one is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner

from convexnn import Certificate
from convexnn.cli import main
from convexnn.cli.exits import Exit
from convexnn.cli.tables import write_columns

rng = np.random.default_rng(0)
X = rng.normal(size=(25, 2))
y = np.abs(X[:, 0]) + 0.1 * rng.normal(size=25)


def run(*arguments, code=0):
    result = CliRunner().invoke(main, [str(a) for a in arguments])
    assert result.exit_code == code, result.output
    return result


@pytest.fixture
def model(tmp_path):
    """Data and model of one fit."""
    write_columns(tmp_path / "data.csv", ["a", "b", "t"], np.column_stack([X, y]))
    columns = ("--target", "t", "--features", "a,b")
    run("fit", tmp_path / "data.csv", *columns, "--out", tmp_path / "model", "--quiet", "--beta-ratio", "0.05")
    return tmp_path / "model", tmp_path / "data.csv"


@pytest.mark.parametrize("options", [(), ("--exact",)])
def test_a_saved_certificate_is_confirmed(model, options):
    folder, data = model
    found = json.loads(run("verify", folder, data, "--json", *options).stdout)
    saved = Certificate.load(folder / "certificate.json")
    assert found["confirmed"]
    assert found["claimed_lower_bound"] == saved.dual
    assert found["lower_bound"] == pytest.approx(saved.dual, rel=1e-6)
    assert ("rational" in found.get("note", "")) == bool(options)


def test_a_bound_that_is_too_high_is_refused(model):
    folder, data = model
    text = json.loads((folder / "certificate.json").read_text())
    text["dual"] = text["primal"] = 1.01 * text["primal"]
    text["gap"] = text["relative_gap"] = 0.0
    (folder / "certificate.json").write_text(json.dumps(text))
    assert "certificate field" in run("verify", folder, data, code=Exit.BAD_DATA).stderr


def test_other_data_and_single_files_are_refused(model, tmp_path):
    folder, _ = model
    write_columns(tmp_path / "other.csv", ["a", "b", "t"], np.column_stack([X, y + 1.0]))
    assert "not the data" in run("verify", folder, tmp_path / "other.csv", code=Exit.BAD_DATA).stderr
    single = folder / "network.safetensors"
    assert "convexnn fit" in run("verify", single, tmp_path / "other.csv", code=Exit.USAGE).stderr
