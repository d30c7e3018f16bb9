"""Sectors of normals in the plane: bounds that no neuron passes, and the same maximum as visiting every line."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from convexnn.certificate import certify
from convexnn.certificate.arcs import arc_response
from convexnn.certificate.orders import Orders
from convexnn.certificate.sectors import bound_sectors, keep_lines, make_sectors
from convexnn.network import ReLUNetwork


def make_points(kind, n, rng):
    X = rng.standard_normal((n, 2))
    if kind == "grid":
        X = rng.integers(-4, 5, (n, 2)).astype(float)
    if kind == "lattice":
        side = int(np.ceil(np.sqrt(n)))
        X = np.stack(np.meshgrid(np.arange(side), np.arange(side)), axis=-1).reshape(-1, 2)[:n] * 0.1
    if kind == "duplicates":
        X[n // 2 :] = X[: n - n // 2]
    if kind == "collinear":
        X[: n // 2] = np.outer(rng.integers(-9, 10, n // 2), [1.0, 2.0])
    if kind == "circle":
        X /= np.linalg.norm(X, axis=1, keepdims=True)
    if kind == "small":
        X *= 1e-9
    return X


def make_weights(kind, X, rng):
    n = len(X)
    if kind == "smooth":
        return np.sin(3 * X @ rng.standard_normal(2) / np.abs(X).max())
    if kind == "sparse":
        return np.where(rng.random(n) < 0.1, rng.standard_normal(n), 0.0)
    return rng.standard_normal(n)


def slow_maximum(X, v):
    """Largest |sum_i v_i (w.(x_i - x_p))_+| over pivots p and unit w, from the definition, one arc at a time."""
    best = 0.0
    for p in range(len(X)):
        Z = X - X[p]
        on = np.abs(Z).max(axis=1) > 0
        angles = np.unique(np.mod(np.arctan2(Z[on, 1], Z[on, 0]) + np.pi / 2, np.pi))
        if not len(angles):
            continue
        angles = np.concatenate([angles, [angles[0] + np.pi]])
        for a, b in pairwise(angles):
            middle = 0.5 * (a + b)
            for turn in (0.0, np.pi):
                active = Z @ [np.cos(middle + turn), np.sin(middle + turn)] > 0
                U = v[active] @ Z[active]
                # The best unit vector of the arc: U or minus U if it lies inside, else an end.
                candidates = [a + turn, b + turn]
                for size in (1.0, -1.0):
                    direction = np.arctan2(size * U[1], size * U[0])
                    if np.mod(direction - a - turn, 2 * np.pi) <= b - a:
                        candidates.append(direction)
                best = max([best, *(abs(U @ [np.cos(t), np.sin(t)]) for t in candidates)])
    return best


KINDS = ("random", "grid", "lattice", "duplicates", "collinear", "circle", "small")


@pytest.mark.parametrize("weights", ["noise", "smooth", "sparse"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [2, 3, 17, 40])
def test_maximum_is_that_of_the_definition(kind, weights, n):
    rng = np.random.default_rng(n)
    X = make_points(kind, n, rng)
    v = make_weights(weights, X, rng)
    value, normal, pivot, _ = arc_response(make_sectors(X), v)
    terms = np.abs(v) @ np.abs(X).sum(axis=1)
    assert value == pytest.approx(slow_maximum(X, v), abs=1e-12 * terms)
    # What is reported is a neuron that responds so much, one way round.
    levels = (X - X[pivot]) @ normal
    direct = max(abs(v @ np.maximum(levels, 0.0)), abs(v @ np.maximum(-levels, 0.0)))
    assert direct == pytest.approx(value, abs=1e-12 * terms)
    assert np.linalg.norm(normal) == pytest.approx(1.0)


@pytest.mark.parametrize("weights", ["noise", "smooth", "sparse"])
@pytest.mark.parametrize("kind", KINDS)
def test_kept_lines_change_no_bit(kind, weights):
    rng = np.random.default_rng(7)
    X = make_points(kind, 130, rng)
    v = make_weights(weights, X, rng)
    sectors = make_sectors(X)
    kept = keep_lines(sectors)
    np.testing.assert_equal(arc_response(kept, v), arc_response(sectors, v))
    # All sectors together meet every line once.
    b, p = (part.ravel() for part in np.indices(sectors.orders.shape))
    sizes, samples = sectors.crossed(b, p)
    np.testing.assert_array_equal(kept.crossed(b, p)[0], sizes)
    np.testing.assert_array_equal(kept.crossed(b, p)[1], samples)
    pairs = {(int(i), int(j)) for i, j in zip(np.repeat(p, sizes), samples)}
    assert len(pairs) == sizes.sum()
    assert pairs == {(i, j) for i in range(len(X)) for j in range(len(X)) if (X[i] != X[j]).any()}


@pytest.mark.parametrize("weights", ["noise", "smooth", "sparse"])
@pytest.mark.parametrize("kind", KINDS)
def test_no_neuron_responds_more_than_the_bound_of_its_sector(kind, weights):
    rng = np.random.default_rng(11)
    X = make_points(kind, 60, rng)
    v = make_weights(weights, X, rng)
    sectors = make_sectors(X)
    bounds = bound_sectors(sectors, v)
    terms = np.abs(v) @ np.abs(X).sum(axis=1)
    for share in (0.0, 0.3, 0.5, 0.8, 1.0):
        w = (1 - share) * sectors.normals[:-1] + share * sectors.normals[1:]
        w /= np.linalg.norm(w, axis=1, keepdims=True)
        levels = np.einsum("bk,pik->bpi", w, X[None] - X[:, None])
        responses = np.maximum(np.abs(np.maximum(levels, 0) @ v), np.abs(np.maximum(-levels, 0) @ v))
        assert (responses <= bounds.above + 1e-12 * terms).all()
        if share == 0.0:
            assert bounds.least == pytest.approx(responses.max(), abs=1e-12 * terms)


def test_bounds_leave_few_lines_of_a_smooth_vector():
    rng = np.random.default_rng(3)
    X = rng.standard_normal((400, 2))
    v = make_weights("smooth", X, rng)
    bounds = bound_sectors(make_sectors(X), v)
    assert (bounds.above >= bounds.least).mean() < 0.02


def test_samples_that_nearly_coincide_are_left_to_the_sweep():
    """Along no direction can rounding tell which of them is ahead."""
    X = np.random.default_rng(0).standard_normal((120, 2))
    X[1] = X[0] + 1e-16
    assert (X[1] != X[0]).any()
    assert make_sectors(X) is None
    y = np.sin(3 * X[:, 0])
    network = ReLUNetwork(np.eye(2), np.zeros(2), np.ones((2, 1)), np.zeros(1))
    orders = Orders()
    found = [certify(network, X, y, beta=0.1, orders=orders) for _ in range(3)]
    assert found[0] == found[1] == found[2]
    apart = X.copy()
    apart[1] += 1e-9
    assert make_sectors(apart) is not None
    assert certify(network, apart, y, beta=0.1).response == pytest.approx(found[0].response, rel=1e-7)


def test_lines_are_kept_from_the_second_time_on_if_memory_allows():
    X = np.random.default_rng(5).standard_normal((150, 2))
    network = ReLUNetwork(np.eye(2), np.zeros(2), np.ones((2, 1)), np.zeros(1))
    rich, poor = Orders(), Orders(memory=1000)
    for _ in range(3):
        certify(network, X, X[:, 0], beta=0.1, orders=rich)
        certify(network, X, X[:, 0], beta=0.1, orders=poor)
    frame = rich.frame(X, norm="l2", bias=True)
    assert rich.sectors(frame).lines is not None
    assert poor.sectors(frame).lines is None
    assert rich.sectors(replace(frame, points=2 * frame.points)).lines is None
