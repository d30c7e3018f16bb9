"""Displays draw what they are given: every breakline crosses the picture where its neuron switches on."""

from __future__ import annotations

import sys

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from types import SimpleNamespace

from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from convexnn.exceptions import DataError, SolverUnavailableError
from convexnn.network import ReLUNetwork
from convexnn.plots import PlanarDisplay, RestartsDisplay

rng = np.random.default_rng(0)
X, y = rng.normal(size=(20, 2)), rng.normal(size=20)
net = ReLUNetwork(rng.normal(size=(4, 2)), rng.normal(size=4), rng.normal(size=(4, 1)), np.zeros(1))


def test_breaklines_lie_on_the_neurons():
    ax = Figure().subplots()
    display = PlanarDisplay.from_network(net, X, y, ax=ax, resolution=10)
    assert display.ax_ is ax
    (lines,) = [c for c in ax.collections if isinstance(c, LineCollection)]
    segments = np.array(lines.get_segments())
    assert segments.shape == (4, 2, 2)
    before = np.einsum("mpd,md->mp", segments, net.hidden_weights) + net.hidden_biases[:, None]
    np.testing.assert_allclose(before, 0, atol=1e-12)


def test_planar_display_without_neurons_or_breaklines():
    empty = ReLUNetwork(np.zeros((0, 2)), np.zeros(0), np.zeros((0, 1)), np.ones(1))
    PlanarDisplay.from_estimator(SimpleNamespace(network_=empty), X, np.zeros(20), resolution=5)
    display = PlanarDisplay.from_network(net, X, y, breaklines=False, resolution=5)
    assert not [c for c in display.ax_.collections if isinstance(c, LineCollection)]
    assert display.figure_ is display.ax_.figure


def test_planar_display_needs_two_inputs():
    wide = ReLUNetwork(np.ones((1, 3)), np.zeros(1), np.ones((1, 1)), np.zeros(1))
    with pytest.raises(DataError, match="two inputs and one output"):
        PlanarDisplay.from_network(wide, np.zeros((2, 3)), np.zeros(2))


def test_missing_matplotlib_is_explained(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(SolverUnavailableError, match="convexnn\\[plots\\]"):
        RestartsDisplay.from_objectives([1.0], primal=1.0, dual=1.0)


def test_restarts_are_sorted_above_the_bound():
    display = RestartsDisplay.from_objectives([3.0, 1.0, 2.0], primal=0.9, dual=0.8)
    points, primal, dual = display.ax_.lines
    np.testing.assert_array_equal(points.get_ydata(), [1, 2, 3])
    assert primal.get_ydata()[0] == 0.9
    assert dual.get_ydata()[0] == 0.8
