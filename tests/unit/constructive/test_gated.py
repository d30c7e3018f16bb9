"""The gated relaxation: complete lists of patterns, and bounds that no network can cross."""

import itertools

import cvxpy as cp
import numpy as np
import pytest
from scipy.optimize import linprog

from convexnn.constructive.gated import (
    all_patterns,
    cover_count,
    gated_least_squares,
    gated_lower_bound,
    sampled_patterns,
)
from convexnn.constructive.local import local_search
from convexnn.exceptions import ConstructionError
from convexnn.network import ReLUNetwork


def rows(n, seed=0):
    return np.hstack([np.random.default_rng(seed).normal(size=(n, 2)), np.ones((n, 1))])


def realisable(points, pattern):
    """Whether a normal has this sign pattern, by a linear program."""
    sign = np.where(pattern, 1.0, -1.0)[:, None]
    return linprog(np.zeros(3), A_ub=-sign * points, b_ub=-np.ones(len(points)), bounds=(None, None)).status == 0


def test_list_of_patterns_is_complete():
    points = rows(6)
    expected = {p for p in itertools.product((False, True), repeat=6) if realisable(points, np.array(p))}
    found = {tuple(bool(v) for v in p) for p in all_patterns(points)}
    assert found == expected
    assert len(found) == cover_count(6, 3)
    assert cover_count(12, 3) == 134
    assert len(all_patterns(rows(12))) == 134


def test_degenerate_or_large_data_are_refused():
    with pytest.raises(ConstructionError, match="degenerate"):
        all_patterns(np.hstack([np.repeat(np.eye(2), 3, axis=0), np.ones((6, 1))]))
    with pytest.raises(ConstructionError, match="fewer samples"):
        all_patterns(rows(500))


def test_sampled_patterns_are_real_and_contain_all_ones():
    points = rows(8)
    known = {tuple(p) for p in all_patterns(points)}
    drawn = sampled_patterns(points, 50)
    assert drawn[0].all()
    assert {tuple(p) for p in drawn} <= known | {(True,) * 8}


@pytest.mark.parametrize("norm", ["l1", "l2"])
@pytest.mark.parametrize("beta", [1.0, 0.1, 0.01])
def test_no_network_is_below_the_bound(norm, beta):
    points, rng = rows(10), np.random.default_rng(1)
    wanted = np.eye(2)[rng.integers(0, 2, 10)]
    bound = gated_lower_bound(points, wanted, all_patterns(points), beta, norm=norm)
    assert bound > 0
    zero = 0.5 * (wanted**2).sum()
    assert bound <= zero
    for width in (2, 6, 20):
        for _ in range(3):
            net = ReLUNetwork(
                rng.normal(size=(width, 2)), rng.normal(size=width), rng.normal(size=(width, 2)) / width, np.zeros(2)
            )
            net = local_search(net, points[:, :2], wanted, beta=beta)
            value = net.objective(points[:, :2], wanted, beta=beta, norm=norm, bias="penalized")
            assert value >= bound * (1 - 1e-9)


@pytest.mark.parametrize("norm", ["l1", "l2"])
def test_bound_is_below_the_optimum_of_the_gated_program_and_near_it(norm):
    """The gated program solved as a cone program; 1600 steps of the accelerated method leave half a per "
    "cent."""
    points = rows(8, seed=3)
    wanted = np.eye(2)[np.arange(8) % 2]
    patterns = all_patterns(points)
    blocks = [cp.Variable((3, 2)) for _ in patterns]
    fit = sum(np.diag(p.astype(float)) @ points @ v for p, v in zip(patterns, blocks))
    size = cp.normNuc if norm == "l2" else (lambda v: cp.sum(cp.abs(v)))
    penalty = 0.3 * sum(size(v) for v in blocks)
    exact = cp.Problem(cp.Minimize(0.5 * cp.sum_squares(fit - wanted) + penalty)).solve(solver=cp.CLARABEL)
    values = [gated_lower_bound(points, wanted, patterns, 0.3, norm=norm, n_steps=k) for k in (50, 1600)]
    assert values[0] <= values[1] <= exact * (1 + 1e-6)
    assert values[1] > 0.99 * exact


def test_least_squares_over_patterns_never_exceeds_affine_least_squares():
    points = rows(30)
    wanted = np.random.default_rng(2).normal(size=(30, 2))
    affine = wanted - points @ np.linalg.pinv(points) @ wanted
    few = gated_least_squares(points, wanted, np.ones((1, 30), dtype=bool))
    more = gated_least_squares(points, wanted, sampled_patterns(points, 5))
    most = gated_least_squares(points, wanted, sampled_patterns(points, 300))
    assert few == pytest.approx(0.5 * (affine**2).sum(), rel=1e-10)
    assert most <= more <= few
    assert most < 1e-20


@pytest.mark.parametrize("bias", ["penalized", True])
def test_local_search_never_ends_above_its_start(bias):
    rng = np.random.default_rng(0)
    X, wanted = rng.normal(size=(20, 3)), rng.normal(size=(20, 2))
    for _ in range(5):
        net = ReLUNetwork(rng.normal(size=(6, 3)), rng.normal(size=6), rng.normal(size=(6, 2)), np.zeros(2))
        after = local_search(net, X, wanted, beta=0.1, bias=bias)
        before = net.objective(X, wanted, beta=0.1, bias=bias)
        assert after.objective(X, wanted, beta=0.1, bias=bias) < before
        if bias == "penalized":
            np.testing.assert_array_equal(after.intercept, 0)


def test_unpenalised_optimum_is_invariant_under_affine_maps_of_the_samples():
    rng = np.random.default_rng(4)
    points, wanted = rows(9, seed=4), rng.normal(size=(9, 2))
    moved = points.copy()
    moved[:, :2] = points[:, :2] @ rng.normal(size=(2, 2)) + [3.0, -1.0]
    one, two = (sorted(map(tuple, all_patterns(p))) for p in (points, moved))
    assert one == two
    few = np.array(one[::9])
    assert gated_least_squares(moved, wanted, few) == pytest.approx(gated_least_squares(points, wanted, few), abs=1e-10)
