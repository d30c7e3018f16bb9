"""Parts of a frame with groups: their neurons are those of the whole that see one group."""

from __future__ import annotations

import numpy as np
import pytest
from reference_solver import KINDS, awkward_points

from convexnn.geometry.frame import make_frame
from convexnn.geometry.interactions import check_interactions


@pytest.mark.parametrize("bias", [True, False, "penalized"])
@pytest.mark.parametrize("norm", ["l1", "l2"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_neuron_of_a_part_is_one_of_the_whole(kind, norm, bias):
    """Same responses and length, zero weights elsewhere, and the way back; rows are those of the whole."""
    rng = np.random.default_rng(0)
    X = awkward_points(kind, 15, 4) * [1.0, 1e-6, 100.0, 1.0]
    frame = make_frame(X, norm=norm, bias=bias, groups=check_interactions([[0, 1], [1, 2], [3]], 4))
    assert len(frame.parts) == 3
    for k, part in enumerate(frame.parts):
        r = part.frame.rank
        u, c = rng.standard_normal((5, r)), rng.standard_normal(5)
        whole = part.embed(u)
        own = frame.columns(whole, c * part.unit)
        np.testing.assert_allclose(own, part.unit * part.frame.columns(u, c), atol=1e-12 * (1 + np.abs(own).max()))
        order = 1 if norm == "l1" else 2
        np.testing.assert_allclose(np.linalg.norm(whole, order, axis=1), np.linalg.norm(u, order, axis=1), rtol=1e-12)
        np.testing.assert_allclose(part.restrict(whole), u, atol=1e-14)
        outside = [j for j in range(4) if j not in frame.groups.groups[k]]
        assert not whole[:, outside].any()
        rows = np.array([[0, 1], [2, -1]])[:, : max(part.frame.subset_size, 1)]
        back = part.restrict_rows(part.embed_rows(rows, frame.subset_size))
        np.testing.assert_array_equal(back[:, : rows.shape[1]], rows)
        if r == len(frame.groups.groups[k]) + int(frame.penalized):
            groups = [frame.groups.groups[j] for j in frame.part_of(whole)]
            assert all(set(np.flatnonzero(w[:4])) <= set(g) for w, g in zip(whole, groups))
            assert frame.visible(whole)[:, list(frame.groups.groups[k])].all()


def test_axes_of_parts_are_axes_of_the_whole():
    X = np.random.default_rng(1).standard_normal((6, 3))
    frame = make_frame(X, norm="l1", bias=True, groups=check_interactions([[0, 2], [1]], 3))
    part = frame.parts[0]
    np.testing.assert_array_equal(part.embed_rows(np.array([[3, 7]]), 2), [[3, 8]])  # axis 1 of the part is x2
    np.testing.assert_array_equal(part.restrict_rows(np.array([[3, 8]])), [[3, 7]])


def test_a_frame_without_groups_is_its_own_part():
    frame = make_frame(np.random.default_rng(2).standard_normal((6, 3)), norm="l2", bias=True)
    (part,) = frame.parts
    assert part.frame is frame
    assert part.unit == 1.0
    assert frame.visible(np.ones((2, 3))) is None
