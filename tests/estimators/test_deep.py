"""Deep estimators: scikit-learn's battery, what is certified and what is not, shapes and errors."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import make_moons
from sklearn.utils.estimator_checks import parametrize_with_checks

from convexnn import DeepConvexReLUClassifier, DeepConvexReLURegressor, ReLUNetwork, certify
from convexnn.data import make_spiral

# A sampled dictionary and a fixed penalty keep hundreds of fits fast; what they find does not matter here.
_FAST = {"scope": "dictionary", "max_atoms": 600, "max_iter": 10}
ESTIMATORS = [
    DeepConvexReLURegressor(beta=3.0, width=5, **_FAST),
    DeepConvexReLUClassifier(beta=0.5, width=5, **_FAST),
    DeepConvexReLUClassifier(beta=0.5, loss="squared_error", n_blocks=1, fine_tune=3, **_FAST),
]


@parametrize_with_checks(ESTIMATORS)
@pytest.mark.filterwarnings("ignore::convexnn.exceptions.ConvergenceWarning")
def test_scikit_learn_check(estimator, check):
    check(estimator)


def _inner(net, X):
    """Last block as a two-layer network, and its inputs."""
    (weight, bias), (out, intercept) = net.layers[-2:]
    A = X if net.n_layers == 2 else net.activations(X)[-2]
    return ReLUNetwork(weight, bias, out.T, intercept), A


def test_last_block_is_optimal_for_its_inputs():
    """Its certificate is recomputed here from the activations, in l1 where every scope is the network's."""
    X, y = make_spiral(40, random_state=1)
    net = DeepConvexReLURegressor(norm="l1", beta_ratio=0.02, width=2).fit(X, y)
    assert net.network_.widths[0] <= 2
    last, A = _inner(net.network_, X)
    proof = certify(last, A, y, beta=net.betas_[-1], norm="l1", tol=1e-6)
    assert proof.holds
    assert proof.scope == "network"
    assert net.objective_ == pytest.approx(proof.primal, rel=1e-12)
    np.testing.assert_allclose(net.predict(X), last.predict(A), rtol=1e-12)


def test_every_block_has_a_certificate_of_its_own():
    X, y = make_spiral(50, random_state=0)
    net = DeepConvexReLURegressor(n_blocks=2, width=3, beta_ratio=0.05, max_iter=20)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        net.fit(X, y)
    assert len(net.certificates_) == len(net.betas_) == net.network_.n_layers - 1 == 2
    first = net.certificates_[0]
    assert first.scope == "network"
    assert first.holds


@pytest.mark.filterwarnings("ignore::convexnn.exceptions.ConvergenceWarning")
def test_fine_tuning_gives_up_inner_certificates():
    X, y = make_moons(40, noise=0.2, random_state=0)
    plain = DeepConvexReLUClassifier(width=4, max_iter=5).fit(X, y)
    tuned = clone(plain).set_params(fine_tune=30).fit(X, y)
    assert plain.certificates_[0] is not None
    assert tuned.certificates_[0] is None
    assert tuned.certificates_[-1] is not None
    assert tuned.network_.widths[0] == plain.network_.widths[0]


@pytest.mark.filterwarnings("ignore::convexnn.exceptions.ConvergenceWarning")
def test_classes_of_any_kind_and_probabilities():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(45, 2)) + np.repeat([[0, 0], [4, 0], [0, 4]], 15, axis=0)
    y = np.repeat(["c", "a", "b"], 15)
    net = DeepConvexReLUClassifier(width=6, beta=0.1, **_FAST).fit(X, y)
    assert net.score(X, y) == 1.0
    proba = net.predict_proba(X)
    np.testing.assert_allclose(proba.sum(axis=1), 1.0)
    assert list(net.classes_) == ["a", "b", "c"]
    assert not hasattr(clone(net).set_params(loss="hinge"), "predict_proba")


def test_a_constant_needs_no_second_block():
    """A block without neurons ends the stack; the network is the constant."""
    X = np.random.default_rng(0).normal(size=(12, 2))
    net = DeepConvexReLURegressor(n_blocks=3, beta=1e6).fit(X, X[:, 0])
    assert net.network_.n_layers == 2
    np.testing.assert_allclose(net.predict(X), X[:, 0].mean())


@pytest.mark.parametrize(("name", "value"), [("n_blocks", 0), ("width", 0), ("fine_tune", -1), ("bias", "penalized")])
def test_parameters_are_named_in_errors(name, value):
    X, y = make_spiral(10, random_state=0)
    with pytest.raises(ValueError, match=name):
        DeepConvexReLURegressor(**{name: value}).fit(X, y)


@pytest.mark.parametrize("classes", [0, 2, 3])
@pytest.mark.parametrize("fine_tune", [0, 5])
def test_weights_are_repetitions_and_zero_removes(classes, fine_tune):
    """Bit for bit: both are the same distinct samples with the same weights."""
    rng = np.random.default_rng(3)
    X = rng.standard_normal((30, 2))
    y = np.argmax(X @ rng.standard_normal((2, 3)), axis=1) % classes if classes else np.abs(X[:, 0])
    weight = rng.integers(0, 4, 30)
    make = DeepConvexReLUClassifier if classes else DeepConvexReLURegressor
    net = make(width=4, fine_tune=fine_tune, max_atoms=2000, max_iter=8, tol=1.0, random_state=0)
    weighted = clone(net).fit(X, y, sample_weight=weight)
    repeated = clone(net).fit(np.repeat(X, weight, axis=0), np.repeat(y, weight))
    plain = clone(net).fit(X, y)
    np.testing.assert_array_equal(weighted.predict(X), repeated.predict(X))
    for (one, _), (two, _) in zip(weighted.network_.layers, repeated.network_.layers):
        np.testing.assert_array_equal(one, two)
    assert weighted.objective_ == repeated.objective_ != plain.objective_
