"""Value and gradient of the training objective against loops over neurons and central differences."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from loss_cases import loss_name

from convexnn.losses import LOSSES
from convexnn.network import RELU, Activation, DeepReLUNetwork
from convexnn.network.objective import backward, forward, loss_and_gradient, objective_and_gradient

CASES = ("squared_error", "huber(0.5)", "quantile(0.3)", "poisson", "log_loss", "log_loss_multilabel", "squared_hinge",
         "hinge", "softmax")  # fmt: skip


def problem(case, depth, seed=0, n=15, d=3):
    rng = np.random.default_rng(seed)
    c = 1 if case == "log_loss" else 3
    if case == "softmax":
        y = np.eye(3)[rng.integers(3, size=n)]
    elif "log_loss" in case or "hinge" in case:
        y = rng.choice([-1.0, 1.0], (n, c))
    else:
        y = rng.poisson(2.0, (n, c)).astype(float)
    sizes = [d, *rng.integers(2, 6, depth - 1), c]
    layers = [(rng.normal(size=(b, a)) / a**0.5, 0.3 * rng.normal(size=b)) for a, b in itertools.pairwise(sizes)]
    return layers, rng.normal(size=(n, d)), LOSSES[loss_name(case)](y, rng.uniform(0.2, 2.0, n)), rng


def by_loops(layers, x, slope):
    """One sample, one neuron after another."""
    values = list(x)
    for k, (weight, bias) in enumerate(layers):
        sums = [sum(w * v for w, v in zip(row, values)) + b for row, b in zip(weight, bias)]
        values = sums if k == len(layers) - 1 else [t if t > 0 else slope * t for t in sums]
    return values


@pytest.mark.parametrize("slope", [0.0, 0.2, -1.0])
@pytest.mark.parametrize("depth", [1, 2, 4])
def test_forward_is_the_definition(depth, slope):
    layers, X, _, _ = problem("squared_error", depth)
    passed = forward(layers, X, Activation(slope))
    expected = [by_loops(layers, x, slope) for x in X]
    np.testing.assert_allclose(passed.outputs, expected, atol=1e-13)
    network = DeepReLUNetwork(tuple(layers), activation=Activation(slope))
    np.testing.assert_allclose(network.outputs(X), expected, atol=1e-13)
    assert len(passed.inputs) == depth == len(passed.active) + 1
    for (weight, bias), before, active in zip(layers, passed.inputs, passed.active):
        np.testing.assert_array_equal(active, before @ weight.T + bias > 0)


@pytest.mark.parametrize("slope", [0.0, 0.2, -1.0])
@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("case", CASES)
def test_gradient_is_the_slope_of_the_value(case, depth, slope):
    layers, X, loss, rng = problem(case, depth, seed=depth)
    activation, beta = Activation(slope), 0.7

    def value(t, step):
        moved = [(w + t * u, b + t * v) for (w, b), (u, v) in zip(layers, step)]
        f = np.array([by_loops(moved, x, slope) for x in X])
        return loss.value(f) + 0.5 * beta * sum((w**2).sum() for w, _ in moved)

    found, gradient = objective_and_gradient(layers, X, loss, beta, activation)
    assert found == pytest.approx(value(0.0, layers), rel=1e-12)
    for _ in range(3):
        step = [(rng.normal(size=w.shape), rng.normal(size=b.shape)) for w, b in layers]
        numeric = (value(1e-6, step) - value(-1e-6, step)) / 2e-6
        ours = sum((g * u).sum() + (h * v).sum() for (g, h), (u, v) in zip(gradient, step))
        # Central differences: error h^2 plus rounding eps * value / h; a kink inside the step would be h.
        assert ours == pytest.approx(numeric, rel=1e-5, abs=1e-6 * (1 + abs(found)))


def test_the_kink_counts_as_inactive():
    layers = [(np.eye(2), np.zeros(2)), (np.ones((1, 2)), np.zeros(1))]
    X = np.array([[0.0, 1.0]])
    loss = LOSSES["squared_error"](np.zeros((1, 1)))
    _, ((weight, bias), _) = loss_and_gradient(layers, X, loss, RELU)
    np.testing.assert_array_equal(bias, [0.0, 1.0])
    np.testing.assert_array_equal(weight, [[0.0, 0.0], [0.0, 1.0]])
    _, ((_, bias), _) = loss_and_gradient(layers, X, loss, Activation(-0.5))
    np.testing.assert_array_equal(bias, [-0.5, 1.0])


def test_networks_of_equal_shape_are_differentiated_together():
    _, X, loss, rng = problem("squared_error", 3)
    sizes = (3, 4, 2, 3)
    stacked = [(rng.normal(size=(6, b, a)), rng.normal(size=(6, b))) for a, b in itertools.pairwise(sizes)]
    passed = forward(stacked, X)
    signal = np.stack([loss.gradient(f) for f in passed.outputs])
    together = backward(stacked, passed, signal)
    for k in range(6):
        _, alone = loss_and_gradient([(w[k], b[k]) for w, b in stacked], X, loss)
        for (g, h), (u, v) in zip(together, alone):
            np.testing.assert_allclose(g[k], u, rtol=1e-12, atol=1e-13)
            np.testing.assert_allclose(h[k], v, rtol=1e-12, atol=1e-13)
