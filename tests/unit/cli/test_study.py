"""compare, export, dictionary, plot, path and theorem on real files."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

import convexnn
from convexnn.certificate import Certificate
from convexnn.cli import main
from convexnn.cli.exits import Exit
from convexnn.cli.tables import write_columns
from convexnn.export import import_network, load_dictionary, network_notes

rng = np.random.default_rng(0)
X = rng.normal(size=(20, 2))
y = np.abs(X[:, 0]) + 0.1 * rng.normal(size=20)


@pytest.fixture
def data(tmp_path):
    write_columns(tmp_path / "data.csv", ["a", "b", "t"], np.column_stack([X, y]))
    return tmp_path / "data.csv"


@pytest.fixture
def model(data):
    run("fit", data, "--target", "t", "--features", "a,b", "--out", data.parent / "model", "--quiet")
    return data.parent / "model"


def run(*arguments, code=0):
    result = CliRunner().invoke(main, [str(a) for a in arguments])
    assert result.exit_code == code, result.output
    return result


@pytest.mark.parametrize("suffix", [".onnx", ".pt", ".safetensors", ".txt"])
def test_export_keeps_network_and_certificate(model, suffix):
    pytest.importorskip({".onnx": "onnx", ".pt": "torch"}.get(suffix, "safetensors"))
    out = model.parent / f"net{suffix}"
    report = json.loads(run("export", model, out, "--network-only", "--json").stdout)
    network = convexnn.ReLUNetwork.load(model / "network.safetensors")
    assert report["neurons"] == network.n_neurons
    if suffix == ".txt":
        assert "distance to the line" in out.read_text()
    else:
        np.testing.assert_array_equal(import_network(out).hidden_weights, network.hidden_weights)
        found = Certificate.from_json(network_notes(out)["certificate"])
        # The notes have the claim; the vector that proves it is a file of its own.
        assert found == replace(Certificate.load(model / "certificate.json"), dual_point=None)


def test_export_of_an_unknown_suffix_is_wrong_usage(model):
    assert "suffix" in run("export", model, model.parent / "net.xyz", code=Exit.USAGE).output


def test_dictionary_is_written_and_continued(data):
    pytest.importorskip("pyarrow")
    out = data.parent / "atoms"
    arguments = ("dictionary", data, out, "--features", "a,b", "--matrix", "npy", "--json", "--quiet")
    assert json.loads(run(*arguments).stdout)["atoms"] == 20 * 19
    np.testing.assert_array_equal(load_dictionary(out).matrix(), convexnn.dictionary(X).matrix())
    assert json.loads(run(*arguments).stdout)["atoms"] == 20 * 19
    assert "another dictionary" in run(*arguments, "--norm", "l1", code=Exit.USAGE).output


def test_plot_writes_a_picture(model, data):
    pytest.importorskip("matplotlib")
    out = data.parent / "picture.png"
    run("plot", model, data, "--out", out)
    assert out.read_bytes().startswith(b"\x89PNG")
    run("fit", data, "--target", "t", "--features", "a", "--out", data.parent / "line", "--quiet")
    run("plot", data.parent / "line", data, "--out", data.parent / "line.svg")
    assert "<svg" in (data.parent / "line.svg").read_text()
    bare = run("plot", model / "network.safetensors", data, code=Exit.USAGE)
    assert "--target" in bare.output


def test_path_writes_table_networks_and_picture(data):
    pytest.importorskip("matplotlib")
    out = data.parent / "path"
    arguments = ("path", data, "--target", "t", "--features", "a,b", "--betas", "5", "--ratio", "0.01", "--out", out)
    report = json.loads(run(*arguments, "--json").stdout)
    assert report["penalties"] == 5
    assert report["certified"]
    table = convexnn.data.open_table(out / "path.csv")
    for k, (beta, objective) in enumerate(table.matrix(["beta", "objective"])):
        network = convexnn.ReLUNetwork.load(out / f"network-{k:03d}.safetensors")
        assert network.objective(X, y, beta=beta) == pytest.approx(objective, rel=1e-12)
    assert (out / "path.png").exists()


def test_compare_continues_and_writes_a_page(data):
    pytest.importorskip("matplotlib")
    pytest.importorskip("jinja2")
    out = data.parent / "comparison"
    arguments = ("compare", data, "--target", "t", "--features", "a,b", "--out", out, "--restarts", "2", "--jobs", "1",
                 "--local-seconds", "0.05", "--width", "5", "--quiet")  # fmt: skip
    text = run(*arguments).stdout
    assert "Convex training reached" in text
    assert "lbfgs" in text
    lines = (out / "runs.jsonl").read_text()
    content = json.loads(run(*arguments, "--json").stdout)
    assert len(content[0]["runs"]) == 7
    assert (out / "runs.jsonl").read_text() == lines
    assert (out / "index.html").exists()
    assert "neither a file" in run("compare", "nowhere", code=Exit.USAGE).output


def test_theorem_prints_both_sides(data):
    assert "Corollary 8" in run("theorem").stdout
    content = json.loads(run("theorem", "4", "12", "--samples", "8", "--json").stdout)
    assert [check["holds"] for check in content["4"]] == [True, True]
    text = run("theorem", "5", "--data", data, "--target", "t", "--features", "a,b").stdout
    assert "[holds]" in text
    assert "Lasso(beta)" in text
    assert "unknown" in run("theorem", "nonsense", code=Exit.USAGE).output
    run("theorem", "16")
