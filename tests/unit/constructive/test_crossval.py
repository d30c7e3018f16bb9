"""The cross-validation of constructive networks and convex optimum: orderings hold, and broken ones are "
"seen."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import reference_constructive as ref

from convexnn.constructive import cross_validate, gaussian_mixture
from convexnn.constructive.crossval import _absorb_intercept
from convexnn.exceptions import ParameterError
from convexnn.network import ReLUNetwork

BETAS = [1e-3, 1e-2, 1e-1, 1.0]


@pytest.fixture(scope="module")
def mixture():
    return gaussian_mixture(2, 2, 6, 0.2, random_state=3)


@pytest.fixture(scope="module")
def without_solver(mixture):
    return cross_validate(mixture.X, mixture.labels, betas=BETAS, solve=False)


def test_orderings_that_need_no_solver_hold(without_solver):
    assert without_solver.violations() == []
    assert [row.beta for row in without_solver.rows] == BETAS
    assert set(without_solver.rows[0].upper) == {"theorem 3.1", "affine variant", "affine", "clamp"}
    assert all(row.lower is not None for row in without_solver.rows)


def test_least_squares_chain_starts_at_all_patterns_and_ends_at_the_operator_bound(without_solver):
    chain = list(without_solver.least_squares.items())
    assert chain[0][0] == "all patterns"
    assert chain[-1][0] == "operator bound"
    values = [v for _, v in chain]
    assert all(a <= b + 1e-10 for a, b in pairwise(values))


def test_small_beta_favours_the_clamp_network_and_large_beta_the_linear_ones(without_solver):
    small, large = without_solver.rows[0].upper, without_solver.rows[-1].upper
    assert min(small, key=small.get) == "clamp"
    assert max(large, key=large.get) == "clamp"


def test_warm_starts_never_end_above_their_network(without_solver):
    for row in without_solver.rows:
        for name, value in row.upper.items():
            assert row.local[f"from {name}"] <= value * (1 + 1e-9)
            assert row.local[f"from {name}"] >= row.lower * (1 - 1e-9)


def test_broken_orderings_are_reported(without_solver):
    rows = without_solver.rows
    cases = {
        "gated bound": replace(rows[0], lower=1.0),
        "convex optimum": replace(rows[0], primal=5.0, dual=4.9, scope="network"),
        "dual": replace(rows[0], primal=1.0e-3, dual=2.0e-3),
    }
    for word, row in cases.items():
        found = replace(without_solver, rows=(row, *rows[1:])).violations()
        assert any(word in text for text in found)
    chain = {"all patterns": 2.0, "affine": 1.0}
    assert "least squares" in replace(without_solver, least_squares=chain).violations()[0]
    falling = [replace(r, primal=p, dual=p, upper={}, local={}, lower=None) for r, p in zip(rows, (2.0, 1, 1, 1))]
    assert any("P(" in text for text in replace(without_solver, rows=tuple(falling)).violations())
    convex = [replace(r, primal=r.beta**2, dual=r.beta**2, upper={}, local={}, lower=None) for r in rows]
    assert any("concave" in text for text in replace(without_solver, rows=tuple(convex)).violations())


def test_table_has_a_line_per_beta(without_solver):
    lines = without_solver.table().splitlines()
    assert len(lines) == 2 + len(BETAS)
    assert "clamp" in lines[0]
    assert lines[2].startswith("| 0.001 |")


def test_output_bias_becomes_a_neuron_of_the_program():
    rng = np.random.default_rng(0)
    net = ReLUNetwork(rng.normal(size=(3, 2)), rng.normal(size=3), rng.normal(size=(3, 2)), np.array([1.0, -2.0]))
    other = _absorb_intercept(net)
    X = rng.normal(size=(20, 2))
    np.testing.assert_allclose(other.predict(X), net.predict(X), atol=1e-13)
    extra = other.penalty(bias="penalized") - net.penalty(bias="penalized")
    assert extra == pytest.approx(np.sqrt(5.0))
    assert _absorb_intercept(other) is other


def test_free_biases_and_l1_leave_out_what_does_not_exist(mixture):
    free = cross_validate(mixture.X, mixture.labels, betas=BETAS, bias=True, solve=False, n_random=0)
    assert all(row.lower is None for row in free.rows)
    assert free.violations() == []
    l1 = cross_validate(mixture.X, mixture.labels, betas=BETAS, norm="l1", solve=False)
    assert all(row.local == {} for row in l1.rows)
    assert l1.violations() == []


def test_more_samples_than_patterns_can_be_listed_use_sampled_ones():
    X, labels, y = ref.problem(0, n_classes=4, extra=2)
    found = cross_validate(X, labels, targets=y, solve=False, n_random=1)
    assert len(found.rows) == 6
    assert all(row.lower is None for row in found.rows)
    assert found.violations() == []


def test_program_without_biases_is_refused(mixture):
    with pytest.raises(ParameterError, match="have biases"):
        cross_validate(mixture.X, mixture.labels, bias=False, solve=False)
    with pytest.raises(ParameterError, match="betas"):
        cross_validate(mixture.X, mixture.labels, betas=[0.0], solve=False)


@pytest.mark.parametrize("bias", ["penalized", True])
def test_certified_l1_optimum_lies_below_every_constructive_network(mixture, bias):
    found = cross_validate(mixture.X, mixture.labels, betas=BETAS, norm="l1", bias=bias)
    assert found.violations(1e-8) == []
    for row in found.rows:
        assert row.scope == "network"
        assert row.primal - row.dual <= 1e-8 * found.scale
        assert row.primal < min(row.upper.values())
        if bias == "penalized":
            assert row.lower < row.primal


def test_local_searches_of_the_l2_problem_stay_above_the_gated_bound(mixture):
    found = cross_validate(mixture.X, mixture.labels, betas=[1e-2, 1.0], n_random=1)
    assert found.violations(1e-8) == []
    for row in found.rows:
        assert row.local["from convex optimum"] <= row.primal * (1 + 1e-9)
        assert row.lower <= min(row.local.values())


def test_warm_starts_are_worth_it_at_both_ends(mixture):
    """Large beta: the linear networks lead to the best local value; small beta: the clamp network does."""
    found = cross_validate(mixture.X, mixture.labels, betas=[1e-3, 1.0], solve=False, n_random=3)
    small, large = found.rows[0].local, found.rows[1].local
    assert small["from clamp"] <= min(small["from affine"], small["from random"]) * (1 + 1e-6)
    assert large["from theorem 3.1"] <= large["from random"] * (1 + 1e-2)


def test_certified_l2_optimum_of_one_output_lies_below_every_network(mixture):
    """For one output in the plane the l2 optimum is over all networks: no local search may get below it."""
    found = cross_validate(mixture.X, mixture.labels, betas=[1e-2, 1.0], output=1, tol=1e-8)
    assert found.violations(1e-8) == []
    for row in found.rows:
        assert row.scope == "network"
        assert row.lower < row.primal < min(row.upper.values())
        assert min(row.local.values()) <= row.primal * 1.2


def test_constructions_that_do_not_exist_are_left_out():
    """Three classes in the plane have no independent means, and here no clamp either."""
    X = np.array([[0.0, 0.0], [1.0, 0.1], [2.1, 0.0], [2.9, 0.2], [4.2, 0.0], [5.1, 0.3]])
    found = cross_validate(X, [0, 1, 2, 0, 1, 2], betas=BETAS, norm="l1")
    assert set(found.rows[0].upper) == {"affine variant", "affine"}
    assert list(found.least_squares) == ["all patterns", "affine"]
    assert found.violations() == []
