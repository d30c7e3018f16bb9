"""Certificates on disk: exact, and refused when a field is missing, wrong or contradicts another."""

from __future__ import annotations

import json

import numpy as np
import pytest

from convexnn import ReLUNetwork
from convexnn.certificate import Certificate, certify
from convexnn.certificate.record import data_fingerprint
from convexnn.exceptions import ModelFormatError

VERSION_1 = (
    "format", "scope", "primal", "dual", "gap", "relative_gap", "holds", "tol", "beta", "norm", "bias", "loss",
    "response", "n_neurons", "n_samples", "fingerprint", "n_atoms", "atoms", "note",
)  # fmt: skip


@pytest.fixture
def certificate():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((9, 2)), rng.standard_normal(9)
    network = ReLUNetwork([[1.0, 0.1]], [0.3], [[0.7]], [0.1])
    return certify(network, X, y, beta=1 / 3, norm="l1", tol=0.123)


def test_round_trip(tmp_path, certificate):
    """Every field survives to the last bit, for each kind of bias."""
    for bias in (True, False, "penalized"):
        one = Certificate(**{**vars(certificate), "bias": bias})
        one.save(tmp_path / "c.json")
        assert Certificate.load(tmp_path / "c.json") == one
    assert json.loads((tmp_path / "c.json").read_text())["version"] == 2


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("scope", "universe"), ("norm", "l3"), ("bias", 1), ("bias", "free"), ("holds", "yes"), ("holds", 0),
        ("primal", "3"), ("dual", None), ("gap", -1.0), ("gap", 0.0), ("relative_gap", True), ("beta", [1]),
        ("n_neurons", -1), ("n_samples", 2.5), ("loss", 3), ("fingerprint", None), ("n_atoms", "many"),
        ("atoms", 7), ("response", None), ("primal", None), ("holds", True), ("tol", 10**400), ("beta", -1.0),
        ("n_samples", 10**400), ("scope", "none"), ("method", "none"), ("method", "magic"), ("loss", "absolute"),
        ("activation_slope", 0.1), ("activation_slope", 0), ("interaction_cst", "all"), ("interaction_cst", [[0]]),
        ("interaction_cst", [[1], [0]]), ("interaction_cst", [[0], [1, 1]]), ("interaction_cst", [[0], []]),
        ("vectors", None),
        ("vectors", {"other": {}}), ("vectors", {"dual_point": {"shape": [9, 1]}}), ("note", "x" * 20_000),
        ("note", "\x1b[2J"), ("vectors", {"dual_point": {"shape": [10**12, 1], "sha256": "0" * 64}}),
        ("fingerprint", "0" * 63),
        ("format", "other"), ("version", 3), ("version", True), ("extra", 1),
    ],
)  # fmt: skip
def test_wrong_fields_are_named(certificate, field, value):
    """A field of another type, out of range, or contradicting the others is refused by name."""
    content = json.loads(certificate.to_json())
    assert json.dumps(content.get(field)) != json.dumps(value)
    content[field] = value
    with pytest.raises(ModelFormatError, match=field):
        Certificate.from_json(json.dumps(content))


def test_missing_fields_and_other_files(tmp_path, certificate):
    """What is no certificate at all is told apart."""
    content = json.loads(certificate.to_json())
    del content["dual"]
    with pytest.raises(ModelFormatError, match="fields dual"):
        Certificate.from_json(json.dumps(content))
    for text in ("", "{", "[1]", "3", '{"format": 3}', "[" * 100_000):
        with pytest.raises(ModelFormatError):
            Certificate.from_json(text)
    (tmp_path / "c.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ModelFormatError, match="not text"):
        Certificate.load(tmp_path / "c.json")


def test_fuzzed_text_is_refused_or_harmless(certificate):
    """Changed characters never raise anything but a format error, and what is read keeps its own rules."""
    text, rng = certificate.to_json(), np.random.default_rng(1)
    accepted = 0
    for _ in range(400):
        i = rng.integers(len(text))
        changed = text[:i] + chr(rng.integers(32, 127)) + text[i + 1 :]
        try:
            found = Certificate.from_json(changed)
        except ModelFormatError:
            continue
        accepted += 1
        assert found.gap == pytest.approx(max(0.0, found.primal - found.dual), rel=1e-9)
        assert not (found.holds and found.relative_gap > found.tol)
    # Digits of the tolerance, names of losses and hexadecimal digits can change unnoticed: see verify.
    assert accepted < 200


def test_summary_says_what_is_proved(certificate):
    """The sentence follows scope and outcome."""
    fields = vars(certificate)

    def summary(**changes):
        return Certificate(**{**fields, **changes}).summary()

    assert "of any width" in summary(scope="network", holds=True)
    assert "not certified" not in summary(scope="network", holds=True)
    assert "not certified" in summary(scope="network", holds=False)
    better = "No ReLU network of any width can be more than 4.0 % better in this objective."
    assert better in summary(scope="network", holds=False, relative_gap=0.0399)
    assert "more than 0.0013 % better" in summary(scope="network", holds=False, relative_gap=1.21e-5)
    assert "% better" not in summary(scope="dictionary", holds=False, relative_gap=0.04)
    assert "wedge neurons of these samples" in summary(scope="dictionary")
    assert "7 given atoms" in summary(scope="dictionary", n_atoms=7)
    assert "Nothing is proved" in summary(scope="none", holds=False)
    assert "certified" not in summary(scope="none", holds=False)


def test_fingerprint_sees_every_number():
    """Equal numbers give equal fingerprints whatever their layout; any change gives another."""
    X, y = np.arange(6.0).reshape(3, 2), np.array([[0.0], [1.0], [2.0]])
    one = data_fingerprint(X, y)
    assert data_fingerprint(np.asfortranarray(X), y) == one
    negative_zero = y.copy()
    negative_zero[0] = -0.0
    assert data_fingerprint(X, negative_zero) == one
    assert data_fingerprint(np.nextafter(X, 9.0), y) != one
    assert data_fingerprint(X.reshape(2, 3), y) != one
    assert data_fingerprint(X, y, np.ones((3, 1))) != one


@pytest.mark.parametrize(
    ("old", "new"), [("squared", "squared_error"), ("logistic", "log_loss"), ("softmax", "log_loss")]
)
def test_names_of_losses_of_the_first_version(certificate, old, new):
    content = json.loads(certificate.to_json())
    content = {k: v for k, v in content.items() if k in VERSION_1}
    assert Certificate.from_json(json.dumps({**content, "version": 1, "loss": old})).loss == new


def test_two_files(tmp_path, certificate):
    """The vectors lie beside the JSON, under a name that no network has, and each is refused without the other."""
    certificate.save(tmp_path / "m.json")
    assert {path.name for path in tmp_path.iterdir()} == {"m.json", "m.certificate.safetensors"}
    found = Certificate.load(tmp_path / "m.json")
    np.testing.assert_array_equal(found.dual_point, certificate.dual_point)
    assert not found.dual_point.flags.writeable
    certificate.save(tmp_path / "certificate.json")
    assert (tmp_path / "certificate.safetensors").exists()
    whole = (tmp_path / "m.certificate.safetensors").read_bytes()
    for broken, message in (
        (whole[:40], "bytes"), (whole + b"x" * 70_000, "bytes"), (whole[:-8], "safetensors"),
        (b"\xff" * len(whole), "safetensors"), (whole[:-1] + bytes([whole[-1] ^ 1]), "checksum"),
    ):  # fmt: skip
        (tmp_path / "m.certificate.safetensors").write_bytes(broken)
        with pytest.raises(ModelFormatError, match=message):
            Certificate.load(tmp_path / "m.json")
    (tmp_path / "m.certificate.safetensors").unlink()
    with pytest.raises(ModelFormatError, match="copy both files"):
        Certificate.load(tmp_path / "m.json")
    (tmp_path / "m.json").write_text(" " * 2_000_000)
    with pytest.raises(ModelFormatError, match="2,000,000 bytes"):
        Certificate.load(tmp_path / "m.json")


def test_a_full_disk_leaves_the_earlier_files(tmp_path, certificate, monkeypatch):
    """What cannot be written whole is not written."""
    certificate.save(tmp_path / "m.json")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def full(self, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    with pytest.raises(OSError, match="No space"):
        certificate.save(tmp_path / "m.json")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_fields_twice_are_refused(certificate):
    text = certificate.to_json().replace('"scope"', '"holds": false, "scope"', 1)
    with pytest.raises(ModelFormatError, match="twice"):
        Certificate.from_json(text)
