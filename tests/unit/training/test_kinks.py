"""Losses with kinks reach their optimum over the dictionary, with the default solver and with what CVXPY chooses."""

from __future__ import annotations

import numpy as np
import pytest
from reference_certificate import wedge_neurons
from reference_solver import conic_optimum

from convexnn import beta_max, train


@pytest.mark.parametrize("solver", ["auto", "cvxpy"])
@pytest.mark.parametrize("loss", ["hinge", "quantile", "huber"])
@pytest.mark.parametrize(("norm", "bias"), [("l1", True), ("l2", False), ("l2", "penalized")])
def test_the_optimum_is_that_of_an_interior_point_method(loss, norm, bias, solver):
    rng = np.random.default_rng(4)
    for n, d, ratio in ((6, 2, 0.003), (11, 2, 0.05)):
        X = rng.standard_normal((n, d))
        y = X[:, 0] + np.abs(X[:, -1]) + 0.3 * rng.standard_normal(n)
        y = np.where(y > np.median(y), 1.0, -1.0) if loss == "hinge" else 10.0 * y
        beta = ratio * beta_max(X, y, loss=loss, norm=norm, bias=bias, scope="dictionary")
        points, u, c = wedge_neurons(X, norm, bias)
        K = np.maximum(points @ u.T + c, 0.0)
        best = conic_optimum(loss, K, y[:, None], beta, intercept=bias is True)
        result = train(X, y, beta=beta, loss=loss, norm=norm, bias=bias, scope="dictionary", solver=solver)
        assert result.certificate.primal <= best * (1 + 1e-6)
        assert result.certificate.dual <= best * (1 + 1e-6)
        assert result.certificate.holds
