"""The oracle by sectors against the sweep over every line, and against the definition."""

from __future__ import annotations

import numpy as np
import pytest
from reference_solver import KINDS, awkward_points, searched_maximum

from convexnn._native import core
from convexnn._progress import Clock
from convexnn.geometry.frame import make_frame
from convexnn.geometry.interactions import check_interactions
from convexnn.oracles.groups import GroupsOracle
from convexnn.oracles.planar import PlanarOracle
from convexnn.oracles.sectors import SectorOracle


def make(kind, n, seed):
    rng = np.random.default_rng(seed)
    X = awkward_points(kind, n, 2, seed) * [1.0, 10.0 ** rng.integers(-5, 1)]
    v = rng.standard_normal((n, 1))
    return make_frame(X, norm="l2", bias=True), v - v.mean()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [3, 8, 60, 300])
def test_the_maximum_is_that_of_the_sweep(kind, n):
    """Largest response, neurons with the responses that are claimed, and rows that lie on their lines."""
    for seed in range(4):
        frame, v = make(kind, n, seed)
        if frame.rank != 2:
            continue
        found = SectorOracle(frame).price(v, 0.0, 8)
        swept = PlanarOracle(frame, network=True).price(v, 0.0, 8)
        size = float(np.abs(v[:, 0]) @ np.abs(frame.points).sum(axis=1))
        assert found.strongest == pytest.approx(swept.strongest, rel=1e-9, abs=1e-12 * size)
        assert swept.strongest <= found.above + 1e-12 * size
        assert found.responses[0] == found.strongest
        neurons = found.neurons
        direct = np.abs(frame.columns(neurons.normals, neurons.offsets).T @ v)[:, 0]
        np.testing.assert_allclose(direct, found.responses, atol=1e-11 * size)
        for rows, u, c in zip(neurons.rows, neurons.normals, neurons.offsets):
            on = frame.points[rows[rows >= 0]]
            assert len(on) >= 1
            assert np.abs(on @ u + c).max() <= 1e-10


def test_nothing_sampled_responds_more():
    frame, v = make("normal", 40, 1)
    found = SectorOracle(frame).price(v, 0.0, 1)
    rng = np.random.default_rng(0)
    assert searched_maximum(frame.points, True, "l2", v, rng) <= found.strongest * (1 + 1e-12)


def test_what_stays_below_the_floor_is_bounded():
    """Above the maximum nothing is found, and the bound is true; below it the maximum is."""
    frame, v = make("normal", 200, 2)
    oracle = SectorOracle(frame)
    top = oracle.price(v, 0.0, 1).strongest
    below, over = oracle.price(v, 0.9 * top, 5), oracle.price(v, 1.1 * top, 5)
    assert below.strongest == top
    assert (below.responses > 0.9 * top).all()
    assert len(over) == 0
    assert top <= over.above <= 1.1 * top


@pytest.mark.parametrize("sectors", [2, 5, 40, 200])
def test_no_number_of_sectors_changes_the_maximum(sectors):
    frame, v = make("normal", 150, 3)
    value, rows, normals = np.empty(3), np.empty((3, 2), dtype=np.int64), np.empty((3, 2))
    found = core.SectorOracle(frame.points, sectors, 10**8).price(v[:, 0].copy(), 0.0, 1, value, rows, normals)
    assert found[1] == pytest.approx(PlanarOracle(frame, network=True).price(v, 0.0, 1).strongest, rel=1e-12)


def test_memory_and_threads_change_nothing():
    """Orders that are sorted anew, and chunks on several threads, give the same bits."""
    frame, v = make("normal", 900, 4)
    first = SectorOracle(frame, n_jobs=1).price(v, 0.0, 6)
    for oracle in (SectorOracle(frame, memory=0), SectorOracle(frame, n_jobs=3)):
        for _ in range(2):
            again = oracle.price(v, 0.0, 6)
            np.testing.assert_array_equal(again.responses, first.responses)
            np.testing.assert_array_equal(again.neurons.normals, first.neurons.normals)
            assert again.above == first.above


def test_a_deadline_gives_an_incomplete_answer():
    frame, v = make("normal", 3000, 5)
    assert not SectorOracle(frame).price(v, 0.0, 1, clock=Clock(1e-9)).complete


def test_groups_that_cannot_respond_are_not_asked_again():
    """A small change of the dual vector moves every response by little: answers are those of fresh oracles."""
    rng = np.random.default_rng(6)
    X, v = rng.standard_normal((80, 4)), rng.standard_normal((80, 1))
    v -= v.mean()
    frame = make_frame(X, norm="l2", bias=True, groups=check_interactions("pairwise", 4))

    def fresh():
        return GroupsOracle(frame, [(k, SectorOracle(part.frame)) for k, part in enumerate(frame.parts)], 1)

    oracle = fresh()
    floor = 0.99 * oracle.price(v, 0.0, 4).strongest
    for step in (0.0, 1e-3, 1e-2, 0.1, 1.0):
        change = step * rng.standard_normal((80, 1))
        w = v + change - change.mean()
        kept, new = oracle.price(w, floor, 9), fresh().price(w, floor, 9)
        np.testing.assert_array_equal(kept.responses, new.responses)
        assert new.strongest <= kept.above
