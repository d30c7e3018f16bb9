"""Limited-memory BFGS against the textbook recursion and SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize, rosen, rosen_der

from convexnn._native import core
from convexnn.search.lbfgs import minimise


def textbook_inverse(S: np.ndarray, Y: np.ndarray) -> np.ndarray:
    """The inverse Hessian after BFGS updates with all pairs, oldest first, as a dense matrix."""
    p = S.shape[1]
    H = np.eye(p) * (S[-1] @ Y[-1]) / (Y[-1] @ Y[-1])
    for s, y in zip(S, Y, strict=True):
        V = np.eye(p) - np.outer(y, s) / (s @ y)
        H = V.T @ H @ V + np.outer(s, s) / (s @ y)
    return H


@pytest.mark.parametrize("p", [1, 7, 40])
@pytest.mark.parametrize("count", [1, 3, 5])
def test_direction_is_that_of_dense_bfgs(p: int, count: int) -> None:
    rng = np.random.default_rng(p + count)
    A = rng.standard_normal((p, p))
    S = rng.standard_normal((count, p))
    Y = S @ (A @ A.T + np.eye(p))
    order = rng.permutation(count)  # any rows may hold any pair
    stored_S, stored_Y = np.zeros((6, p)), np.zeros((6, p))
    stored_S[order], stored_Y[order] = S, Y
    rho = np.zeros(6)
    rho[order] = 1.0 / (S * Y).sum(axis=1)
    g, d = rng.standard_normal(p), np.empty(p)
    core.lbfgs_direction(stored_S, stored_Y, rho, order[::-1].astype(np.int64).copy(), g, d)
    np.testing.assert_allclose(d, -textbook_inverse(S, Y) @ g, rtol=1e-8, atol=1e-9)


def test_direction_without_memory_is_steepest_descent() -> None:
    g, d = np.arange(5.0), np.empty(5)
    core.lbfgs_direction(np.zeros((2, 5)), np.zeros((2, 5)), np.zeros(2), np.zeros(0, dtype=np.int64), g, d)
    np.testing.assert_array_equal(d, -g)


def test_direction_refuses_shapes_that_do_not_fit() -> None:
    S, rho, g, d = np.zeros((2, 5)), np.zeros(2), np.zeros(5), np.zeros(5)
    none = np.zeros(0, dtype=np.int64)
    with pytest.raises(ValueError, match="shape"):
        core.lbfgs_direction(S, np.zeros((2, 4)), rho, none, g, d)
    with pytest.raises(ValueError, match="names no pair"):
        core.lbfgs_direction(S, S, rho, np.array([2]), g, d)


def lowest(function, x: np.ndarray, **options) -> tuple[float, int]:
    """Lowest value seen and number of evaluations."""
    values = []

    def watched(at: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = function(at)
        values.append(value)
        return value, gradient

    minimise(watched, x, **options)
    return min(values), len(values)


def evaluations_until(level: float, optimise) -> int:
    """Evaluations of Rosenbrock's function before a value below the level."""
    values = []

    def watched(at: np.ndarray) -> tuple[float, np.ndarray]:
        values.append(rosen(at))
        return values[-1], rosen_der(at)

    optimise(watched)
    assert min(values) < level
    return int(np.argmax(np.array(values) < level)) + 1


def test_rosenbrock_as_fast_as_scipy() -> None:
    """In about as many evaluations as L-BFGS-B takes.

    From one start, and down to the last digit, the counts are those of one processor's rounding and differ by factors.
    Summed over twenty starts, and down to 1e-6, they move by one percent if every gradient is off by 1e-12.
    """
    options = {"maxcor": 8, "ftol": 0.0, "gtol": 1e-10, "maxiter": 1000, "maxfun": 3000}
    ours = theirs = 0
    for seed in range(20):
        x = np.tile([-1.2, 1.0], 10) + 0.1 * np.random.default_rng(seed).standard_normal(20)
        ours += evaluations_until(1e-6, lambda f, x=x: minimise(f, x, max_iter=1000, tol=0.0))
        theirs += evaluations_until(
            1e-6, lambda f, x=x: minimize(f, x, jac=True, method="L-BFGS-B", options=options)
        )
    assert ours < 1.25 * theirs


def test_rosenbrock_is_minimised_to_the_last_digit() -> None:
    value, _ = lowest(lambda x: (rosen(x), rosen_der(x)), np.tile([-1.2, 1.0], 10), max_iter=1000, tol=0.0)
    assert value < 1e-12


def test_a_kink_is_no_obstacle() -> None:
    """|x_1| + 10 |x_2| + (x_1 - 1)^2 has its minimum 0.75 on a kink, at (0.5, 0)."""

    def function(x: np.ndarray) -> tuple[float, np.ndarray]:
        value = abs(x[0]) + 10 * abs(x[1]) + (x[0] - 1) ** 2
        return value, np.array([np.sign(x[0]) + 2 * (x[0] - 1), 10 * np.sign(x[1])])

    value, _ = lowest(function, np.array([-3.0, 4.0]), max_iter=200, tol=0.0)
    assert value == pytest.approx(0.75, abs=1e-6)


def test_limits_hold() -> None:
    x = np.tile([-1.2, 1.0], 10)
    _, evaluations = lowest(lambda x: (rosen(x), rosen_der(x)), x, max_iter=5, tol=0.0)
    assert evaluations <= 11
    short, few = lowest(lambda x: (rosen(x), rosen_der(x)), x, max_iter=500, tol=1e-2)
    full, many = lowest(lambda x: (rosen(x), rosen_der(x)), x, max_iter=500, tol=1e-9)
    assert few < many
    assert full < short


def test_overflow_and_stationary_points_end_it() -> None:
    """A step into infinity is shortened; a zero gradient or a function that only rises returns at once."""

    def wall(x: np.ndarray) -> tuple[float, np.ndarray]:
        value = float(np.exp(x[0]) - 50 * x[0]) if x[0] < 20 else np.inf
        return value, np.array([np.exp(min(x[0], 20.0)) - 50])

    value, _ = lowest(wall, np.array([0.0]), max_iter=100, tol=0.0)
    assert value == pytest.approx(50 - 50 * np.log(50), rel=1e-12)
    assert lowest(lambda x: (1.0, np.zeros(3)), np.ones(3), max_iter=100, tol=0.0)[1] == 1
    assert lowest(lambda x: (float(-x[0] * 0 + 1.0), np.ones(1)), np.ones(1), max_iter=100, tol=0.0)[1] < 25
