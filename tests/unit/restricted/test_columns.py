"""The problem over given columns against CVXPY, its bound, and columns that are too weak to matter."""

from __future__ import annotations

import cvxpy as cp
import numpy as np
import pytest
from loss_cases import loss_name

from convexnn.exceptions import DataError, ParameterError
from convexnn.losses import LOSSES
from convexnn.restricted.columns import fit_columns


def targets(loss, rng, n, c):
    if loss == "softmax":
        return np.eye(3)[rng.integers(3, size=n)]
    c = 1 if loss == "log_loss" else c
    if loss in ("log_loss", "log_loss_multilabel", "hinge", "squared_hinge"):
        return rng.choice([-1.0, 1.0], (n, c))
    return rng.poisson(2.0, (n, c)).astype(float) if loss == "poisson" else rng.normal(size=(n, c))


@pytest.mark.parametrize("loss", [*sorted(LOSSES), "softmax"])
@pytest.mark.parametrize("norm", ["l1", "l2"])
@pytest.mark.parametrize("intercept", [True, False])
def test_against_cvxpy(loss, norm, intercept):
    rng = np.random.default_rng(3)
    K = np.maximum(rng.normal(size=(18, 6)), 0.0)
    y, loss = targets(loss, rng, 18, 2), loss_name(loss)
    fit = fit_columns(K, y, beta=0.4, norm=norm, loss=loss, intercept=intercept)
    z, t = cp.Variable((6, y.shape[1])), cp.Variable((1, y.shape[1]))
    f = K @ z + (np.ones((18, 1)) @ t if intercept else 0)
    penalty = cp.sum(cp.abs(z)) if norm == "l1" else cp.sum(cp.norm(z, 2, axis=1))
    best = cp.Problem(cp.Minimize(LOSSES[loss](y).expression(f) + 0.4 * penalty)).solve(solver="CLARABEL")
    assert fit.primal == pytest.approx(best, rel=1e-6)
    lengths = np.abs(fit.coef).sum() if norm == "l1" else np.linalg.norm(fit.coef, axis=1).sum()
    value = LOSSES[loss](y).value(K @ fit.coef + fit.intercept) + 0.4 * lengths
    assert fit.primal == pytest.approx(value, rel=1e-10)
    assert fit.dual <= best * (1 + 1e-7)
    assert fit.relative_gap < 1e-8
    assert intercept or not fit.intercept.any()


def test_units_do_not_matter():
    rng = np.random.default_rng(0)
    K, y = np.maximum(rng.normal(size=(15, 4)), 0.0), rng.normal(size=15)
    plain = fit_columns(K, y, beta=0.2)
    scaled = fit_columns(1e6 * K, 1e-4 * y, beta=0.2 * 1e6 * 1e-4)
    np.testing.assert_allclose(scaled.coef, plain.coef * 1e-10, rtol=1e-8, atol=1e-20)


@pytest.mark.parametrize("loss", ["squared_error", "quantile", "hinge"])
def test_noise_and_zero_columns_get_nothing(loss):
    rng = np.random.default_rng(0)
    y = rng.choice([-1.0, 1.0], 12)
    K = np.column_stack([np.zeros(12), 1e-30 * rng.random(12)])
    fit = fit_columns(K, y, beta=0.1, loss=loss, intercept=False)
    assert not fit.coef.any()
    assert fit.relative_gap <= 1e-12


def test_repeated_columns_share_one_optimum():
    rng = np.random.default_rng(0)
    K, y = np.maximum(rng.normal(size=(15, 4)), 0.0), rng.normal(size=15)
    once, twice = fit_columns(K, y, beta=0.2), fit_columns(np.hstack([K, K]), y, beta=0.2)
    assert twice.primal == pytest.approx(once.primal, rel=1e-10)


def test_bad_arguments():
    with pytest.raises(ParameterError, match="beta"):
        fit_columns(np.ones((3, 1)), np.ones(3), beta=0.0)
    with pytest.raises(DataError, match="K contains NaN"):
        fit_columns(np.full((3, 1), np.nan), np.ones(3), beta=1.0)
