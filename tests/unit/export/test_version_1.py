"""Files that version 0.1 wrote are read: networks of all its layouts, certificates, models, dictionaries."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

import convexnn
from convexnn.certificate import Certificate
from convexnn.cli import main
from convexnn.exceptions import ModelFormatError
from convexnn.export import export_network, import_network, load_dictionary, network_notes

FILES = Path(__file__).parents[2] / "data" / "version_0_1"
EXPECTED = json.loads((FILES / "expected.json").read_text())
TABLE = np.loadtxt(FILES / "data.csv", delimiter=",", skiprows=1)
X, y = TABLE[:, :2], TABLE[:, 2]


def assert_outputs(found, expected):
    """Equal weights give equal outputs up to the order in which a processor adds."""
    np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("name", EXPECTED)
def test_networks_are_read_and_written_in_the_present_format(name, tmp_path):
    path = FILES / f"{name}.safetensors"
    network = import_network(path)
    assert_outputs(network.outputs(X), EXPECTED[name])
    assert type(network) is (convexnn.DeepReLUNetwork if "deep" in name else convexnn.ReLUNetwork)
    assert_outputs(convexnn.DeepReLUNetwork.load(path).outputs(X), EXPECTED[name])
    if "deep" not in name:
        assert_outputs(convexnn.ReLUNetwork.load(path).outputs(X), EXPECTED[name])
    export_network(network, tmp_path / "new.safetensors")
    assert_outputs(import_network(tmp_path / "new.safetensors").outputs(X), EXPECTED[name])


def test_notes_and_onnx_files():
    pytest.importorskip("onnx")
    for suffix in (".safetensors", ".onnx"):
        notes = network_notes(FILES / f"exported{suffix}")
        assert notes["convexnn"] == "0.1.0"
        assert json.loads(notes["layers"]) == [2, 3, 1]
        assert Certificate.from_json(notes["certificate"]).loss == "squared_error"
    assert network_notes(FILES / "exported.safetensors")["note"] == "kept"
    assert_outputs(import_network(FILES / "exported.onnx").outputs(X), EXPECTED["exported"])
    assert_outputs(import_network(FILES / "deep_exported.onnx").outputs(X), EXPECTED["deep_saved"])


@pytest.mark.parametrize("name", ["squared", "deep_saved", "deep_exported"])
def test_damaged_files_are_refused_as_before(name, tmp_path):
    whole, path = (FILES / f"{name}.safetensors").read_bytes(), tmp_path / "a.safetensors"
    rng = np.random.default_rng(0)
    refused = 0
    for position in rng.integers(0, len(whole), 100):
        broken = bytearray(whole)
        broken[position] ^= 1 << int(rng.integers(8))
        path.write_bytes(bytes(broken))
        try:
            assert_outputs(import_network(path).outputs(X), EXPECTED[name])
        except ModelFormatError:
            refused += 1
    assert refused > 70
    with safe_open(FILES / f"{name}.safetensors", framework="numpy") as file:
        header = dict(file.metadata())
    tensors = load_file(FILES / f"{name}.safetensors")
    save_file({**tensors, "extra": np.zeros(1)}, path, metadata=header)
    with pytest.raises(ModelFormatError, match="tensors"):
        import_network(path)
    save_file({key: array + 1.0 for key, array in tensors.items()}, path, metadata=header)
    with pytest.raises(ModelFormatError, match="checksum"):
        import_network(path)


@pytest.mark.parametrize(("name", "loss"), [
    ("squared", "squared_error"), ("logistic", "log_loss"), ("softmax", "log_loss"), ("hinge", "hinge"),
])  # fmt: skip
def test_certificates_are_read(name, loss):
    certificate = Certificate.load(FILES / f"{name}.json")
    assert certificate.loss == loss
    assert certificate.holds
    labels = np.where(y > np.median(y), 1.0, -1.0)
    rows = np.eye(3)[(X[:, 0] > 0).astype(int) + (X[:, 1] > 0)]
    targets = {"squared": y, "softmax": rows}.get(name, labels)
    objective = import_network(FILES / f"{name}.safetensors").objective(
        X, targets, beta=certificate.beta, norm=certificate.norm, bias=certificate.bias, loss=loss
    )
    assert objective == pytest.approx(certificate.primal, rel=1e-12)


@pytest.mark.parametrize("name", ["squared", "logistic", "softmax", "multilabel"])
def test_certificates_are_verified_from_network_and_data(name):
    """Those of smooth losses need no dual point; "logistic" of several columns is found out from the targets."""
    labels = np.where(y > np.median(y), 1.0, -1.0)
    targets = {
        "squared": y,
        "logistic": labels,
        "softmax": np.eye(3)[(X[:, 0] > 0).astype(int) + (X[:, 1] > 0)],
        "multilabel": np.column_stack([labels, np.where(X[:, 1] > 0, 1.0, -1.0)]),
    }[name]
    network = convexnn.ReLUNetwork.load(FILES / f"{name}.safetensors")
    found = convexnn.verify(FILES / f"{name}.json", network, X, targets)
    assert found.holds
    expected = {"squared": "squared_error", "multilabel": "log_loss_multilabel"}
    assert found.loss == expected.get(name, "log_loss")


def test_models_of_the_command_line_are_used(tmp_path):
    shutil.copytree(FILES / "model", tmp_path / "model")
    done = CliRunner().invoke(main, ["certify", str(tmp_path / "model"), str(FILES / "data.csv"), "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["certified"]


def test_dictionaries_are_read():
    saved = load_dictionary(FILES / "dictionary")
    np.testing.assert_array_equal(saved.X, X[:6])
    np.testing.assert_allclose(saved.matrix(), saved.dictionary().matrix(), atol=1e-15)
    assert len(saved.atoms()) == saved.n_atoms
