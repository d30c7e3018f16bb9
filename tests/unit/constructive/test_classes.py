"""Class data: means, projector, noise ratios, costs, and the errors for means that do not suffice."""

import numpy as np
import pytest
import reference_constructive as ref

from convexnn.constructive import class_data, shallow_construct
from convexnn.exceptions import ConstructionError, DataError, ParameterError, RankDeficientMeansError


@pytest.mark.parametrize("seed", range(10))
def test_projector_and_penrose_inverse_equal_the_normal_equations(seed):
    X, labels, _ = ref.problem(seed)
    data = class_data(X, labels)
    means = ref.mean_columns(X, labels)
    inverse = ref.pen(means)
    size = np.abs(inverse).max()
    np.testing.assert_allclose(data.means.T, means, atol=1e-14)
    np.testing.assert_allclose(data.factor.pen, inverse, atol=1e-10 * size)
    np.testing.assert_allclose(data.factor.projector, means @ inverse, atol=1e-10 * size)
    np.testing.assert_allclose(data.factor.coordinates(X), X @ inverse.T, atol=1e-10 * size)


@pytest.mark.parametrize("seed", range(5))
def test_noise_ratios_are_the_largest_norms_over_the_samples(seed):
    X, labels, _ = ref.problem(seed)
    data, dx = class_data(X, labels), ref.noise(X, labels)
    means = ref.mean_columns(X, labels)
    assert data.delta == pytest.approx(max(np.linalg.norm(dx, axis=0)), rel=1e-12)
    assert data.delta_p == pytest.approx(max(np.linalg.norm(ref.pen(means) @ dx, axis=0)), rel=1e-8)
    centred = np.linalg.pinv(means - means.mean(axis=1, keepdims=True))
    assert data.delta_c == pytest.approx(max(np.linalg.norm(centred @ dx, axis=0)), rel=1e-8)


def test_delta_p_is_invariant_under_linear_maps_but_not_under_translations():
    X, labels, _ = ref.problem(3, n_classes=3, extra=0)
    k = np.random.default_rng(0).normal(size=(3, 3))
    base = class_data(X, labels)
    mapped, moved = class_data(X @ k * 5.0, labels), class_data(X + 2.0, labels)
    assert mapped.delta_p == pytest.approx(base.delta_p, rel=1e-9)
    assert abs(moved.delta_p - base.delta_p) > 0.01 * base.delta_p
    assert moved.delta_c == pytest.approx(base.delta_c, rel=1e-9)


def test_both_costs_follow_their_definition_and_agree_for_equal_classes():
    X, labels, targets = ref.problem(1)
    outputs = np.random.default_rng(5).normal(size=(len(X), len(targets)))
    data = class_data(X, labels)
    assert data.cost(outputs, targets) == pytest.approx(ref.cost(outputs, labels, targets), rel=1e-12)
    assert data.cost(outputs, targets, "classes") == pytest.approx(
        ref.cost(outputs, labels, targets, by_class=True), rel=1e-12
    )
    X, labels, targets = ref.problem(2, balanced=True)
    data = class_data(X, labels)
    outputs = np.ones((len(X), len(targets)))
    by_class, by_sample = data.cost(outputs, targets, "classes"), data.cost(outputs, targets)
    assert by_class**2 == pytest.approx(len(targets) * by_sample**2, rel=1e-12)


def test_qr_keeps_the_digits_that_the_gram_inverse_loses():
    rng = np.random.default_rng(0)
    left, right = (np.linalg.qr(rng.normal(size=(k, 5)))[0] for k in (8, 5))
    means = left @ np.diag(np.logspace(0, -8, 5)) @ right.T
    X = means.T.copy()
    data = class_data(X, np.arange(5))
    error = np.abs(data.factor.pen @ means - np.eye(5)).max()
    # Normal equations square the condition number 1e8: nothing is left of the identity.
    gram = np.linalg.inv(means.T @ means) @ means.T
    assert error < 1e-6
    assert np.abs(gram @ means - np.eye(5)).max() > 1e-3


def test_a_large_offset_costs_only_its_own_rounding():
    X, labels, _ = ref.problem(4, n_classes=4, extra=2)
    moved = class_data(X + 1e8, labels)
    np.testing.assert_allclose(moved.deviations, class_data(X, labels).deviations, atol=1e-7)
    assert moved.delta_c == pytest.approx(class_data(X, labels).delta_c, rel=1e-6)


def test_balanced_data_without_their_mean_have_dependent_class_means():
    X, labels, _ = ref.problem(0, n_classes=4, extra=3, balanced=True)
    with pytest.raises(RankDeficientMeansError, match="dependent"):
        shallow_construct(X - X.mean(axis=0), labels)


def test_more_classes_than_features_and_a_zero_mean_are_refused():
    X, labels, _ = ref.problem(0, n_classes=4, extra=0)
    with pytest.raises(RankDeficientMeansError, match="Q <= M"):
        shallow_construct(X[:, :3], labels)
    X = X - (labels == 2)[:, None] * X[labels == 2].mean(axis=0)
    with pytest.raises(RankDeficientMeansError, match="s_min / s_max"):
        shallow_construct(X, labels)


def test_affinely_dependent_means_are_refused_by_the_affine_factor():
    labels = np.repeat([0, 1, 2], 2)
    X = labels[:, None] * np.array([[1.0, 2.0]]) + np.tile([[0.1], [-0.1]], (3, 1))
    with pytest.raises(RankDeficientMeansError, match="affinely"):
        _ = class_data(X, labels).affine_factor
    with pytest.raises(RankDeficientMeansError, match=r"Q <= M \+ 1"):
        _ = class_data(X[:, :1], labels).affine_factor


def test_bad_labels_and_targets_are_refused_with_a_reason():
    X, labels, _ = ref.problem(0, n_classes=3, extra=0)
    with pytest.raises(ConstructionError, match="two classes"):
        class_data(X, np.zeros(len(X)))
    with pytest.raises(ConstructionError, match="no sample"):
        class_data(X, labels, classes=[0, 1, 2, 3])
    with pytest.raises(DataError, match="not in classes"):
        class_data(X, labels, classes=[0, 1])
    with pytest.raises(DataError, match="one label per row"):
        class_data(X, labels[:-1])
    with pytest.raises(DataError, match="NaN"):
        class_data(X, np.where(labels == 0, np.nan, labels))
    with pytest.raises(ConstructionError, match="singular"):
        shallow_construct(X, labels, targets=np.ones((3, 3)))
    with pytest.raises(ConstructionError, match="shape"):
        shallow_construct(X, labels, targets=np.eye(2))
    with pytest.raises(ParameterError, match="weighting"):
        class_data(X, labels).weights("nonsense")


def test_labels_of_any_kind_keep_their_order_and_names():
    X, labels, _ = ref.problem(7, n_classes=3, extra=0)
    names = np.array(["c", "a", "b"])
    data = class_data(X, names[labels], classes=names)
    assert data.names == ["c", "a", "b"]
    np.testing.assert_array_equal(data.labels, labels)
    assert class_data(X, names[labels]).names == ["a", "b", "c"]


@pytest.mark.parametrize("size", [1e200, 1e308, 1e-200, 1e-310])
def test_sizes_beyond_the_range_of_squares_are_refused(size):
    X, labels, _ = ref.problem(7, n_classes=3, extra=0)
    with pytest.raises(DataError, match="units"):
        class_data(X / np.abs(X).max() * size, labels)


@pytest.mark.parametrize("size", [1e-140, 1e-12, 1e12, 1e140])
def test_units_do_not_change_the_ratios(size):
    X, labels, _ = ref.problem(7, n_classes=3, extra=0)
    base, scaled = class_data(X, labels), class_data(X * size, labels)
    assert scaled.delta_p == pytest.approx(base.delta_p, rel=1e-9)
    assert scaled.delta_c == pytest.approx(base.delta_c, rel=1e-9)


def test_class_data_made_before_serve_every_function():
    X, labels, y = ref.problem(2)
    data = class_data(X, labels)
    assert class_data(data, labels) is data
    one, two = shallow_construct(data, labels, targets=y), shallow_construct(X, labels, targets=y)
    np.testing.assert_array_equal(one.network.output_weights, two.network.output_weights)
