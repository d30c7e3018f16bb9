"""What the pictures show is what was computed: lines, areas, break points, bounds."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from matplotlib import pyplot

import convexnn
from convexnn.constructive.cones import cone_layer
from convexnn.data import make_clusters, make_spiral
from convexnn.exceptions import DataError
from convexnn.geometry.algebra import signed_volume
from convexnn.geometry.dispersion import a_priori_bound, dispersion_angle
from convexnn.plots import (
    AtomsDisplay,
    DecisionDisplay,
    DispersionDisplay,
    DualDisplay,
    GapDisplay,
    LineDisplay,
    NeuronsDisplay,
    PathDisplay,
    TruncationDisplay,
    WedgeDisplay,
)

rng = np.random.default_rng(0)
X, y = make_spiral(30, random_state=0)
BETA = 0.01 * convexnn.beta_max(X, y)
result = convexnn.train(X, y, beta=BETA, scope="dictionary")


@pytest.fixture(autouse=True)
def close_figures():
    pyplot.switch_backend("Agg")
    yield
    pyplot.close("all")


def test_rings_mark_the_samples_of_the_drawn_neurons():
    display = NeuronsDisplay.from_result(result, X, y, strongest=3)
    order = np.argsort(-np.abs(result.coef), kind="stable")[:3]
    made = sorted({i for j in order for i in result.support[j]})
    np.testing.assert_array_equal(display.ax_.collections[-1].get_offsets(), X[made])
    estimator = convexnn.ConvexReLURegressor(beta=BETA).fit(X, y)
    assert NeuronsDisplay.from_estimator(estimator, X, y).support == [tuple(s) for s in estimator.support_]
    with pytest.raises(DataError, match="inputs"):
        NeuronsDisplay.from_result(convexnn.train(X[:, :1], y, beta=1.0), X[:, :1], y)


def test_regions_are_the_predictions():
    display = DecisionDisplay.from_network(result, X, y, resolution=20)
    extent = display.ax_.images[0].get_extent()
    corner = result.network.predict([[extent[0], extent[2]]])[0] > 0
    assert display.regions[0, 0] == int(corner)
    sign = SimpleNamespace(predict=lambda points: np.sign(result.network.predict(points)))
    np.testing.assert_array_equal(DecisionDisplay.from_estimator(sign, X, y, resolution=20).regions, display.regions)
    with pytest.raises(DataError, match="not in y"):
        DecisionDisplay.from_estimator(result.network, X, y, resolution=5)
    with pytest.raises(DataError, match="labels"):
        DecisionDisplay.from_network(result, X, np.arange(30))


def test_atoms_are_drawn_strongest_first():
    display = AtomsDisplay.from_estimator(result, X, most=5, resolution=10)
    order = np.argsort(-np.abs(result.coef), kind="stable")
    np.testing.assert_array_equal(display.atoms.offsets, result.atoms.offsets[order])
    assert [ax.get_visible() for ax in display.axes_] == [True] * 5 + [False] * 3
    with pytest.raises(DataError, match="no atoms"):
        AtomsDisplay.from_estimator("nothing", X)


@pytest.mark.parametrize("d", [1, 2])
def test_volumes_and_responses_are_those_of_the_dictionary(d):
    points = rng.normal(size=(6, d))
    columns = convexnn.dictionary(points, bias=True)
    atoms, K = columns.atoms(), columns.matrix()
    for j in range(0, len(atoms), 2):
        through = points[atoms.generators[j]]
        for i in set(range(6)) - set(atoms.generators[j].tolist()):
            display = WedgeDisplay(points[i], through)
            assert max(display.response, WedgeDisplay(points[i], through[::-1]).response) == pytest.approx(
                max(K[i, j], K[i, j + 1]) if d == 2 else max(points[i, 0] - through[0, 0], 0.0), abs=1e-12
            )


def test_wedges_are_drawn_and_checked():
    for x, through in ((2.0, [0.5]), ([2.0, 0.5], [[1.0, 1.5]]), ([2.0, 0.5], [[1.0, 1.5], [0.5, -0.5]])):
        WedgeDisplay.from_samples(x, *through)
    plain = WedgeDisplay.from_samples([2.0, 0.5], [1.0, 1.5])
    assert plain.volume == signed_volume([[2.0, 0.5], [1.0, 1.5]])
    with pytest.raises(DataError, match="samples"):
        WedgeDisplay.from_samples([1.0, 2.0, 3.0], [1.0, 0.0, 0.0])


def test_chambers_have_the_dispersion_of_the_samples():
    points = rng.normal(size=(8, 2))
    display = DispersionDisplay.from_samples(points)
    assert display.angle == pytest.approx(dispersion_angle(points).value, rel=1e-12)
    assert display.gamma == pytest.approx(a_priori_bound(points, bias=False).gamma, rel=1e-12)
    red = [patch for patch in display.ax_.patches if patch.get_facecolor()[0] > 0.8]
    assert len(red) == 2
    assert DispersionDisplay(np.zeros((2, 2))).gamma == pytest.approx(0.0, abs=1e-12)


def test_break_points_are_the_kinks_of_the_network():
    x, t = np.linspace(-1, 1, 21)[:, None], np.abs(np.linspace(-1, 1, 21))
    display = LineDisplay.from_estimator(convexnn.train(x, t, beta=0.01), x, t)
    np.testing.assert_allclose(display.breaks, [0.0], atol=1e-12)
    line = display.ax_.lines[1]
    np.testing.assert_allclose(line.get_ydata(), display.network.predict(line.get_xdata()[:, None]))
    deep = convexnn.DeepReLUNetwork.from_shallow(display.network)
    assert len(LineDisplay.from_estimator(deep, x, t).breaks) == 0


def test_path_follows_neurons_by_their_samples():
    path = convexnn.solve_path(X, y, n_betas=6, scope="dictionary")
    display = PathDisplay.from_path(path)
    np.testing.assert_array_equal((display.coefficients != 0).sum(axis=1), path.n_neurons)
    np.testing.assert_allclose(
        np.abs(display.coefficients).sum(axis=1), [np.abs(r.coef).sum() for r in path], rtol=1e-12
    )
    estimator = convexnn.ConvexReLURegressor(norm="l1")
    assert len(PathDisplay.from_estimator(estimator, X, y, n_betas=3).ratios) == 3


def test_gap_is_that_of_the_trace():
    free = convexnn.train(X, y, beta=BETA)
    display = GapDisplay.from_result(free)
    np.testing.assert_allclose(display.relative_gaps, [state.relative_gap for state in free.trace])
    assert len(display.phases) == 2
    assert len(GapDisplay.from_result(result).phases) == 1


def test_no_candidate_is_above_beta_and_neurons_in_use_reach_it():
    display = DualDisplay.from_result(result, X, y)
    assert display.responses[0] <= BETA * (1 + 1e-6)
    np.testing.assert_allclose(display.active, BETA, rtol=1e-5)
    DualDisplay.from_estimator(convexnn.ConvexReLURegressor(beta=BETA).fit(X, y), X, y)


def test_samples_behind_the_apex_go_to_it():
    points, labels = make_clusters(30, 2, n_clusters=2, radius=0.3, random_state=1)
    mean, centre = points[labels == 0].mean(axis=0), points.mean(axis=0)
    cone = cone_layer(centre - mean, 0.5 * (mean + centre), 0.2)
    display = TruncationDisplay.from_layer(points, labels, cone.weight, cone.bias)
    np.testing.assert_allclose(display.apex, 0.5 * (mean + centre))
    moved = display.ax_.collections[1].get_offsets()
    np.testing.assert_allclose(moved[labels == 1], points[labels == 1], atol=1e-12)
    estimator = convexnn.ConstructiveClassifier(kind="shallow").fit(points, labels)
    TruncationDisplay.from_estimator(estimator, points, labels)
    with pytest.raises(DataError, match="invertible"):
        TruncationDisplay.from_layer(points, labels, np.ones((2, 2)), np.zeros(2))
