"""The activation against its definition, and networks with another slope than that of ReLU."""

from __future__ import annotations

import numpy as np
import pytest

from convexnn.exceptions import ParameterError
from convexnn.network import RELU, Activation, DeepReLUNetwork, ReLUNetwork, basic_solution, merge_neurons

SLOPES = (0.0, 0.01, 0.5, -0.3, -1.0)


@pytest.mark.parametrize("slope", SLOPES)
def test_value_and_derivative_are_the_definition(slope):
    pre = np.array([-np.inf, -1e300, -2.0, -1e-320, -0.0, 0.0, 1e-320, 3.0, 1e300])
    s = Activation(slope)
    np.testing.assert_array_equal(s.value(pre), [t if t > 0 else (slope * t if slope else 0.0) for t in pre])
    np.testing.assert_array_equal(s.derivative(pre), [1.0 if t > 0 else slope for t in pre])
    signal = np.arange(9.0)
    assert s.pull_back(signal, pre > 0) is signal
    np.testing.assert_array_equal(signal, np.arange(9.0) * s.derivative(pre))
    buffer = pre.copy()
    assert s.value(buffer, out=buffer) is buffer
    np.testing.assert_array_equal(buffer, s.value(pre))


def test_equal_by_slope_and_checked():
    assert Activation() == RELU == Activation(-0.0)
    assert repr(Activation(-0.0)) == repr(RELU)
    for slope in (1.0, 1.5, -1.5, np.nan, np.inf, "a"):
        with pytest.raises(ParameterError, match="slope"):
            Activation(slope)


def random_network(slope, m=7, d=2, c=2, seed=0):
    rng = np.random.default_rng(seed)
    parts = (rng.normal(size=(m, d)), rng.normal(size=m), rng.normal(size=(m, c)), rng.normal(size=c))
    return ReLUNetwork(*parts, activation=Activation(slope))


def written_out(network, X):
    """Outputs by a loop over samples and neurons."""
    out = np.zeros((len(X), network.n_outputs))
    for i, x in enumerate(X):
        out[i] = network.intercept
        for w, b, a in zip(network.hidden_weights, network.hidden_biases, network.output_weights):
            t = float(w @ x + b)
            out[i] += a * (t if t > 0 else network.activation.slope * t)
    return out


@pytest.mark.parametrize("slope", SLOPES)
@pytest.mark.parametrize("d", [1, 3])
def test_networks_of_any_slope(slope, d):
    network, X = random_network(slope, d=d), np.random.default_rng(1).normal(size=(30, d))
    expected = written_out(network, X)
    np.testing.assert_allclose(network.outputs(X), expected, atol=1e-13)
    np.testing.assert_allclose(DeepReLUNetwork.from_shallow(network).predict(X), expected, atol=1e-13)
    np.testing.assert_allclose(DeepReLUNetwork.from_shallow(network).to_shallow().predict(X), expected, atol=1e-13)
    np.testing.assert_allclose(network.rescaled().predict(X), expected, atol=1e-12)
    if d == 1:
        many = np.tile(X, (4000, 1))  # so many that the broken line is used
        np.testing.assert_allclose(network.outputs(many)[:30], expected, atol=1e-12)


@pytest.mark.parametrize("slope", SLOPES)
@pytest.mark.parametrize("bias", [True, False, "penalized"])
def test_pruning_keeps_the_outputs_for_any_slope(slope, bias):
    network, X = random_network(slope, m=60, c=1), np.random.default_rng(2).normal(size=(8, 2))
    if bias is False:
        network = ReLUNetwork(network.hidden_weights, np.zeros(60), network.output_weights, np.zeros(1),
                              activation=network.activation)  # fmt: skip
    for prune in (merge_neurons, basic_solution):
        found = prune(network, X, bias=bias)
        assert found.activation == network.activation
        assert found.n_neurons < 60
        np.testing.assert_allclose(found.outputs(X), network.outputs(X), atol=1e-9)
        assert found.penalty(bias=bias) <= network.penalty(bias=bias) * (1 + 1e-12)


@pytest.mark.parametrize("slope", SLOPES)
def test_constant_neurons_count_with_the_value_of_the_activation(slope):
    network = ReLUNetwork(np.zeros((2, 1)), [-2.0, 3.0], [[1.0], [5.0]], [0.5], activation=Activation(slope))
    X = np.array([[1.0], [2.0]])
    expected = 0.5 - 2.0 * slope + 15.0
    np.testing.assert_allclose(network.predict(X), expected)
    np.testing.assert_allclose(network.rescaled().predict(X), expected)
    assert basic_solution(network, X).n_neurons == 0
    np.testing.assert_allclose(basic_solution(network, X).predict(X), expected)
