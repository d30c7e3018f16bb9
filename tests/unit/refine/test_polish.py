"""Polishing lowers the objective, never raises it, never passes the certified bound, and names the samples."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from loss_cases import loss_name

from convexnn import DeepReLUNetwork, certify, polish, train
from convexnn._progress import Clock
from convexnn.compare.local import train_local
from convexnn.data import make_spiral
from convexnn.exceptions import ParameterError
from convexnn.geometry.frame import make_frame
from convexnn.refine import WedgeFinder, balanced, deep_objective
from convexnn.refine.joint import _Model, fine_tuned
from convexnn.refine.last_layer import Task, reoptimised

LOSSES = ("squared_error", "huber(0.5)", "quantile(0.3)", "poisson", "log_loss", "squared_hinge", "hinge", "softmax")


def random_network(rng, widths, bias=True):
    return DeepReLUNetwork(
        tuple(
            (rng.normal(size=(b, a)) / a**0.5, 0.5 * rng.normal(size=b) * bias)
            for a, b in itertools.pairwise(widths)
        )
    )


def targets_for(loss, rng, n):
    if loss == "softmax":
        return np.eye(3)[rng.integers(3, size=n)]
    if loss in ("log_loss", "squared_hinge", "hinge"):
        return rng.choice([-1.0, 1.0], n)
    return rng.poisson(2.0, n).astype(float) if loss == "poisson" else rng.normal(size=n)


@pytest.mark.parametrize("case", range(104))
def test_no_objective_rises(case):
    """Depths 2 to 5, every loss, with and without biases, both norms where they exist, n below and above d."""
    rng = np.random.default_rng(case)
    loss, depth, bias = LOSSES[case % 8], 2 + case % 4 if case < 52 else 2 + (case // 4) % 4, case % 3 > 0
    d, n = int(rng.integers(1, 6)), int(rng.integers(4, 25))
    y = targets_for(loss, rng, n)
    widths = [d, *rng.integers(2, 6, depth - 1), 3 if loss == "softmax" else 1]
    norm = "l1" if depth % 2 == 0 and case % 5 == 0 else "l2"
    net = random_network(rng, widths, bias)
    if loss == "poisson" and not bias:
        y = np.minimum(y, 3.0)
    X = rng.normal(size=(n, d))
    beta, loss = 10.0 ** rng.uniform(-3, 0), loss_name(loss)
    result = polish(net, X, y, beta=beta, norm=norm, bias=bias, loss=loss)
    common = {"beta": beta, "norm": norm, "loss": loss}
    given, after = deep_objective(net, X, y, **common), deep_objective(result.network, X, y, **common)
    assert result.objective_given == pytest.approx(given, rel=1e-12)
    assert result.objective == pytest.approx(after, rel=1e-12)
    assert result.objective_rescaled <= given * (1 + 1e-12)
    assert result.objective_reoptimised <= result.objective_rescaled
    assert after <= result.objective_reoptimised
    assert result.network.widths == net.widths


def spiral_network(max_iter=60):
    X, y = make_spiral(60, random_state=0)
    beta = 0.05
    return X, y, beta, train_local(X, y, beta=beta, width=25, max_iter=max_iter, random_state=0).network


def test_spiral_ends_between_the_bound_and_the_start():
    X, y, beta, net = spiral_network()
    best = train(X, y, beta=beta)
    assert best.certificate.scope == "network"
    result = polish(net, X, y, beta=beta)
    assert best.certificate.dual <= result.objective < result.objective_reoptimised < result.objective_given
    proof = certify(result.network.to_shallow(), X, y, beta=beta)
    assert proof.primal == pytest.approx(result.objective, rel=1e-9)
    assert result.train_scores[2] > result.train_scores[0]


@pytest.mark.parametrize("choose", ["nearest", "lasso"])
def test_replaced_neurons_contain_their_samples(choose):
    X, y, beta, net = spiral_network()
    result = polish(net, X, y, beta=beta, monotone=False, choose=choose)
    weight, bias = result.network.layers[0]
    seen = 0
    for neuron in result.neurons:
        j = neuron.index
        length = np.linalg.norm(weight[j])
        if length > 0:
            seen += 1
            np.testing.assert_allclose((X[list(neuron.samples)] @ weight[j] + bias[j]) / length, 0, atol=1e-9)
        w, b = net.layers[0] if isinstance(net, DeepReLUNetwork) else (net.hidden_weights, net.hidden_biases)
        products = (X[list(neuron.samples)] @ w[j] + b[j]) / np.linalg.norm(w[j])
        np.testing.assert_allclose(neuron.inner_products, products, rtol=1e-6, atol=1e-12)
        assert neuron.replaced
        assert len(neuron.samples) == 2
    assert seen > 3
    assert f"{result.n_replaced} of" in result.summary()
    assert result.table(2).count("\n") == 4


def test_an_optimal_network_of_wedges_stays():
    """The l1 optimum consists of wedges: nothing is left to gain."""
    X, y = make_spiral(40, random_state=2)
    best = train(X, y, beta=0.1, norm="l1")
    result = polish(best.network, X, y, beta=0.1, norm="l1")
    assert result.objective == pytest.approx(best.certificate.primal, rel=1e-8)
    assert result.objective >= best.certificate.dual * (1 - 1e-12)


def test_validation_scores_and_custom_score():
    X, y, beta, net = spiral_network(20)
    X_val, y_val = make_spiral(30, random_state=9)
    result = polish(net, X, y, beta=beta, X_val=X_val, y_val=y_val, score=lambda f, t: float(np.abs(f - t).max()))
    expected = np.abs(result.network.predict(X_val) - y_val).max()
    assert result.val_scores[2] == pytest.approx(expected)
    assert "validation score" in result.summary()


@pytest.mark.parametrize("norm", ["l1", "l2"])
def test_reoptimised_last_layer_is_a_minimum(norm):
    """No change of output weights, at the best scale of each neuron, lowers the objective of a two-layer network."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(20, 3)), rng.normal(size=(20, 2))
    task = Task(X, y, 0.3, norm, True, "squared_error")
    net = reoptimised(random_network(rng, (3, 6, 2)), task)
    value = task.objective(net)
    for size in (1e-1, 1e-3):
        for _ in range(50):
            out, shift = net.layers[-1]
            moved = (out + size * rng.normal(size=out.shape) * (out != 0), shift + size * rng.normal(size=2))
            other = balanced(DeepReLUNetwork((net.layers[0], moved)), norm)
            assert task.objective(other) >= value * (1 - 1e-12)


def test_polish_of_given_geometry_is_the_same():
    X, y, beta, net = spiral_network(20)
    frame = make_frame(X, norm="l2", bias=True)
    expected = polish(net, X, y, beta=beta)
    finder = WedgeFinder(frame)
    for geometry in (frame, finder, finder):
        found = polish(net, X, y, beta=beta, geometry=geometry)
        assert found.objective == expected.objective
        assert found.neurons == expected.neurons


def test_faces_of_few_samples():
    X, y, beta, net = spiral_network(20)
    result = polish(net, X, y, beta=beta, n_samples=1)
    assert all(len(neuron.samples) == 1 for neuron in result.neurons)
    assert result.objective <= result.objective_reoptimised


@pytest.mark.parametrize("bias", [True, False])
def test_fine_tuning_descends_along_the_true_gradient(bias):
    """The gradient by central differences; the objective of the moved network below that of the start."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(15, 3)), rng.normal(size=(15, 2))
    task = Task(X, y, 0.1, "l2", bias, "squared_error")
    start = balanced(random_network(rng, (3, 5, 4, 2), bias))
    model = _Model(start, task)
    theta = model.pack(start.layers)
    value, gradient = model(theta)
    assert value == pytest.approx(task.objective(start), rel=1e-13)
    direction = rng.normal(size=theta.shape)
    difference = (model(theta + 1e-6 * direction)[0] - model(theta - 1e-6 * direction)[0]) / 2e-6
    assert difference == pytest.approx(gradient @ direction, rel=1e-6)
    end = fine_tuned(start, task, max_iter=200, clock=Clock(20.0))
    assert task.objective(end) < 0.9 * task.objective(start)
    assert bias or not any(b.any() for _, b in end.layers)
    with pytest.raises(ParameterError, match="fine_tune=0"):
        fine_tuned(start, Task(X, y, 0.1, "l1", bias, "squared_error"), max_iter=2, clock=Clock())
