"""The truncation map, Theorem 3.5, and why rank preservation depends on the choice of the origin."""

import numpy as np
import pytest
import reference_constructive as ref

from convexnn.constructive import linear_optimum, rank_report, truncate, truncation_optimum
from convexnn.exceptions import ConstructionError


def layer(seed, m):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(m, m)) + 2 * np.eye(m), rng.normal(size=m)


@pytest.mark.parametrize("seed", range(10))
def test_truncation_is_a_projection_seen_by_the_layer(seed):
    X = np.random.default_rng(seed).normal(size=(50, 4))
    w, b = layer(seed, 4)
    once = truncate(X, w, b)
    np.testing.assert_allclose(once, ref.truncation(w, b, X), atol=1e-12)
    np.testing.assert_allclose(truncate(once, w, b), once, atol=1e-12)
    np.testing.assert_allclose(np.maximum(X @ w.T + b, 0), once @ w.T + b, atol=1e-12)


def test_truncation_is_the_identity_on_its_cone_and_the_apex_on_the_opposite_one():
    w, b = layer(3, 4)
    edges, apex = np.linalg.inv(w), -np.linalg.solve(w, b)
    steps = np.random.default_rng(0).uniform(0.1, 3, size=(40, 4))
    inside, outside = apex + steps @ edges.T, apex - steps @ edges.T
    np.testing.assert_allclose(truncate(inside, w, b), inside, atol=1e-12)
    np.testing.assert_allclose(truncate(outside, w, b), np.tile(apex, (40, 1)), atol=1e-12)
    clipped = steps.copy()
    clipped[:, 1] = 0
    mixed = apex + (steps * [1, -1, 1, 1]) @ edges.T
    np.testing.assert_allclose(truncate(mixed, w, b), apex + clipped @ edges.T, atol=1e-12)


def test_a_layer_that_is_not_square_uses_the_pseudo_inverse():
    rng = np.random.default_rng(0)
    X, w, b = rng.normal(size=(30, 5)), rng.normal(size=(3, 5)), rng.normal(size=3)
    expected = (np.maximum(X @ w.T + b, 0) - b) @ np.linalg.pinv(w).T
    np.testing.assert_allclose(truncate(X, w, b), expected, atol=1e-12)
    with pytest.raises(ConstructionError, match="bias has shape"):
        truncate(X, w, np.zeros(4))


def test_theorem_3_5_is_theorem_3_2_on_truncated_data_and_the_free_bias_is_better():
    seen = 0
    for seed in range(60):
        X, labels, y = ref.problem(seed, extra=0)
        w, b = layer(seed, X.shape[1])
        found = truncation_optimum(X, labels, w, b + 1.0, targets=y)
        if not found.ranks.rank_preserving:
            continue
        seen += 1
        moved = linear_optimum(truncate(X, w, b + 1.0), labels, targets=y)
        assert found.paper_value == pytest.approx(moved.paper_value, rel=1e-6)
        assert found.value == pytest.approx(moved.affine_value, rel=1e-6)
        # A neuron that is off for all samples makes a linear function constant: the intercept is then free already.
        off = (np.maximum(X @ w.T + b + 1.0, 0) == 0).all(axis=0).any()
        assert off or found.value < found.paper_value * (1 - 1e-6)
        assert found.value <= found.paper_value * (1 + 1e-9)
        by_class = {"by_class": True}
        assert ref.cost(found.network.predict(X), labels, y, **by_class) == pytest.approx(found.value, rel=1e-8)
        assert ref.cost(found.paper_network.predict(X), labels, y, **by_class) == pytest.approx(
            found.paper_value, rel=1e-7
        )
    assert seen > 30


def test_remark_3_6_fails_with_a_free_bias_because_rank_depends_on_the_origin():
    """A shift of the origin keeps function class and costs, but makes the truncated means dependent."""
    X, labels, _ = ref.clusters(3, 0.2, seed=1)
    w, b = layer(4, 3)
    b = b + 1.0
    means = ref.mean_columns(truncate(X, w, b), labels).T
    origin = np.array([0.5, 0.3, 0.2]) @ means
    here = truncation_optimum(X, labels, w, b)
    there = truncation_optimum(X - origin, labels, w, b + w @ origin)
    original = [np.linalg.svd(ref.mean_columns(Z, labels), compute_uv=False)[-1] for Z in (X, X - origin)]
    assert min(original) > 0.02
    assert there.value == pytest.approx(here.value, rel=1e-9)
    assert here.ranks.rank_preserving
    assert not there.ranks.rank_preserving
    assert here.ranks.affinely_preserving
    assert there.ranks.affinely_preserving


def test_ranks_are_those_of_the_truncated_samples_and_means():
    X, labels, _ = ref.clusters(3, 0.1, seed=2)
    collapsed = rank_report(X, labels, np.eye(3), np.full(3, -10.0))
    assert (collapsed.means, collapsed.affine_means) == (1, 1)
    assert not collapsed.affinely_preserving
    untouched = rank_report(X, labels, np.eye(3), np.full(3, 10.0))
    assert (untouched.data, untouched.means, untouched.affine_means) == (3, 3, 3)
    assert untouched.rank_preserving
