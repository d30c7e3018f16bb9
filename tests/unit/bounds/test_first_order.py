"""The first-order method: its gradient, its agreement with the interior-point method, and its safety."""

from __future__ import annotations

import numpy as np
import pytest

import convexnn
from convexnn.bounds.features import MomentMaps
from convexnn.bounds.lagrangian import Factors, Lagrangian, best_between
from convexnn.bounds.moment_problem import MomentProblem
from convexnn.bounds.pieces import slices
from convexnn.bounds.relaxation import BoundParams
from convexnn.certificate.lower_bound import check_lower_bound, lower_bound
from convexnn.losses import LOSSES

FIRST_ORDER = BoundParams(interior_step=0.0)
INTERIOR = BoundParams(interior_step=1e12)


def point_of(seed, bias, loss="squared_error"):
    """A relaxation of two features and two outputs, and a random point."""
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((9, 2)) / 3
    y = rng.standard_normal((9, 2))
    y = np.sign(y) if loss == "log_loss_multilabel" else y
    reach = np.linalg.norm(rows, axis=1)
    pieces = tuple(slices(reach, 2 if bias else 0, 2))
    rows = np.column_stack([rows, np.ones(9)]) if bias else rows
    problem = MomentProblem(MomentMaps(rows), LOSSES[loss](y), np.array([0.7, 0.4]), bias, pieces)
    L = rng.standard_normal((len(pieces), 3, rows.shape[1] + 1))
    return problem, Factors(np.zeros(2), L, np.full(len(pieces), 0.3), np.full(len(pieces), 0.2 * bias))


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("loss", ["squared_error", "huber(0.7)", "log_loss_multilabel"])
def test_gradient_against_differences(bias, loss):
    problem, point = point_of(1, bias, loss)
    lagrangian = Lagrangian(problem, 0.1, 0.05, np.full(len(problem.pieces), 2.0))
    x = point.packed()
    _, gradient = lagrangian(x, point)
    for k in range(0 if bias else 2, len(x)):
        step = np.zeros_like(x)
        step[k] = 1e-5
        slope = (lagrangian(x + step, point)[0] - lagrangian(x - step, point)[0]) / 2e-5
        assert gradient[k] == pytest.approx(slope, abs=2e-6 * max(1.0, np.abs(gradient).max()))


@pytest.mark.parametrize("loss", ["squared_error", "poisson", "squared_hinge"])
def test_best_outputs_between_two_ends(loss):
    rng = np.random.default_rng(2)
    y = rng.standard_normal((40, 1))
    y = np.sign(y) if loss == "squared_hinge" else np.exp(y) if loss == "poisson" else y
    bound = LOSSES[loss](y)
    low = rng.standard_normal((40, 1))
    high = low + rng.exponential(size=(40, 1))
    best = bound.value(best_between(bound, low, high))
    grid = np.linspace(0, 1, 2001)
    reference = sum(
        min(LOSSES[loss](y[i : i + 1]).value(np.array([[low[i, 0] + t * (high - low)[i, 0]]])) for t in grid[::20])
        for i in range(40)
    )
    assert best <= reference + 1e-9
    assert best == pytest.approx(reference, rel=1e-2)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("seed", range(3))
def test_agrees_with_the_interior_point_method(bias, seed):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((40, 4))
    y = np.maximum(X @ rng.standard_normal(4), 0) + 0.1 * rng.standard_normal(40)
    beta = 0.3 * convexnn.beta_max(X, y, bias=bias)
    settings = {"rounds": 1}
    ours, theirs = (
        lower_bound(X, y, beta=beta, bias=bias, effort="full", params=BoundParams(interior_step=step, **settings))
        for step in (0.0, 1e12)
    )
    assert ours.value == pytest.approx(theirs.value, rel=4e-3)
    assert check_lower_bound(X, y, ours, beta=beta, bias=bias) == ours.value


@pytest.mark.parametrize("seed", range(16))
def test_never_above_the_exact_optimum(seed):
    rng = np.random.default_rng(seed)
    n, d = int(rng.integers(2, 12)), int(rng.integers(1, 3))
    X = np.round(rng.standard_normal((n, d)) * 2) if seed % 2 else rng.standard_normal((n, d)) * 1e3
    y = rng.standard_normal(n)
    bias = [True, False, "penalized"][seed % 3]
    top = convexnn.beta_max(X, y, bias=bias)
    if top == 0.0:
        return
    exact = convexnn.train(X, y, beta=0.2 * top, bias=bias, scope="network")
    bound = lower_bound(X, y, beta=0.2 * top, bias=bias, params=FIRST_ORDER)
    assert 0 < bound.value <= exact.certificate.primal * (1 + 1e-9)


@pytest.mark.parametrize("loss", ["hinge", "log_loss", "poisson", "huber(0.5)"])
def test_other_losses(loss):
    rng = np.random.default_rng(3)
    X = rng.standard_normal((30, 2))
    y = rng.standard_normal(30) + X[:, 0]
    y = np.sign(y) if loss in ("log_loss", "hinge") else np.exp(y) if loss == "poisson" else y
    beta = 0.3 * convexnn.beta_max(X, y, loss=loss)
    bounds = [lower_bound(X, y, beta=beta, loss=loss, params=params).value for params in (FIRST_ORDER, INTERIOR)]
    assert bounds[0] <= convexnn.train(X, y, beta=beta, loss=loss).certificate.primal * (1 + 1e-9)
    assert bounds[0] >= bounds[1] - 0.05 * abs(bounds[1])


@pytest.mark.parametrize("weighted", [True, False])
def test_many_samples_are_searched_by_a_part_of_them(weighted):
    rng = np.random.default_rng(5)
    X = rng.standard_normal((1200, 3))
    y = np.maximum(X[:, 0], 0) + 0.1 * rng.standard_normal(1200)
    weights = rng.uniform(0.5, 1.5, 1200) if weighted else None
    beta = 0.3 * convexnn.beta_max(X, y, sample_weight=weights)
    options = {"beta": beta, "sample_weight": weights}
    whole = lower_bound(X, y, **options, params=FIRST_ORDER)
    part = lower_bound(X, y, **options, params=BoundParams(interior_step=0.0, many=1000, samples=300))
    objective = convexnn.train(X, y, **options, bound="none").network.objective(X, y, **options)
    assert part.value <= objective * (1 + 1e-9)
    assert part.value >= whole.value - 0.02 * objective


def test_halved_pieces_lift_the_bound():
    rng = np.random.default_rng(7)
    X, y = rng.standard_normal((60, 5)), rng.standard_normal(60)
    beta = 0.3 * convexnn.beta_max(X, y)
    first, second = (
        lower_bound(X, y, beta=beta, effort="full", params=BoundParams(interior_step=0.0, rounds=rounds))
        for rounds in (1, 4)
    )
    assert len(second.multipliers[0]) > len(first.multipliers[0])
    assert second.value > first.value * 1.001
