"""The commands on real files: what they write, what they print, and with which code they leave."""

from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner

import convexnn
from convexnn.cli import main
from convexnn.cli.exits import Exit
from convexnn.cli.tables import write_columns
from convexnn.data import open_table

rng = np.random.default_rng(0)
X = rng.normal(size=(25, 2))
y = np.abs(X[:, 0]) + 0.1 * rng.normal(size=25)


@pytest.fixture
def data(tmp_path):
    write_columns(tmp_path / "data.csv", ["a", "b", "t"], np.column_stack([X, y]))
    return tmp_path / "data.csv"


def run(*arguments, code=0):
    result = CliRunner().invoke(main, [str(a) for a in arguments])
    assert result.exit_code == code, result.output
    return result


def fit(data, *options, code=0):
    out = data.parent / "model"
    columns = ("--target", "t", "--features", "a,b", "--raw")
    return out, run("fit", data, *columns, "--out", out, "--quiet", "--json", *options, code=code)


@pytest.mark.parametrize("norm", ["l1", "l2"])
@pytest.mark.parametrize("bias", ["free", "none", "penalized"])
def test_fit_predict_certify(data, norm, bias):
    out, result = fit(data, "--norm", norm, "--bias", bias, "--beta-ratio", "0.05")
    report = json.loads(result.stdout)
    network = convexnn.ReLUNetwork.load(out / "network.safetensors")
    assert report["certified"]
    assert report["neurons"] == network.n_neurons
    assert report["relative_gap"] <= 1e-6
    kind = {"free": True, "none": False, "penalized": "penalized"}[bias]
    assert report["beta"] == pytest.approx(0.05 * convexnn.beta_max(X, y, norm=norm, bias=kind))
    objective = network.objective(X, y, beta=report["beta"], norm=norm, bias=kind)
    assert report["objective"] == pytest.approx(objective, rel=1e-12)

    run("predict", out, data, "--out", data.parent / "p.csv")
    np.testing.assert_array_equal(open_table(data.parent / "p.csv").matrix(["t"])[:, 0], network.predict(X))

    again = json.loads(run("certify", out, data, "--json").stdout)
    for name in ("objective", "lower_bound", "relative_gap", "scope", "certified"):
        assert again[name] == pytest.approx(report[name]) if isinstance(again[name], float) else report[name]
    saved = convexnn.Certificate.load(out / "certificate.json")
    assert saved.primal == report["objective"]


def test_proofs_over_all_networks_in_four_dimensions(tmp_path):
    """Searched networks are proved on request, by fit and by certify, to the gap that --tol names."""
    rows = rng.normal(size=(40, 4))
    names, file, out = ["a", "b", "c", "d"], tmp_path / "data.csv", tmp_path / "model"
    write_columns(file, [*names, "t"], np.column_stack([rows, np.abs(rows[:, 0]) + rows[:, 1]]))
    settings = ("--target", "t", "--raw", "--beta-ratio", "0.1", "--out", out, "--quiet")
    run("fit", file, *settings)
    run("fit", file, *settings, "--require-gap", "1e-9", code=Exit.NOT_CERTIFIED)
    report = json.loads(run("certify", out, file, "--scope", "network", "--tol", "1e-2", "--json").stdout)
    assert report["certified"]
    assert report["scope"] == "network"
    assert "Branch and bound" in report["note"]
    run("certify", out, file, "--time-limit", "0", "--require-gap", "1e-2", code=Exit.NOT_CERTIFIED)


def test_models_of_the_first_version_are_certified(data):
    """They name the losses of that version."""
    out, result = fit(data)
    recipe = json.loads((out / "model.json").read_text())
    assert recipe["loss"] == "squared_error"
    (out / "model.json").write_text(json.dumps({**recipe, "loss": "squared"}))
    again = json.loads(run("certify", out, data, "--json").stdout)
    assert again["objective"] == json.loads(result.stdout)["objective"]


def test_predict_to_standard_output_as_csv_and_json(data):
    out, _ = fit(data)
    lines = run("predict", out, data).stdout.strip().split("\n")
    assert lines[0] == "t"
    expected = convexnn.ReLUNetwork.load(out / "network.safetensors").predict(X)
    np.testing.assert_array_equal([float(line) for line in lines[1:]], expected)
    np.testing.assert_array_equal(json.loads(run("predict", out, data, "--json").stdout)["t"], expected)


def test_network_file_without_folder_needs_the_recipe(data):
    out, result = fit(data, "--beta", "0.5")
    file = out / "network.safetensors"
    assert "give --features" in run("predict", file, data, code=Exit.USAGE).stderr
    run("predict", file, data, "--features", "a,b")
    assert "--target, --features" in run("certify", file, data, code=Exit.USAGE).stderr
    all_given = ("--target", "t", "--features", "a,b", "--beta", "0.5", "--norm", "l2", "--bias", "free")
    again = json.loads(run("certify", file, data, *all_given, "--json").stdout)
    assert again["lower_bound"] == pytest.approx(json.loads(result.stdout)["lower_bound"], rel=1e-12)


def test_vector_network_predicts_numbered_columns(data):
    net = convexnn.ReLUNetwork(np.eye(2), np.zeros(2), np.ones((2, 2)), np.zeros(2))
    net.save(data.parent / "n.safetensors")
    lines = run("predict", data.parent / "n.safetensors", data, "--features", "a,b").stdout.split("\n")
    assert lines[0] == "prediction_0,prediction_1"


def test_a_worse_network_is_not_certified(data):
    out, _ = fit(data)
    report = json.loads(run("certify", out, data, "--json", "--beta", "1.0").stdout)
    assert not report["certified"]
    run("certify", out, data, "--beta", "1.0", "--require-gap", "1e-6", code=Exit.NOT_CERTIFIED)
    assert report["relative_gap"] > 1e-3


def test_open_gap_leaves_with_three_and_keeps_the_network(data):
    limits = ("--tol", "0", "--time-limit", "1e-9", "--beta-ratio", "1e-3", "--require-gap", "1e-3")
    out, result = fit(data, *limits, code=Exit.NOT_CERTIFIED)
    assert not json.loads(result.stdout)["certified"]
    assert (out / "network.safetensors").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--beta", "-1"], Exit.USAGE, "beta=-1.0: must be a finite number"),
        (["--beta-ratio", "0"], Exit.USAGE, "beta_ratio=0.0: must be a finite number"),
        (["--solver", "nope"], Exit.USAGE, "nope"),
        (["--features", "a,a"], Exit.USAGE, "different column names"),
        (["--features", "a,t"], Exit.USAGE, "also among the features"),
        (["--features", "a,z"], Exit.BAD_DATA, "no column 'z'"),
        (["--norm", "l3"], Exit.USAGE, "l3"),
    ],
)
def test_wrong_arguments(data, arguments, code, message):
    _, result = fit(data, *arguments, code=code)
    assert message in result.stderr


def test_bad_data_leaves_with_four(data):
    data.write_text(data.read_text() + "nan,1,2\n")
    _, result = fit(data, code=Exit.BAD_DATA)
    assert "column 'a', data row 26: 'nan' is not a finite number" in result.stderr


def test_damaged_models_are_refused(data):
    out, _ = fit(data)
    (out / "model.json").write_text("{")
    assert "damaged" in run("certify", out, data, code=Exit.BAD_DATA).stderr
    recipe = {"target": 1, "features": ["a"], "beta": 1.0, "norm": "l2", "bias": True}
    (out / "model.json").write_text(json.dumps(recipe))
    assert "column names" in run("predict", out, data, code=Exit.BAD_DATA).stderr
    (out / "model.json").unlink()
    assert "no model.json" in run("predict", out, data, code=Exit.BAD_DATA).stderr


def test_too_large_leaves_with_five_and_interrupt_with_130(data, monkeypatch):
    from convexnn.exceptions import DictionarySizeError

    def failing(error):
        def start(*_, **__):
            raise error

        return start

    cases = {
        Exit.TOO_LARGE: DictionarySizeError("too many", count=9, budget=1),
        Exit.INTERRUPTED: KeyboardInterrupt(),
    }
    for code, error in cases.items():
        monkeypatch.setattr("convexnn.cli.fitting.Driver", failing(error))
        fit(data, code=code)


def test_progress_goes_to_standard_error_only(data, monkeypatch):
    monkeypatch.setattr("convexnn.cli.reporting._INTERVAL", 0.0)
    result = run("fit", data, "--target", "t", "--features", "a,b", "--out", data.parent / "m", "--json")
    assert "round 1: objective" in result.stderr
    assert json.loads(result.stdout)["certified"]


def test_doctor():
    report = json.loads(run("doctor", "--json").stdout)
    assert report["packages"]["numpy"] == np.__version__
    assert report["solvers"]["native"]
    assert "compiled core" in run("doctor").stdout


def test_demo_writes_everything_and_bounds_the_local_runs(tmp_path):
    pytest.importorskip("matplotlib")
    report = json.loads(run("demo", "--out", tmp_path / "r", "--restarts", 2, "--json").stdout)
    assert report["certified"]
    assert report["scope"] == "network"
    assert report["local_runs_below_the_bound"] == 0
    assert report["best_local_objective"] >= report["lower_bound"]
    page = (tmp_path / "r" / "index.html").read_text()
    assert "picture.png" in page
    assert "no network of any width" in page
    assert (tmp_path / "r" / "picture.png").stat().st_size > 10_000
    # The command that the page recommends.
    run("certify", tmp_path / "r", tmp_path / "r" / "spiral.csv")
