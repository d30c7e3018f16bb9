"""Theorem 3.2: the paper's point is not stationary when b2 is free; the affine least-squares point is a "
"minimum."""

import numpy as np
import pytest
import reference_constructive as ref

from convexnn.constructive import (
    class_data,
    cost_gradient,
    gradient_descent,
    linear_optimum,
    shallow_construct,
)
from convexnn.network import DeepReLUNetwork, ReLUNetwork

SEEDS = range(40)


def square(seed, **options):
    """A problem with M = Q, as in the theorem."""
    return ref.problem(seed, extra=0, **options)


def test_paper_value_equals_the_projector_formula_and_the_cost_of_its_network():
    for seed in SEEDS:
        X, labels, y = square(seed)
        best = linear_optimum(X, labels, targets=y)
        expected, projector, inverse = ref.paper_value(X, labels, y)
        assert best.paper_value == pytest.approx(expected, rel=1e-7)
        closed = np.sqrt(np.trace(y.T @ best.shrinkage @ y))
        assert best.paper_value == pytest.approx(closed, rel=1e-6)
        outputs = best.paper_network().predict(X)
        assert ref.cost(outputs, labels, y, by_class=True) == pytest.approx(best.paper_value, rel=1e-8)
        np.testing.assert_allclose(inverse @ projector.T, projector @ inverse, atol=1e-8)


def test_slopes_follow_the_closed_forms():
    for seed in SEEDS:
        for weighting in ("classes", "samples"):
            X, labels, y = ref.problem(seed)
            best = linear_optimum(X, labels, targets=y, weighting=weighting)
            pi = np.diag(class_data(X, labels).class_weights(weighting))
            a = y.T @ pi @ np.linalg.inv(pi + best.spread)
            np.testing.assert_allclose(best.paper_slope, a, atol=1e-7 * np.abs(a).max())
            s, one = best.shrinkage, np.ones(len(y))
            c = y.T @ s @ one / (one @ s @ one)
            np.testing.assert_allclose(best.affine_constant, c, atol=1e-6 * np.abs(c).max())
            squared = np.trace(y.T @ s @ y) - ((y.T @ s @ one) ** 2).sum() / (one @ s @ one)
            assert best.affine_value**2 == pytest.approx(squared, rel=1e-6)


def test_values_relate_to_the_mean_map_by_the_eigenvalues_of_the_spread():
    for seed in SEEDS:
        X, labels, y = square(seed)
        best = linear_optimum(X, labels, targets=y)
        low, high = best.ratio_bounds
        ratio = best.paper_value / best.mean_map_value
        assert low * (1 - 1e-9) <= ratio <= high * (1 + 1e-9)
        delta = best.data.delta_p
        assert ratio <= 1 - best.improvement_constant * delta**2 + 1e-9
        assert best.eigenvalues[-1] <= len(y) * delta**2 * (1 + 1e-9)
        plain = linear_optimum(X, labels, targets=y, weighting="samples")
        # With the plain weights every eigenvalue is below delta_P^2 after division by the class weights' maximum.
        assert np.linalg.eigvalsh(plain.spread)[-1] <= delta**2 * (1 + 1e-9)


def test_paper_form_of_the_eigenvalue_bound_fails_for_class_weights():
    """lam_max <= delta_P^2 is tempting, but false for C_N: the deviations of several classes add up."""
    labels = np.repeat([0, 1], 2)
    step = np.array([[1.0, -1.0]])
    X = np.eye(2)[labels] + np.array([[0.3], [-0.3], [0.3], [-0.3]]) * step
    best = linear_optimum(X, labels)
    assert best.eigenvalues[-1] > 1.9 * best.data.delta_p**2
    assert best.eigenvalues[-1] <= 2 * best.data.delta_p**2 * (1 + 1e-12)


def test_paper_slope_stays_near_the_mean_map():
    for seed in SEEDS:
        X, labels, y = square(seed)
        best = linear_optimum(X, labels, targets=y)
        inverse = np.linalg.inv(ref.mean_columns(X, labels))
        moved = np.linalg.norm(best.paper_slope @ inverse - y.T @ inverse, 2)
        bound = len(y) * best.data.delta_p**2 * np.linalg.norm(y, 2) * np.linalg.norm(inverse, 2)
        assert moved <= bound * (1 + 1e-9)


def test_value_and_spread_are_invariant_under_linear_maps():
    X, labels, y = square(3)
    k = np.random.default_rng(1).normal(size=(X.shape[1], X.shape[1]))
    one, two = linear_optimum(X, labels, targets=y), linear_optimum(X @ k, labels, targets=y)
    np.testing.assert_allclose(two.spread, one.spread, atol=1e-8)
    assert two.paper_value == pytest.approx(one.paper_value, rel=1e-8)


def numeric_bias_gradient(net, X, labels, y):
    h, out = 1e-5, []
    for k in range(len(y)):
        step = h * np.eye(len(y))[k]
        sides = [ref.cost(net.predict(X) + s * step, labels, y, by_class=True) ** 2 for s in (1.0, -1.0)]
        out.append((sides[0] - sides[1]) / (2 * h))
    return np.array(out)


def test_paper_point_is_not_stationary_in_the_output_bias_and_the_affine_point_is():
    for seed in SEEDS:
        X, labels, y = square(seed)
        best = linear_optimum(X, labels, targets=y)
        numeric = numeric_bias_gradient(best.paper_network(), X, labels, y)
        scale = np.linalg.norm(numeric)
        np.testing.assert_allclose(best.bias_gradient, numeric, atol=1e-6 * scale)
        assert scale > 1e-4
        exact = cost_gradient(best.affine_network(), X, labels, targets=y, weighting="classes")
        assert exact.norm < 1e-8 * (1 + np.linalg.norm(best.affine_network().hidden_biases))


def test_an_exact_step_in_the_output_bias_lowers_the_cost_by_the_formula():
    for seed in SEEDS:
        X, labels, y = square(seed)
        best = linear_optimum(X, labels, targets=y)
        pull = y.T @ best.shrinkage @ np.ones(len(y))
        net = best.paper_network()
        moved = ref.cost(net.predict(X) + pull / len(y), labels, y, by_class=True) ** 2
        assert moved == pytest.approx(best.paper_value**2 - pull @ pull / len(y), rel=1e-8)
        assert moved < best.paper_value**2


def test_freezing_the_output_bias_does_not_save_the_paper_point():
    X, labels, y = square(1)
    best = linear_optimum(X, labels, targets=y)
    gradient = cost_gradient(best.paper_network(), X, labels, targets=y, weighting="classes")
    hidden_bias = gradient.layers[0][1]
    expected = best.paper_network().output_weights @ best.bias_gradient
    np.testing.assert_allclose(hidden_bias, expected, atol=1e-8 * np.abs(expected).max())
    assert np.linalg.norm(hidden_bias) > 1e-3


def test_gradient_descent_leaves_the_paper_point_and_stays_at_the_affine_point():
    X, labels, y = square(2, n_classes=3)
    best = linear_optimum(X, labels, targets=y)
    run = {"targets": y, "weighting": "classes", "rate": 2e-4, "n_steps": 500}
    left = gradient_descent(best.paper_network("smallest"), X, labels, **run)
    assert left.costs[0] == pytest.approx(best.paper_value, rel=1e-9)
    assert left.costs[-1] < best.paper_value * (1 - 1e-3)
    assert (np.diff(left.costs) <= 1e-12).all()
    stayed = gradient_descent(best.affine_network("smallest"), X, labels, **run)
    assert abs(stayed.costs[-1] - best.affine_value) < 1e-10


def test_affine_point_is_a_local_minimum_and_the_paper_point_is_not():
    X, labels, y = square(4, n_classes=3)
    best = linear_optimum(X, labels, targets=y)
    rng = np.random.default_rng(0)
    changes = {}
    for name, net in (("paper", best.paper_network()), ("affine", best.affine_network())):
        base = ref.cost(net.predict(X), labels, y, by_class=True)
        found = []
        for _ in range(300):
            parts = [net.hidden_weights, net.hidden_biases, net.output_weights, net.intercept]
            size = 10.0 ** rng.uniform(-6, -3)
            other = ReLUNetwork(*(p + size * rng.normal(size=p.shape) for p in parts))
            found.append(ref.cost(other.predict(X), labels, y, by_class=True) - base)
        changes[name] = min(found)
    assert changes["paper"] < -1e-5
    assert changes["affine"] > -1e-11


def test_value_of_the_tied_problem_does_not_depend_on_the_hidden_layer():
    """C.3: with b2 = -W2 b1 the value is constant while all preactivations stay positive."""
    X, labels, y = square(5, n_classes=3)
    best = linear_optimum(X, labels, targets=y)
    rng = np.random.default_rng(0)
    for size in (1e-3, 1e-2, 0.1, 0.3):
        weight = np.eye(3) + size * rng.normal(size=(3, 3))
        bias = np.full(3, 10.0) + size * rng.normal(size=3)
        hidden = X @ weight.T + bias
        assert (hidden > 0).all()
        value = ref.least_squares_cost(hidden - bias, labels, y, by_class=True)
        assert value == pytest.approx(best.paper_value, rel=1e-7)


def test_no_gain_when_all_data_lie_on_the_hyperplane_of_the_means():
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(3), 10)
    noise = rng.normal(size=(30, 3)) * 0.1
    noise -= noise.mean(axis=1, keepdims=True)
    X = np.eye(3)[labels] + noise
    best = linear_optimum(X, labels)
    assert np.linalg.norm(best.bias_gradient) < 1e-12
    assert best.affine_value == pytest.approx(best.paper_value, rel=1e-10)


@pytest.mark.parametrize("q", [2, 3, 4])
def test_the_gap_between_both_points_is_of_order_one_for_small_noise(q):
    X, labels, _ = ref.clusters(q, 0.003, seed=q, n=400)
    best = linear_optimum(X, labels)
    assert (best.affine_value / best.paper_value) ** 2 == pytest.approx((q - 1) / q, rel=0.05)


def test_preactivations_are_strictly_positive_with_the_papers_shift():
    for seed in SEEDS:
        X, labels, y = square(seed)
        net = linear_optimum(X, labels, targets=y).paper_network()
        assert (X @ net.hidden_weights.T + net.hidden_biases > 0).all()


def test_half_the_papers_shift_can_leave_a_preactivation_at_zero():
    """C.6 needs strictly positive preactivations: beta = max |x| reaches 0, beta = 2 max |x| does not."""
    X = np.array([[-4.0, 0.0], [5.0, 0.0], [0.0, 1.0], [0.0, 1.0]]) * [[0.8], [0.8], [1.0], [1.0]]
    X = np.vstack([X, [[4.0, 0.0], [-4.0, 0.0]]])
    labels = [0, 0, 1, 1, 0, 0]
    basis = class_data(X, labels).factor.basis
    largest = np.linalg.norm(X, axis=1).max()
    assert largest == 4.0
    hidden = X @ basis
    assert (hidden + largest).min() == pytest.approx(0.0, abs=1e-12)
    assert (hidden + 2 * largest).min() >= largest * (1 - 1e-12)


def test_without_deviations_nothing_is_left_to_gain():
    X = np.random.default_rng(0).normal(size=(4, 4))
    best = linear_optimum(X, np.arange(4))
    assert best.paper_value < 1e-12
    assert best.improvement_constant == 0.0
    assert shallow_construct(X, np.arange(4)).exact_cost < 1e-12


def test_gradient_agrees_with_finite_differences_for_a_deep_network():
    rng = np.random.default_rng(3)
    shapes = [(4, 3), (5, 4), (3, 5)]
    theta = rng.normal(size=sum(r * (c + 1) for r, c in shapes))
    X, labels, y = ref.problem(0, n_classes=3, extra=0)
    layers, at = [], 0
    for r, c in shapes:
        layers.append((theta[at : at + r * c].reshape(r, c), theta[at + r * c : at + r * (c + 1)]))
        at += r * (c + 1)
    exact = cost_gradient(DeepReLUNetwork(tuple(layers)), X, labels, targets=y, weighting="classes")
    flat = np.concatenate([part.ravel() for layer in exact.layers for part in layer])
    h = 1e-6
    for k in range(len(theta)):
        step = h * np.eye(len(theta))[k]
        up, down = (ref.squared_cost(theta + s * step, shapes, X, labels, y, True) for s in (1, -1))
        assert flat[k] == pytest.approx((up - down) / (2 * h), abs=1e-5 * np.abs(flat).max())
