"""The search over truncations: its gradient, and what it gains over the linear regime."""

import numpy as np
import pytest
import reference_constructive as ref

from convexnn.constructive import best_truncation, linear_optimum
from convexnn.constructive.search import _Problem


def test_gradient_of_the_reduced_cost_agrees_with_finite_differences():
    X, labels, y = ref.problem(0, n_classes=3, extra=0)
    weights = np.array([1.0 / (labels == j).sum() for j in labels])
    problem = _Problem(X, y[labels], weights)
    theta = np.random.default_rng(1).normal(size=12)
    value, gradient = problem.gradient(theta, 3)
    hidden = np.maximum(X @ theta[:9].reshape(3, 3).T + theta[9:], 0)
    features = np.hstack([hidden, np.ones((len(X), 1))])
    assert value == pytest.approx(ref.least_squares_cost(features, labels, y, True) ** 2, rel=1e-8)
    h = 1e-6
    for k in range(12):
        step = h * np.eye(12)[k]
        numeric = (problem.gradient(theta + step, 3)[0] - problem.gradient(theta - step, 3)[0]) / (2 * h)
        assert gradient[k] == pytest.approx(numeric, abs=2e-5 * np.abs(gradient).max())


@pytest.mark.parametrize(("q", "std"), [(2, 0.3), (3, 0.2), (4, 0.3), (5, 0.2)])
def test_search_beats_the_linear_regime_by_a_margin(q, std):
    X, labels, _ = ref.clusters(q, std, seed=q, n=15)
    found = best_truncation(X, labels)
    linear = linear_optimum(X, labels)
    assert found.affine_cost == pytest.approx(linear.affine_value, rel=0.2)
    assert found.cost <= min(found.start_costs) + 1e-12
    assert found.cost < found.candidate_cost <= 0.95 * found.affine_cost
    assert found.network.n_neurons == q
    measured = ref.cost(found.network.predict(X), labels, np.eye(q), by_class=True)
    assert measured == pytest.approx(found.cost, abs=1e-9)


def test_two_separable_classes_reach_zero_cost_with_two_neurons():
    X, labels, _ = ref.clusters(2, 0.15, seed=0)
    assert best_truncation(X, labels, n_random=12).cost < 1e-6


def test_same_seed_same_network():
    X, labels, _ = ref.clusters(3, 0.3, seed=3)
    one, two = (best_truncation(X, labels, random_state=4) for _ in range(2))
    np.testing.assert_array_equal(one.network.hidden_weights, two.network.hidden_weights)
