"""Theorem 3.3: nearest class mean in a metric, exact everywhere only with the clip."""

import numpy as np
import pytest
import reference_constructive as ref

from convexnn.constructive import shallow_affine, shallow_construct, shallow_metric
from convexnn.exceptions import ParameterError


@pytest.fixture(scope="module")
def setting():
    X, labels, y = ref.problem(12, n_classes=4, extra=2)
    built = shallow_construct(X, labels, targets=y)
    far = 12 * np.random.default_rng(0).normal(size=(10_000, 6))
    direct = np.array([np.linalg.norm(built.network.predict(far) - t, axis=1) for t in y]).T
    return built, shallow_metric(built), far, direct


def test_clipped_metric_equals_the_distance_to_the_target_everywhere(setting):
    _, metric, far, direct = setting
    np.testing.assert_allclose(metric.costs(far), direct, rtol=1e-11)
    np.testing.assert_array_equal(metric.classify(far), direct.argmin(axis=1))


def test_unclipped_metric_holds_where_the_ramp_does_not_cut_and_fails_elsewhere(setting):
    _, metric, far, direct = setting
    cut = metric.is_cut(far)
    assert 500 < cut.sum() < 9_500
    plain = metric.costs(far, clipped=False)
    np.testing.assert_allclose(plain[~cut], direct[~cut], rtol=1e-11)
    assert (plain[cut].argmin(axis=1) != direct[cut].argmin(axis=1)).sum() > 10


def test_metric_is_a_metric_on_the_span_of_the_means(setting):
    _, metric, far, _ = setting
    x, y, z = far[:300], far[300:600], far[600:900]
    np.testing.assert_allclose(metric.distance(x, y), metric.distance(y, x))
    assert (metric.distance(x, z) <= metric.distance(x, y) + metric.distance(y, z) + 1e-9).all()
    inside = x @ metric.basis @ metric.basis.T
    np.testing.assert_allclose(metric.distance(x, inside), 0, atol=1e-10)
    assert (metric.distance(inside, y @ metric.basis @ metric.basis.T) > 0).all()


def test_with_unit_targets_the_nearest_mean_is_the_largest_output_and_ties_go_first():
    X, labels, _ = ref.clusters(3, 0.05, seed=0)
    built = shallow_construct(X, labels)
    metric = shallow_metric(built)
    points = np.random.default_rng(1).normal(size=(1000, 3))
    np.testing.assert_array_equal(metric.classify(points), built.network.predict(points).argmax(axis=1))
    exact = shallow_metric(shallow_construct(np.eye(2), [0, 1]))
    assert exact.classify([[0.5, 0.5]]).tolist() == [0]


def test_metric_of_another_construction_is_refused():
    X, labels, _ = ref.clusters(3, 0.05, seed=0)
    with pytest.raises(ParameterError, match=r"Theorem 3\.3"):
        shallow_metric(shallow_affine(X, labels))
