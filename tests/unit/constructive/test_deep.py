"""The deep construction: zero cost, its sharp condition, its geometry, and when it does not exist."""

import itertools

import numpy as np
import pytest
import reference_constructive as ref

from convexnn.constructive import class_data, deep_construct, refit
from convexnn.constructive.cones import ConeLayer
from convexnn.constructive.construction import output_map
from convexnn.constructive.coordinates import COORDINATES
from convexnn.constructive.halfspace import barycentre_axis, margin_axis, measure_gap
from convexnn.exceptions import (
    ConditioningWarning,
    ConstructionError,
    ParameterError,
    RankDeficientMeansError,
    SeparationError,
)
from convexnn.network import DeepReLUNetwork


@pytest.mark.parametrize("q", range(2, 21))
def test_clusters_reach_zero_cost_and_fresh_samples_their_targets(q):
    X, labels, means = ref.clusters(q, 0.05 if q <= 10 else 0.03, seed=q)
    rng = np.random.default_rng(q + 50)
    y = rng.normal(size=(q, q)) + 3 * np.eye(q)
    built = deep_construct(X, labels, targets=y)
    assert ref.cost(ref.forward(built.network.layers, X), labels, y) <= 1e-9
    assert built.cost <= 1e-9
    assert built.condition < 1e4
    np.testing.assert_array_equal(built.distances(X).argmin(axis=1), labels)
    assert built.network.widths == (q,) * q
    # Points this close to a class mean lie in the cone that falls on the apex: their output is exact.
    fresh = means[labels] + 0.02 * rng.normal(size=X.shape)
    np.testing.assert_allclose(built.network.predict(fresh), y[labels], atol=1e-9)


@pytest.mark.parametrize("coords", COORDINATES)
@pytest.mark.parametrize("direction", ["barycentre", "margin"])
def test_every_choice_of_coordinates_and_axes_reaches_zero_cost(coords, direction):
    X, labels, _ = ref.clusters(5, 0.04, seed=1)
    if coords not in ("raw", "centred"):
        X = np.hstack([X, 0.02 * np.random.default_rng(0).normal(size=(len(X), 3))])
    built = deep_construct(X, labels, coords=coords, direction=direction)
    assert built.cost <= 1e-9
    np.testing.assert_array_equal(built.network.predict(X).argmax(axis=1), labels)


def worst_case(q, radius):
    """Every class has a sample at +-radius along the axis of every class; means are the unit vectors."""
    means = np.eye(q)
    axes = [barycentre_axis(m, means.mean(axis=0)) for m in means]
    rows = [(m + s * radius * f, j) for j, m in enumerate(means) for f in axes for s in (1.0, -1.0)]
    return np.array([x for x, _ in rows]), np.array([j for _, j in rows])


@pytest.mark.filterwarnings("ignore::convexnn.exceptions.ConditioningWarning")
@pytest.mark.parametrize("q", [2, 3, 5, 10, 20])
@pytest.mark.parametrize("coords", ["simplex", "whiten"])
def test_condition_on_delta_c_is_sharp(q, coords):
    limit = 0.5 * np.sqrt(q / (q - 1.0))
    X, labels = worst_case(q, 0.999 * limit)
    assert class_data(X, labels).delta_c == pytest.approx(0.999 * limit, rel=1e-9)
    built = deep_construct(X, labels, coords=coords)
    assert built.cost <= 1e-10
    X, labels = worst_case(q, 1.001 * limit)
    with pytest.raises(SeparationError, match="cannot be cut off"):
        deep_construct(X, labels, coords=coords)


@pytest.mark.parametrize("fraction", [0.001, 0.1, 0.25, 0.5, 0.9, 0.999])
@pytest.mark.filterwarnings("ignore::convexnn.exceptions.ConditioningWarning")
def test_any_depth_inside_the_gap_works(fraction):
    X, labels, _ = ref.clusters(5, 0.05, seed=3)
    built = deep_construct(X, labels, fraction=fraction)
    assert built.cost <= 1e-9
    assert all(layer.hi < layer.threshold < layer.lo for layer in built.layers)


def test_the_papers_depth_is_only_one_choice_and_not_always_admissible():
    """mu = -2 delta sqrt(Q) leaves the gap for Q = 8 at noise 0.05, where the measured gap still works."""
    X, labels, _ = ref.clusters(8, 0.05, seed=4)
    with pytest.raises(SeparationError, match="not admissible"):
        deep_construct(X, labels, coords="raw", mu="paper")
    assert deep_construct(X, labels, coords="raw").cost <= 1e-9
    X, labels, _ = ref.clusters(8, 0.02, seed=4)
    assert deep_construct(X, labels, coords="raw", mu="paper").cost <= 1e-9


def test_the_axis_must_point_from_the_class_to_the_barycentre():
    """With f pointing away from the barycentre, mu < 0 collapses the other classes too and loses them."""
    X, labels, _ = ref.clusters(3, 0.02, seed=5)
    means = ref.mean_columns(X, labels).T
    delta = class_data(X, labels).delta
    for sign, keeps_others in ((1.0, True), (-1.0, False)):
        axis = sign * barycentre_axis(means[0], means.mean(axis=0))
        # The paper's prescription: b = -W xbar + mu R f with mu < 0, whose apex is xbar - mu f.
        mu = -2 * delta * np.sqrt(3)
        cone = ConeLayer(axis, means[0] - mu * axis, 0.2)
        bias = -cone.weight @ means[0] + mu * cone.rotation @ axis
        np.testing.assert_allclose(bias, cone.bias, atol=1e-13)
        hidden = np.maximum(X @ cone.weight.T + bias, 0.0)
        others = ref.truncation(cone.weight, bias, X[labels != 0])
        assert (hidden[labels == 0] == 0).all()
        assert np.allclose(others, X[labels != 0], atol=1e-12) == keeps_others


def test_each_layer_collapses_its_class_exactly_and_keeps_the_rest():
    X, labels, _ = ref.clusters(4, 0.05, seed=6)
    built = deep_construct(X, labels, coords="raw", order=None)
    z = X.copy()
    for layer in built.layers:
        z = ref.truncation(layer.cone.weight, layer.cone.bias, z)
        inside = labels == layer.index
        np.testing.assert_allclose(z[inside], np.tile(layer.cone.apex, (inside.sum(), 1)), atol=1e-12)
        waiting = ~np.isin(labels, [done.index for done in built.layers[: built.layers.index(layer) + 1]])
        np.testing.assert_allclose(z[waiting], X[waiting], atol=1e-10)
    for layer in built.layers:
        outputs = built.network.predict(X[labels == layer.index])
        assert np.ptp(outputs, axis=0).max() <= 1e-13
    np.testing.assert_allclose(built.truncated(X), z, atol=1e-10)
    activations = built.network.activations(X)
    assert (activations[0][labels == built.layers[0].index] == 0).all()


def test_determinant_of_the_apexes_follows_its_closed_form():
    rng = np.random.default_rng(0)
    for _ in range(200):
        q = int(rng.integers(2, 7))
        means, t = rng.normal(size=(q, q)), rng.uniform(0, 0.95, q)
        middle = means.mean(axis=0)
        apexes = np.array([m + s * (middle - m) for m, s in zip(means, t)])
        expected = np.linalg.det(means) * np.prod(1 - t) * (1 + (t / (1 - t)).sum() / q)
        assert np.linalg.det(apexes) == pytest.approx(expected, rel=1e-8, abs=1e-12)


def test_order_decides_for_classes_that_break_the_angle_condition():
    means = np.array([[0, 0, 1], [10, 0, 1], [9.5, 1.2, 1.3]], dtype=float)
    works = set()
    for order in itertools.permutations(range(3)):
        try:
            built = deep_construct(means, range(3), coords="raw", order=order)
        except SeparationError:
            continue
        assert built.cost < 1e-9
        works.add(order)
    assert works == {(0, 1, 2), (1, 0, 2), (1, 2, 0)}
    assert deep_construct(means, range(3), coords="raw").cost < 1e-9


def test_static_angle_condition_is_sufficient():
    """f_l.(xbar_j - xbar_l) - r_j > r_l for all pairs, with |mu| below the distance to the barycentre."""
    rng = np.random.default_rng(7)
    held = 0
    for _ in range(200):
        q = int(rng.integers(2, 6))
        means = rng.normal(size=(q, q))
        labels = np.repeat(np.arange(q), 6)
        X = means[labels] + 0.03 * rng.normal(size=(6 * q, q))
        data = class_data(X, labels)
        middle = data.means.mean(axis=0)
        axes = [barycentre_axis(m, middle) for m in data.means]
        gaps = [
            min(axes[k] @ (data.means[j] - data.means[k]) - data.radii[j] for j in range(q) if j != k) for k in range(q)
        ]
        room = [min(g, np.linalg.norm(middle - m)) for g, m in zip(gaps, data.means)]
        if all(g > r for g, r in zip(room, data.radii)):
            held += 1
            assert deep_construct(X, labels, coords="raw", order=None).cost < 1e-8
    assert held > 30


def test_more_layers_than_classes_are_identities():
    X, labels, _ = ref.clusters(3, 0.05, seed=8)
    built = deep_construct(X, labels, n_hidden=6)
    assert built.network.n_layers == 7
    assert built.cost <= 1e-12
    with pytest.raises(ParameterError, match="n_hidden"):
        deep_construct(X, labels, n_hidden=2)


@pytest.mark.parametrize("q", [2, 4, 7, 10])
def test_induced_metric_is_the_distance_to_the_target(q):
    X, labels, _ = ref.clusters(q, 0.05, seed=q)
    rng = np.random.default_rng(0)
    y = rng.normal(size=(q, q)) + 2 * np.eye(q)
    built = deep_construct(X, labels, targets=y)
    points = rng.normal(size=(1000, q))
    direct = np.array([np.linalg.norm(built.network.predict(points) - t, axis=1) for t in y]).T
    np.testing.assert_allclose(built.distances(points), direct, atol=1e-9 * direct.max())
    np.testing.assert_array_equal(built.distances(points).argmin(axis=1), direct.argmin(axis=1))


def test_the_minimum_is_degenerate():
    """Small changes of all hidden parameters keep zero cost once the last layer is solved again."""
    X, labels, _ = ref.clusters(4, 0.05, seed=9)
    net = deep_construct(X, labels).network
    rng = np.random.default_rng(0)
    for size in (1e-4, 1e-3):
        for _ in range(10):
            moved = [(w + size * rng.normal(size=w.shape), b + size * rng.normal(size=b.shape)) for w, b in net.layers]
            again = refit(DeepReLUNetwork((*moved[:-1], net.layers[-1])), X, labels)
            assert ref.cost(again.predict(X), labels, np.eye(4)) < 1e-9


@pytest.mark.parametrize("offset", [0.0, 1e3, 1e8])
def test_simplex_coordinates_ignore_the_offset(offset):
    X, labels, _ = ref.clusters(4, 0.05, seed=10)
    # The offset rounds the samples themselves to 1e-8; the collapse wipes this out.
    assert deep_construct(X + offset, labels).cost <= 1e-9 * max(1.0, offset / 1e6)


def test_many_features_and_few_samples():
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(10), 30)
    means = rng.normal(size=(10, 784))
    X = means[labels] + 0.3 * rng.normal(size=(300, 784))
    built = deep_construct(X, labels)
    assert built.cost <= 1e-9
    fresh = means[labels] + 0.3 * rng.normal(size=(300, 784))
    assert (built.network.predict(fresh).argmax(axis=1) == labels).mean() == 1.0


def test_regression_coordinates_reach_classes_that_noise_hides_from_the_means():
    """A direction of large common noise breaks delta_c, but not the least-squares fit."""
    X, labels, _ = ref.clusters(3, 0.03, seed=13, n=30)
    X = X + 2.0 * np.random.default_rng(0).normal(size=(len(X), 1)) * np.array([1.0, 2.0, -1.0])
    X = np.hstack([X, X[:, :1] + 0.01 * labels[:, None] - X[:, 1:2]])
    with pytest.raises(SeparationError):
        deep_construct(X, labels, coords="simplex")
    assert deep_construct(X, labels, coords="regression").cost <= 1e-9


def test_linear_and_affine_last_layers():
    X, labels, _ = ref.clusters(4, 0.05, seed=11)
    linear = deep_construct(X, labels, coords="raw", final="linear")
    np.testing.assert_array_equal(linear.constant, 0)
    np.testing.assert_allclose(linear.slope @ linear.apexes.T, np.eye(4), atol=1e-12)
    assert deep_construct(X, labels, coords="raw", final="affine").cost <= 1e-12
    # Fewer dimensions than classes: only the affine map exists.
    labels = np.repeat(np.arange(3), 4)
    flat = np.array([[0.0, 0], [3, 0], [0, 3]])[labels] + 0.05 * np.random.default_rng(0).normal(size=(12, 2))
    assert deep_construct(flat, labels, coords="raw").cost <= 1e-12
    with pytest.raises(ConstructionError, match="final='linear'"):
        deep_construct(flat, labels, coords="raw", final="linear")


def test_output_map_refuses_dependent_apexes_and_unknown_names():
    with pytest.raises(ConstructionError, match="affinely dependent"):
        output_map(np.array([[0.0, 0], [1, 1], [2, 2]]), np.eye(3), "auto")
    with pytest.raises(ConstructionError, match="linearly dependent"):
        output_map(np.array([[1.0, 1], [2, 2]]), np.eye(2), "linear")
    with pytest.raises(ParameterError, match="final="):
        output_map(np.eye(2), np.eye(2), "cubic")


def xor():
    X = np.array([[0, 0], [1, 1], [0, 1], [1, 0]], dtype=float)
    return X + 0.0, np.array([0, 0, 1, 1])


@pytest.mark.parametrize("direction", ["barycentre", "margin"])
def test_xor_and_circles_cannot_be_cut_off(direction):
    X, labels = xor()
    with pytest.raises(SeparationError):
        deep_construct(X + [[0.01, 0], [0, 0], [0, 0], [0, 0.02]], labels, coords="raw", direction=direction)
    angle = np.linspace(0, 2 * np.pi, 20, endpoint=False)
    ring = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    circles = np.vstack([ring, 3 * ring + 0.1])
    with pytest.raises(SeparationError):
        deep_construct(circles, np.repeat([0, 1], 20), coords="raw", direction=direction)


def test_duplicates_across_classes_are_never_separated():
    X, labels, _ = ref.clusters(3, 0.05, seed=12)
    X[labels == 1] = X[labels == 0]
    X[labels == 1, 0] += np.linspace(-0.1, 0.2, 12)
    X[np.flatnonzero(labels == 1)[0]] = X[0]
    for direction in ("barycentre", "margin"):
        with pytest.raises(SeparationError, match="hi="):
            deep_construct(X, labels, direction=direction)


def test_a_nearly_closed_gap_warns_about_conditioning():
    X, labels = worst_case(3, 0.5 * np.sqrt(1.5) * (1 - 1e-5))
    with pytest.warns(ConditioningWarning, match="aperture"):
        deep_construct(X, labels)


def test_bad_options_are_refused():
    X, labels, _ = ref.clusters(3, 0.05, seed=0)
    for options in (
        {"coords": "polar"},
        {"order": "best"},
        {"order": [0, 1]},
        {"order": 7},
        {"fraction": 0.0},
        {"fraction": 1.5},
        {"mu": "large"},
        {"direction": "up"},
    ):
        with pytest.raises(ParameterError):
            deep_construct(X, labels, **options)
    with pytest.raises(RankDeficientMeansError):
        deep_construct(np.zeros((4, 2)), [0, 0, 1, 1])


def test_margin_axis_separates_whenever_a_hyperplane_exists():
    rng = np.random.default_rng(0)
    for _ in range(20):
        normal, points = rng.normal(size=3), rng.normal(size=(30, 3))
        inside = points @ normal < 0.1
        points += np.where(inside, -0.05, 0.05)[:, None] * normal
        axis = margin_axis(points, inside)
        assert axis is not None
        assert measure_gap(points, inside, points[inside].mean(axis=0), axis).separates
    X, labels = xor()
    assert margin_axis(X, labels == 0) is None
    assert margin_axis(np.ones((4, 2)), labels == 0) is None


def test_condition_is_the_largest_of_the_inner_layers():
    X, labels, _ = ref.clusters(5, 0.05, seed=2)
    built = deep_construct(X, labels)
    assert built.condition == max(np.linalg.cond(w) for w, _ in built.network.layers[1:-1])
    assert sorted(built.order) == [0, 1, 2, 3, 4]
    assert all(0 < layer.aperture <= 1 for layer in built.layers)
