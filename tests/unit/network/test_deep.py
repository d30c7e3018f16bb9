"""The deep network as a value."""

import numpy as np
import pytest
import reference_constructive as ref

from convexnn.exceptions import DataError
from convexnn.network import DeepReLUNetwork, ReLUNetwork


def sample(seed=0):
    rng = np.random.default_rng(seed)
    shapes = [(5, 3), (4, 5), (2, 4)]
    return DeepReLUNetwork(tuple((rng.normal(size=s), rng.normal(size=s[0])) for s in shapes))


def test_outputs_equal_the_definition():
    net, X = sample(), np.random.default_rng(1).normal(size=(20, 3))
    np.testing.assert_allclose(net.predict(X), ref.forward(net.layers, X), atol=1e-13)
    assert (net.n_layers, net.widths, net.n_neurons, net.n_features, net.n_outputs) == (3, (5, 4), 9, 3, 2)
    last, (w, b) = net.activations(X)[-1], net.layers[-1]
    np.testing.assert_allclose(last @ w.T + b, net.predict(X), atol=1e-14)


def test_one_output_gives_a_vector():
    net = DeepReLUNetwork(((np.ones((1, 2)), np.zeros(1)),))
    assert net.predict(np.ones((3, 2))).shape == (3,)
    assert net.n_neurons == 0


def test_parameters_are_copied_and_read_only():
    w, b = np.eye(2), np.zeros(2)
    net = DeepReLUNetwork(((w, b),))
    w[0, 0] = 7
    assert net.layers[0][0][0, 0] == 1
    with pytest.raises(ValueError, match="read-only"):
        net.layers[0][0][0, 0] = 2


def test_conversion_to_and_from_one_hidden_layer():
    rng = np.random.default_rng(0)
    shallow = ReLUNetwork(rng.normal(size=(4, 3)), rng.normal(size=4), rng.normal(size=(4, 2)), rng.normal(size=2))
    X = rng.normal(size=(10, 3))
    deep = DeepReLUNetwork.from_shallow(shallow)
    np.testing.assert_allclose(deep.predict(X), shallow.predict(X), atol=1e-14)
    back = deep.to_shallow()
    np.testing.assert_array_equal(back.output_weights, shallow.output_weights)
    with pytest.raises(DataError, match="hidden layers"):
        sample().to_shallow()


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ((), "empty"),
        (((np.eye(2),),), "pair"),
        (((np.ones(2), np.ones(2)),), "expected 2 dimensions"),
        (((np.eye(2), np.ones(3)),), "expected"),
        (((np.eye(2), np.ones(2)), (np.eye(3), np.ones(3))), "must match"),
        (((np.full((2, 2), np.nan), np.ones(2)),), "NaN"),
    ],
)
def test_parameters_that_do_not_belong_together_are_refused(layers, message):
    with pytest.raises(DataError, match=message):
        DeepReLUNetwork(layers)


def test_samples_of_another_width_are_refused():
    with pytest.raises(DataError, match="features"):
        sample().predict(np.ones((2, 4)))
