"""NeuronSet: the one container of neurons, against lists of neurons handled one by one."""

from __future__ import annotations

import numpy as np
import pytest

from convexnn.network.neurons import NeuronSet

rng = np.random.default_rng(0)


def some(m: int, c: int = 2) -> NeuronSet:
    normals = rng.standard_normal((m, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    rows = np.sort(rng.integers(-1, 9, (m, 2)), axis=1)
    return NeuronSet(normals, rng.standard_normal(m), rows, rng.standard_normal((m, c)), rng.standard_normal(c))


def test_selection_keeps_what_belongs_together():
    neurons = some(6)
    for which in ([3, 0], np.array([True, False, True, False, False, True]), slice(2)):
        part = neurons.select(which)
        for name in ("normals", "offsets", "rows", "coef"):
            np.testing.assert_array_equal(getattr(part, name), getattr(neurons, name)[which])
        np.testing.assert_array_equal(part.intercept, neurons.intercept)


def test_joined_sets_stand_side_by_side_with_the_first_intercept():
    first, second = some(3), some(4)
    both = first.joined(second)
    assert len(both) == 7
    np.testing.assert_array_equal(both.coef, np.concatenate([first.coef, second.coef]))
    np.testing.assert_array_equal(both.intercept, first.intercept)
    # An oracle's answer has one column of zeros, however many outputs there are.
    answer = NeuronSet.found(second.normals, second.offsets, second.rows)
    np.testing.assert_array_equal(first.joined(answer).coef[3:], np.zeros((4, 2)))
    assert len(NeuronSet.empty(3, 2, [1.0, 2.0]).joined(first)) == 3


def test_neurons_without_coefficient_are_not_active():
    neurons = some(5)
    coef = neurons.coef.copy()
    coef[[1, 4]] = 0.0
    coef[2, 0] = 0.0  # one output still uses it
    active = neurons.with_coef(coef).active()
    np.testing.assert_array_equal(active.offsets, neurons.offsets[[0, 2, 3]])


def test_moved_neurons_pass_through_no_row():
    neurons = some(4)
    moved = neurons.moved(neurons.normals[:2], neurons.offsets[:2], neurons.coef[:2], neurons.intercept)
    assert moved.rows.shape == (2, 2)
    assert (moved.rows == -1).all()


@pytest.mark.parametrize("ties", [False, True])
def test_contains_is_equality_to_rounding(ties):
    """The same as comparing every pair, also where many neurons share an offset (no biases)."""
    mine, theirs = some(30), some(20)
    offsets = np.zeros(30) if ties else mine.offsets
    mine = NeuronSet.found(mine.normals, offsets)
    normals = np.concatenate([theirs.normals, mine.normals[:7] * (1 + 1e-16), -mine.normals[:3], mine.normals[:2]])
    shifts = np.concatenate([np.zeros(20) if ties else theirs.offsets, offsets[:7], offsets[:3], offsets[:2] + 1e-3])
    others = NeuronSet.found(normals, shifts)
    direct = [
        any(u @ w >= 1 - 4e-16 and abs(b - c) <= 1e-15 for u, b in zip(mine.normals, mine.offsets))
        for w, c in zip(others.normals, others.offsets)
    ]
    np.testing.assert_array_equal(mine.contains(others), direct)
    assert sum(direct) == 7
    assert not NeuronSet.empty(3, 1).contains(others).any()
    assert mine.contains(NeuronSet.empty(3, 1)).shape == (0,)
