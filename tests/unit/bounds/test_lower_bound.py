"""Lower bounds over all networks: never above the exact optimum, near the value of the relaxation, and hard to fool."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

import convexnn
from convexnn.bounds.rounding import exactly_centred
from convexnn.certificate.lower_bound import beta_max_bound, check_lower_bound, lower_bound
from convexnn.certificate.moments import response_bound
from convexnn.exceptions import ParameterError


def problem_of(seed, *, degenerate=False):
    """Samples, targets, and a mode of bias; every third has ties, collinear rows and a constant feature."""
    rng = np.random.default_rng(seed)
    n, d = int(rng.integers(3, 14)), int(rng.integers(1, 3))
    X = rng.standard_normal((n, d)) * 10.0 ** rng.integers(-3, 4)
    if seed % 3 == 0:
        X = np.round(rng.standard_normal((n, d)))
        X[:, -1] = X[0, -1] if d > 1 else X[:, -1]
        X[-1] = X[0]
    y = rng.standard_normal(n) + (X[:, 0] / (np.abs(X[:, 0]).max() + 1e-300)) * 3
    return X, y, [True, False, "penalized"][seed % 7 % 3]


def best_responses(X, v, bias, seed, starts=60, rounds=30):
    """Largest response found by ascents from random starts, for both signs."""
    rng = np.random.default_rng(seed)
    best = 0.0
    for V in (v, -v):
        U = rng.standard_normal((starts, X.shape[1]))
        for _ in range(rounds):
            U /= np.maximum(np.linalg.norm(U, axis=1), 1e-300)[:, None]
            T = U @ X.T
            if bias:
                offsets = -T
                values = np.array([[V @ np.maximum(t + o, 0) for o in row] for t, row in zip(T, offsets)])
                c = offsets[np.arange(starts), values.argmax(axis=1)]
            else:
                c = np.zeros(starts)
            active = (T + c[:, None]) > 0
            best = max(best, float(((T + c[:, None]) * active @ V).max()))
            U = (active * V) @ X
    return best


@pytest.mark.parametrize("seed", range(30))
def test_never_above_the_exact_optimum(seed):
    X, y, bias = problem_of(seed)
    top = convexnn.beta_max(X, y, bias=bias)
    if top == 0.0:
        return
    beta = top * [0.5, 0.1, 0.02][seed % 3]
    exact = convexnn.train(X, y, beta=beta, bias=bias, scope="network")
    bound = lower_bound(X, y, beta=beta, bias=bias)
    assert 0 < bound.value <= exact.certificate.primal * (1 + 1e-9)
    assert check_lower_bound(X, y, bound, beta=beta, bias=bias) == bound.value


@pytest.mark.parametrize("loss", ["huber(0.5)", "log_loss", "squared_hinge", "poisson", "quantile(0.3)", "hinge"])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("norm", ["l1", "l2"])
def test_other_losses_and_norms(loss, bias, norm):
    rng = np.random.default_rng(3)
    X = rng.standard_normal((12, 2))
    y = rng.standard_normal(12) + X[:, 0]
    y = np.sign(y) if loss in ("log_loss", "squared_hinge", "hinge") else np.exp(y) if loss == "poisson" else y
    weights = rng.uniform(0.2, 2, 12) * (np.arange(12) > 0)
    beta = 0.3 * convexnn.beta_max(X, y, loss=loss, bias=bias, norm=norm, sample_weight=weights)
    options = {"beta": beta, "loss": loss, "bias": bias, "norm": norm, "sample_weight": weights}
    exact = convexnn.train(X, y, **options)
    bound = lower_bound(X, y, **options)
    assert bound.value <= exact.certificate.primal + 1e-8 * abs(exact.certificate.primal)
    assert bound.value > -np.inf


@pytest.mark.parametrize("norm", ["l1", "l2"])
@pytest.mark.parametrize("seed", range(4))
def test_several_outputs(norm, seed):
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((10, 2)), rng.standard_normal((10, 3))
    beta = 0.4 * convexnn.beta_max(X, y, norm=norm)
    exact = convexnn.train(X, y, beta=beta, norm=norm)
    bound = lower_bound(X, y, beta=beta, norm=norm)
    assert 0 < bound.value <= exact.network.objective(X, y, beta=beta, norm=norm) * (1 + 1e-9)


@pytest.mark.parametrize("bias", [True, False])
def test_classes(bias):
    rng = np.random.default_rng(5)
    X, y = rng.standard_normal((12, 2)), np.eye(3)[rng.integers(0, 3, 12)]
    beta = 0.3 * convexnn.beta_max(X, y, loss="log_loss", bias=bias)
    exact = convexnn.train(X, y, beta=beta, loss="log_loss", bias=bias)
    bound = lower_bound(X, y, beta=beta, loss="log_loss", bias=bias)
    assert 0 < bound.value <= exact.certificate.primal * (1 + 1e-9)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("seed", range(5))
def test_no_ascent_finds_a_larger_response(bias, seed):
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((25, 6)), rng.standard_normal(25)
    bound = lower_bound(X, y, beta=0.3 * beta_max_bound(X, y, bias=bias), bias=bias)
    assert best_responses(X, bound.dual_point[:, 0], bias, seed) <= bound.response


@pytest.mark.parametrize("seed", range(40))
def test_changed_multipliers_are_refused_or_still_valid(seed):
    rng = np.random.default_rng(seed)
    bias = bool(seed % 2)
    X, y = rng.standard_normal((15, 3)), rng.standard_normal(15)
    bound = lower_bound(X, y, beta=0.3 * beta_max_bound(X, y, bias=bias), bias=bias)
    pieces = list(bound.multipliers[0])
    which = int(rng.integers(len(pieces)))
    name = ["curvature", "kappa", "slope", "omega", "k", "lower", "upper", "sign"][seed % 8]
    old = getattr(pieces[which], name)
    new = -old if name == "sign" else old * rng.choice([-1.0, 0.0, 0.5, 2.0, 1e3]) + rng.choice([0.0, 0.1])
    pieces[which] = dataclasses.replace(pieces[which], **{name: new})
    v = bound.dual_point[:, 0]
    try:
        claimed = response_bound(X, v, pieces, bias=bias)
    except ParameterError:
        return
    assert claimed >= best_responses(X, v, bias, seed)


def test_pieces_that_leave_biases_out_are_refused():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((12, 2)), rng.standard_normal(12)
    bound = lower_bound(X, y, beta=1.0)
    for missing in range(len(bound.multipliers[0])):
        rest = tuple(piece for s, piece in enumerate(bound.multipliers[0]) if s != missing)
        with pytest.raises(ParameterError, match="cover"):
            response_bound(X, bound.dual_point[:, 0], rest, bias=True)


def test_a_dual_vector_that_is_not_centred_is_refused():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((12, 2)), rng.standard_normal(12)
    bound = lower_bound(X, y, beta=1.0)
    with pytest.raises(ParameterError, match="sums to"):
        response_bound(X, bound.dual_point[:, 0] + 1e-12, bound.multipliers[0], bias=True)


@pytest.mark.parametrize("n", [1, 7, 1000])
def test_exactly_centred(n):
    v = np.random.default_rng(n).standard_normal(n) * 1e5
    v -= v.mean()
    centred = exactly_centred(v)
    assert math.fsum(centred) == 0.0
    assert np.abs(centred - v).max() <= 1e-12 * np.abs(v).max() + 1e-10


@pytest.mark.parametrize("scale", [1e-16, 1.0, 1e16])
def test_scales_of_features_and_targets(scale):
    rng = np.random.default_rng(1)
    X, y = rng.standard_normal((15, 4)), rng.standard_normal(15)
    one = lower_bound(X, y, beta=1.0)
    assert lower_bound(X * scale, y, beta=scale).value == pytest.approx(one.value, rel=1e-6)
    assert lower_bound(X, y * scale, beta=scale).value == pytest.approx(one.value * scale**2, rel=1e-6)


@pytest.mark.parametrize("bias", [True, False])
def test_fewer_samples_than_features(bias):
    rng = np.random.default_rng(2)
    X, y = rng.standard_normal((6, 30)), rng.standard_normal(6)
    beta = 0.5 * convexnn.beta_max(X, y, bias=bias)
    bound = lower_bound(X, y, beta=beta, bias=bias)
    objective = convexnn.train(X, y, beta=beta, bias=bias, time_limit=2).network.objective(X, y, beta=beta)
    assert 0.5 * objective <= bound.value <= objective


def cvxpy_value(X, y, beta):
    """The level-1 relaxation without biases as a cone program: the slow reference."""
    cp = pytest.importorskip("cvxpy")
    n, d = X.shape
    reach = np.linalg.norm(X, axis=1)
    outputs, penalty, constraints = 0, 0, []
    for sign in (1, -1):
        M = cp.Variable((d + 1, d + 1), PSD=True)
        p = cp.Variable(n)
        mean = X @ M[0, 1:]
        second = cp.diag(X @ M[1:, 1:] @ X.T)
        constraints += [p >= 0, p >= mean, p >= (mean + second / reach) / 2, cp.trace(M[1:, 1:]) <= M[0, 0]]
        for i in range(n):
            r = 2 * p[i] - mean[i]
            constraints.append(cp.SOC(M[0, 0] + second[i], cp.hstack([2 * r, M[0, 0] - second[i]])))
        outputs = outputs + sign * p
        penalty = penalty + beta * M[0, 0]
    program = cp.Problem(cp.Minimize(0.5 * cp.sum_squares(outputs - y) + penalty), constraints)
    program.solve(solver="CLARABEL")
    return program.value


@pytest.mark.parametrize("seed", range(3))
def test_agrees_with_a_cone_solver(seed):
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((14, 3)), rng.standard_normal(14)
    beta = 0.2 * convexnn.beta_max(X, y, bias=False)
    bound = lower_bound(X, y, beta=beta, bias=False, effort="full")
    assert bound.value == pytest.approx(cvxpy_value(X, y, beta), rel=2e-4)


def test_halving_slices_that_bind_lifts_the_bound():
    rng = np.random.default_rng(7)
    X, y = rng.standard_normal((30, 3)), rng.standard_normal(30)
    beta = 0.3 * convexnn.beta_max(X, y)
    quick = lower_bound(X, y, beta=beta)
    full = lower_bound(X, y, beta=beta, effort="full", time_limit=8)
    assert len(full.multipliers[0]) > len(quick.multipliers[0])
    assert quick.value < full.value <= convexnn.train(X, y, beta=beta, time_limit=5).network.objective(X, y, beta=beta)


def test_bound_on_the_largest_penalty():
    rng = np.random.default_rng(4)
    X, y = rng.standard_normal((20, 2)), rng.standard_normal(20)
    for bias in (True, False):
        exact = convexnn.beta_max(X, y, bias=bias)
        assert exact <= beta_max_bound(X, y, bias=bias) <= 1.5 * exact


def test_constant_targets_and_constant_features():
    X = np.ones((5, 2))
    assert lower_bound(X, np.arange(5.0), beta=1.0).value == pytest.approx(5.0, rel=1e-3)
    assert lower_bound(np.random.default_rng(0).standard_normal((5, 2)), np.ones(5), beta=1.0).value == 0.0


def test_rows_of_equal_length():
    """Quantiles of equal lengths coincide; slices still have a width."""
    X, y = np.array([[0.08918938], [0.01316684]]), np.array([2.48408399, 0.81613299])
    beta = 0.1 * convexnn.beta_max(X, y)
    bound = lower_bound(X, y, beta=beta)
    exact = convexnn.train(X, y, beta=beta).certificate.primal
    assert 0.99 * exact <= bound.value <= exact * (1 + 1e-9)


@pytest.mark.parametrize("loss", ["huber(2)", "huber(0.01)"])
@pytest.mark.parametrize("seed", range(3))
def test_targets_far_larger_than_the_scale_of_the_loss_give_a_bound_or_none(loss, seed):
    """Steps of the engine that overflow are dropped without a warning."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((60, 6))
    y = 2000.0 + 500.0 * np.abs(X[:, 0]) + 50.0 * rng.standard_normal(60)
    beta = 0.1 * convexnn.beta_max(X, y, loss=loss)
    certificate = convexnn.train(X, y, beta=beta, loss=loss, max_iter=3).certificate
    assert certificate.scope == "none" or certificate.dual <= certificate.primal
