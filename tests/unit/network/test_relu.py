"""The network value: evaluation, objective, rescaling, and what it refuses to be."""

from __future__ import annotations

import numpy as np
import pytest

from convexnn.exceptions import DataError, ParameterError
from convexnn.network import ReLUNetwork
from convexnn.network.relu import row_norms


def make_network(seed=0, m=6, d=3, c=2):
    rng = np.random.default_rng(seed)
    return ReLUNetwork(
        rng.standard_normal((m, d)), rng.standard_normal(m), rng.standard_normal((m, c)), rng.standard_normal(c)
    )


def definition(network, X):
    """Outputs neuron by neuron."""
    total = np.tile(network.intercept, (len(X), 1))
    for w, b, a in zip(network.hidden_weights, network.hidden_biases, network.output_weights):
        total += np.outer(np.maximum(X @ w + b, 0.0), a)
    return total


@pytest.mark.parametrize("c", [1, 2])
def test_predict(c):
    """Outputs are the sum over neurons; one output gives a vector; many rows are the same as few."""
    network, X = make_network(c=c), np.random.default_rng(1).standard_normal((50, 3))
    expected = definition(network, X)
    np.testing.assert_allclose(network.predict(X), expected[:, 0] if c == 1 else expected, atol=1e-13)
    many = np.tile(X, (1400, 1))
    np.testing.assert_allclose(network.outputs(many)[-50:], expected, atol=1e-13)
    with pytest.raises(DataError, match="3 are expected"):
        network.predict(X[:, :2])


@pytest.mark.parametrize("norm", ["l1", "l2"])
@pytest.mark.parametrize("bias", [True, False, "penalized"])
@pytest.mark.parametrize("loss", ["squared_error", "huber(0.5)"])
def test_objective_is_the_least_over_all_rescalings(norm, bias, loss):
    """No rescaling of the neurons has a lower weight decay, and the rescaled network attains it."""
    network, rng = make_network(), np.random.default_rng(2)
    X, y, order = rng.standard_normal((20, 3)), rng.standard_normal((20, 2)), int(norm[1])
    settings = {"beta": 0.7, "norm": norm, "bias": bias, "loss": loss}
    best = network.objective(X, y, **settings)

    def decay(net):
        rows = net.hidden_weights
        if bias == "penalized":
            rows = np.hstack([rows, net.hidden_biases[:, None]])
        lengths = [np.linalg.norm(part, ord=order, axis=1) for part in (rows, net.output_weights)]
        return 0.35 * sum((length**2).sum() for length in lengths)

    f = network.predict(X) - y
    fit = 0.5 * (f**2).sum()
    if loss != "squared_error":
        fit = np.where(np.abs(f) <= 0.5, 0.5 * f**2, 0.5 * np.abs(f) - 0.125).sum()
    scaled = network.rescaled(norm, bias)
    np.testing.assert_allclose(scaled.predict(X), network.predict(X), atol=1e-13)
    assert best == pytest.approx(fit + decay(scaled), rel=1e-13)
    assert best == pytest.approx(scaled.objective(X, y, **settings), rel=1e-13)
    for g in rng.uniform(0.5, 2.0, (10, 6)):
        other = ReLUNetwork(
            scaled.hidden_weights * g[:, None],
            scaled.hidden_biases * g,
            scaled.output_weights / g[:, None],
            scaled.intercept,
        )
        assert fit + decay(other) > best


def test_weights_in_the_objective_are_repetitions():
    """A sample of weight 2 counts twice."""
    network, rng = make_network(), np.random.default_rng(3)
    X, y, weight = rng.standard_normal((6, 3)), rng.standard_normal((6, 2)), np.array([0, 1, 2, 0, 3, 1])
    one = network.objective(X, y, beta=0.1, sample_weight=weight)
    assert one == pytest.approx(network.objective(np.repeat(X, weight, 0), np.repeat(y, weight, 0), beta=0.1))


def test_rescaling_drops_neurons_without_effect():
    """Neurons that are zero everywhere go, constants stay, extreme lengths neither overflow nor vanish."""
    network = ReLUNetwork([[0.0], [0.0], [1.0], [1e-300]], [-1.0, 2.0, 0.0, 0.0], [[1.0], [1.0], [0.0], [1e300]], [0.0])
    scaled = network.rescaled()
    np.testing.assert_allclose(scaled.hidden_weights, [[0.0], [1.0]])
    np.testing.assert_allclose(scaled.predict([[3.0], [-1.0]]), [5.0, 2.0])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"hidden_weights": np.ones(3)}, "hidden_weights has shape"),
        ({"hidden_biases": np.ones(2)}, "shapes do not match"),
        ({"intercept": np.ones(3)}, "shapes do not match"),
        ({"output_weights": np.full((6, 2), np.nan)}, "output_weights contains NaN"),
    ],
)
def test_impossible_networks(change, message):
    """Arrays that make no network are refused by name."""
    network = make_network()
    fields = {name: getattr(network, name) for name in network.__dataclass_fields__}
    with pytest.raises(DataError, match=message):
        ReLUNetwork(**{**fields, **change})


def test_a_network_is_a_value():
    """Its arrays are its own and cannot be written."""
    weights = np.ones((1, 1))
    network = ReLUNetwork(weights, [0.0], [[1.0]])
    weights[0] = 5.0
    assert network.hidden_weights[0, 0] == 1.0
    with pytest.raises(ValueError, match="read-only"):
        network.hidden_weights[0] = 2.0
    with pytest.raises(ParameterError, match="beta"):
        network.objective([[1.0]], [1.0], beta=-1.0)


@pytest.mark.parametrize("size", [1e-200, 1.0, 1e200])
def test_row_norms_at_extreme_sizes(size):
    """Lengths neither overflow nor underflow."""
    rows = size * np.array([[3.0, -4.0], [0.0, 0.0]])
    np.testing.assert_allclose(row_norms(rows, "l1"), [7 * size, 0.0])
    np.testing.assert_allclose(row_norms(rows, "l2"), [5 * size, 0.0])
