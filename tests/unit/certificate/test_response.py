"""The largest response: equal to enumeration, never below any neuron, attained by the neuron it names."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from reference_certificate import ascended_response, network_response, response, sampled_neurons, wedge_response

from convexnn.certificate import max_response
from convexnn.exceptions import DictionarySizeError, ParameterError

KINDS = ("random", "grid", "duplicates", "collinear", "cocircular", "constant feature", "zero rows")
BIASES = (True, False, "penalized")


def make_data(kind, n, d, c, seed):
    """Samples of one kind and a dual vector whose columns sum to zero."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d))
    if kind == "grid":
        X = rng.integers(-2, 3, (n, d)).astype(float)
    elif kind == "duplicates":
        X[n // 2 :] = X[: n - n // 2]
    elif kind == "collinear":
        X = np.outer(rng.integers(-3, 4, n), np.arange(1.0, d + 1)) + 0.5
    elif kind == "cocircular":
        X /= np.linalg.norm(X, axis=1, keepdims=True)
        X[1] = -X[0]
    elif kind == "constant feature":
        X[:, -1] = 3.0
    elif kind == "zero rows":
        X[::3] = 0.0
    v = rng.standard_normal((n, c))
    return X, v - v.mean(axis=0)


# Enumeration in four dimensions takes long.
ENUMERABLE = [
    *itertools.product(KINDS, BIASES, [(1, 9), (2, 8), (3, 6)]),
    *itertools.product(["random", "grid"], [True, False], [(4, 6)]),
]


@pytest.mark.parametrize("norm", ["l1", "l2"])
@pytest.mark.parametrize(("kind", "bias", "size"), ENUMERABLE)
def test_dictionary_scope_equals_enumeration(kind, norm, bias, size):
    """Over wedge neurons the maximum is that of an itertools enumeration, for one and two outputs."""
    d, n = size
    for c, seed in itertools.product((1, 2), range(2)):
        X, v = make_data(kind, n, d, c, seed)
        expected = wedge_response(X, v, norm, bias)
        found = max_response(X, v, norm=norm, bias=bias, scope="dictionary")
        assert found.consistent
        # Sums of n terms of size one.
        assert found.value == pytest.approx(expected, rel=1e-11, abs=1e-13)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("norm", ["l1", "l2"])
@pytest.mark.parametrize("bias", BIASES)
@pytest.mark.parametrize("d", [1, 2, 3])
def test_no_neuron_responds_more(kind, norm, bias, d):
    """In network scope no sampled neuron exceeds the maximum, and the neuron named attains it."""
    n = 10
    for c, seed in itertools.product((1, 2), range(2)):
        X, v = make_data(kind, n, d, c, 10 + seed)
        try:
            best = max_response(X, v, norm=norm, bias=bias)
        except ParameterError:
            assert norm == "l2"
            assert d == 3
            assert bias is not False
            continue
        u, offsets = sampled_neurons(np.random.default_rng(seed), X, 4000, norm, bias)
        assert best.network
        assert best.consistent
        slack = 1e-12 * np.abs(v).sum() * np.abs(X).max()
        assert response(X, v, u, offsets, norm).max() <= best.value + slack
        own = response(X, v, best.weights[None], np.array([best.bias]), norm)[0]
        assert own == pytest.approx(best.value, rel=1e-9, abs=slack)
        full = np.append(best.weights, best.bias) if bias == "penalized" else best.weights
        if best.value > 0:
            assert np.linalg.norm(full, ord=1 if norm == "l1" else 2) == pytest.approx(1.0, rel=1e-12)


@pytest.mark.parametrize(("d", "bias"), [(2, True), (2, False), (3, False), (2, "penalized")])
def test_ascent_from_many_starts_finds_nothing_larger(d, bias):
    """Local search inside the cells, from 500 starts, never beats the exact maximum and often reaches it."""
    reached = 0
    for seed in range(12):
        X, v = make_data("grid" if seed % 3 == 0 else "random", 12, d, 1, 50 + seed)
        exact = max_response(X, v, bias=bias).value
        found = ascended_response(np.random.default_rng(seed), X, v, 500, bias)
        assert found <= exact * (1 + 1e-12)
        reached += found >= exact * (1 - 1e-9)
    assert reached >= 3


@pytest.mark.parametrize(("d", "bias"), [(2, True), (2, False), (3, False), (2, "penalized")])
@pytest.mark.parametrize("c", [1, 2, 3])
def test_network_scope_equals_all_faces_of_all_cells(d, bias, c):
    """The maximum over all l2 neurons is that of every face of every cell, one by one."""
    for seed in range(6):
        X, v = make_data("random", 9, d, c, 100 + seed)
        found = max_response(X, v, bias=bias)
        assert found.value == pytest.approx(network_response(X, v, bias), rel=1e-12)
        assert found.value >= max_response(X, v, bias=bias, scope="dictionary").value * (1 - 1e-14)


def test_orthogonal_rows_reach_the_square_root_of_three():
    """Rows e_1, e_2, e_3 and v = (1, 1, 1): wedges respond with 1, the neuron in the cell with sqrt 3 (MATHS 6)."""
    X, v = np.eye(3), np.ones((3, 1))
    assert max_response(X, v, bias=False, scope="dictionary").value == pytest.approx(1.0, rel=1e-15)
    assert max_response(X, v, bias=False, scope="network").value == pytest.approx(np.sqrt(3.0), rel=1e-15)


@pytest.mark.parametrize("size", [1e-12, 1e-3, 1e12])
@pytest.mark.parametrize("norm", ["l1", "l2"])
@pytest.mark.parametrize("bias", [True, False])
def test_scales(size, norm, bias):
    """The response is proportional to samples and dual vector, at any size."""
    X, v = make_data("random", 12, 2, 2, 5)
    one = max_response(X, v, norm=norm, bias=bias).value
    # Centring rounds anew at every scale, hence not exact.
    assert max_response(size * X, v, norm=norm, bias=bias).value == pytest.approx(size * one, rel=1e-13)
    assert max_response(X, size * v, norm=norm, bias=bias).value == pytest.approx(size * one, rel=1e-13)


def test_shifted_samples_respond_alike():
    """With free biases only differences of samples count."""
    rng = np.random.default_rng(2)
    X, v = make_data("grid", 15, 2, 1, 6)
    X = X + rng.integers(0, 2, X.shape) * 0.5
    for norm in ("l1", "l2"):
        one = max_response(X, v, norm=norm).value
        assert max_response(X + 2.0**20, v, norm=norm).value == pytest.approx(one, rel=1e-13)


@pytest.mark.parametrize(("d", "bias", "c"), [(2, True, 1), (2, True, 2), (3, False, 1), (3, True, 1)])
def test_threads_do_not_matter(d, bias, c):
    """One and several threads give identical bits."""
    X, v = make_data("random", 90 if d == 2 else 40, d, c, 3)
    for norm in ("l1", "l2"):
        scope = "dictionary" if d == 3 and bias and norm == "l2" else "network"
        one, many = (max_response(X, v, norm=norm, bias=bias, scope=scope, n_jobs=k) for k in (1, -1))
        assert one.value == many.value
        np.testing.assert_array_equal(one.weights, many.weights)


@pytest.mark.parametrize("bias", BIASES)
def test_nothing_responds(bias):
    """Equal samples, one sample, or a zero dual vector: the maximum is zero (or that of a constant)."""
    for X in (np.ones((4, 2)), np.ones((1, 3)), np.zeros((3, 1))):
        v = np.zeros((len(X), 1))
        assert max_response(X, v, bias=bias).value == 0.0
    v = np.array([[1.0], [2.0], [-3.0]])
    assert max_response(np.ones((3, 2)), v, bias=bias).value == pytest.approx(0.0, abs=1e-15)
    assert max_response(np.zeros((3, 2)), v, bias=False, norm="l1").value == 0.0


def test_tiny_rows_still_point_somewhere():
    """Without biases the length of a row does not matter for the hyperplane through it."""
    X = np.array([[1e-200, 2e-200], [1.0, 0.0], [0.0, 1.0]])
    v = np.array([[1e-3], [-2.0], [1.0]])
    u = np.array([[2.0, -1.0], [-2.0, 1.0]]) / np.sqrt(5.0)
    direct = response(X, v, u, np.zeros(2), "l2").max()
    found = max_response(X, v, bias=False, scope="dictionary").value
    assert found >= direct * (1 - 1e-14)
    assert found == pytest.approx(wedge_response(X[1:], v[1:], "l2", False), rel=1e-14)


def test_what_cannot_be_computed_is_refused():
    """No exact method at high rank, and a budget that is checked before the work."""
    X, v = make_data("random", 30, 4, 1, 0)
    with pytest.raises(ParameterError, match="rank 4"):
        max_response(X, v, bias=False, scope="network")
    with pytest.raises(DictionarySizeError, match="max_work") as error:
        max_response(X, v, norm="l1", max_work=1000)
    assert error.value.budget == 1000
    # Three fixed rows of 30 samples and 4 axes, at least one of them a sample, times 34 rows.
    assert error.value.count == (34 * 33 * 32 // 6 - 4) * 34
