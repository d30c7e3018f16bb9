"""Certificates by branch and bound: a lower bound for all networks in three to six dimensions, or no claim."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from reference_certificate import network_program

from convexnn import ReLUNetwork, beta_max, certify, solve_path, train, verify
from convexnn.exceptions import DictionarySizeError, ModelFormatError, ParameterError
from convexnn.network.reconstruct import reconstruct

SMALL = 5_000  # row visits that lead nowhere


def teacher(n, d, seed, noise=0.1):
    """Samples and the outputs of three neurons with noise."""
    rng = np.random.default_rng(seed)
    X, W = rng.standard_normal((n, d)), rng.standard_normal((3, d))
    return X, np.maximum(X @ W.T + 0.3, 0.0) @ [1.0, -1.0, 0.5] + noise * rng.standard_normal(n)


@pytest.fixture(scope="module", params=[(4, False), (3, True), (4, True)])
def trained(request):
    """Data, problem, and a network near the optimum."""
    d, bias = request.param
    X, y = teacher(40, d, seed=d)
    beta = 0.03 * beta_max(X, y, bias=bias, max_atoms=1)
    problem = {"beta": beta, "bias": bias}
    return X, y, problem, train(X, y, **problem, bound="full", tol=1e-4).network


def test_a_searched_network_gets_a_network_certificate(trained):
    """The gap over all networks comes down to what was asked for, and the certificate says how."""
    X, y, problem, network = trained
    for tol in (1e-2, 1e-3):
        found = certify(network, X, y, **problem, scope="network", tol=tol)
        assert found.scope == "network"
        assert found.holds
        assert 0 < found.relative_gap <= tol
        assert "of any width" in found.summary()
        assert "Branch and bound" in found.note
        assert found.note in found.summary()


def wrong_networks(network, rng):
    """Networks that are not the optimum: cut, bent, and made up."""
    w, b, a = network.hidden_weights, network.hidden_biases, network.output_weights
    noise = rng.standard_normal(w.shape)
    biases = rng.standard_normal(b.shape) * bool(np.any(b))
    yield replace(network, output_weights=0.7 * a)
    yield replace(network, hidden_weights=w + 0.1 * noise)
    yield replace(network, hidden_weights=noise, hidden_biases=biases)
    yield ReLUNetwork(w[:1], b[:1], a[:1], network.intercept)


def test_no_bound_exceeds_the_optimum(trained):
    """Whatever network and dual vector are offered, the lower bound stays below the best objective known."""
    X, y, problem, network = trained
    best = train(X, y, **problem, bound="full", tol=1e-4).certificate
    assert best.scope == "network"
    rng = np.random.default_rng(1)
    residual = y - network.predict(X)
    for offered in (residual, y, residual + 0.05 * rng.standard_normal(len(y)), rng.standard_normal(len(y)), 1e6 * y):
        found = certify(network, X, y, **problem, scope="network", tol=1e-2, dual_point=offered)
        assert found.dual <= best.primal * (1 + 1e-12)
        assert found.gap >= (found.primal - best.primal) * (1 - 1e-9)
    for wrong in wrong_networks(network, rng):
        found = certify(wrong, X, y, **problem, scope="network", tol=1e-2)
        assert found.dual <= best.primal * (1 + 1e-12)
        assert found.gap >= (found.primal - best.primal) * (1 - 1e-9)
        assert not found.holds


def test_bounds_enclose_the_optimum_of_the_program_over_all_patterns():
    """The optimum over all networks of eight samples in three dimensions, by cones, is inside the gap."""
    X, y = teacher(8, 3, seed=11)
    beta = 0.1 * beta_max(X, y, max_atoms=1)
    u, c, z, t = network_program(X, y, beta, True)
    optimal = reconstruct(z, u, c, t, norm="l2", bias=True)
    exact = certify(optimal, X, y, beta=beta, scope="network", tol=1e-3)
    found = train(X, y, beta=beta, bound="full", tol=1e-3).certificate
    assert exact.holds
    assert found.holds
    # The conic solver is accurate to eight digits.
    assert found.dual <= exact.primal * (1 + 1e-7)
    assert found.primal >= exact.dual


def test_nothing_is_claimed_where_the_bound_is_of_no_use(trained):
    """With hardly any budget the scope is "none", the note says so, and no bound is called one."""
    X, y, problem, network = trained
    found = certify(network, X, y, **problem, scope="network", max_work=SMALL)
    assert found.scope == "none"
    assert "no useful lower bound" in found.note
    assert "Nothing is proved" in found.summary()
    late = certify(network, X, y, **problem, scope="network", time_limit=0.0)
    assert late.scope == "none"


def test_a_poor_network_is_told_how_poor_it_is(trained):
    """A large gap is reported if it is the network's, not that of a bound that came to nothing."""
    X, y, problem, network = trained
    nothing = replace(network, output_weights=0.0 * network.output_weights)
    found = certify(nothing, X, y, **problem, scope="network", tol=1e-2)
    assert found.scope == "network"
    assert found.dual < 0.5 * found.primal


def test_certificates_are_confirmed_and_forgeries_are_not(trained, tmp_path):
    """A saved certificate verifies, one that claims more does not, and one that cannot be checked says why."""
    X, y, problem, network = trained
    found = certify(network, X, y, **problem, scope="network", tol=1e-2, time_limit=60.0)
    found.save(tmp_path / "proof.json")
    again = verify(tmp_path / "proof.json", network, X, y)
    assert (again.scope, again.response, again.dual) == (found.scope, found.response, found.dual)
    shift = 0.02 * found.primal
    better = replace(found, dual=found.dual + shift, gap=0.0, relative_gap=0.0, primal=found.dual + shift)
    bolder = replace(found, response=0.97 * found.response)
    for forged in (better, bolder):
        with pytest.raises(ModelFormatError, match="these data give"):
            verify(forged, network, X, y)
    with pytest.raises(DictionarySizeError, match="max_work"):
        verify(found, network, X, y, max_work=SMALL)


def test_moments_prove_a_gap_where_cutting_cones_is_hopeless(tmp_path):
    """In twelve dimensions the bound is by moments, goes through a file, and is below the best objective known."""
    X, y = teacher(30, 12, seed=0)
    network = ReLUNetwork(np.ones((1, 12)), np.zeros(1), np.ones((1, 1)), np.zeros(1))
    found = certify(network, X, y, beta=1.0)
    assert (found.scope, found.method) == ("network", "moments")
    best = train(X, y, beta=1.0, tol=1e-5)
    assert 0 < found.dual <= best.certificate.primal
    assert best.certificate.method == "moments"
    best.certificate.save(tmp_path / "certificate.json")
    again = verify(tmp_path / "certificate.json", best.network, X, y)
    assert again.dual == pytest.approx(best.certificate.dual, rel=1e-9)
    lost = replace(best.certificate, multipliers=None)
    with pytest.raises(ParameterError, match="multipliers"):
        verify(lost, best.network, X, y)
    # Multipliers of another problem prove nothing, or less: never more than is true.
    other = train(X, y[::-1], beta=1.0).certificate
    with pytest.raises((ModelFormatError, DictionarySizeError)):
        verify(replace(best.certificate, multipliers=other.multipliers), best.network, X, y)


@pytest.mark.parametrize(
    ("arguments", "classes"),
    [
        ({"norm": "l1", "max_atoms": 1000}, 1),
        ({"loss": "log_loss"}, 1),
        ({"bias": "penalized"}, 1),
        ({}, 2),
    ],
)
def test_training_with_network_scope(arguments, classes):
    """Other losses, norms, biases and two outputs end with a proof over all networks too."""
    X, y = teacher(40, 3, seed=3)
    Y = y if classes == 1 else np.column_stack([y, y[::-1]])
    if arguments.get("loss") == "log_loss":
        Y = np.where(y > np.median(y), 1, -1)
    kind = {k: v for k, v in arguments.items() if k != "max_atoms"}
    beta = 0.1 * beta_max(X, Y, **kind, max_atoms=1)
    found = train(X, Y, beta=beta, bound="full", tol=1e-3, **arguments)
    assert found.certificate.scope == "network"
    assert found.certificate.holds
    assert "branch and bound" in found.strategy


def test_a_path_holds_from_its_first_network():
    """At beta_max, where nothing is penalised, the tolerance of the response is not a matter of the penalty alone."""
    X, y = teacher(14, 3, seed=0)
    for result in solve_path(X, y, n_betas=2, ratio=0.1, bound="full", tol=1e-3):
        assert result.certificate.scope == "network"
        assert result.certificate.holds


def test_training_with_little_time_is_honest():
    """Out of time, either the bound is of use or nothing is claimed."""
    X, y = teacher(400, 5, seed=4, noise=1.0)
    found = train(X, y, beta=0.003 * beta_max(X, y, max_atoms=1), bound="full", time_limit=0.5).certificate
    assert found.scope == "none" or found.dual >= 0.5 * found.primal


def test_moments_follow_where_branch_and_bound_proves_little():
    """A budget that branch and bound spends in vain still gives a bound over all networks, and a true one."""
    X, y = teacher(60, 6, seed=1)
    beta = 0.1 * beta_max(X, y, max_atoms=1)
    network = train(X, y, beta=beta, bound="none").network
    found = certify(network, X, y, beta=beta, max_work=200_000)
    assert (found.scope, found.method) == ("network", "moments")
    better = train(X, y, beta=beta, bound="none", tol=1e-5).network
    assert 0.0 < found.dual <= better.objective(X, y, beta=beta)
