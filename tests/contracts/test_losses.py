"""Every registered loss keeps the promises that solvers and certificates rely on.

Independent references: central differences, CVXPY conjugates, scipy's scalar minimiser, repetition of rows.
"""

from __future__ import annotations

import numpy as np
import pytest
from loss_cases import loss_name
from scipy.optimize import minimize, minimize_scalar

from convexnn.certificate.check import admissible, lower_bound
from convexnn.exceptions import DataError, ParameterError
from convexnn.losses import LOSSES
from convexnn.losses.registry import current_name

NAMES = [*LOSSES, "softmax", "huber(0.3)", "quantile(0.9)"]
CLASSES = ("log_loss", "log_loss_multilabel", "squared_hinge", "hinge")
VECTOR = ("squared_error", "huber", "quantile", "poisson", "log_loss_multilabel", "hinge")


def targets(name: str, n: int, rng: np.random.Generator) -> np.ndarray:
    if name in CLASSES:
        y = np.where(rng.random((n, 1)) < 0.4, -1.0, 1.0)
        y[:2, 0] = (-1.0, 1.0)
        return y
    if name == "softmax":
        labels = rng.integers(0, 3, n)
        labels[:3] = (0, 1, 2)
        return np.eye(3)[labels]
    if name == "poisson":
        return rng.poisson(2.0, (n, 1)).astype(float)
    return rng.normal(size=(n, 1))


def problem(name: str, seed: int, n: int = 12, weighted: bool = True):
    rng = np.random.default_rng(seed)
    y = targets(name, n, rng)
    weight = rng.uniform(0.2, 3.0, n) if weighted else None
    return LOSSES[loss_name(name)](y, weight), rng.normal(size=y.shape) * 1.5, rng


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("weighted", [False, True])
def test_gradient_is_the_slope_of_the_value(name, weighted):
    loss, f, rng = problem(name, 1, weighted=weighted)
    for _ in range(5):
        step = rng.normal(size=f.shape)
        slope = (loss.value(f + 1e-6 * step) - loss.value(f - 1e-6 * step)) / 2e-6
        # Central differences: error h^2 plus rounding eps / h.
        assert np.sum(loss.gradient(f) * step) == pytest.approx(slope, rel=1e-6, abs=1e-7)


@pytest.mark.parametrize("name", NAMES)
def test_curvature_is_the_slope_of_the_gradient_or_refused(name):
    loss, f, _ = problem(name, 2)
    if not loss.smooth:
        with pytest.raises(ParameterError, match="second derivative"):
            loss.curvature(f)
        return
    for k in range(f.shape[1]):
        step = np.zeros_like(f)
        step[:, k] = 1e-6
        slope = (loss.gradient(f + step) - loss.gradient(f - step))[:, k] / 2e-6
        np.testing.assert_allclose(loss.curvature(f)[:, k], slope, rtol=1e-6, atol=1e-7)


def test_softmax_hessian_matches_differences_and_its_diagonal():
    loss, f, _ = problem("softmax", 3)
    hessian = loss.hessian(f)
    np.testing.assert_allclose(np.einsum("ikk->ik", hessian), loss.curvature(f), rtol=1e-12)
    for k in range(f.shape[1]):
        step = np.zeros_like(f)
        step[:, k] = 1e-6
        slope = (loss.gradient(f + step) - loss.gradient(f - step)) / 2e-6
        np.testing.assert_allclose(hessian[:, :, k], slope, atol=1e-7)
        majorant = 2 * np.einsum("ik,kl->ikl", loss.curvature(f), np.eye(3)) - hessian
        assert np.linalg.eigvalsh(majorant).min() >= -1e-12
    plain, f, _ = problem("softmax", 3, weighted=False)
    np.testing.assert_allclose(np.einsum("ikk->ik", plain.hessian(f)), plain.curvature(f), rtol=1e-12)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("weighted", [False, True])
def test_fenchel_young(name, weighted):
    """loss(f) >= dual(v) - v.f for every v, with equality at minus the gradient."""
    loss, f, rng = problem(name, 4, weighted=weighted)
    v = -loss.gradient(f)
    # Equality holds to the rounding of sums of 12 terms of size 10.
    assert loss.dual(v) - np.sum(v * f) == pytest.approx(loss.value(f), abs=1e-12 * 100)
    for _ in range(50):
        other = loss.nearest_dual(rng.normal(size=f.shape) * 2, centred=False)
        assert np.isfinite(loss.dual(other))
        assert loss.value(f) >= loss.dual(other) - np.sum(other * f) - 1e-12


@pytest.mark.parametrize("name", NAMES)
def test_rounding_is_bounded(name):
    """Every loss says how far its values are rounded, or that certificates know it."""
    rng = np.random.default_rng(4)
    loss = LOSSES[loss_name(name)](targets(name, 12, rng))
    f = rng.normal(size=loss.y.shape)
    v = loss.nearest_dual(-loss.gradient(f), centred=True)
    assert 0.0 <= loss.dual_rounding(v) < 1e-9 * (1.0 + np.abs(loss.y).sum())
    assert 0.0 <= loss.value_rounding(f) < 1e-9 * (1.0 + np.abs(loss.y).sum())


@pytest.mark.parametrize("offset", [0.0, 2.0**20, 2.0**30])
@pytest.mark.parametrize("name", [name for name in NAMES if LOSSES[loss_name(name)](np.ones((1, 1))).movable])
def test_bounds_are_not_lifted_by_an_offset(name, offset):
    """Where dual vectors sum to zero an offset of targets changes no dual value, and its rounding is in the bound."""
    rng = np.random.default_rng(5)
    for _ in range(20):
        y = np.round(rng.normal(size=(30, 1)) * 2.0**20) / 2.0**20
        plain, moved = LOSSES[loss_name(name)](y), LOSSES[loss_name(name)](y + offset)
        v = admissible(plain, plain.nearest_dual(0.9 * rng.normal(size=y.shape), centred=True), centred=True)
        least = lower_bound(moved, v, 1.0 - 1e-9, centred=True)
        exact = plain.dual((1.0 - 1e-9) * v)
        assert least <= exact + 1e-13 * (1.0 + abs(exact))
        assert least >= exact - 1e-9 * (1.0 + abs(exact)) - 1e-6 * (offset > 1e9)


@pytest.mark.parametrize("name", NAMES)
def test_dual_scales_towards_zero(name):
    """Shrinking a dual point (certificate, step ii) never leaves the domain, and the dual is concave."""
    loss, f, _ = problem(name, 5)
    v = -loss.gradient(f)
    whole, nothing = loss.dual(v), loss.dual(0 * v)
    for s in (1.0 - 1e-15, 0.7, 0.1, 1e-9):
        assert loss.dual(s * v) >= s * whole + (1 - s) * nothing - 1e-12


@pytest.mark.parametrize("name", NAMES)
def test_dual_is_infinite_outside_its_domain(name):
    loss, f, _ = problem(name, 6)
    if loss.separable and not np.isfinite(np.abs(loss._interval())).any():
        assert np.isfinite(loss.dual(np.full_like(f, 1e6)))
        return
    outside = loss.dual(np.full_like(f, 1e6)), loss.dual(np.full_like(f, -1e6))
    assert -np.inf in outside


@pytest.mark.parametrize("name", NAMES)
def test_dual_equals_the_conjugate_computed_by_cvxpy(name):
    import cvxpy as cp

    loss, f, rng = problem(name, 7, n=4)
    for _ in range(3):
        # Inside the domain, not on its edge, where the supremum is not attained.
        v = 0.5 * (loss.nearest_dual(rng.normal(size=f.shape), centred=False) - loss.gradient(0 * f))
        g = cp.Variable(f.shape)
        # -loss*(-v) = min_g loss(g) + v.g
        problem_ = cp.Problem(cp.Minimize(loss.expression(g) + cp.sum(cp.multiply(v, g))))
        problem_.solve(solver=cp.CLARABEL)
        assert loss.dual(v) == pytest.approx(problem_.value, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("weighted", [False, True])
def test_expression_has_the_same_value(name, weighted):
    import cvxpy as cp

    loss, f, _ = problem(name, 8, weighted=weighted)
    assert float(loss.expression(cp.Constant(f)).value) == pytest.approx(loss.value(f), rel=1e-10)


@pytest.mark.parametrize("name", NAMES)
def test_integer_weights_equal_repetition_and_zero_removes(name):
    rng = np.random.default_rng(9)
    y = targets(name, 8, rng)
    count = np.array([1, 2, 0, 3, 1, 0, 2, 1])
    if name in (*CLASSES, "softmax"):
        count[:3] = (1, 2, 1)
    f = rng.normal(size=y.shape)
    weighted, repeated = LOSSES[loss_name(name)](y, count), LOSSES[loss_name(name)](np.repeat(y, count, axis=0))
    many = np.repeat(f, count, axis=0)
    assert weighted.value(f) == pytest.approx(repeated.value(many), rel=1e-13)
    np.testing.assert_allclose(
        weighted.gradient(f), count[:, None] * LOSSES[loss_name(name)](y).gradient(f), rtol=1e-13, atol=1e-300
    )
    np.testing.assert_allclose(weighted.best_shift(f), repeated.best_shift(many), rtol=1e-10, atol=1e-12)
    v = -repeated.gradient(many)
    grouped = np.zeros_like(f)
    np.add.at(grouped, np.repeat(np.arange(8), count), v)
    assert weighted.dual(grouped) == pytest.approx(repeated.dual(v), rel=1e-10, abs=1e-12)
    grouped[count == 0] = 0.1
    assert not (count == 0).any() or weighted.dual(grouped) == -np.inf


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("weighted", [False, True])
def test_best_shift_beats_a_general_minimiser(name, weighted):
    for seed in range(10, 16):
        loss, f, _ = problem(name, seed, weighted=weighted)
        ours = loss.value(f + loss.best_shift(f))

        def shifted(t, loss=loss, f=f):
            return loss.value(f + t)

        if f.shape[1] == 1:
            theirs = minimize_scalar(shifted, bounds=(-9, 9), method="bounded")
        else:
            theirs = minimize(shifted, np.zeros(f.shape[1]), tol=1e-10)
        assert ours <= theirs.fun * (1 + 1e-12)
        constant = loss.best_constant()
        assert constant.shape == (f.shape[1],)
        if loss.smooth:
            slope = loss.gradient(f + loss.best_shift(f))
            # Stationary to the rounding of a sum of 12 terms.
            assert np.abs(slope.sum(axis=0)).max() <= 1e-13 * max(1.0, np.abs(slope).sum())


@pytest.mark.parametrize("name", NAMES)
def test_nearest_dual_is_feasible_and_centred(name):
    for seed in range(20, 30):
        loss, f, rng = problem(name, seed)
        v = rng.normal(size=f.shape) * 3
        centred = loss.nearest_dual(v, centred=True)
        assert np.isfinite(loss.dual(centred))
        assert np.abs(centred.sum(axis=0)).max() <= 1e-13 * (1 + np.abs(centred).sum())
        # A point that is feasible already stays where it is.
        good = -loss.gradient(f + loss.best_shift(f)) if loss.smooth else centred
        np.testing.assert_allclose(loss.nearest_dual(good, centred=True), good, atol=1e-9)


@pytest.mark.parametrize("name", VECTOR)
def test_several_outputs_are_treated_separately(name):
    rng = np.random.default_rng(31)
    y = np.hstack([targets(name, 9, rng), targets(name, 9, rng)])
    f, weight = rng.normal(size=y.shape), rng.uniform(0.5, 2, 9)
    both = LOSSES[loss_name(name)](y, weight)
    parts = [LOSSES[loss_name(name)](y[:, [k]], weight) for k in range(2)]
    assert both.value(f) == pytest.approx(sum(p.value(f[:, [k]]) for k, p in enumerate(parts)), rel=1e-14)
    expected = np.concatenate([p.best_shift(f[:, [k]]) for k, p in enumerate(parts)])
    np.testing.assert_allclose(both.best_shift(f), expected, rtol=1e-12)
    v = np.hstack([p.nearest_dual(f[:, [k]], centred=True) for k, p in enumerate(parts)])
    np.testing.assert_allclose(both.nearest_dual(f, centred=True), v, atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
@pytest.mark.parametrize("weight_scale", [1e-100, 1.0, 1e100])
def test_large_outputs_and_extreme_weights_stay_finite(name, scale, weight_scale):
    rng = np.random.default_rng(32)
    y = targets(name, 10, rng)
    f = rng.uniform(-1, 1, y.shape) * (min(scale, 400.0) if name == "poisson" else scale)
    weight = weight_scale * 10.0 ** rng.uniform(-3, 3, 10)
    loss = LOSSES[loss_name(name)](y, weight)
    v = -loss.gradient(f)
    assert np.isfinite(loss.value(f))
    assert np.isfinite(v).all()
    # Relative to the largest terms that cancel in the equality.
    size = np.abs(v * f).sum() + abs(loss.value(f)) + weight.sum()
    assert abs(loss.dual(v) - np.sum(v * f) - loss.value(f)) <= 1e-11 * size
    shift = loss.best_shift(f)
    assert np.isfinite(shift).all()
    assert loss.value(f + shift) <= loss.value(f) * (1 + 1e-12)
    assert np.isfinite(loss.dual(loss.nearest_dual(v, centred=True)))


@pytest.mark.parametrize(("name", "y"), [
    ("log_loss", np.ones((5, 1))),
    ("log_loss", -np.ones((5, 1))),
    ("hinge", np.ones((5, 1))),
    ("hinge", -np.ones((5, 1))),
    ("squared_hinge", -np.ones((5, 1))),
    ("poisson", np.zeros((5, 1))),
    ("softmax", np.eye(3)[[1, 1, 1, 1, 1]]),
])  # fmt: skip
def test_one_class_is_fitted_perfectly_by_a_finite_constant(name, y):
    """The infimum 0 is at infinity for some; a finite output reaches it in double precision."""
    for weight in (None, np.array([1.0, 2.0, 0.0, 1e-3, 1e3])):
        loss = LOSSES[loss_name(name)](y, weight)
        f = np.linspace(-3, 3, y.size).reshape(y.shape)
        for shift in (loss.best_constant() + 0 * f, f + loss.best_shift(f)):
            assert np.isfinite(shift).all()
            # Zero, or the square of a rounding error of the margin.
            assert loss.value(shift) <= 1e-26
        assert loss.dual(loss.nearest_dual(-loss.gradient(f), centred=True)) >= -1e-12


def test_absent_class_is_never_predicted():
    labels = np.array([0, 0, 2, 2, 2])
    loss = LOSSES["log_loss"](np.eye(4)[labels])
    t = loss.best_constant()
    p = np.exp(t - t.max()) / np.exp(t - t.max()).sum()
    np.testing.assert_allclose(p, [0.4, 0, 0.6, 0], atol=1e-15)


def test_quantile_of_an_even_sample_is_the_middle():
    y = np.array([[0.0], [1.0], [2.0], [10.0]])
    assert LOSSES["quantile"](y).best_constant() == pytest.approx(1.5)
    assert LOSSES["quantile(0.99)"](y).best_constant() == pytest.approx(10.0)
    assert LOSSES["quantile"](y, [1, 1, 1, 0]).best_constant() == pytest.approx(1.0)
    # Reversed labels: the best constant of the hinge loss is the majority's side.
    assert LOSSES["hinge"](np.array([[1.0], [1.0], [-1.0]])).best_constant() == pytest.approx(1.0)


def test_known_values():
    y = np.array([[1.0], [-1.0]])
    f = np.array([[0.5], [2.0]])
    assert LOSSES["squared_error"](y).value(f) == pytest.approx(0.5 * (0.25 + 9))
    assert LOSSES["huber"](y).value(f) == pytest.approx(0.125 + 2.5)
    assert LOSSES["quantile(0.9)"](y).value(f) == pytest.approx(0.45 + 0.3)
    assert LOSSES["log_loss"](y).value(f) == pytest.approx(np.log1p(np.exp(-0.5)) + np.log1p(np.exp(2.0)))
    assert LOSSES["hinge"](y).value(f) == pytest.approx(0.5 + 3)
    assert LOSSES["squared_hinge"](y).value(f) == pytest.approx(0.5 * (0.25 + 9))
    assert LOSSES["poisson"](np.array([[3.0], [0.0]])).value(np.log([[3.0], [2.0]])) == pytest.approx(2.0)
    three = LOSSES["log_loss"](np.eye(3)[[0]])
    assert three.value(np.array([[1.0, 2.0, 3.0]])) == pytest.approx(np.log(np.exp([1, 2, 3]).sum()) - 1)


@pytest.mark.parametrize(("name", "y", "match"), [
    ("log_loss", [[0.0], [1.0]], "labels -1 and \\+1"),
    ("hinge", [[2.0], [1.0]], "labels -1 and \\+1"),
    ("poisson", [[-1.0], [1.0]], "counts"),
    ("softmax", [[1.0, 1.0], [0.0, 1.0]], "one-hot"),
    ("log_loss", [[1.0, -1.0], [-1.0, 1.0]], "log_loss_multilabel"),
    ("log_loss_multilabel", [[1.0, 0.0]], "labels -1 and \\+1"),
])  # fmt: skip
def test_wrong_targets_are_named(name, y, match):
    with pytest.raises(DataError, match=match):
        LOSSES[loss_name(name)](np.array(y))


@pytest.mark.parametrize(("weight", "match"), [
    ([1.0], "shape"),
    ([1.0, -1.0], ">= 0"),
    ([1.0, np.nan], "NaN"),
    ([0.0, 0.0], "zero everywhere"),
    (["a", "b"], "not an array of numbers"),
])  # fmt: skip
def test_wrong_weights_are_named(weight, match):
    with pytest.raises(DataError, match=match):
        LOSSES["squared_error"](np.zeros((2, 1)), weight)


@pytest.mark.parametrize(("name", "match"), [
    ("nope", "unknown"),
    ("nope(1)", "unknown"),
    ("log_loss(1)", "takes no parameter"),
    ("huber(x)", "not a number"),
    ("squared", "loss='squared' is called 'squared_error' since 0.2"),
    ("softmax", "is called 'log_loss' since 0.2"),
    ("logistic", "'log_loss' since 0.2, 'log_loss_multilabel' for labels"),
    ("squared(2)", "is called 'squared_error'"),
    (3, "unknown"),
])  # fmt: skip
def test_wrong_names_are_explained(name, match):
    with pytest.raises(ParameterError, match=match):
        LOSSES.check(name)
    assert name not in LOSSES


@pytest.mark.parametrize("name", ["huber(0)", "huber(-1)", "huber(inf)", "quantile(0)", "quantile(1)"])
def test_parameters_out_of_range_are_refused(name):
    with pytest.raises(ParameterError, match=r"must be a finite number|must lie between 0 and 1"):
        LOSSES[loss_name(name)](np.zeros((2, 1)))


@pytest.mark.parametrize("name", NAMES)
def test_name_round_trips(name):
    loss, f, _ = problem(name, 33)
    again = LOSSES[loss.name](loss.y, loss.weight)
    assert loss_name(name) in LOSSES
    assert again.name == loss.name
    assert again.value(f) == loss.value(f)


def test_names_of_the_first_version_are_read():
    """In files only: as a parameter they are refused, with the new name."""
    assert current_name("squared") == "squared_error"
    assert [current_name("logistic", c) for c in (1, 3)] == ["log_loss", "log_loss_multilabel"]
    assert current_name("softmax", 3) == "log_loss"
    for name in (*LOSSES, "huber(0.5)"):
        assert current_name(name, 2) == name
    for old in ("squared", "logistic", "softmax"):
        with pytest.raises(ParameterError, match="since 0"):
            LOSSES[old]


def test_one_column_or_one_per_class_decide_the_form_of_the_log_loss():
    """Two classes as labels or as rows have the same optimal value: the log-odds are the difference of two outputs."""
    labels = np.array([[1.0], [-1.0], [1.0], [1.0]])
    rows = np.column_stack([labels < 0, labels > 0]).astype(float)
    f = np.array([[0.3], [-2.0], [5.0], [-1.0]])
    two, each = LOSSES["log_loss"](labels), LOSSES["log_loss"](rows)
    assert two.value(f) == pytest.approx(each.value(np.hstack([0 * f, f])), rel=1e-14)
    assert two.separable
    assert not each.separable
    both = np.hstack([labels, -labels])
    parts = two.value(f) + LOSSES["log_loss"](-labels).value(2 * f)
    assert LOSSES["log_loss_multilabel"](both).value(np.hstack([f, 2 * f])) == pytest.approx(parts, rel=1e-14)
