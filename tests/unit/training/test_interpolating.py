"""beta=0: interpolation of least norm (Corollary 8)."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import linprog

import convexnn as cn
from convexnn.exceptions import InfeasibleError, ParameterError


def by_linear_programming(K: np.ndarray, y: np.ndarray, intercept: bool) -> float:
    """min |z|_1 with K z + t = y, all columns at once."""
    n, m = K.shape
    ones = np.ones((n, 1)) if intercept else np.zeros((n, 1))
    A = np.hstack([K, -K, ones, -ones])
    cost = np.r_[np.ones(2 * m), 0.0, 0.0]
    return float(linprog(cost, A_eq=A, b_eq=y, method="highs").fun)


@pytest.mark.parametrize("norm", ["l1", "l2"])
@pytest.mark.parametrize("scale", [1.0, 1e-6, 1e6])
def test_least_norm_over_the_dictionary(norm: str, scale: float) -> None:
    rng = np.random.default_rng(0)
    X, y = scale * rng.standard_normal((15, 2)), scale**2 * rng.standard_normal(15)
    result = cn.train(X, y, beta=0, norm=norm)
    expected = by_linear_programming(cn.dictionary(X / scale, norm=norm).matrix(), y / scale**2, True) * scale
    assert result.certificate.holds
    assert result.certificate.scope == ("network" if norm == "l1" else "dictionary")
    assert result.certificate.primal == pytest.approx(expected, rel=1e-7)
    assert result.network.penalty(norm) == pytest.approx(result.certificate.primal, rel=1e-12)
    np.testing.assert_allclose(result.network.predict(X), y, atol=1e-9 * np.abs(y).max())


def test_is_the_limit_of_small_beta() -> None:
    rng = np.random.default_rng(1)
    X, y = rng.standard_normal((20, 2)), rng.standard_normal(20)
    limit = cn.train(X, y, beta=0, norm="l1").certificate.primal
    small = cn.train(X, y, beta=1e-7, norm="l1", tol=1e-9)
    assert small.network.penalty("l1") == pytest.approx(limit, rel=1e-4)


def test_several_outputs() -> None:
    rng = np.random.default_rng(2)
    X, Y = rng.standard_normal((12, 2)), rng.standard_normal((12, 2))
    result = cn.train(X, Y, beta=0)
    assert result.certificate.holds
    np.testing.assert_allclose(result.network.predict(X), Y, atol=1e-8)


def test_a_wrong_network_does_not_pass() -> None:
    """A network that misses a sample has an infinite objective, whatever dual vector is offered."""
    rng = np.random.default_rng(3)
    X, y = rng.standard_normal((10, 2)), rng.standard_normal(10)
    result = cn.train(X, y, beta=0)
    other = cn.train(X, y, beta=0.5)
    v = np.zeros(10)
    assert not cn.certify(other.network, X, y, beta=0, dual_point=v).holds
    # The right network with a useless dual vector is not certified either.
    assert not cn.certify(result.network, X, y, beta=0, dual_point=v).holds


def test_contradicting_rows_are_named() -> None:
    X = np.array([[0.0, 0.0], [1.0, 2.0], [3.0, 1.0], [1.0, 2.0]])
    with pytest.raises(InfeasibleError, match="rows 1 and 3"):
        cn.train(X, [0.0, 1.0, 2.0, 5.0], beta=0)


def test_impossible_without_bias() -> None:
    """Two samples on one ray without biases must have proportional targets."""
    X = np.array([[1.0, 1.0], [2.0, 2.0], [1.0, -1.0]])
    with pytest.raises(InfeasibleError, match="rows stay apart"):
        cn.train(X, [1.0, 5.0, 0.0], beta=0, bias=False)


def test_other_losses_make_no_sense() -> None:
    with pytest.raises(ParameterError, match="interpolates"):
        cn.train([[0.0], [1.0]], [0.0, 1.0], beta=0, loss="huber")


def test_all_samples_equal() -> None:
    result = cn.train(np.ones((3, 2)), [2.0, 2.0, 2.0], beta=0)
    assert result.network.n_neurons == 0
    assert result.beta == result.certificate.beta == 0
    assert result.certificate.holds
    np.testing.assert_allclose(result.network.predict(np.ones((1, 2))), 2.0)


def test_silent_samples_without_intercept_cannot_be_met() -> None:
    """Zero inputs give zero outputs: a network that misses the targets must not come back as an answer."""
    with pytest.raises(InfeasibleError, match="bias=True"):
        cn.train(np.zeros((3, 2)), [2.0, 2.0, 2.0], beta=0, bias=False)


@pytest.mark.parametrize("scale", [1.0, 1e-3, 1e3])
def test_reports_are_in_the_units_of_the_data(scale: float) -> None:
    rng = np.random.default_rng(4)
    X, y = scale * rng.standard_normal((12, 2)), 7.0 * rng.standard_normal(12)
    seen = []
    result = cn.train(X, y, beta=0, observer=seen.append)
    assert result.trace[-1].primal == pytest.approx(result.certificate.primal, rel=1e-5)
    assert seen[-1].primal == pytest.approx(result.certificate.primal, rel=1e-5)
