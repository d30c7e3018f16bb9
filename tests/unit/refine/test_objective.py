"""The deep objective and its best scaling, against explicit sums and numerical minimisation over scales."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.optimize import minimize

from convexnn import DeepReLUNetwork
from convexnn.exceptions import ParameterError
from convexnn.network import Activation
from convexnn.refine import balanced, deep_objective, half_decay, polish


def network(widths, seed=0, bias=True):
    rng = np.random.default_rng(seed)
    return DeepReLUNetwork(
        tuple(
            (rng.normal(size=(b, a)), rng.normal(size=b) * bias) for a, b in itertools.pairwise(widths)
        )
    )


def test_objective_is_the_sum_of_squares_of_everything():
    net, X = network((3, 5, 4, 2)), np.random.default_rng(1).normal(size=(7, 3))
    y = np.ones((7, 2))
    expected = 0.5 * ((net.outputs(X) - y) ** 2).sum() + 0.5 * 0.3 * sum((w**2).sum() for w, _ in net.layers)
    assert deep_objective(net, X, y, beta=0.3) == pytest.approx(expected, rel=1e-13)
    two = network((3, 5, 2))
    (w, _), (a, _) = two.layers
    l1 = 0.5 * (np.abs(w).sum(axis=1) ** 2).sum() + 0.5 * (np.abs(a).sum(axis=0) ** 2).sum()
    assert half_decay(two, "l1") == pytest.approx(l1, rel=1e-13)


@pytest.mark.parametrize("widths", [(3, 5, 2), (3, 4, 5, 1), (2, 3, 4, 3, 2)])
def test_balancing_keeps_the_function_and_finds_the_least_decay(widths):
    """The decay is convex in the logarithms of the scales, so a local minimiser over them is the reference."""
    net, X = network(widths), np.random.default_rng(1).normal(size=(20, widths[0]))
    level = balanced(net)
    np.testing.assert_allclose(level.outputs(X), net.outputs(X), rtol=1e-10, atol=1e-12)

    def decay(log_scales):
        total, at, inner = 0.0, 0, np.ones(widths[0])
        for k, (weight, _) in enumerate(net.layers):
            last = k == net.n_layers - 1
            outer = np.ones(len(weight)) if last else np.exp(log_scales[at : at + len(weight)])
            at += len(weight)
            total += 0.5 * ((weight * outer[:, None] / inner) ** 2).sum()
            inner = outer
        return total

    best = minimize(decay, np.zeros(sum(widths[1:-1])), tol=1e-14).fun
    assert half_decay(level) == pytest.approx(best, rel=1e-7)


@pytest.mark.parametrize("widths", [(3, 5, 2), (3, 4, 5, 4, 1)])
def test_l1_balancing_never_raises_the_decay(widths):
    net, X = network(widths), np.random.default_rng(1).normal(size=(20, widths[0]))
    level = balanced(net, "l1")
    np.testing.assert_allclose(level.outputs(X), net.outputs(X), rtol=1e-10, atol=1e-12)
    assert half_decay(level, "l1") < half_decay(net, "l1")
    (w, _), (a, _) = level.layers[-2:]
    np.testing.assert_allclose(np.abs(w).sum(axis=1), np.abs(a).sum(axis=0), rtol=1e-5)


def test_constant_and_unread_neurons_become_zero():
    weight = np.array([[1.0, 0.0], [0.0, 0.0], [2.0, 1.0]])
    net = DeepReLUNetwork(((weight, np.array([0.0, 3.0, 1.0])), (np.array([[1.0, 2.0, 0.0]]), np.array([0.5]))))
    level = balanced(net)
    assert level.widths == (3,)
    assert not level.layers[0][0][1:].any()
    X = np.random.default_rng(0).normal(size=(9, 2))
    np.testing.assert_allclose(level.outputs(X), net.outputs(X), rtol=1e-13)


def test_kinds_that_do_not_fit_are_refused():
    X, y = np.zeros((4, 3)), np.arange(4.0)
    with pytest.raises(ParameterError, match="norm='l1'"):
        polish(network((3, 4, 2, 1)), X, y, beta=1.0, norm="l1")
    with pytest.raises(ParameterError, match="bias=False"):
        polish(network((3, 4, 1)), X, y, beta=1.0, bias=False)
    with pytest.raises(ParameterError, match="bias='penalized'"):
        polish(network((3, 4, 1)), X, y, beta=1.0, bias="penalized")
    with pytest.raises(ParameterError, match="no hidden layer"):
        polish(network((3, 1)), X, y, beta=1.0)
    with pytest.raises(ParameterError, match="layers"):
        polish(network((3, 4, 1)), X, y, beta=1.0, layers=[1])
    with pytest.raises(ParameterError, match="choose"):
        polish(network((3, 4, 1)), X, y, beta=1.0, choose="best")


@pytest.mark.parametrize("slope", [0.0, 0.1, -1.0])
def test_balancing_keeps_networks_of_any_slope(slope):
    """Also neurons without input weights, which are constants of value s(b)."""
    layers = [(weight.copy(), bias.copy()) for weight, bias in network((3, 5, 4, 2)).layers]
    layers[0][0][:2] = 0.0
    layers[0][1][:2] = (-1.0, 2.0)
    net, X = DeepReLUNetwork(tuple(layers), activation=Activation(slope)), np.random.default_rng(1).normal(size=(20, 3))
    level = balanced(net)
    assert level.activation == net.activation
    np.testing.assert_allclose(level.outputs(X), net.outputs(X), rtol=1e-10, atol=1e-12)
    assert half_decay(level) < half_decay(net)
