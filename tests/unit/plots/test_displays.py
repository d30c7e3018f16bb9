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


def test_terms_are_drawn_as_they_are():
    """Curves pass through the values of the terms, bars have the importances, maps one per pair."""
    from convexnn.plots import ImportanceDisplay, InteractionDisplay, ShapeDisplay
    from convexnn.refine import additive_terms

    Z = np.random.default_rng(0).standard_normal((40, 3))
    network = ReLUNetwork([[1.0, 0, 0], [0, 1.0, -1.0], [-1.0, 0, 0]], [0.2, 0.0, 0.1], [[1.0], [2.0], [1.0]])
    terms = additive_terms(network, Z, feature_names=["a", "b", "c"])
    shapes = ShapeDisplay.from_model(network, Z, feature_names=["a", "b", "c"], features=["a", 2])
    for ax, j in zip(shapes.axes_, (0, 2)):
        x, f = ax.lines[0].get_data()
        np.testing.assert_allclose(f, terms.shape(j, x), atol=1e-14)
    np.testing.assert_allclose(np.sort(shapes.axes_[0].lines[1].get_xdata()), terms.kinks("a"))
    maps = InteractionDisplay.from_terms(terms)
    assert maps.pairs == ((1, 2),)
    bars = ImportanceDisplay.from_model(network, Z, feature_names=["a", "b", "c"])
    widths = [bar.get_width() for bar in bars.ax_.patches]
    np.testing.assert_allclose(sorted(widths), np.sort(terms.importances))
    empty = additive_terms(ReLUNetwork(np.zeros((0, 3)), np.zeros(0), np.zeros((0, 1))), Z)
    assert ShapeDisplay.from_terms(empty).features == ()
    assert InteractionDisplay.from_terms(empty).pairs == ()


def test_the_page_of_a_model_has_everything_and_needs_nothing(tmp_path):
    """Certificate, constant, every term and its pictures, no other file, and names that are no markup."""
    import convexnn
    from convexnn.plots import write_model_page

    Z = np.random.default_rng(1).standard_normal((40, 3))
    result = convexnn.train(Z, np.abs(Z[:, 0]) + Z[:, 1] * Z[:, 2], beta=1.0, interaction_cst="pairwise")
    terms = write_model_page(tmp_path / "page.html", result, Z, title="<b>", feature_names=["a<", "b", "c"])
    page = (tmp_path / "page.html").read_text("utf-8")
    assert "at most two features" in page
    assert f"{terms.constant:.6g}" in page
    assert page.count("<svg") == 3
    assert "a&lt;" in page
    assert "<b>" not in page
    assert "http" not in page.split("<body>")[0]
    assert all(f">{imp:.4g}<" in page for imp in terms.importances)
