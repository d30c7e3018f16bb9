"""The compiled kernel against determinants, loops and exact counts."""

import signal
import threading
from itertools import combinations

import numpy as np
import pytest
from reference_geometry import cross_by_determinants

from convexnn._native import core
from convexnn.dictionaries.hyperplanes import enumerate_hyperplanes, unrank_subset, wedges_of
from convexnn.geometry.distinct import generating_rows
from convexnn.geometry.frame import make_frame
from convexnn.geometry.tolerance import BLADE, NOISE, SAME


@pytest.mark.parametrize("norm", ["l1", "l2"])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("d", range(1, 8))
def test_wedges_are_cross_products_of_their_rows(d, norm, bias):
    """Normal, orientation, length and offset of every subset, by determinants."""
    rng = np.random.default_rng(d)
    frame = make_frame(rng.normal(size=(d + 2, d)), norm=norm, bias=bias)
    rows = generating_rows(frame)
    every = combinations(range(len(rows.rows)), rows.subset_size)
    subsets = [s for s in every if not bias or s[0] < rows.n_points][:200]
    subsets = np.array(subsets, dtype=np.int64).reshape(len(subsets), rows.subset_size)
    planes = wedges_of(rows, frame, subsets)
    assert len(planes) == len(subsets)
    for u, c, subset in zip(planes.normals, planes.offsets, subsets):
        pivot = rows.rows[subset[0]] if bias else np.zeros(d)
        edges = [rows.rows[i] - pivot * (i < rows.n_points) for i in subset[int(bias) :]]
        x = cross_by_determinants(np.array(edges).reshape(d - 1, d))
        x /= np.abs(x).sum() if norm == "l1" else np.linalg.norm(x)
        # Conditioning of random subsets is below 1e4.
        np.testing.assert_allclose(u, x, atol=1e-11)
        assert c == pytest.approx(-(x @ pivot), abs=1e-11)


@pytest.mark.parametrize("d", [3, 5, 6])
def test_normals_along_axes_are_exactly_sparse(d):
    """A hyperplane through the axis e_k has u_k = 0, not 1e-17: l1 sparsity must survive."""
    frame = make_frame(np.random.default_rng(d).normal(size=(4, d)), norm="l1", bias=True)
    for planes in enumerate_hyperplanes(frame):
        plane, place = np.nonzero(planes.generators >= frame.n)
        assert (planes.normals[plane, planes.generators[plane, place] - frame.n] == 0).all()
        np.testing.assert_allclose(np.abs(planes.normals).sum(axis=1), 1.0, rtol=1e-15)


def test_dependent_rows_are_reported_and_left_out():
    points = np.array([[0.0, 0, 0], [1, 1, 0], [2, 2, 0], [0, 1, 1], [1, 0, 5]])
    frame = make_frame(points, norm="l2", bias=True)
    subsets = np.array(list(combinations(range(4), 3)))
    planes = wedges_of(generating_rows(frame), frame, subsets)
    np.testing.assert_array_equal(planes.generators, [[0, 1, 3], [0, 2, 3], [1, 2, 3]])
    # The three are one plane, and only the first is kept by the enumeration.
    kept = next(enumerate_hyperplanes(frame)).generators
    np.testing.assert_array_equal(kept, [[0, 1, 3], [0, 1, 4], [0, 3, 4], [1, 3, 4], [2, 3, 4]])


@pytest.mark.parametrize("block", [1, 7, 1000])
def test_blocks_and_ranges_give_the_same_hyperplanes(block):
    """Any cut of the enumeration into blocks and rank ranges yields the same rows in the same order."""
    X = np.random.default_rng(0).integers(0, 4, size=(12, 3)).astype(float)
    frame = make_frame(X, norm="l1", bias=True)
    whole = list(enumerate_hyperplanes(frame))
    count = generating_rows(frame).count
    parts = [
        p
        for start in range(0, count, 50)
        for p in enumerate_hyperplanes(frame, block=block, start=start, stop=start + 50)
    ]
    for name in ("normals", "offsets", "generators"):
        joined = [np.concatenate([getattr(p, name) for p in some]) for some in (whole, parts)]
        np.testing.assert_array_equal(*joined)
    assert all(0 < len(p) <= block for p in parts)


def test_unranking_is_the_lexicographic_order():
    for n, k in [(6, 3), (5, 0), (5, 5), (7, 1)]:
        for rank, subset in enumerate(combinations(range(n), k)):
            np.testing.assert_array_equal(unrank_subset(rank, n, k), subset)
    last = unrank_subset(10**20, 5000, 8)
    assert (np.diff(last) > 0).all()


@pytest.mark.parametrize(("n", "m", "c"), [(1, 1, 1), (5, 7, 1), (40, 17, 3), (300, 8, 2)])
def test_responses_and_correlations_equal_loops(n, m, c):
    rng = np.random.default_rng(n)
    points, normals, offsets = rng.normal(size=(n, 3)), rng.normal(size=(m, 3)), rng.normal(size=m)
    v = rng.normal(size=(n, c))
    out = np.empty((m, n))
    core.wedge_responses(points, normals, offsets, out)
    signed = np.array([[u @ x + b for x in points] for u, b in zip(normals, offsets)])
    np.testing.assert_allclose(out, signed, atol=1e-14)
    sums = np.empty((m, 2, c))
    core.correlate_wedges(points, normals, offsets, v, sums)
    np.testing.assert_allclose(sums[:, 0], np.maximum(signed, 0) @ v, atol=1e-12)
    np.testing.assert_allclose(sums[:, 1], np.maximum(-signed, 0) @ v, atol=1e-12)


def enumerate_args(n=5, d=2, count=10):
    rows = np.random.default_rng(0).normal(size=(n, d))
    return {
        "rows": rows, "n_points": n, "affine": True, "l1": False, "same": SAME, "noise": NOISE, "blade": BLADE,
        "first": np.arange(d, dtype=np.int64), "normals": np.empty((count, d)), "offsets": np.empty(count),
        "generators": np.empty((count, d), dtype=np.int64),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"rows": np.ones((5, 2), dtype=np.float32)}, TypeError),
        ({"rows": np.ones((2, 5)).T}, TypeError),
        ({"normals": np.empty((10, 4))[:, ::2]}, TypeError),
        ({"normals": np.empty((10, 3))}, ValueError),
        ({"generators": np.empty((9, 2), dtype=np.int64)}, ValueError),
        ({"first": np.array([0], dtype=np.int64)}, ValueError),
        ({"first": np.array([1, 1], dtype=np.int64)}, ValueError),
        ({"first": np.array([0, 5], dtype=np.int64)}, ValueError),
        ({"first": np.array([-1, 2], dtype=np.int64)}, ValueError),
        ({"n_points": 6}, ValueError),
        ({"n_points": 0}, ValueError),
    ],
)
def test_wrong_arrays_are_refused_not_converted(change, error):
    """A silently converted output array would stay empty; a wrong index would read foreign memory."""
    good = enumerate_args()
    assert core.enumerate_wedges(*good.values()) == (10, True)
    with pytest.raises(error):
        core.enumerate_wedges(*(enumerate_args() | change).values())


def test_other_kernels_check_shapes_too():
    points, normals, offsets = np.ones((4, 2)), np.ones((3, 2)), np.ones(3)
    with pytest.raises(ValueError, match="normals"):
        core.wedge_responses(points, np.ones((3, 3)), offsets, np.empty((3, 4)))
    with pytest.raises(ValueError, match="out"):
        core.wedge_responses(points, normals, offsets, np.empty((4, 3)))
    with pytest.raises(ValueError, match="offsets"):
        core.correlate_wedges(points, normals, np.ones(2), np.ones((4, 1)), np.empty((3, 2, 1)))
    with pytest.raises(ValueError, match="v"):
        core.correlate_wedges(points, normals, offsets, np.ones((3, 1)), np.empty((3, 2, 1)))
    with pytest.raises(ValueError, match="subsets"):
        core.make_wedges(
            points, 4, True, False, SAME, NOISE, BLADE, np.array([[0, 9]]), np.empty((1, 2)), np.empty(1),
            np.empty(1, dtype=np.uint8),
        )  # fmt: skip


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs POSIX timers")
@pytest.mark.skipif(
    threading.current_thread() is not threading.main_thread(), reason="signals reach the main thread"
)
def test_a_signal_stops_the_enumeration():
    """The kernel of a call that would take minutes ends with the exception of the signal handler."""

    class Stop(Exception):
        pass

    def handler(*_):
        raise Stop

    args = enumerate_args(n=2000, d=4, count=2_000_000)
    old = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    try:
        with pytest.raises(Stop):
            core.enumerate_wedges(*args.values())
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)
