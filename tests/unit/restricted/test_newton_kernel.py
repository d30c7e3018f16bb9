"""Kernels of moving neurons, the Newton matrix and the reach of a step, against plain NumPy; rows that come and go."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from convexnn._native import core
from convexnn.restricted.faces.row_store import Rows


def make_system(sizes, c, seed):
    rng = np.random.default_rng(seed)
    starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    total = int(starts[-1])
    A = rng.standard_normal((total, total + 2))
    a = rng.standard_normal(total)
    lengths = np.array([np.linalg.norm(a[i:j]) for i, j in pairwise(starts)])
    border, corner = rng.standard_normal((total, c)), np.diag(rng.uniform(1.0, 2.0, c))
    return A @ A.T, starts, a / np.repeat(lengths, sizes), lengths, border, corner


@pytest.mark.parametrize("c", [0, 1, 3])
@pytest.mark.parametrize("sizes", [[1], [1, 1, 1], [2, 1, 3, 1, 2], [4, 4], [2] * 40])
def test_newton_matrix_is_the_scaled_hessian(sizes, c):
    """Gram matrix, curvature of the lengths block by block, intercepts; then a unit diagonal."""
    gram, starts, unit, lengths, border, corner = make_system(sizes, c, len(sizes) + c)
    beta, total = 0.7, len(unit)
    expected = np.block([[gram, border], [border.T, corner]])
    for k, (i, j) in enumerate(pairwise(starts)):
        if j - i > 1:
            expected[i:j, i:j] += beta / lengths[k] * (np.eye(j - i) - np.outer(unit[i:j], unit[i:j]))
    H, scale = np.empty((total + c, total + c)), np.empty(total + c)
    core.newton_matrix(gram, starts, unit, lengths, beta, border, corner, 1e-40, H, scale)
    np.testing.assert_allclose(scale, 1 / np.sqrt(expected.diagonal()), rtol=1e-15)
    np.testing.assert_allclose(H, expected * scale[:, None] * scale, rtol=1e-13, atol=1e-15)


def test_entries_without_curvature_keep_a_finite_scale():
    """A block that no sample sees has no diagonal entry of its own."""
    gram = np.diag([4.0, 0.0, 1.0])
    H, scale = np.empty((3, 3)), np.empty(3)
    core.newton_matrix(
        gram, np.arange(4), np.ones(3), np.ones(3), 1.0, np.zeros((3, 0)), np.zeros((0, 0)), 1e-40, H, scale
    )
    np.testing.assert_allclose(scale, [0.5, 1 / np.sqrt(4e-40), 1.0])
    np.testing.assert_allclose(H, np.diag([1.0, 0.0, 1.0]))


def test_newton_matrix_refuses_shapes_that_do_not_fit():
    gram, starts, unit, lengths, border, corner = make_system([2, 1], 1, 0)
    H, scale = np.empty((4, 4)), np.empty(4)
    arguments = [gram, starts, unit, lengths, 1.0, border, corner, 1e-40, H, scale]
    for place, wrong, message in (
        (0, gram[:2], "shapes"), (2, unit[:2], "shapes"), (5, border[:, :0], "shapes"), (8, H[:3, :3].copy(), "shapes"),
        (9, scale[:3], "shapes"), (1, starts[:-1], "starts"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=message):
            core.newton_matrix(*arguments[:place], wrong, *arguments[place + 1 :])
    for wrong in (np.array([0, 2, 4]), np.array([-1, 1, 3]), np.array([2, 1, 3])):
        with pytest.raises(IndexError, match="starts"):
            core.newton_matrix(*arguments[:1], wrong, *arguments[2:])


def reach_of(block, places, a, d):
    """Step and sample at which each neuron meets its border, one sample at a time."""
    steps, rows = np.full(len(places), np.inf), np.zeros(len(places), dtype=np.int64)
    for k, place in enumerate(places):
        quotients = []
        for i in range(block.shape[2]):
            now = sum((a[k, q] * block[place, q, i] for q in range(a.shape[1])), 0.0)
            move = sum((d[k, q] * block[place, q, i] for q in range(a.shape[1])), 0.0)
            quotients.append(move / max(now, 1e-300))
        rows[k] = int(np.argmin(quotients))
        if quotients[rows[k]] < 0:
            steps[k] = -1.0 / quotients[rows[k]]
    return steps, rows


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("n", [1, 7, 256, 257, 600])
def test_reach_is_that_of_every_sample(n, depth):
    """Chunks of samples, ties, samples on the hyperplane and beyond it, directions that meet nothing."""
    rng = np.random.default_rng(n + depth)
    block = np.abs(rng.standard_normal((9, 3, n)))
    block[:, :, ::5] = 0.0
    block[4] = rng.standard_normal((3, n))
    block[5, :, : n // 2] = block[5, :, n - n // 2 :]
    places = np.array([8, 4, 0, 5, 2, 7], dtype=np.int64)
    a, d = np.abs(rng.standard_normal((6, depth))), rng.standard_normal((6, depth))
    d[2] = np.abs(d[2])
    steps, rows = np.empty(6), np.empty(6, dtype=np.int64)
    core.face_reach(block, places, a, d, steps, rows)
    expected = reach_of(block, places, a, d)
    np.testing.assert_array_equal(rows, expected[1])
    np.testing.assert_array_equal(steps, expected[0])
    assert steps[2] == np.inf


def test_reach_refuses_what_does_not_fit():
    block, places, a = np.zeros((3, 2, 5)), np.array([0, 2], dtype=np.int64), np.ones((2, 2))
    out = np.empty(2), np.empty(2, dtype=np.int64)
    with pytest.raises(ValueError, match="one entry per neuron"):
        core.face_reach(block, places[:1], a, a, *out)
    with pytest.raises(ValueError, match="coordinates"):
        core.face_reach(block, places, np.ones((2, 3)), np.ones((2, 3)), *out)
    for wrong in (-1, 3):
        with pytest.raises(IndexError, match="place"):
            core.face_reach(block, np.array([0, wrong]), a, a, *out)


def test_rows_that_come_and_go_keep_their_order():
    """Whatever leaves and enters, the rows are those of a list that is kept plainly."""
    rng = np.random.default_rng(8)
    rows, plain = Rows((2, 3)), []
    for _ in range(200):
        stays = rng.random(len(plain)) < rng.choice([0.2, 0.7, 1.0])
        new = rng.standard_normal((int(rng.choice([0, 1, 2, 30])), 2, 3))
        rows.change(stays, new)
        plain = [row for row, stay in zip(plain, stays) if stay] + list(new)
        assert len(rows) == len(plain) == len(rows.block)
        assert sorted(rows.places) == list(range(len(plain)))
        np.testing.assert_array_equal(rows.in_order(), np.array(plain).reshape(-1, 2, 3))
