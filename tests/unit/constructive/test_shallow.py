"""Theorem 3.1: the constructed cost equals its formula; the affine variant; shifts and widths."""

from itertools import pairwise

import numpy as np
import pytest
import reference_constructive as ref

from convexnn.constructive import linear_regime, refit, shallow_affine, shallow_construct
from convexnn.constructive.shallow import affine_network
from convexnn.exceptions import ParameterError, RankDeficientMeansError

EPS = np.finfo(float).eps
SEEDS = range(60)


def rounding(built):
    """Size of the rounding errors of the network: eps beta ||W2||_F."""
    return EPS * built.shift.max() * np.linalg.norm(built.network.output_weights)


@pytest.mark.parametrize("mode", ["compact", "paper"])
def test_cost_equals_the_formula_and_means_go_to_their_targets(mode):
    for seed in SEEDS:
        X, labels, y = ref.problem(seed)
        built = shallow_construct(X, labels, targets=y, mode=mode)
        formula = np.linalg.norm(y.T @ ref.pen(ref.mean_columns(X, labels)) @ ref.noise(X, labels))
        formula /= np.sqrt(len(X))
        measured = ref.cost(built.network.predict(X), labels, y)
        tol = 10 * rounding(built)
        assert built.cost == pytest.approx(measured, abs=tol)
        assert built.exact_cost == pytest.approx(formula, rel=1e-8)
        assert abs(measured - built.exact_cost) <= tol
        assert built.exact_cost <= built.operator_bound * (1 + 1e-12)
        assert np.abs(built.network.predict(built.data.means) - y).max() <= tol


def test_chain_of_the_linear_regime_holds():
    for seed in range(100):
        X, labels, y = ref.problem(seed, spread=0.1 + 0.01 * seed)
        c = linear_regime(X, labels, targets=y)
        chain = [c.affine, c.affine_projected, c.linear_projected, c.mean_map, c.operator_bound]
        assert all(a <= b * (1 + 1e-9) + 1e-12 for a, b in pairwise(chain))


def test_first_value_of_the_chain_is_affine_least_squares_on_the_samples():
    X, labels, y = ref.problem(11)
    ones = np.ones((len(X), 1))
    expected = ref.least_squares_cost(np.hstack([X, ones]), labels, y, by_class=False)
    assert linear_regime(X, labels, targets=y).affine == pytest.approx(expected, rel=1e-9)


def test_both_widths_are_the_same_function_and_the_surplus_neurons_are_dead():
    X, labels, y = ref.problem(5, n_classes=3, extra=4)
    compact = shallow_construct(X, labels, targets=y)
    wide = shallow_construct(X, labels, targets=y, mode="paper")
    assert (compact.network.n_neurons, wide.network.n_neurons) == (3, 7)
    anywhere = 20 * np.random.default_rng(0).normal(size=(500, 7))
    scale = np.abs(compact.network.predict(anywhere)).max()
    np.testing.assert_allclose(wide.network.predict(anywhere), compact.network.predict(anywhere), atol=1e-12 * scale)
    hidden = X @ wide.network.hidden_weights.T + wide.network.hidden_biases
    assert (hidden[:, :3] > 0).all()
    assert (hidden[:, 3:] <= 1e-12).all()
    w = wide.network.hidden_weights
    np.testing.assert_allclose(w @ w.T, np.eye(7), atol=1e-13)


def test_output_bias_is_optimal_for_the_fixed_output_weights():
    X, labels, y = ref.problem(8)
    built = shallow_construct(X, labels, targets=y)
    np.testing.assert_allclose((built.network.predict(X) - y[labels]).mean(axis=0), 0, atol=1e-12)


def test_one_sample_per_class_is_interpolated():
    X = np.random.default_rng(0).normal(size=(5, 7))
    built = shallow_construct(X, np.arange(5))
    assert built.data.delta_p == pytest.approx(0, abs=1e-15)
    assert built.cost < 1e-13


def test_a_huge_shift_costs_digits_and_the_smallest_does_not_cut():
    X, labels, y = ref.problem(9)
    small = shallow_construct(X, labels, targets=y, shift="smallest")
    assert (X @ small.network.hidden_weights.T + small.network.hidden_biases > 0).all()
    assert small.shift.max() < shallow_construct(X, labels, targets=y).shift.max()
    assert small.cost == pytest.approx(small.exact_cost, rel=1e-12)
    huge = shallow_construct(X, labels, targets=y, shift=1e13)
    assert abs(huge.cost - huge.exact_cost) > 1e-5 * huge.exact_cost


def test_a_shift_that_cuts_or_an_unknown_choice_is_refused():
    X, labels, _ = ref.problem(9)
    with pytest.raises(ParameterError, match="cuts training samples"):
        shallow_construct(X - 10, labels, shift=0.01)
    with pytest.raises(ParameterError, match="shift="):
        shallow_construct(X, labels, shift="large")
    with pytest.raises(ParameterError, match="mode="):
        shallow_construct(X, labels, mode="wide")


@pytest.mark.parametrize("seed", range(20))
def test_affine_variant_interpolates_the_means_with_the_least_slope(seed):
    X, labels, y = ref.problem(seed)
    built = shallow_affine(X, labels, targets=y)
    assert built.network.n_neurons == len(y) - 1
    tol = 100 * rounding(built)
    assert np.abs(built.network.predict(built.data.means) - y).max() <= tol
    assert abs(ref.cost(built.network.predict(X), labels, y) - built.exact_cost) <= tol
    assert built.exact_cost <= built.operator_bound * (1 + 1e-12)
    slope = built.network.hidden_weights.T @ built.network.output_weights
    theorem = shallow_construct(X, labels, targets=y).network
    assert np.linalg.norm(slope) <= np.linalg.norm(theorem.hidden_weights.T @ theorem.output_weights) * (1 + 1e-9)


def test_affine_variant_is_translation_invariant_and_needs_one_dimension_less():
    X, labels, y = ref.problem(6, n_classes=4, extra=0)
    X = X[:, :3]
    base, moved = shallow_affine(X, labels, targets=y), shallow_affine(X + 100.0, labels, targets=y)
    np.testing.assert_allclose(moved.network.predict(X + 100.0), base.network.predict(X), atol=1e-9)
    with pytest.raises(RankDeficientMeansError):
        shallow_construct(X, labels, targets=y)


@pytest.mark.parametrize("q", [2, 3, 5, 10])
def test_for_isotropic_noise_the_affine_variant_saves_one_qth_of_the_squared_cost(q):
    X, labels, _ = ref.clusters(q, 0.02, seed=q, n=2000 // q)
    ratio = (shallow_affine(X, labels).exact_cost / shallow_construct(X, labels).exact_cost) ** 2
    # The law is exact in expectation; 2000 samples leave a few per cent.
    assert ratio == pytest.approx((q - 1) / q, rel=0.05)


def test_affine_network_realises_any_affine_map_on_the_samples():
    rng = np.random.default_rng(2)
    X, slope, constant = rng.normal(size=(40, 6)), rng.normal(size=(3, 6)), rng.normal(size=3)
    slope[2] = slope[0] - slope[1]
    net = affine_network(slope, constant, X)
    assert net.n_neurons == 2
    np.testing.assert_allclose(net.predict(X), X @ slope.T + constant, atol=1e-12)
    assert net.penalty() == pytest.approx(np.linalg.norm(slope, "nuc"), rel=1e-12)
    flat = affine_network(np.zeros((3, 6)), constant, X)
    assert flat.n_neurons == 0
    np.testing.assert_allclose(flat.predict(X), np.tile(constant, (40, 1)))


def test_refit_finds_the_best_last_layer():
    X, labels, y = ref.problem(10)
    built = shallow_construct(X, labels, targets=y)
    hidden = np.maximum(X @ built.network.hidden_weights.T + built.network.hidden_biases, 0)
    expected = ref.least_squares_cost(np.hstack([hidden, np.ones((len(X), 1))]), labels, y, by_class=False)
    better = refit(built.network, X, labels, targets=y)
    assert ref.cost(better.predict(X), labels, y) == pytest.approx(expected, rel=1e-7)
    assert expected < built.cost
