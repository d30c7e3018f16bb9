"""Layer-wise training: what each certificate speaks of, widths, and steps that never lose."""

from __future__ import annotations

import numpy as np
import pytest

from convexnn import ReLUNetwork, certify, train
from convexnn._progress import Clock
from convexnn.data import make_spiral
from convexnn.exceptions import ParameterError
from convexnn.refine import train_layerwise
from convexnn.training.driver import Driver


def hidden(layers, X):
    for weight, bias in layers:
        X = np.maximum(X @ weight.T + bias, 0.0)
    return X


def test_one_block_is_the_certified_two_layer_network():
    X, y = make_spiral(40, random_state=0)
    deep = train_layerwise(X, y, n_blocks=1, beta=0.1)
    best = train(X, y, beta=0.1)
    assert deep.objective == pytest.approx(best.certificate.primal, rel=1e-9)
    assert deep.certificates[0].scope == "network"
    np.testing.assert_allclose(deep.network.predict(X), best.network.predict(X), atol=1e-6)


def test_certificates_speak_of_each_block_on_its_inputs():
    """Every certificate is proved again from the activations below; width 2 keeps the second block planar."""
    X, y = make_spiral(40, random_state=0)
    deep = train_layerwise(X, y, n_blocks=3, width=2, beta_ratio=0.02)
    assert deep.network.widths[:2] == (2, 2)
    (w, b), (a, t) = deep.network.layers[-2:]
    last, A = ReLUNetwork(w, b, a.T, t), hidden(deep.network.layers[:-2], X)
    proof = certify(last, A, y, beta=deep.betas[-1])
    assert proof.holds
    assert proof.scope == deep.certificates[-1].scope == "network"
    assert proof.primal == pytest.approx(deep.objective, rel=1e-10)
    assert all(certificate.holds for certificate in deep.certificates)
    fingerprints = {certificate.fingerprint for certificate in deep.certificates}
    assert len(fingerprints) == 3


def test_fine_tuning_lowers_the_deep_objective():
    X, y = make_spiral(40, random_state=1)
    options = {"n_blocks": 2, "width": 2, "beta": 0.05}
    plain, tuned = train_layerwise(X, y, **options), train_layerwise(X, y, fine_tune=100, **options)
    assert tuned.certificates[0] is None
    assert tuned.certificates[1].scope == "network"
    assert tuned.certificates[1].holds
    # The objective of the last block contains the loss of the whole network.
    assert tuned.objective < plain.objective


def test_l1_networks_are_not_fine_tuned():
    X, y = make_spiral(12, random_state=1)
    with pytest.raises(ParameterError, match="fine_tune=0"):
        train_layerwise(X, y, norm="l1", beta=0.1, fine_tune=5)


@pytest.mark.parametrize("bias", [True, False, "penalized"])
def test_a_search_starts_from_a_given_network(bias):
    """A session asked to search returns nothing worse than the network it was given."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 6))
    y = np.maximum(X @ rng.normal(size=6), 0.0)
    start = train(X, y, beta=0.5, bias=bias, max_atoms=1, max_iter=2).network
    session = Driver(X, y, bias=bias, max_atoms=1)
    assert session.scope == "none"
    session.start_from(start)
    found = session.solve(0.5, tol=1e-6, max_iter=1, clock=Clock(10.0))
    given = start.objective(X, y, beta=0.5, bias=bias)
    assert found.certificate.primal <= given * (1 + 1e-9)


def test_weights_count_samples_in_every_block():
    """The weighted certificate of the last block is proved again; one block has the optimum of repeated samples."""
    X, y = make_spiral(40, random_state=0)
    weight = np.random.default_rng(0).integers(0, 3, 40)
    options = {"n_blocks": 2, "width": 2, "beta": 0.05, "fine_tune": 20}
    seen = []
    deep = train_layerwise(X, y, sample_weight=weight, observer=seen.append, **options)
    used = weight > 0
    (w, b), (a, t) = deep.network.layers[-2:]
    last, A = ReLUNetwork(w, b, a.T, t), hidden(deep.network.layers[:-2], X)
    proof = certify(last, A[used], y[used], beta=0.05, sample_weight=weight[used])
    assert proof.holds
    assert proof.primal == pytest.approx(deep.objective, rel=1e-10)
    assert len(seen) > len(deep.certificates)
    options |= {"n_blocks": 1, "fine_tune": 5}
    weighted = train_layerwise(X, y, sample_weight=weight, **options)
    repeated = train_layerwise(np.repeat(X, weight, axis=0), np.repeat(y, weight), **options)
    assert repeated.objective == pytest.approx(weighted.objective, rel=1e-6)
    assert weighted.objective != pytest.approx(train_layerwise(X, y, **options).objective, rel=1e-3)


def test_an_expired_clock_makes_the_block_in_training_the_last():
    X, y = make_spiral(40, random_state=0)

    class Stopped(Clock):
        rounds = 0

        def see(self, state):
            self.rounds += 1

        @property
        def expired(self):
            return self.rounds >= 3

    clock = Stopped()
    deep = train_layerwise(X, y, n_blocks=3, width=2, beta=1e-3, clock=clock, observer=clock.see)
    assert len(deep.certificates) == 1
    assert deep.network.n_neurons > 0
    assert np.isfinite(deep.objective)
