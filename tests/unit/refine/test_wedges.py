"""The nearest wedge is the cross product of the nearest independent rows, oriented like the neuron."""

from __future__ import annotations

import numpy as np
import pytest
from reference_refine import cross, greedy_wedge, nearest_independent

from convexnn.geometry.frame import make_frame
from convexnn.refine import wedges as module
from convexnn.refine.neurons import response_share
from convexnn.refine.orthogonal import orthogonal_direction
from convexnn.refine.wedges import WedgeFinder, from_working, to_working


def _neuron(d, seed):
    rng = np.random.default_rng(seed)
    return rng.normal(size=d), float(rng.normal()) * 0.3


def _parallel(a, b):
    return abs(a @ b) >= (1 - 1e-10) * np.linalg.norm(a) * np.linalg.norm(b) and a @ b > 0


@pytest.mark.parametrize("d", [2, 3, 5])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("norm", ["l1", "l2"])
def test_against_the_definition(d, bias, norm):
    """Reference: greedy choice by matrix rank, cofactor cross product, orientation by the inner product."""
    X = np.random.default_rng(1).normal(size=(12, d))
    w, b = _neuron(d, 2)
    b = b if bias else 0.0
    frame = make_frame(X, norm=norm, bias=bias)
    normals, offsets = to_working(frame, w[None, :], np.array([b]))
    found = WedgeFinder(frame).nearest(normals[0], float(offsets[0]))
    weights, biases = from_working(frame, found.normal[None, :], np.array([found.offset]))
    # Axes count in working units for l1, where the only change of coordinates is a scale and a shift.
    axes = np.eye(d) if norm == "l1" else np.zeros((0, d))
    distance = np.concatenate([np.abs(X @ w + b) / frame.scale, np.abs(axes @ w)])
    if bias:
        pivot = int(np.argmin(distance[:12]))
        rows = np.vstack([X - X[pivot], axes])
        distance[pivot] = np.inf
        expected = [pivot, *nearest_independent(rows, distance, d - 1)]
        normal = cross(rows[expected[1:]])
    else:
        rows = np.vstack([X, axes])
        expected = nearest_independent(rows, distance, d - 1)
        normal = cross(rows[expected])
    normal = normal * np.sign(normal @ w)
    assert found.rows.tolist() == expected
    assert _parallel(weights[0], normal)
    samples = [i for i in expected if i < 12]
    np.testing.assert_allclose(X[samples] @ weights[0] + biases[0], 0.0, atol=1e-12)
    length = np.abs(weights[0]).sum() if norm == "l1" else np.linalg.norm(weights[0])
    assert length == pytest.approx(1.0, rel=1e-12)
    cosine = weights[0] @ w / np.linalg.norm(weights[0]) / np.linalg.norm(w)
    assert np.cos(found.angle) == pytest.approx(cosine, abs=1e-9)


def test_dependent_rows_are_passed_over():
    """The nearest two samples are parallel: the second is skipped, though it is nearer than the third."""
    X = np.array([[1.0, 0.01, 0.0], [2.0, 0.02, 0.0], [0.0, 0.1, 1.0], [0.0, 1.0, 0.5], [0.3, 2.0, 1.0]])
    frame = make_frame(X, norm="l2", bias=False)
    found = WedgeFinder(frame).nearest(np.array([0.0, 1.0, 0.0]), 0.0)
    assert found.rows.tolist() == [0, 2]


def _samples(kind, n, d):
    """Samples of which the nearest are independent, or not: equal, parallel, on a line, few values, few directions."""
    rng = np.random.default_rng(len(kind) + n)
    X = rng.normal(size=(n, d))
    if kind == "equal":
        X = np.repeat(X[: n // 2], 2, axis=0)
    elif kind == "parallel":
        X = np.repeat(X[: n // 2], 2, axis=0) * np.tile([1.0, -2.0], n // 2)[:, None]
    elif kind == "collinear":
        X[n // 2 :] = X[0] + rng.normal(size=(n - n // 2, 1)) * X[1]
    elif kind == "almost collinear":
        X[n // 2 :] = X[0] + rng.normal(size=(n - n // 2, 1)) * X[1] + 1e-6 * X[n // 2 :]
    elif kind == "low rank":
        X = X[:, : d // 2] @ rng.normal(size=(d // 2, d))
    elif kind == "sparse":
        X = X * (rng.random((n, d)) < 0.08)
    elif kind == "few values":
        X = rng.integers(0, 2, size=(n, d)).astype(float)
    return X


KINDS = ["random", "equal", "parallel", "collinear", "almost collinear", "low rank", "sparse", "few values"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("n", "d"), [(120, 40), (30, 45)])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("norm", ["l1", "l2"])
def test_large_subsets_against_the_greedy_choice(kind, n, d, bias, norm, monkeypatch):
    """Reference: row by row, what sticks out of the span; one elimination, or blocks where rows are dependent."""
    frame = make_frame(_samples(kind, n, d), norm=norm, bias=bias)
    rows = np.vstack([frame.points, frame.axes])
    rng = np.random.default_rng(7)
    u, c = rng.normal(size=frame.rank), 0.2 * bias
    u /= np.linalg.norm(u)
    count = frame.rank - 1
    for block in (64, 5):
        monkeypatch.setattr(module, "_BLOCK", block)
        found = WedgeFinder(frame).nearest(u, c)
        distance = np.abs(rows @ u + c * (np.arange(len(rows)) < n))
        if bias:
            pivot = int(found.rows[0])
            assert distance[pivot] == pytest.approx(distance[:n].min(), abs=1e-12)
            rows[:n] -= frame.points[pivot]
            distance[pivot] = np.inf
        expected, normal = greedy_wedge(rows, distance, u, count)
        if bias:
            rows[:n] += frame.points[pivot]
        assert found.rows[int(bias) :].tolist() == expected
        direction = found.normal / np.linalg.norm(found.normal)
        np.testing.assert_allclose(direction, normal, rtol=1e-7, atol=1e-8)


def test_elimination_is_used_where_rows_are_independent_and_only_there(monkeypatch):
    answers = []

    def recorded(rows):
        answers.append(orthogonal_direction(rows) is not None)
        return orthogonal_direction(rows)

    monkeypatch.setattr(module, "orthogonal_direction", recorded)
    for kind in ("random", "collinear"):
        frame = make_frame(_samples(kind, 120, 40), norm="l2", bias=False)
        WedgeFinder(frame).nearest(np.ones(40), 0.0)
    assert answers == [True, False]


def test_wedges_are_remembered_up_to_a_number(monkeypatch):
    frame = make_frame(np.random.default_rng(0).normal(size=(20, 4)), norm="l2", bias=True)
    finder = WedgeFinder(frame)
    monkeypatch.setattr(module, "_REMEMBERED", 2)
    neurons = np.random.default_rng(1).normal(size=(3, 4))
    first, second, third = (finder.nearest(u, 0.0) for u in neurons)
    assert finder.nearest(neurons[2], 0.0) is third
    assert finder.nearest(neurons[1], 0.0) is second
    again = finder.nearest(neurons[0], 0.0)
    assert again is not first
    np.testing.assert_array_equal(again.normal, first.normal)
    assert finder.nearest(neurons[0], 0.1) is not again


def test_fewer_rows_project_onto_a_face():
    X = np.random.default_rng(0).normal(size=(20, 4))
    frame = make_frame(X, norm="l2", bias=True)
    w, b = _neuron(4, 3)
    normals, offsets = to_working(frame, w[None, :], np.array([b]))
    angles = []
    for count in (1, 2, 3, 4, 9):
        found = WedgeFinder(frame).nearest(normals[0], float(offsets[0]), count)
        assert len(found.rows) == min(count, 4)
        weights, biases = from_working(frame, found.normal[None, :], np.array([found.offset]))
        np.testing.assert_allclose(X[found.rows] @ weights[0] + biases[0], 0.0, atol=1e-12)
        angles.append(found.angle)
    assert angles[0] == pytest.approx(0.0, abs=1e-7)
    assert angles == sorted(angles)


def test_degenerate_data():
    constant = make_frame(np.ones((5, 2)), norm="l2", bias=True)
    assert WedgeFinder(constant).nearest(np.zeros(0), 1.0) is None
    line = np.outer(np.arange(6.0), [1.0, 2.0, 2.0])
    frame = make_frame(line, norm="l2", bias=True)
    assert frame.rank == 1
    normals, offsets = to_working(frame, np.array([[1.0, 0.0, 0.0]]), np.array([-2.2]))
    found = WedgeFinder(frame).nearest(normals[0], float(offsets[0]))
    assert found.rows.tolist() == [2]
    few = make_frame(np.eye(3)[:2], norm="l1", bias=True)
    assert len(WedgeFinder(few).nearest(np.array([1.0, 1.0, 1.0]), 0.0).rows) == 3


def test_share_of_a_response():
    h = np.array([1.0, 2.0, 0.0])
    assert response_share(h, 3 * h) == pytest.approx(1.0)
    assert response_share(h, np.array([0.0, 0.0, 1.0])) == 0.0
    assert response_share(h, np.zeros(3)) == 0.0
    k = np.array([1.0, 1.0, 1.0])
    s = h @ k / (k @ k)
    assert response_share(h, k) == pytest.approx(1 - ((h - s * k) ** 2).sum() / (h @ h))
