"""Sequentially separable classes: an order is found whenever one exists, and the network has zero cost."""

import numpy as np
import pytest
import reference_constructive as ref

from convexnn.constructive import clamp_construct, sequential_construct, sequential_order
from convexnn.exceptions import ConditioningWarning, SeparationError


def blobs(m, q, seed):
    rng = np.random.default_rng(seed)
    means = 4 * rng.normal(size=(q, m)) if m > 1 else 3.0 * np.arange(q)[:, None]
    labels = np.repeat(np.arange(q), 12)
    return means[labels] + 0.1 * rng.normal(size=(len(labels), m)), labels


@pytest.mark.filterwarnings("ignore::convexnn.exceptions.ConditioningWarning")
@pytest.mark.parametrize(
    ("m", "q", "tol"),
    [(2, 3, 1e-9), (2, 5, 1e-9), (2, 8, 1e-7), (3, 6, 1e-9), (5, 4, 1e-9), (10, 10, 1e-9), (1, 4, 1e-9), (1, 2, 1e-9)],
)
def test_zero_cost_in_any_dimension(m, q, tol):
    X, labels = blobs(m, q, seed=2)
    rng = np.random.default_rng(0)
    y = rng.normal(size=(q, q)) + 3 * np.eye(q)
    built = sequential_construct(X, labels, targets=y)
    assert ref.cost(ref.forward(built.network.layers, X), labels, y) <= tol
    assert built.network.widths == (max(m + 1, q - 1),) * q
    distances = built.distances(X)
    np.testing.assert_array_equal(distances.argmin(axis=1), labels)


def test_classes_in_a_row_have_an_order_although_no_clamp_exists():
    X, labels = blobs(1, 5, seed=0)
    with pytest.raises(SeparationError):
        clamp_construct(X, labels)
    steps = sequential_order(X, labels)
    assert sorted(s.index for s in steps) == [0, 1, 2, 3, 4]
    left = set(range(5))
    for step in steps[:-1]:
        along = X @ step.normal
        rest = np.isin(labels, list(left - {step.index}))
        assert along[labels == step.index].max() == pytest.approx(step.hi)
        assert along[rest].min() == pytest.approx(step.lo)
        assert step.hi < step.lo
        left.remove(step.index)


def test_a_class_round_another_is_reached_from_outside():
    """The inner class is separable only after the four outer ones are gone; the greedy search finds that."""
    outer = np.array([[3.0, 0], [0, 3], [-3, 0], [0, -3]])
    X = np.vstack([np.zeros((1, 2)), outer])
    built = sequential_construct(X, [4, 0, 1, 2, 3])
    assert built.cost < 1e-9


@pytest.mark.parametrize("name", ["xor", "circles"])
def test_xor_and_concentric_circles_have_no_order(name):
    angle = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    ring = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    X = np.array([[0.0, 0], [1, 1], [0, 1], [1, 0]]) if name == "xor" else np.vstack([ring, 2 * ring])
    labels = [0, 0, 1, 1] if name == "xor" else np.repeat([0, 1], 12)
    with pytest.raises(SeparationError, match="no order"):
        sequential_construct(X, labels)
    with pytest.raises(SeparationError):
        sequential_order(X, labels)


def test_narrow_margins_warn():
    X = np.array([[0.0, 0.0], [0.0, 1.0], [1e-7, 0.0], [1e-7, 1.0]])
    with pytest.warns(ConditioningWarning):
        sequential_construct(X, [0, 0, 1, 1])


def test_same_seed_same_network():
    X, labels = blobs(2, 4, seed=1)
    one, two = (sequential_construct(X, labels, random_state=3) for _ in range(2))
    np.testing.assert_array_equal(one.network.layers[2][0], two.network.layers[2][0])


def test_few_samples_of_many_features_keep_the_layers_narrow():
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(4), 5)
    X = rng.normal(size=(4, 300))[labels] + 0.1 * rng.normal(size=(20, 300))
    built = sequential_construct(X, labels)
    assert built.network.widths == (20,) * 4
    assert built.cost <= 1e-9


def test_classes_that_the_means_do_not_separate_need_linear_programs():
    rng = np.random.default_rng(1)
    labels = np.repeat([0, 1], 30)
    X = np.stack([6 * rng.normal(size=60), 0.1 * rng.normal(size=60) + labels], axis=1)
    step = sequential_order(X, labels)[0]
    along = X @ step.normal
    assert along[labels == step.index].max() == pytest.approx(step.hi)
    assert sequential_construct(X, labels).cost <= 1e-9
