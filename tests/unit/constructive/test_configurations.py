"""Of the 2^Q configurations only two are stationary: nothing collapsed, and everything collapsed."""

import numpy as np
import pytest
import reference_constructive as ref

from convexnn.constructive import configuration, configurations, gradient_descent, linear_optimum
from convexnn.exceptions import ParameterError, SeparationError


@pytest.fixture(scope="module")
def setting():
    X, labels, _ = ref.clusters(3, 0.1, seed=0, n=20)
    return X, labels, configurations(X, labels)


def test_all_subsets_are_there_and_their_kinds_are_right(setting):
    _, _, found = setting
    assert len(found) == 8
    assert found[0].collapsed == ()
    assert found[-1].collapsed == (0, 1, 2)
    assert [c.kind for c in found] == ["local minimum", *["constrained"] * 6, "global minimum"]


def test_values_are_the_least_squares_of_the_truncated_data_and_the_costs_of_the_networks(setting):
    X, labels, found = setting
    eye, ones = np.eye(3), np.ones((len(X), 1))
    for c in found:
        free = ref.least_squares_cost(np.hstack([c.truncated, ones]), labels, eye, False)
        tied = ref.least_squares_cost(c.truncated, labels, eye, False)
        assert c.value == pytest.approx(free, abs=1e-9)
        assert c.paper_value == pytest.approx(tied, abs=1e-9)
        assert ref.cost(c.network.predict(X), labels, eye) == pytest.approx(c.value, abs=1e-9)
        assert ref.cost(c.paper_network.predict(X), labels, eye) == pytest.approx(c.paper_value, abs=1e-9)


def test_everything_collapsed_has_zero_cost(setting):
    assert setting[2][-1].value < 1e-12


def test_nothing_collapsed_is_the_affine_optimum_and_stationary_only_with_a_free_bias(setting):
    X, labels, found = setting
    best = linear_optimum(X, labels, weighting="samples")
    assert found[0].value == pytest.approx(best.affine_value, rel=1e-9)
    assert found[0].paper_value == pytest.approx(best.paper_value, rel=1e-9)
    assert found[0].hidden_gradient < 1e-12
    assert found[0].paper_hidden_gradient > 1e-2


def test_partly_collapsed_configurations_are_not_stationary(setting):
    """The claim of 2^Q - 1 local minima fails: the gradient is far from zero, and descent lowers the cost."""
    X, labels, found = setting
    for c in found[1:-1]:
        assert c.hidden_gradient > 1e-2
        went = gradient_descent(c.network, X, labels, rate=1e-3, n_steps=400)
        assert went.costs[-1] < c.value * (1 - 1e-2)


def test_descent_lowers_a_partly_collapsed_cost_inside_the_same_activation_cell(setting):
    X, labels, found = setting
    cell = [a > 0 for a in found[1].network.activations(X)]
    went = gradient_descent(found[1].network, X, labels, rate=1e-4, n_steps=20)
    assert all((a == (b > 0)).all() for a, b in zip(cell, went.network.activations(X)))
    assert went.costs[-1] < went.costs[0] - 1e-6


def test_value_depends_on_the_depth_of_the_collapsed_class_and_can_exceed_the_linear_regime(setting):
    X, labels, found = setting
    values = [configuration(X, labels, [0], fraction=f).value for f in (0.2, 0.5, 0.8)]
    assert np.ptp(values) > 1e-3
    assert max(values) > found[0].value


def test_unknown_labels_and_inseparable_classes_are_refused():
    X, labels, _ = ref.clusters(3, 0.1, seed=0)
    with pytest.raises(ParameterError, match="not among"):
        configuration(X, labels, [7])
    with pytest.raises(SeparationError):
        configuration(X * 0.01 + np.random.default_rng(0).normal(size=X.shape), labels, [0])
