"""Network files: one format for every depth; what is written is what is read, and nothing else is ever accepted."""

from __future__ import annotations

import json
import struct
from itertools import pairwise

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from convexnn.exceptions import ModelFormatError, ParameterError
from convexnn.export import export_network, import_network, network_notes
from convexnn.network import Activation, DeepReLUNetwork, ReLUNetwork
from convexnn.network.io import read_network_file, write_network_file


def shallow(m=5, d=3, c=2, slope=0.0):
    rng = np.random.default_rng(m)
    parts = (rng.normal(size=(m, d)), rng.normal(size=m), rng.normal(size=(m, c)), rng.normal(size=c))
    return ReLUNetwork(*parts, activation=Activation(slope))


def deep(*sizes, slope=0.0):
    rng = np.random.default_rng(len(sizes))
    pairs = tuple((rng.normal(size=(b, a)), rng.normal(size=b)) for a, b in pairwise(sizes))
    return DeepReLUNetwork(pairs, activation=Activation(slope))


NETWORKS = {
    "two layers": shallow(), "no neuron": shallow(0), "one neuron": shallow(1, 1, 1), "leaky": shallow(slope=0.1),
    "affine": deep(3, 2), "deep": deep(3, 5, 4, 2), "deep of |.|": deep(2, 3, 3, 1, slope=-1.0),
}  # fmt: skip


def assert_equal(one, two):
    assert type(one) is type(two)
    assert one.activation == two.activation
    for left, right in zip(one.layers, two.layers, strict=True):
        for a, b in zip(left, right, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.safetensors"


@pytest.mark.parametrize("name", NETWORKS)
def test_save_and_export_write_the_same_file_and_read_each_other(name, path, tmp_path):
    """Every bit survives, whichever of the two wrote and whichever reads."""
    network, other = NETWORKS[name], tmp_path / "b.safetensors"
    network.save(path)
    export_network(network, other)
    for file in (path, other):
        assert_equal(import_network(file), network)
        assert_equal(type(network).load(file), network)
        as_deep = DeepReLUNetwork(network.layers, activation=network.activation)
        assert_equal(DeepReLUNetwork.load(file), as_deep)
        assert json.loads(network_notes(file)["layers"]) == [len(pair[0].T) for pair in network.layers] + [
            network.n_outputs
        ]
    assert load_file(path).keys() == load_file(other).keys()


def test_tensors_have_the_names_of_a_torch_sequential(path):
    deep(3, 5, 4, 2).save(path)
    assert set(load_file(path)) == {f"{k}.{part}" for k in (0, 2, 4) for part in ("weight", "bias")}


def test_a_deep_file_is_not_read_as_two_layers(path):
    deep(3, 5, 4, 2).save(path)
    with pytest.raises(ModelFormatError, match=r"2 hidden layers; read it with DeepReLUNetwork\.load"):
        ReLUNetwork.load(path)


def test_notes_are_kept_and_reserved_names_refused(path):
    network, notes = shallow(), {"certificate": '{"a": 1}', "note": "Größe"}
    write_network_file(path, network.layers, network.activation, notes)
    assert read_network_file(path).notes == notes
    for reserved in ("version", "slope", "sha256"):
        with pytest.raises(ParameterError, match="taken"):
            write_network_file(path, network.layers, notes={reserved: "2"})
    with pytest.raises(ParameterError, match="must be text"):
        write_network_file(path, network.layers, notes={"note": 3})


@pytest.mark.parametrize("seed", range(3))
def test_damage_is_noticed(path, seed):
    """Flipped bits, cut or lengthened files: an error or the same network, never another one."""
    rng = np.random.default_rng(seed)
    network = shallow() if seed else deep(3, 4, 3, 2, slope=0.5)
    write_network_file(path, network.layers, network.activation, {"note": "kept"})
    whole = path.read_bytes()
    refused = 0
    for _ in range(250):
        data = bytearray(whole)
        kind = rng.integers(3)
        if kind == 0:
            data[rng.integers(len(data))] ^= 1 << rng.integers(8)
        elif kind == 1:
            del data[rng.integers(len(data)) :]
        else:
            data += bytes(rng.integers(1, 9))
        path.write_bytes(data)
        try:
            found = import_network(path)
        except ModelFormatError:
            refused += 1
        else:
            assert_equal(found, network)
            assert read_network_file(path).notes == {"note": "kept"}
    assert refused > 200


def rewrite(path, *, tensors=None, **changes):
    """Save a network file with some header entries or tensors replaced."""
    with safe_open(path, framework="numpy") as file:
        header = dict(file.metadata())
    header = {name: text for name, text in {**header, **changes}.items() if text is not None}
    save_file({**load_file(path), **(tensors or {})}, path, metadata=header)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "other"}, "not a network of convexnn"),
        ({"version": "99"}, "version '99' is unknown; this release reads 1 and 2"),
        ({"version": None}, "version None is unknown"),
        ({"layers": "[3, 4, 2]"}, "checksum"),
        ({"slope": "0.5"}, "checksum"),
        ({"sha256": "0"}, "checksum"),
        ({"tensors": {"extra": np.zeros(1)}}, "checksum"),
        ({"tensors": {"2.bias": np.zeros(2, dtype=np.float32)}}, "checksum"),
    ],
)
def test_edits_are_named(path, changes, message):
    shallow().save(path)
    rewrite(path, **changes)
    with pytest.raises(ModelFormatError, match=message):
        import_network(path)


@pytest.mark.parametrize(
    ("layers", "slope", "message"),
    [
        (((np.eye(2), np.zeros(3)),), 0.0, "do not belong together"),
        (((np.eye(2), np.zeros(2)), (np.eye(3), np.zeros(3))), 0.0, "after a layer of 2 outputs"),
        (((np.full((1, 2), np.nan), np.zeros(1)),), 0.0, "NaN"),
        (((np.zeros(3), np.zeros(3)),), 0.0, "do not belong together"),
        (((np.eye(2), np.zeros(2)),), 1.0, "slope"),
        (((np.eye(2), np.zeros(2)),), float("nan"), "slope"),
        ((), 0.0, "not a weight and a bias"),
    ],
)
def test_files_with_a_right_checksum_and_wrong_contents_are_refused(path, monkeypatch, layers, slope, message):
    """As a malicious writer would make them."""

    class Any:
        pass

    activation = Any()
    activation.slope = slope
    monkeypatch.setattr("convexnn.network.io.StoredNetwork.sizes", [2, 2])
    write_network_file(path, layers, activation)
    with pytest.raises(ModelFormatError, match=message):
        read_network_file(path)


@pytest.mark.parametrize("size", [10**6, 2**40, 2**62])
def test_declared_sizes_are_bounded_by_the_file(path, size):
    """A header that promises more than the file holds is refused before anything of that size is made."""
    header = {"0.weight": {"dtype": "F64", "shape": [size, 1], "data_offsets": [0, 8 * size]}}
    text = json.dumps({"__metadata__": {"format": "convexnn-network", "version": "2"}, **header}).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + bytes(64))
    with pytest.raises(ModelFormatError, match="not a safetensors file"):
        read_network_file(path)
    path.write_bytes(struct.pack("<Q", size) + text)
    with pytest.raises(ModelFormatError, match="not a safetensors file"):
        read_network_file(path)


def test_other_files_are_told_apart(path, tmp_path):
    """Text, an empty file and a foreign safetensors file are format errors; a missing one is not."""
    for content in (b"", b"not a model", b"\x80\x04\x95pickle"):
        path.write_bytes(content)
        with pytest.raises(ModelFormatError, match="damaged or of another kind"):
            ReLUNetwork.load(path)
    save_file({"w": np.zeros(2)}, path)
    with pytest.raises(ModelFormatError, match="not a network of convexnn"):
        DeepReLUNetwork.load(path)
    with pytest.raises(FileNotFoundError):
        ReLUNetwork.load(tmp_path / "missing.safetensors")
