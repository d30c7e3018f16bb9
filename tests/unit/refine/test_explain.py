"""Explanations name the right samples; scale reports bound the true slopes."""

from __future__ import annotations

import numpy as np
import pytest

from convexnn import DeepReLUNetwork, explain, train
from convexnn.data import make_spiral
from convexnn.exceptions import ParameterError
from convexnn.plots import ExplanationDisplay
from convexnn.refine import compare_scales, scale_report


def test_neurons_of_an_optimal_network_are_their_wedges():
    """Trained over the dictionary, every neuron contains two samples: angle zero, share one, the same samples."""
    X, y = make_spiral(40, random_state=0)
    best = train(X, y, beta=0.05, scope="dictionary")
    explanation = explain(best.network, X)
    assert len(explanation.neurons) == best.network.n_neurons
    for neuron, support in zip(explanation.neurons, best.support):
        assert set(neuron.samples) == set(support)
        assert neuron.angle < 1e-4
        assert neuron.share > 1 - 1e-8
        np.testing.assert_allclose(neuron.inner_products, 0.0, atol=1e-9)
        assert not neuron.replaced
    assert "median angle" in explanation.summary()
    assert explanation.table(3).count("\n") == 5


def test_silent_axes_of_l1_networks():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(15, 3))
    net = DeepReLUNetwork(((np.array([[2.0, 0.0, 0.0]]), -2.0 * X[4, :1]), (np.ones((1, 1)), np.zeros(1))))
    neuron = explain(net, X, norm="l1").neurons[0]
    assert neuron.samples == (4,)
    assert set(neuron.axes) == {1, 2}
    assert neuron.angle < 1e-4


def test_layers_behind_the_first_are_explained_by_activations():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 3))
    net = DeepReLUNetwork(
        (
            (rng.normal(size=(2, 3)), rng.normal(size=2)),
            (rng.normal(size=(4, 2)), rng.normal(size=4)),
            (rng.normal(size=(1, 4)), rng.normal(size=1)),
        )
    )
    explanation = explain(net, X)
    A = np.maximum(X @ net.layers[0][0].T + net.layers[0][1], 0.0)
    for neuron in explanation.neurons:
        inputs, (weight, bias) = (X, A)[neuron.layer], net.layers[neuron.layer]
        w = weight[neuron.index]
        products = (inputs[list(neuron.samples)] @ w + bias[neuron.index]) / np.linalg.norm(w)
        np.testing.assert_allclose(neuron.inner_products, products, rtol=1e-10, atol=1e-12)
        assert 0 <= neuron.angle <= 90.0001
        assert 0 <= neuron.share <= 1 + 1e-12
    assert {n.layer for n in explain(net, X, layers=[1]).neurons} == {1}


def test_picture_of_the_neurons():
    X, y = make_spiral(30, random_state=0)
    best = train(X, y, beta=0.2)
    display = ExplanationDisplay.from_network(best.network, X)
    points = display.ax_.collections[0].get_offsets()
    assert len(points) == len(display.explanation.neurons)
    assert display.ax_.get_xlabel().startswith("angle")


def test_scale_report_bounds_the_slopes():
    """Finite differences at the samples never exceed the bounds, and the local slope is their supremum."""
    rng = np.random.default_rng(0)
    net = DeepReLUNetwork(
        tuple((rng.normal(size=(b, a)), rng.normal(size=b)) for a, b in ((3, 6), (6, 5), (5, 4), (4, 2)))
    )
    X = rng.normal(size=(20, 3))
    report = scale_report(net, X)
    slopes = []
    for x in X:
        jacobian = np.array(
            [(net.outputs((x + 1e-6 * e)[None]) - net.outputs((x - 1e-6 * e)[None]))[0] / 2e-6 for e in np.eye(3)]
        )
        slopes.append(np.linalg.norm(jacobian, 2))
    assert report.local == pytest.approx(max(slopes), rel=1e-5)
    assert report.local <= report.lipschitz_bound
    assert report.spectral_bound == pytest.approx(np.prod([np.linalg.norm(w, 2) for w, _ in net.layers]))
    (w1, _), (w2, _), *_ = net.layers
    assert report.block_norms[0] == pytest.approx((np.linalg.norm(w1, axis=1) * np.linalg.norm(w2, axis=0)).sum())
    table = compare_scales(net, net, X)
    assert table.count("\n") == 7


def test_scale_report_of_an_odd_network_without_samples():
    net = DeepReLUNetwork(((np.eye(2), np.zeros(2)), (np.eye(2), np.zeros(2)), (2 * np.eye(2), np.zeros(2))))
    report = scale_report(net)
    assert report.local is None
    assert report.block_norms == (2.0, 2.0)
    assert report.lipschitz_bound == 2.0


def test_bad_arguments_are_named():
    net = DeepReLUNetwork(((np.eye(2), np.zeros(2)), (np.ones((1, 2)), np.zeros(1))))
    with pytest.raises(ParameterError, match="bias='penalized'"):
        explain(net, np.eye(2), bias="penalized")
    with pytest.raises(ParameterError, match="layers"):
        explain(net, np.eye(2), layers=[1])
