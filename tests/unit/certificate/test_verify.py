"""Verification: the same network and data confirm a certificate, anything else is named."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from convexnn import ConvexReLUClassifier, ConvexReLURegressor, ReLUNetwork, train
from convexnn.certificate import Certificate, certify, max_response, verify
from convexnn.exceptions import DataError, ModelFormatError, ParameterError

PARTS = ("hidden_weights", "hidden_biases", "output_weights", "intercept")


def make_problem(norm="l1"):
    """One optimal neuron just below the largest penalty."""
    rng = np.random.default_rng(3)
    X, y = rng.standard_normal((25, 2)), rng.standard_normal(25)
    top = max_response(X, (y - y.mean())[:, None], norm="l1")
    hidden = np.maximum(X @ top.weights + top.bias, 0.0)
    centred = hidden - hidden.mean()
    a = centred @ y
    beta = 0.98 * top.value
    a = np.sign(a) * (abs(a) - beta) / (centred @ centred)
    return ReLUNetwork([top.weights], [top.bias], [[a]], [(y - a * hidden).mean()]), X, y, beta


@pytest.fixture
def claim():
    network, X, y, beta = make_problem()
    return certify(network, X, y, beta=beta, norm="l1"), network, X, y


def test_confirmed(tmp_path, claim):
    """An honest certificate, as a value or from a file, is confirmed and recomputed equal."""
    certificate, network, X, y = claim
    assert certificate.holds
    assert verify(certificate, network, X, y) == certificate
    certificate.save(tmp_path / "c.json")
    assert verify(tmp_path / "c.json", network, X, y) == certificate


def test_other_data(claim):
    """One changed digit in the data is noticed."""
    certificate, network, X, y = claim
    for moved in ((X + 0.0, np.nextafter(y, 9.0)), (X[::-1], y[::-1])):
        with pytest.raises(DataError, match="not the data of the certificate"):
            verify(certificate, network, *moved)


def test_another_network(claim):
    """A certificate does not fit another network, even one with the same number of neurons."""
    certificate, network, X, y = claim
    W, b, A, t = (getattr(network, name) for name in PARTS)
    with pytest.raises(ModelFormatError, match=r"'(primal|relative_gap)'"):
        verify(certificate, ReLUNetwork(W, b, A * 1.001, t), X, y)
    with pytest.raises(ModelFormatError, match="'n_neurons' is 1"):
        verify(certificate, ReLUNetwork(np.vstack([W, W]), [*b, *b], np.vstack([A, A]) / 2, t), X, y)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"primal": 0.9, "dual": 0.9}, "primal"),
        ({"response": 0.5}, "response"),
        ({"n_neurons": 2}, "n_neurons"),
        ({"beta": 1.001}, "primal"),
    ],
)
def test_edited_numbers(claim, changes, field):
    """Factors on the honest numbers, or other counts, are found out."""
    certificate, network, X, y = claim
    edited = {k: v * getattr(certificate, k) if isinstance(v, float) else v for k, v in changes.items()}
    with pytest.raises(ModelFormatError, match=f"'{field}'"):
        verify(replace(certificate, **edited), network, X, y)


def test_a_claim_that_is_too_good(claim):
    """A gap closed on paper only, or a wider scope than was proved, is refused."""
    _, network, X, y = claim
    W, b, A, t = (getattr(network, name) for name in PARTS)
    worse = ReLUNetwork(W, b, A * 1.5, t)
    honest = certify(worse, X, y, beta=1.0, norm="l1")
    assert not honest.holds
    forged = replace(honest, dual=honest.primal, gap=0.0, relative_gap=0.0, holds=True)
    with pytest.raises(ModelFormatError, match="'dual'"):
        verify(forged, worse, X, y)
    with pytest.raises(ModelFormatError, match="'holds'"):
        verify(replace(honest, holds=True), worse, X, y)
    with pytest.raises(ModelFormatError, match="'scope'"):
        verify(replace(honest, scope="dictionary"), worse, X, y)


def test_given_atoms_are_needed_again(claim):
    """A certificate over given atoms is checked with the same atoms, and with no others."""
    _, network, X, y = claim
    rng = np.random.default_rng(0)
    atoms = rng.standard_normal((30, 2)), rng.standard_normal(30)
    certificate = certify(network, X, y, beta=1.0, atoms=atoms, scope="dictionary")
    assert verify(certificate, network, X, y, atoms=atoms) == certificate
    with pytest.raises(ParameterError, match="30 given atoms"):
        verify(certificate, network, X, y)
    with pytest.raises(ModelFormatError, match="'atoms'"):
        verify(certificate, network, X, y, atoms=(2 * atoms[0], atoms[1]))


def test_the_dual_point_is_part_of_the_certificate(claim, tmp_path):
    """It need not be passed again, and a certificate without a proof is confirmed as such."""
    _, network, X, y = claim
    nothing = certify(network, X, y, beta=1.0, scope="none")
    assert verify(nothing, network, X, y) == nothing
    point = y - y.mean()
    given = certify(network, X, y, beta=1.0, dual_point=point)
    np.testing.assert_allclose(given.dual_point, point, atol=1e-15)
    given.save(tmp_path / "c.json")
    assert verify(tmp_path / "c.json", network, X, y) == given
    # Without one the gradient is tried, which is at least as good here.
    assert verify(replace(given, dual_point=None), network, X, y).dual >= given.dual
    with pytest.raises(DataError, match="25 samples, but it speaks of 3"):
        verify(replace(nothing, n_samples=3), network, X, y)


def test_weights_belong_to_the_data(claim):
    """A weighted certificate needs its weights."""
    _, network, X, y = claim
    weight = np.arange(25.0)
    certificate = certify(network, X, y, beta=1.0, sample_weight=weight)
    assert verify(certificate, network, X, y, sample_weight=weight) == certificate
    with pytest.raises(DataError, match="not the data"):
        verify(certificate, network, X, y)
    assert isinstance(certificate, Certificate)


@pytest.mark.parametrize("kind", ["plain", "zeros", "repeated", "weights"])
def test_certificates_of_estimators(kind, tmp_path):
    """Estimators merge equal samples and drop those of weight zero; the data as they were fitted confirm the proof."""
    rng = np.random.default_rng(6)
    X, y = rng.standard_normal((14, 2)), rng.standard_normal(14)
    weight = {"zeros": np.where(np.arange(14) % 3 == 0, 0.0, 1.0), "weights": rng.uniform(0.5, 2.0, 14)}.get(kind)
    if kind == "repeated":
        X, y = np.vstack([X, X[3:7]]), np.append(y, y[3:7])
    net = ConvexReLURegressor(beta_ratio=0.1).fit(X, y, sample_weight=weight)
    net.certificate_.save(tmp_path / "c.json")
    assert verify(tmp_path / "c.json", net.network_, X, y, sample_weight=weight) == net.certificate_
    with pytest.raises(DataError, match="not the data"):
        verify(tmp_path / "c.json", net.network_, X, y + 1e-9, sample_weight=weight)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_labels_of_classes_are_named(n_classes):
    """Whoever passes labels is told what the loss was given."""
    rng = np.random.default_rng(n_classes)
    X = rng.normal(size=(40, 2))
    y = np.array(["a", "b", "c"])[(X[:, 0] > 0).astype(int) + (n_classes == 3) * (X[:, 1] > 0.5)]
    model = ConvexReLUClassifier(beta_ratio=0.1).fit(X, y)
    with pytest.raises(DataError, match="classes_"):
        verify(model.certificate_, model.network_, X, y)
    places = np.searchsorted(model.classes_, y)
    targets = 2 * places - 1 if n_classes == 2 else np.eye(3)[places]
    assert verify(model.certificate_, model.network_, X, targets).scope == model.certificate_.scope


def test_what_is_no_network_is_refused():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(10, 2)), rng.normal(size=10)
    result = train(X, y, beta=1.0)
    with pytest.raises(DataError, match="ReLUNetwork"):
        verify(result.certificate, "model.safetensors", X, y)
