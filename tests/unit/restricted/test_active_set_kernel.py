"""The compiled active-set Lasso: optimality proved by duality in NumPy, and all sign patterns on tiny problems."""

import numpy as np
import pytest
from reference_solver import lasso_bound, lasso_by_signs, lasso_objective

from convexnn._native import core

STEPS = 1_000_000
ROOM = 30.0  # times the rounding error of one product: sums, solves, and the projection on 1


class Solved:
    """The kernel with columns given as a matrix (n, m), and its answer as arrays."""

    def __init__(self, K, y, base=None):
        self.K, self.y, self.base = K, y, base
        self.kernel = core.ActiveSetSolver(np.ascontiguousarray(y), base)
        self.kernel.add(np.ascontiguousarray(K.T))

    def solve(self, beta, tol=1e-13):
        assert self.kernel.solve(beta, tol, STEPS)
        z = np.empty(self.kernel.n_columns)
        self.kernel.coefficients(z)
        return z, self.kernel.intercept

    def residual(self):
        r = np.empty(len(self.y))
        self.kernel.residual(r)
        return r

    def excess(self, beta):
        """Relative duality gap, from the data alone, over what the rounding of z allows.

        The residual is known to eps (|K||z| + |y|), so correlations are known to that times the longest column, and
        the dual point must be shrunk by this error relative to beta.
        """
        z, t = self.solve(beta)
        primal = lasso_objective(self.K, self.y, beta, z, t, self.base)
        bound = lasso_bound(self.K, self.y, beta, z, t, self.base)
        blur = np.abs(self.K) @ np.abs(z) + np.abs(self.y)
        noise = np.finfo(float).eps * np.linalg.norm(blur) * np.linalg.norm(self.K, axis=0).max() / beta
        return (primal - bound) / max(primal, 1e-300) / (1e-12 + noise)


def base_of(kind, n, rng):
    return {"none": None, "ones": np.ones(n), "weights": rng.random(n) + 0.1}[kind]


def hinges(n, rng, knots=None):
    """Columns of a one-dimensional wedge dictionary: as coherent as real ones."""
    x = np.sort(rng.normal(size=n))
    at = x if knots is None else knots
    right = np.maximum(x[:, None] - at, 0.0)
    return x, np.hstack([right, np.maximum(at - x[:, None], 0.0)])


@pytest.mark.parametrize("base", ["none", "ones", "weights"])
@pytest.mark.parametrize("seed", range(8))
def test_every_sign_pattern_is_no_better(seed, base):
    """n may be smaller than the number of columns; duplicates, opposite and zero columns are among them."""
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(1, 7)), 5
    K = rng.integers(-2, 3, size=(n, m)).astype(float) if seed % 2 else rng.normal(size=(n, m))
    if seed > 3:
        K[:, 1], K[:, 2] = K[:, 0], -K[:, 0]
    if seed > 5:
        K[:, 3] = 0.0
    y, b = rng.normal(size=n), base_of(base, n, rng)
    for beta in (1e-3, 0.1, 1.0):
        solved = Solved(K, y, b)
        z, t = solved.solve(beta)
        value = lasso_objective(K, y, beta, z, t, b)
        assert value == pytest.approx(lasso_by_signs(K, y, beta, b), rel=1e-9, abs=1e-13)


@pytest.mark.parametrize("base", ["none", "ones", "weights"])
@pytest.mark.parametrize("ratio", [0.5, 1e-2, 1e-4, 1e-6])
def test_coherent_columns_close_the_gap(ratio, base):
    """Wedge columns: neighbours differ by a hair, the sum of all hinges is nearly dependent."""
    rng = np.random.default_rng(0)
    n = 120
    x, K = hinges(n, rng)
    y, b = np.sin(3 * x) + 0.1 * rng.normal(size=n), base_of(base, n, rng)
    solved = Solved(K, y, b)
    centred = y if b is None else y - b * (b @ y) / (b @ b)
    beta = ratio * np.abs(K.T @ centred).max()
    assert solved.excess(beta) <= ROOM
    z, t = solved.solve(beta)
    np.testing.assert_allclose(solved.residual(), y - K @ z - (0 if b is None else t * b), atol=1e-11)
    if b is not None:
        assert abs(b @ solved.residual()) <= 1e-12
    assert solved.kernel.n_steps < 20 * n


@pytest.mark.parametrize("kind", ["repeated", "sums", "tiny difference", "rank two", "zeros", "integers"])
def test_dependent_columns_do_no_harm(kind):
    rng = np.random.default_rng(3)
    n = 30
    K = rng.normal(size=(n, 12))
    if kind == "repeated":
        K = np.hstack([K, K, -K, 2 * K])
    elif kind == "sums":
        K = np.hstack([K, K @ rng.normal(size=(12, 20))])
    elif kind == "tiny difference":
        K = np.hstack([K, K + 1e-12 * rng.normal(size=K.shape), K + 1e-9 * rng.normal(size=K.shape)])
    elif kind == "rank two":
        K = rng.normal(size=(n, 2)) @ rng.normal(size=(2, 40))
    elif kind == "zeros":
        K[:, ::2] = 0.0
    elif kind == "integers":
        K = rng.integers(-1, 2, size=(n, 60)).astype(float)
    y = rng.normal(size=n)
    for base in (None, np.ones(n)):
        top = np.abs(K.T @ (y - (0 if base is None else y.mean()))).max()
        for ratio in (0.3, 1e-2, 1e-5):
            assert Solved(K, y, base).excess(ratio * top) <= ROOM, (ratio, base is None)


@pytest.mark.parametrize("scale_K", [1e-100, 1e-12, 1.0, 1e12, 1e100])
@pytest.mark.parametrize("scale_y", [1e-100, 1.0, 1e100])
def test_scales_of_columns_and_target(scale_K, scale_y):
    """z scales with y / K and the gap stays relative; nothing overflows as long as squares do not."""
    rng = np.random.default_rng(1)
    x, K = hinges(40, rng)
    y = np.sin(3 * x)
    beta = 1e-3 * np.abs(K.T @ (y - y.mean())).max()
    plain, _ = Solved(K, y, np.ones(40)).solve(beta)
    scaled = Solved(scale_K * K, scale_y * y, np.ones(40))
    z, t = scaled.solve(beta * scale_K * scale_y)
    unit = scale_y / scale_K
    expected = lasso_objective(K, y, beta, plain, float(np.mean(y - K @ plain)), np.ones(40))
    found = lasso_objective(K, y, beta, z / unit, t / scale_y, np.ones(40))
    assert found == pytest.approx(expected, rel=1e-10)


def test_columns_of_very_different_length():
    rng = np.random.default_rng(2)
    K = rng.normal(size=(40, 30)) * 10.0 ** rng.integers(-6, 7, size=30)
    y = rng.normal(size=40)
    for beta in (1e-8, 1e-3, 1.0, 1e4):
        assert Solved(K, y, np.ones(40)).excess(beta) <= ROOM


def test_beta_beyond_the_largest_correlation_keeps_everything_at_zero():
    rng = np.random.default_rng(0)
    K, y = rng.normal(size=(20, 10)), rng.normal(size=20)
    top = np.abs(K.T @ (y - y.mean())).max()
    z, t = Solved(K, y, np.ones(20)).solve(top * (1 + 1e-10))
    assert not z.any()
    assert t == pytest.approx(y.mean())
    z, _ = Solved(K, y, np.ones(20)).solve(top * (1 - 1e-6))
    assert np.count_nonzero(z) == 1


def test_no_columns_and_constant_columns():
    y = np.array([1.0, 2.0, 6.0])
    empty = core.ActiveSetSolver(y, np.ones(3))
    assert empty.solve(1.0, 1e-12, 100)
    assert empty.n_columns == 0
    assert empty.intercept == pytest.approx(3.0)
    constant = Solved(np.ones((3, 2)), y, np.ones(3))  # the intercept does the same for nothing
    z, t = constant.solve(0.1)
    assert not z.any()
    assert t == pytest.approx(3.0)


def test_warm_starts_and_new_columns_change_the_way_but_not_the_end():
    rng = np.random.default_rng(5)
    x, K = hinges(80, rng)
    y = np.cos(4 * x) + 0.05 * rng.normal(size=80)
    top = np.abs(K.T @ (y - y.mean())).max()
    one = core.ActiveSetSolver(y, np.ones(80))
    for start in range(0, 160, 40):  # columns in batches, at falling and rising penalties
        one.add(np.ascontiguousarray(K[:, start : start + 40].T))
        for ratio in (0.1, 1e-3, 0.02):
            assert one.solve(ratio * top, 1e-13, STEPS)
    z = np.empty(160)
    one.coefficients(z)
    cold, t = Solved(K, y, np.ones(80)).solve(0.02 * top)
    best = lasso_objective(K, y, 0.02 * top, cold, t, np.ones(80))
    assert lasso_objective(K, y, 0.02 * top, z, one.intercept, np.ones(80)) == pytest.approx(best, rel=1e-12)
    # Start at the solution, and at nonsense of many signs: same value.
    for z0 in (cold, rng.normal(size=160), np.full(160, 1e6)):
        warm = Solved(K, y, np.ones(80))
        warm.kernel.warm(np.ascontiguousarray(z0))
        z, t = warm.solve(0.02 * top)
        assert lasso_objective(K, y, 0.02 * top, z, t, np.ones(80)) == pytest.approx(best, rel=1e-12)
        if z0 is cold:
            assert warm.kernel.n_steps < 5


def test_a_new_target_needs_no_new_factor():
    rng = np.random.default_rng(6)
    K, y, other = rng.normal(size=(30, 50)), rng.normal(size=30), rng.normal(size=30)
    moved = Solved(K, y, np.ones(30))
    moved.solve(0.5)
    moved.kernel.set_target(other)
    z, t = moved.solve(0.5)
    fresh, s = Solved(K, other, np.ones(30)).solve(0.5)
    assert lasso_objective(K, other, 0.5, z, t, np.ones(30)) == pytest.approx(
        lasso_objective(K, other, 0.5, fresh, s, np.ones(30)), rel=1e-12
    )


def test_compact_forgets_what_is_far_from_active():
    rng = np.random.default_rng(7)
    x, K = hinges(60, rng)
    y = np.sin(5 * x)
    beta = 1e-2 * np.abs(K.T @ (y - y.mean())).max()
    solved = Solved(K, y, np.ones(60))
    z, t = solved.solve(beta)
    g = np.abs(K.T @ (y - K @ z - t))
    kept = np.array(solved.kernel.compact(0.9))
    np.testing.assert_array_equal(kept, np.flatnonzero((z != 0) | (g >= 0.9 * beta)))
    assert solved.kernel.n_columns == len(kept) < 120
    small = np.empty(len(kept))
    solved.kernel.coefficients(small)
    np.testing.assert_array_equal(small, z[kept])
    # Later solves are those of the smaller problem.
    solved.K = K[:, kept]
    assert solved.excess(0.5 * beta) <= ROOM
    solved.kernel.add(np.ascontiguousarray(K.T))
    solved.K = np.hstack([K[:, kept], K])
    assert solved.excess(0.5 * beta) <= ROOM


def test_active_columns_enter_and_leave_the_factor_at_every_place():
    """A long random walk over penalties and targets: the factor must not lose orthogonality on the way."""
    rng = np.random.default_rng(8)
    K = rng.normal(size=(40, 25)) @ np.diag(np.geomspace(1, 1e-3, 25)) @ rng.normal(size=(25, 60))
    K += 1e-3 * rng.normal(size=K.shape)
    y = rng.normal(size=40)
    solved = Solved(K, y, np.ones(40))
    top = np.abs(K.T @ (y - y.mean())).max()
    for step in range(60):
        if step % 5 == 0:
            solved.y = rng.normal(size=40)
            solved.kernel.set_target(solved.y)
        assert solved.excess(top * 10.0 ** rng.uniform(-5, 0)) <= ROOM


def test_steps_are_limited():
    rng = np.random.default_rng(0)
    x, K = hinges(60, rng)
    y = np.sin(5 * x)
    kernel = core.ActiveSetSolver(y, np.ones(60))
    kernel.add(np.ascontiguousarray(K.T))
    assert kernel.solve(1e-6, 1e-12, 3) is False
    assert kernel.solve(1e-6, 1e-12, STEPS) is True


def test_wrong_shapes_are_refused():
    y = np.zeros(4)
    with pytest.raises(ValueError, match="differ in length"):
        core.ActiveSetSolver(y, np.ones(3))
    kernel = core.ActiveSetSolver(y, None)
    with pytest.raises(ValueError, match="wrong length"):
        kernel.add(np.zeros((1, 3)))
    kernel.add(np.zeros((2, 4)))
    for call in (kernel.warm, kernel.coefficients):
        with pytest.raises(ValueError, match="wrong length"):
            call(np.zeros(3))
    for call in (kernel.set_target, kernel.residual):
        with pytest.raises(ValueError, match="wrong length"):
            call(np.zeros(5))
