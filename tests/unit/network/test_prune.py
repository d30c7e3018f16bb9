"""Pruning: equal outputs on the samples, a penalty that never rises, and few neurons."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from convexnn.network import ReLUNetwork
from convexnn.network.nullspace import sparsest_vertex
from convexnn.network.prune import basic_solution, merge_neurons

CASES = list(itertools.product(["l1", "l2"], [True, False, "penalized"], [1, 2]))


def random_network(rng, m, d, c, bias):
    b = rng.standard_normal(m) if bias else np.zeros(m)
    t = rng.standard_normal(c) if bias is True else np.zeros(c)
    return ReLUNetwork(rng.standard_normal((m, d)), b, rng.standard_normal((m, c)), t)


def rounding(network, X, norm, bias):
    """Size of what sums over all neurons can lose to rounding."""
    return 1e-11 * (np.abs(network.outputs(X)).max() + network.penalty(norm, bias))


@pytest.mark.parametrize(("norm", "bias", "c"), CASES)
@pytest.mark.parametrize("kind", ["random", "grid", "collinear"])
def test_basic_solution(norm, bias, c, kind):
    """At most n c neurons are left, outputs stay, the penalty does not rise."""
    rng = np.random.default_rng(7)
    n, d, m = 9, 2, 60
    X = rng.standard_normal((n, d)) if kind == "random" else rng.integers(-2, 3, (n, d)).astype(float)
    if kind == "collinear":
        X = np.outer(rng.integers(-3, 4, n), [1.0, 2.0])
    network = random_network(rng, m, d, c, bias)
    pruned = basic_solution(network, X, norm=norm, bias=bias)
    assert pruned.n_neurons <= n * c
    assert pruned.n_neurons < network.n_neurons
    np.testing.assert_allclose(pruned.outputs(X), network.outputs(X), rtol=0, atol=rounding(network, X, norm, bias))
    assert pruned.penalty(norm, bias) <= network.penalty(norm, bias) * (1 + 1e-12)


def test_basic_solution_has_independent_columns():
    """What is left cannot be reduced further: its activations are linearly independent."""
    rng = np.random.default_rng(1)
    X, network = rng.standard_normal((12, 2)), random_network(rng, 40, 2, 1, True)
    pruned = basic_solution(network, X)
    K = np.maximum(X @ pruned.hidden_weights.T + pruned.hidden_biases, 0)
    assert np.linalg.matrix_rank(np.hstack([K, np.ones((12, 1))])) == pruned.n_neurons + 1
    again = basic_solution(pruned, X)
    assert again.n_neurons == pruned.n_neurons


@pytest.mark.parametrize("bias", [True, False])
def test_dead_and_constant_neurons(bias):
    """A neuron that is never active is dropped; a constant joins a free intercept."""
    X = np.array([[1.0], [2.0]])
    hidden_biases = [0.0, -9.0 if bias else 0.0, 3.0 if bias else 0.0]
    network = ReLUNetwork([[1.0], [-1.0], [0.0]], hidden_biases, [[1.0], [5.0], [1.0]], np.zeros(1))
    pruned = basic_solution(network, X, bias=bias)
    assert pruned.n_neurons == 1
    np.testing.assert_allclose(pruned.outputs(X), network.outputs(X), atol=1e-14)


def test_empty_network_stays():
    """Nothing to prune is not an error."""
    empty = ReLUNetwork(np.zeros((0, 2)), np.zeros(0), np.zeros((0, 1)), np.ones(1))
    for function in (basic_solution, merge_neurons):
        pruned = function(empty, np.ones((3, 2)))
        assert pruned.n_neurons == 0
        assert pruned.intercept == 1.0


@pytest.mark.parametrize(("norm", "bias", "c"), CASES)
def test_merging(norm, bias, c):
    """Neurons of one cell and one output direction become one; outputs stay, the penalty does not rise."""
    rng = np.random.default_rng(3)
    X = rng.standard_normal((10, 2))
    network = random_network(rng, 6, 2, c, bias)
    close = network.hidden_weights + 1e-6 * rng.standard_normal((6, 2))
    twice = ReLUNetwork(
        np.vstack([network.hidden_weights, 3.0 * close]),
        np.concatenate([network.hidden_biases, 3.0 * network.hidden_biases]),
        np.vstack([network.output_weights, 0.5 * network.output_weights]),
        network.intercept,
    )
    merged = merge_neurons(twice, X, norm=norm, bias=bias)
    assert merged.n_neurons <= 6
    np.testing.assert_allclose(merged.outputs(X), twice.outputs(X), rtol=0, atol=rounding(twice, X, norm, bias))
    assert merged.penalty(norm, bias) <= twice.penalty(norm, bias) * (1 + 1e-12)


def test_merging_keeps_opposite_signs_apart():
    """Equal patterns with opposite output signs are not added up."""
    X = np.array([[1.0], [2.0], [-1.0]])
    network = ReLUNetwork([[1.0], [2.0]], [0.0, 0.0], [[1.0], [-1.0]], np.zeros(1))
    assert merge_neurons(network, X).n_neurons == 2


def test_merging_across_a_common_face():
    """A sample on the hyperplane belongs to both cells: two wedge neurons of one cell merge and cost less."""
    X = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    network = ReLUNetwork([[1.0, 0.0], [0.0, 1.0]], [0.0, 0.0], [[1.0], [1.0]], np.zeros(1))
    merged = merge_neurons(network, X, bias=False)
    assert merged.n_neurons == 1
    np.testing.assert_allclose(merged.outputs(X), network.outputs(X), atol=1e-15)
    assert merged.penalty() == pytest.approx(np.sqrt(2.0))
    assert network.penalty() == pytest.approx(2.0)


@pytest.mark.parametrize("seed", range(20))
def test_vertex_against_linear_program(seed):
    """The combination is unchanged, entries stay nonnegative, the support is independent, the sum not larger."""
    rng = np.random.default_rng(seed)
    n, m = 5, 14
    columns = rng.integers(-2, 3, (n, m)).astype(float)
    start = rng.integers(0, 3, m).astype(float)
    free = np.arange(m) >= m - 1
    x = sparsest_vertex(columns, start, free)
    np.testing.assert_allclose(columns @ x, columns @ start, atol=1e-11)
    assert (x[~free] >= 0).all()
    assert x[~free].sum() <= start[~free].sum() + 1e-11
    support = np.flatnonzero(x)
    assert np.linalg.matrix_rank(columns[:, support]) == len(support)
