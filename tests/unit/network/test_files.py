"""Network files: what is written is what is read, and nothing else is ever accepted."""

from __future__ import annotations

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from convexnn.exceptions import ModelFormatError, ParameterError
from convexnn.network import ReLUNetwork
from convexnn.network.files import load_network, read_metadata, save_network


def make_network(m=5, d=3, c=2, seed=0):
    rng = np.random.default_rng(seed)
    return ReLUNetwork(
        rng.standard_normal((m, d)), rng.standard_normal(m), rng.standard_normal((m, c)), rng.standard_normal(c)
    )


def assert_equal(one, two):
    for name in ("hidden_weights", "hidden_biases", "output_weights", "intercept"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))


@pytest.mark.parametrize("m", [0, 1, 7])
def test_every_bit_survives(tmp_path, m):
    """Reading gives the numbers that were written, also for a network without neurons."""
    network = make_network(m=m)
    network.save(tmp_path / "a.safetensors")
    assert_equal(ReLUNetwork.load(tmp_path / "a.safetensors"), network)


def test_notes_are_kept_and_reserved_names_refused(tmp_path):
    """Metadata come back as given; the header's own names cannot be used."""
    network, path = make_network(), tmp_path / "a.safetensors"
    save_network(network, path, metadata={"certificate": '{"a": 1}', "note": "Größe"})
    assert read_metadata(path) == {"certificate": '{"a": 1}', "note": "Größe"}
    with pytest.raises(ParameterError, match="taken"):
        save_network(network, path, metadata={"version": "2"})
    with pytest.raises(ParameterError, match="must be text"):
        save_network(network, path, metadata={"note": 3})


@pytest.mark.parametrize("seed", range(3))
def test_damage_is_noticed(tmp_path, seed):
    """Flipped bits, cut or lengthened files: an error or the same network, never another one."""
    rng = np.random.default_rng(seed)
    network, path = make_network(), tmp_path / "a.safetensors"
    save_network(network, path, metadata={"note": "kept"})
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
            found = load_network(path)
        except ModelFormatError:
            refused += 1
        else:
            assert_equal(found, network)
            assert read_metadata(path) == {"note": "kept"}
    assert refused > 200


def rewrite(path, *, tensors=None, **changes):
    """Save a network file with some header entries or tensors replaced."""
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as file:
        header = dict(file.metadata())
    save_file({**load_file(path), **(tensors or {})}, path, metadata={**header, **changes})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "other"}, "not a network"),
        ({"version": "99"}, "version '99'"),
        ({"m": "4"}, r"tensor hidden_weights is float64 of shape \(5, 3\)"),
        ({"m": "five"}, "not counts"),
        ({"sha256": "0"}, "checksum"),
        ({"tensors": {"extra": np.zeros(1)}}, "tensors"),
        ({"tensors": {"intercept": np.zeros(2, dtype=np.float32)}}, "tensor intercept is float32"),
        ({"tensors": {"intercept": np.array([0.0, np.nan])}}, "checksum"),
    ],
)
def test_edits_are_named(tmp_path, changes, message):
    """A header or tensor that does not fit is refused with its name."""
    path = tmp_path / "a.safetensors"
    make_network().save(path)
    rewrite(path, **changes)
    with pytest.raises(ModelFormatError, match=message):
        load_network(path)


def test_other_files_are_told_apart(tmp_path):
    """Text, an empty file and a foreign safetensors file are format errors; a missing one is not."""
    path = tmp_path / "a.safetensors"
    for content in (b"", b"not a model", b"\x80\x04\x95pickle"):
        path.write_bytes(content)
        with pytest.raises(ModelFormatError, match="damaged or of another kind"):
            load_network(path)
    save_file({"w": np.zeros(2)}, path)
    with pytest.raises(ModelFormatError, match="not a network of convexnn"):
        load_network(path)
    with pytest.raises(FileNotFoundError):
        load_network(tmp_path / "missing.safetensors")
