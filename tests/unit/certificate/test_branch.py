"""Branch and bound: never below the largest response, as close to it as asked for, and honest when stopped."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from reference_branch import largest_by_faces
from reference_certificate import response, sampled_neurons

from convexnn.certificate import bound_response, max_response
from convexnn.certificate.branch import bracket
from convexnn.exceptions import DataError, ParameterError
from convexnn.geometry.frame import make_frame

BIASES = (True, False, "penalized")
KINDS = ("random", "grid", "duplicates", "collinear", "constant feature", "zero rows", "one sample", "few samples")
TOL = 1e-3


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
    elif kind == "constant feature":
        X[:, -1] = 3.0
    elif kind == "zero rows":
        X[::3] = 0.0
    elif kind == "one sample":
        X = X[:1]
    elif kind == "few samples":
        X = X[: max(1, d - 1)]
    v = rng.standard_normal((len(X), c))
    return X, v - v.mean(axis=0)


def at_neuron(X, v, found, norm):
    """Response of the neuron of a bracket, from the definition."""
    return response(X, v, found.weights[None, :], np.array([found.bias]), norm)[0]


def check(X, v, norm, bias, found, true, tol=TOL):
    """Both bounds of a closed run are on their side of the maximum and within the tolerance."""
    assert found.ended == "closed"
    assert found.upper >= true
    # The largest response is known to rounding only.
    assert found.lower <= true * (1 + 1e-11) + 1e-12
    assert found.upper <= true * (1 + tol) * (1 + 1e-12) + 1e-9 * np.abs(v).sum() * np.abs(X).max()
    assert at_neuron(X, v, found, norm) == pytest.approx(found.lower, rel=1e-9, abs=1e-9 * np.abs(v).sum())


@pytest.mark.parametrize("norm", ["l1", "l2"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bias", BIASES)
def test_equals_the_exact_maximum_in_low_rank(kind, bias, norm):
    """Where the maximum over all neurons can be computed the bounds enclose it."""
    for (d, n), c in itertools.product([(1, 12), (2, 15), (3, 10)], (1, 2)):
        if norm == "l2" and d == 3 and bias is not False:
            continue
        X, v = make_data(kind, n, d, c, seed=d)
        exact = max_response(X, v, norm=norm, bias=bias)
        assert exact.network
        check(X, v, norm, bias, bound_response(X, v, norm=norm, bias=bias, tol=TOL), exact.value)


@pytest.mark.parametrize(
    ("bias", "d", "n"), [(False, 4, 6), (False, 5, 6), (True, 3, 5), (True, 4, 5), ("penalized", 3, 6)]
)
@pytest.mark.parametrize("c", [1, 2])
def test_equals_the_maximum_over_all_faces_in_four_and_five_dimensions(bias, d, n, c):
    """Where no other method of the package is exact the bounds enclose the enumeration of all faces."""
    for seed in range(3):
        X, v = make_data("random", n, d, c, seed)
        check(X, v, "l2", bias, bound_response(X, v, bias=bias, tol=TOL), largest_by_faces(X, v, bias))


@pytest.mark.parametrize("kind", ["random", "grid", "constant feature"])
def test_l1_in_four_dimensions_equals_the_pencils(kind):
    """For l1 the dictionary answers most among all neurons, and the pencils find its maximum in any rank."""
    for bias in (True, False):
        X, v = make_data(kind, 14, 4, 1, seed=5)
        exact = max_response(X, v, norm="l1", bias=bias)
        check(X, v, "l1", bias, bound_response(X, v, norm="l1", bias=bias, tol=TOL), exact.value)


@pytest.mark.parametrize("bias", BIASES)
def test_no_neuron_responds_more(bias):
    """Neither sampled neurons nor wedges are above the bound, with 80 samples in four dimensions."""
    X, v = make_data("random", 80, 3 if bias == "penalized" else 4, 1, seed=7)
    found = bound_response(X, v, bias=bias, tol=1e-2)
    u, c = sampled_neurons(np.random.default_rng(0), X, 20_000, "l2", bias)
    assert found.ended == "closed"
    assert found.lower <= found.upper <= found.lower * (1 + 1e-2) * (1 + 1e-12)
    assert response(X, v, u, c, "l2").max() <= found.upper
    assert max_response(X, v, bias=bias, scope="dictionary").value <= found.upper


@pytest.mark.parametrize("factor", [1e-120, 1e-7, 1e7, 1e120])
def test_units_do_not_matter(factor):
    """Samples and dual vectors of any size give the same bounds, scaled."""
    X, v = make_data("random", 20, 3, 1, seed=1)
    plain = bound_response(X, v, tol=TOL)
    for scaled, unit in (
        (bound_response(factor * X, v, tol=TOL), factor),
        (bound_response(X, factor * v, tol=TOL), factor),
    ):
        assert scaled.upper / unit == pytest.approx(plain.upper, rel=2 * TOL)
        assert scaled.upper / unit >= plain.lower * (1 - 1e-12)


def test_far_samples_keep_the_bound_valid():
    """A million away from the origin the samples are blurred, and the bound is wide enough for that."""
    X, v = make_data("random", 20, 2, 1, seed=2)
    far = X + 1e6
    found = bound_response(far, v, tol=TOL)
    assert found.upper >= max_response(far, v).value
    assert found.upper <= max_response(far, v).value * (1 + 2 * TOL)


def test_nothing_to_bound():
    """No dual vector, no samples that differ, or none that is not zero: nothing responds."""
    X, v = make_data("random", 6, 3, 1, seed=0)
    assert bound_response(X, 0 * v).upper == 0.0
    assert bound_response(np.ones((6, 3)), v).upper == 0.0
    assert bound_response(np.zeros((6, 3)), v, bias=False).upper == 0.0


@pytest.mark.parametrize("work", [1, 10_000, 200_000])
def test_stopped_early_the_bound_is_valid(work):
    """With any budget the bound is above the maximum, and a larger budget never makes it worse."""
    X, v = make_data("random", 50, 4, 1, seed=3)
    closed = bound_response(X, v, tol=1e-6, bias=False)
    stopped = bound_response(X, v, tol=1e-6, bias=False, max_work=work)
    more = bound_response(X, v, tol=1e-6, bias=False, max_work=10 * work)
    assert closed.ended == "closed"
    assert stopped.ended == "work"
    assert stopped.upper >= more.upper >= closed.lower
    assert stopped.lower <= closed.upper


def test_time_limit():
    """Without time the first cones are all there is."""
    X, v = make_data("random", 50, 4, 1, seed=3)
    found = bound_response(X, v, tol=1e-6, time_limit=0.0)
    assert found.ended == "time"
    assert found.upper >= bound_response(X, v, tol=1e-3).lower


def test_floor():
    """Below the floor cones are not examined, and the bound is still one."""
    X, v = make_data("random", 40, 4, 1, seed=4)
    true = bound_response(X, v, bias=False, tol=1e-5)
    for share in (0.5, 1.0, 1.5, 10.0):
        found = bound_response(X, v, bias=False, tol=TOL, floor=share * true.upper)
        assert true.lower <= found.upper <= max(1.0, share) * true.upper * (1 + TOL) * (1 + 1e-12)
        assert found.cones <= true.cones


def test_a_claimed_maximum_is_confirmed_or_refuted():
    """A goal above the maximum is reached, one below it is not."""
    X, v = make_data("random", 40, 3, 1, seed=6)
    frame = make_frame(X, norm="l2", bias=True)
    true = bracket(frame, v, tol=1e-4)
    assert bracket(frame, v, goal=true.upper).ended == "closed"
    assert bracket(frame, v, goal=true.upper).upper == true.upper
    assert bracket(frame, v, goal=true.lower * 0.999).ended == "refuted"


def test_same_bits_again():
    """The result does not depend on anything but the arguments."""
    X, v = make_data("random", 60, 4, 2, seed=8)
    first, second = bound_response(X, v), bound_response(X, v)
    assert (first.upper, first.lower, first.cones) == (second.upper, second.lower, second.cones)


def test_refusals():
    """High rank and dual vectors without a largest response are refused, saying why."""
    X, v = make_data("random", 30, 12, 1, seed=0)
    with pytest.raises(ParameterError, match="rank 12"):
        bound_response(X, v)
    with pytest.raises(DataError, match="sum to zero"):
        bound_response(X[:, :2], v + 1.0)
    with pytest.raises(ParameterError, match="max_work"):
        bound_response(X[:, :2], v, max_work=0)
