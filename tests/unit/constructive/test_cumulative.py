"""Cumulative parameters: a deep network is a sequence of truncations followed by an affine map."""

import numpy as np
import pytest
import reference_constructive as ref

from convexnn.constructive import cumulative_parameters, layer_parameters
from convexnn.exceptions import ConstructionError
from convexnn.network import DeepReLUNetwork


def random_network(seed, m=4, depth=4, outputs=2):
    rng = np.random.default_rng(seed)
    layers = [(rng.normal(size=(m, m)) + np.eye(m), 0.5 * rng.normal(size=m)) for _ in range(depth)]
    return DeepReLUNetwork((*layers, (rng.normal(size=(outputs, m)), rng.normal(size=outputs))))


@pytest.mark.parametrize("seed", range(10))
def test_activations_are_the_cumulative_image_of_the_truncated_input(seed):
    net = random_network(seed)
    z = X = np.random.default_rng(seed + 100).normal(size=(30, 4))
    cumulative = cumulative_parameters(net)
    for hidden, (w, b) in zip(net.activations(X), cumulative[:-1]):
        z = ref.truncation(w, b, z)
        scale = np.linalg.cond(w) * np.abs(hidden).max() + 1
        np.testing.assert_allclose(hidden, z @ w.T + b, atol=1e-12 * scale)
    w, b = cumulative[-1]
    np.testing.assert_allclose(net.predict(X), z @ w.T + b, atol=1e-8)


@pytest.mark.parametrize("seed", range(10))
def test_layers_are_recovered_from_their_cumulative_parameters(seed):
    net = random_network(seed)
    again = layer_parameters(cumulative_parameters(net))
    for (w, b), (v, a) in zip(net.layers, again.layers):
        np.testing.assert_allclose(v, w, atol=1e-7 * np.abs(w).max())
        np.testing.assert_allclose(a, b, atol=1e-7 * (1 + np.abs(b).max()))


def test_singular_or_narrowing_cumulative_weights_are_refused():
    with pytest.raises(ConstructionError, match="singular"):
        layer_parameters([(np.zeros((2, 2)), np.zeros(2)), (np.eye(2), np.zeros(2))])
    with pytest.raises(ConstructionError, match="invertible"):
        layer_parameters([(np.ones((2, 3)), np.zeros(2)), (np.ones((1, 3)), np.zeros(1))])
