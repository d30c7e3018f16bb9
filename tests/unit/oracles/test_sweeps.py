"""Planar and pencil sweeps against enumeration of all hyperplanes; where they see every neuron, against sampling."""

import numpy as np
import pytest
from reference_solver import KINDS, awkward_points, response, searched_maximum, wedge_responses

from convexnn._native import core
from convexnn.geometry.frame import make_frame
from convexnn.oracles.pencil import PencilOracle, pencil_count
from convexnn.oracles.planar import PlanarOracle

KEEP = 2**28  # bytes for kept orders: everything
SMALL = [(1, 2), (2, 2), (3, 2), (12, 2), (2, 3), (9, 3), (3, 4), (7, 4), (8, 5)]


def weights(n, c, seed, centred):
    v = np.random.default_rng(seed).normal(size=(n, c))
    return v - v.mean(axis=0) if centred else v


def tolerance(points, v):
    """Rounding error of a sum of n products, with room for the order of summation."""
    return 1e-12 * float(np.abs(v).sum() * max(np.abs(points).max(), 1e-300)) * max(1, len(points)) ** 0.5


def planar(points, l1, memory, v, *, arcs=False, threads=1):
    oracle = core.PlanarOracle(points, l1, memory)
    n = len(points)
    value, row, normal = np.empty(n), np.empty(n, dtype=np.int64), np.empty((n, 2))
    for _ in range(2):  # the second call finds the orders kept
        oracle.price(v, arcs, threads, value, row, normal)
    return value, row, normal


def pencil(points, axes, affine, l1, memory, v, *, scope=0, floor=0.0, threads=1):
    oracle = core.PencilOracle(points, axes, affine, l1, memory)
    count, r = oracle.n_pencils * oracle.n_segments, points.shape[1]
    value, row, normal = np.empty(count), np.empty(count, dtype=np.int64), np.empty((count, r))
    for _ in range(2):
        oracle.price(v, scope, floor, threads, value, row, normal)
    fixed = np.empty((oracle.n_pencils, oracle.n_fixed), dtype=np.int64)
    oracle.fixed_rows(np.arange(oracle.n_pencils), fixed)
    return value, row, normal, np.repeat(fixed, oracle.n_segments, axis=0)


def working_points(kind, n, d, norm, affine):
    """Points and axes of a frame without rank reduction, so that degenerate data reach the kernels."""
    points = awkward_points(kind, n, d)
    if affine:
        points = points - points.mean(axis=0)
    size = np.abs(points).max()
    points = np.ascontiguousarray(points / size if size > 0 else points)
    return points, np.eye(d) if norm == "l1" else np.zeros((0, d))


@pytest.mark.parametrize("memory", [0, KEEP])
@pytest.mark.parametrize("c", [1, 3])
@pytest.mark.parametrize("norm", ["l1", "l2"])
@pytest.mark.parametrize("kind", KINDS)
def test_planar_sweep_finds_the_best_line_through_every_sample(kind, norm, c, memory):
    for n in (1, 2, 3, 14, 40):
        points, axes = working_points(kind, n, 2, norm, True)
        v = weights(n, c, n, centred=True)
        value, row, normal = planar(points, norm == "l1", memory, v)
        subsets, values = wedge_responses(points, axes, True, norm, v)
        tol = tolerance(points, v)
        for j in range(n):
            expected = max([x for s, x in zip(subsets, values) if j in s], default=0.0)
            # Lines through nearly equal samples have a direction known to few digits; they pass through all of
            # the pair's neighbourhood, so the value is still right to the distance of the pair.
            assert value[j] == pytest.approx(expected, abs=1e3 * tol, rel=1e-9), (n, j)
            if value[j] > tol:
                assert_neuron(points, axes, norm, v, value[j], normal[j], [j, row[j]], j)


def assert_neuron(points, axes, norm, v, value, normal, rows, pivot):
    """A unit normal whose hyperplane contains the rows, and whose response is the value."""
    length = np.abs(normal).sum() if norm == "l1" else np.linalg.norm(normal)
    assert length == pytest.approx(1.0, rel=1e-13)
    origin = points[pivot] if pivot is not None else np.zeros(points.shape[1])
    for i in rows:
        if i >= 0:
            direction = points[i] - origin if i < len(points) else axes[i - len(points)]
            assert abs(normal @ direction) <= 1e-12
    true = response(points, normal[None], np.array([-normal @ origin]), v, norm)[0]
    assert true == pytest.approx(value, abs=tolerance(points, v), rel=1e-11)


@pytest.mark.parametrize("memory", [0, KEEP])
@pytest.mark.parametrize("c", [1, 3])
@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("norm", ["l1", "l2"])
@pytest.mark.parametrize("kind", [k for k in KINDS if k != "clusters"])
def test_pencil_sweep_finds_the_best_hyperplane_of_every_pencil(kind, norm, affine, c, memory):
    """Per pencil (the fixed rows), over every further row; dependent fixed rows answer zero."""
    for n, d in SMALL:
        points, axes = working_points(kind, n, d, norm, affine)
        v = weights(n, c, n + d, centred=affine)
        value, row, normal, fixed = pencil(points, axes, affine, norm == "l1", memory, v)
        subsets, values = wedge_responses(points, axes, affine, norm, v)
        tol = tolerance(points, v)
        expected = {}
        for subset, x in zip(subsets, values):
            for swept in subset:
                key = tuple(i for i in subset if i != swept)
                expected[key] = max(expected.get(key, 0.0), x)
        found = {}
        for rows, x in zip(map(tuple, fixed), value):
            found[rows] = max(found.get(rows, 0.0), x)
        for key, x in found.items():
            assert x == pytest.approx(expected.get(key, 0.0), abs=10 * tol, rel=1e-9), (n, d, key)
        for x, k, u, rows in zip(value, row, normal, fixed):
            if x > tol:
                assert_neuron(points, axes, norm, v, x, u, [*rows, k], rows[0] if affine else None)


@pytest.mark.parametrize("kind", KINDS)
def test_planar_and_pencil_agree_on_the_strongest_neuron(kind):
    """Two sweeps written independently, with and without the inside of arcs."""
    for n in (2, 5, 30, 200):
        for norm in ("l1", "l2"):
            points, axes = working_points(kind, n, 2, norm, True)
            v = weights(n, 1, n, centred=True)
            for arcs in (False, True):
                if arcs and norm == "l1":
                    continue
                one = planar(points, norm == "l1", KEEP, v, arcs=arcs)[0].max()
                two = pencil(points, axes, True, norm == "l1", KEEP, v, scope=int(arcs))[0].max()
                assert one == pytest.approx(two, abs=10 * tolerance(points, v), rel=1e-9)


def test_segments_part_a_pencil_without_losing_an_event():
    """Few pencils are cut into segments, each with its own best neuron; together they are the whole dictionary."""
    points = awkward_points("normal", 300, 2)
    v = weights(300, 1, 0, centred=False)
    value, row, normal, _ = pencil(points, np.zeros((0, 2)), False, False, KEEP, v)
    assert len(value) == 64
    _, values = wedge_responses(points, np.zeros((0, 2)), False, "l2", v)
    strongest = np.argsort(-values)
    assert value.max() == pytest.approx(values[strongest[0]], rel=1e-12)
    assert len(set(row)) == 64  # one event belongs to one segment
    np.testing.assert_allclose(response(points, normal, np.zeros(64), v, "l2"), value, rtol=1e-10)


@pytest.mark.parametrize("c", [1, 3])
@pytest.mark.parametrize("kind", ["normal", "grid", "duplicates", "cocircular", "clusters"])
def test_arcs_make_the_planar_sweep_exact_over_all_neurons(kind, c):
    """No sampled neuron, refined by hill climbing, responds more; and the neuron found does respond so."""
    for n in (2, 3, 9, 25):
        points, axes = working_points(kind, n, 2, "l2", True)
        v = weights(n, c, n, centred=True)
        value, row, normal = planar(points, False, KEEP, v, arcs=True)
        searched = searched_maximum(points, True, "l2", v, np.random.default_rng(n))
        assert searched <= value.max() * (1 + 1e-9) + tolerance(points, v)
        # Hill climbing ends within its smallest step of the maximum.
        assert searched >= value.max() * (1 - 1e-4)
        for j in np.flatnonzero(value > tolerance(points, v)):
            assert_neuron(points, axes, "l2", v, value[j], normal[j], [j, row[j]], j)


@pytest.mark.parametrize("c", [1, 3])
@pytest.mark.parametrize("d", [2, 3])
@pytest.mark.parametrize("kind", ["normal", "grid", "duplicates", "cocircular", "clusters"])
def test_arcs_and_cells_make_the_pencil_exact_over_all_neurons(kind, d, c):
    for n in (d, 8, 20):
        points, axes = working_points(kind, n, d, "l2", False)
        if np.linalg.matrix_rank(points, tol=1e-9) < d:
            continue  # the frame would have reduced it
        v = weights(n, c, n + d, centred=False)
        value, row, normal, fixed = pencil(points, axes, False, False, KEEP, v, scope=d - 1)
        searched = searched_maximum(points, False, "l2", v, np.random.default_rng(n))
        assert searched <= value.max() * (1 + 1e-9) + tolerance(points, v)
        assert searched >= value.max() * (1 - 1e-4)
        best = int(value.argmax())
        rows = [i for i in [*fixed[best], row[best]] if row[best] != -2]
        assert_neuron(points, axes, "l2", v, value[best], normal[best], rows, None)


@pytest.mark.parametrize("c", [1, 3])
@pytest.mark.parametrize("kind", ["normal", "duplicates", "cocircular", "clusters"])
def test_no_neuron_inside_a_cell_is_overlooked(kind, c):
    """Among 120 samples most maximisers lie outside their cell. Those inside, fixed points of the ascent from cell to
    cell from 3000 starts, respond no more than what is found."""
    points, axes = working_points(kind, 120, 3, "l2", False)
    v = weights(120, c, 7, centred=False)
    value = pencil(points, axes, False, False, KEEP, v, scope=2)[0]
    inside = 0
    for u in np.random.default_rng(3).standard_normal((3000, 3)):
        for _ in range(50):
            active = points @ u > 0
            S = (points * active[:, None]).T @ v
            w = np.linalg.svd(S)[0][:, 0]
            w = w if w @ u > 0 else -w
            if np.array_equal(points @ w > 0, active):
                break
            u = w
        else:
            continue
        inside += 1
        assert np.linalg.norm(S, 2) <= value.max() * (1 + 1e-12) + tolerance(points, v)
    assert inside > 100


def test_cells_below_the_floor_are_not_visited():
    """`floor` prunes cells only: the wedges of every pencil are reported all the same."""
    points = awkward_points("normal", 15, 3)
    v = weights(15, 1, 3, centred=False)
    axes = np.zeros((0, 3))
    every = pencil(points, axes, False, False, KEEP, v, scope=2)
    none = pencil(points, axes, False, False, KEEP, v, scope=2, floor=every[0].max() * 1.01)
    assert (every[1] == -2).any()
    assert not (none[1] == -2).any()
    wedge = pencil(points, axes, False, False, KEEP, v, scope=1)
    np.testing.assert_array_equal(none[0], wedge[0])


@pytest.mark.parametrize("arcs", [False, True])
@pytest.mark.parametrize("c", [1, 2])
@pytest.mark.parametrize("norm", ["l1", "l2"])
def test_bits_do_not_depend_on_threads_or_kept_orders(norm, c, arcs):
    points, _ = working_points("normal", 301, 2, norm, True)
    v = weights(301, c, 1, centred=True)
    first = planar(points, norm == "l1", KEEP, v, arcs=arcs)
    for memory, threads in ((KEEP, 2), (0, 1), (0, 2)):
        for a, b in zip(first, planar(points, norm == "l1", memory, v, arcs=arcs, threads=threads)):
            np.testing.assert_array_equal(a, b)
    for d, affine in ((2, False), (3, False), (3, True), (4, False)):
        points, axes = working_points("normal", 24, d, norm, affine)
        v = weights(24, c, 2, centred=affine)
        scope = 0 if not arcs or norm == "l1" else 1 if d == 2 else 2
        first = pencil(points, axes, affine, norm == "l1", KEEP, v, scope=scope)
        for memory, threads in ((KEEP, 2), (0, 2)):
            again = pencil(points, axes, affine, norm == "l1", memory, v, scope=scope, threads=threads)
            for a, b in zip(first, again):
                np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("scale", [1e-12, 1e-3, 1e12])
def test_the_sweeps_are_homogeneous_in_the_points(scale):
    """Tolerances are relative to the largest coordinate: lengths times s, responses times s."""
    scale = 2.0 ** round(np.log2(scale))  # exact, so that bits can be compared
    for kind in ("normal", "grid"):
        points, _ = working_points(kind, 40, 2, "l2", True)
        v = weights(40, 1, 1, centred=True)
        for plain, scaled in zip(planar(points, False, KEEP, v), planar(points * scale, False, KEEP, v)):
            if plain.ndim == 1 and plain.dtype == float:
                plain = plain * scale
            np.testing.assert_array_equal(plain, scaled)
        cube, axes = working_points(kind, 12, 3, "l1", False)
        v = weights(12, 1, 1, centred=False)
        plain, scaled = (pencil(p, axes * s, False, True, KEEP, v) for p, s in ((cube, 1.0), (cube * scale, scale)))
        np.testing.assert_allclose(plain[0] * scale, scaled[0], rtol=1e-13)


def test_wrong_shapes_are_refused():
    points = awkward_points("normal", 5, 2)
    oracle = core.PlanarOracle(points, False, 0)
    value, row, normal = np.empty(5), np.empty(5, dtype=np.int64), np.empty((5, 2))
    with pytest.raises(ValueError, match="wrong shape"):
        oracle.price(np.zeros((4, 1)), False, 1, value, row, normal)
    with pytest.raises(ValueError, match="two columns"):
        core.PlanarOracle(np.zeros((5, 3)), False, 0)
    with pytest.raises(TypeError):
        oracle.price(np.zeros((5, 1), dtype=np.float32), False, 1, value, row, normal)
    with pytest.raises(ValueError, match="two dimensions"):
        core.PencilOracle(np.zeros((5, 1)), np.zeros((0, 1)), False, False, 0)
    with pytest.raises(ValueError, match="differ in dimension"):
        core.PencilOracle(points, np.zeros((0, 3)), False, False, 0)
    lines = core.PencilOracle(points, np.zeros((0, 2)), False, False, 0)
    with pytest.raises(ValueError, match="wrong length"):
        lines.price(np.zeros((5, 1)), 0, 0.0, 1, value[:1], row[:1], normal[:1])


# -- the Python side -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("norm", ["l1", "l2"])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("d", [2, 3])
def test_candidates_are_sorted_distinct_and_above_the_floor(d, bias, norm):
    frame = make_frame(awkward_points("normal", 25, d), norm=norm, bias=bias)
    v = weights(25, 1, 5, centred=bias)
    make = PlanarOracle if d == 2 and bias else PencilOracle
    oracle = make(frame, network=False, n_jobs=1)
    everything = oracle.price(v, 0.0, 10_000)
    floor = float(np.median(everything.responses))
    found = oracle.price(v, floor, 8)
    assert 0 < len(found) <= 8
    assert (np.diff(found.responses) <= 0).all()
    assert (found.responses > floor).all()
    assert found.strongest == everything.strongest == everything.responses[0] == found.responses[0]
    assert len({tuple(rows) for rows in everything.neurons.rows}) == len(everything)
    true = response(frame.points, found.neurons.normals, found.neurons.offsets, v, norm)
    np.testing.assert_allclose(found.responses, true, rtol=1e-11)
    for rows, u, c in zip(found.neurons.rows, found.neurons.normals, found.neurons.offsets):
        on = frame.points[[i for i in rows if i < frame.n]]
        np.testing.assert_allclose(on @ u + c, 0.0, atol=1e-13)
    assert len(oracle.price(v, np.inf, 8)) == 0
    assert oracle.price(v, np.inf, 8).strongest == found.strongest


def test_a_narrow_oracle_shares_the_orders_of_the_wide_one():
    frame = make_frame(awkward_points("normal", 30, 2), norm="l2", bias=True)
    v = weights(30, 1, 0, centred=True)
    wide = PlanarOracle(frame, network=True, n_jobs=1)
    narrow = wide.wedges_only()
    assert (wide.scope, wide.moves) == ("network", True)
    assert (narrow.scope, narrow.moves) == ("dictionary", False)
    assert narrow.price(v, 0.0, 1).strongest <= wide.price(v, 0.0, 1).strongest
    frame = make_frame(awkward_points("normal", 12, 3), norm="l2", bias=False)
    wide = PencilOracle(frame, network=True, n_jobs=1)
    narrow = wide.wedges_only()
    assert (wide.scope, wide.moves) == ("network", True)
    assert (narrow.scope, narrow.moves) == ("dictionary", False)
    assert narrow.price(v[:12], 0.0, 1).strongest < wide.price(v[:12], 0.0, 1).strongest


def test_pencils_are_counted_as_the_kernel_enumerates_them():
    for norm in ("l1", "l2"):
        for bias in (True, False):
            for d in (2, 3, 4):
                frame = make_frame(awkward_points("normal", 9, d), norm=norm, bias=bias)
                kernel = core.PencilOracle(frame.points, frame.axes, frame.affine, norm == "l1", 0)
                assert kernel.n_pencils == pencil_count(frame)
