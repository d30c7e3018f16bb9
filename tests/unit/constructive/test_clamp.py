"""The clamp network: zero cost with 2 (Q - 1) neurons, for any dimension, when classes are separable from "
"the rest."""

import numpy as np
import pytest
import reference_constructive as ref

from convexnn.constructive import clamp_construct, class_data, linear_regime
from convexnn.exceptions import ParameterError, SeparationError


@pytest.mark.parametrize("seed", range(20))
def test_zero_cost_whenever_delta_is_below_one_half(seed):
    X, labels, y = ref.problem(seed)
    data = class_data(X, labels)
    # Shrink the deviations until the noise ratio is 0.45, just inside the condition.
    X = X - (1 - 0.45 / data.delta_c) * data.deviations
    assert class_data(X, labels).delta_c == pytest.approx(0.45, rel=1e-9)
    built = clamp_construct(X, labels, targets=y, direction="means")
    assert built.network.n_neurons == 2 * (len(y) - 1)
    assert ref.cost(built.network.predict(X), labels, y) < 1e-9
    assert built.cost < 1e-9


def test_the_width_two_q_minus_two_is_below_the_bound_of_theorem_3_1():
    X, labels, _ = ref.clusters(3, 0.1, seed=0)
    assert clamp_construct(X, labels).cost < 1e-12 < 0.1 < linear_regime(X, labels).mean_map


def test_more_classes_than_dimensions():
    angle = 2 * np.pi * np.arange(5) / 5
    labels = np.repeat(np.arange(5), 8)
    X = 4 * np.stack([np.cos(angle), np.sin(angle)], axis=1)[labels]
    X = X + 0.1 * np.random.default_rng(0).normal(size=X.shape)
    assert clamp_construct(X, labels).cost < 1e-12


def test_clamps_hold_the_margins_they_state():
    X, labels, _ = ref.clusters(4, 0.08, seed=1)
    names = np.array(list("abcd"))[labels]
    built = clamp_construct(X, names, drop="b")
    assert built.dropped == "b"
    assert [c.label for c in built.clamps] == ["a", "c", "d"]
    for clamp in built.clamps:
        along = X @ clamp.normal
        on = names == clamp.label
        assert (along[~on].max(), along[on].min()) == pytest.approx((clamp.lo, clamp.hi))
        assert clamp.lo < clamp.hi
        assert clamp.margin == pytest.approx((clamp.hi - clamp.lo) / np.linalg.norm(clamp.normal))


def test_one_class_may_lie_between_the_others_but_not_two():
    X = np.array([[0.0], [1.0], [2.0], [3.0]])
    assert clamp_construct(X[:3], [0, 1, 2]).dropped == 1
    with pytest.raises(SeparationError, match="only one class"):
        clamp_construct(X, [0, 1, 2, 3])
    with pytest.raises(SeparationError):
        clamp_construct(X[:3], [0, 1, 2], drop=0)


def test_means_alone_fail_where_linear_programs_succeed():
    rng = np.random.default_rng(1)
    labels = np.repeat([0, 1], 30)
    X = np.stack([6 * rng.normal(size=60), 0.1 * rng.normal(size=60) + labels], axis=1)
    with pytest.raises(SeparationError):
        clamp_construct(X, labels, direction="means")
    assert clamp_construct(X, labels, direction="margin").cost < 1e-12
    assert clamp_construct(X, labels).cost < 1e-12


def test_xor_and_bad_names_are_refused():
    X, labels = np.array([[0.0, 0], [1, 1], [0, 1], [1, 0.1]]), [0, 0, 1, 1]
    with pytest.raises(SeparationError):
        clamp_construct(X, labels)
    with pytest.raises(ParameterError, match="drop="):
        clamp_construct(X, labels, drop=5)
    with pytest.raises(ParameterError, match="direction="):
        clamp_construct(X, labels, direction="up")
