"""Sweeps, cells, listed hyperplanes and hinges for activations with a slope on the inactive side."""

import numpy as np
import pytest
from reference_solver import KINDS, awkward_points, sampled_neurons, wedges

from convexnn._native import core

KEEP = 2**28
SLOPES = [0.0, 0.1, -1.0]


def activation(z, slope):
    return np.where(z > 0, z, slope * z)


def strength(points, normals, offsets, v, norm, slope):
    """Norms over the outputs of v' f(Xu + c), summed as written; neurons along the first axis."""
    answers = activation(points @ np.atleast_2d(normals).T + offsets, slope).T @ v
    return np.abs(answers).max(axis=1) if norm == "l1" else np.sqrt((answers**2).sum(axis=1))


def case(kind, n, d, norm, affine, c):
    """Points, silent axes and weights, centred where biases are free."""
    points = awkward_points(kind, n, d)
    points = points - points.mean(axis=0) if affine else points
    size = np.abs(points).max()
    v = np.random.default_rng(n + d).normal(size=(n, c))
    return (
        np.ascontiguousarray(points / size if size > 0 else points),
        np.eye(d) if norm == "l1" else np.zeros((0, d)),
        v - v.mean(axis=0) if affine else v,
    )


def tolerance(points, v):
    return 1e-11 * float(np.abs(v).sum() * max(np.abs(points).max(), 1e-300)) * max(1, len(points)) ** 0.5


def every_wedge(points, axes, affine, norm, v, slope):
    """Subsets of rows and the stronger of both orientations, by the definition."""
    found = []
    for subset, u, offset in wedges(points, axes, affine, norm):
        both = strength(points, [u, -u], np.array([offset, -offset]), v, norm, slope)
        found.append((subset, float(both.max())))
    return found


def planar(points, norm, v, slope, *, arcs, threads=1):
    n = len(points)
    value, row, normal = np.empty(n), np.empty(n, dtype=np.int64), np.empty((n, 2))
    oracle = core.PlanarOracle(points, norm == "l1", KEEP)
    assert oracle.price(v, arcs, threads, value, row, normal, slope=slope) == n
    return value, row, normal


def pencil(points, axes, affine, norm, v, slope, *, scope):
    oracle = core.PencilOracle(points, axes, affine, norm == "l1", KEEP)
    count = oracle.n_pencils * oracle.n_segments
    value, row, normal = np.empty(count), np.empty(count, dtype=np.int64), np.empty((count, points.shape[1]))
    assert oracle.price(v, scope, 0.0, 1, value, row, normal, slope=slope) == oracle.n_pencils
    fixed = np.empty((oracle.n_pencils, oracle.n_fixed), dtype=np.int64)
    oracle.fixed_rows(np.arange(oracle.n_pencils), fixed)
    return value, row, normal, np.repeat(fixed, oracle.n_segments, axis=0)


def hill_climb(points, affine, norm, v, slope, rng):
    """Best of many random neurons after refinement by shrinking random steps; a lower bound of the maximum."""
    normals, offsets = sampled_neurons(points, affine, norm, rng, 3000)
    values = strength(points, normals, offsets, v, norm, slope)
    top = np.argsort(-values)[:20]
    normals, offsets, values = normals[top], offsets[top], values[top]
    for width in np.geomspace(0.3, 1e-5, 40):
        for _ in range(4):
            u = normals + width * rng.normal(size=normals.shape)
            u /= (np.abs(u).sum(axis=1) if norm == "l1" else np.linalg.norm(u, axis=1))[:, None]
            b = offsets + width * rng.normal(size=len(offsets)) if affine else offsets
            new = np.array([strength(points, p, q, v, norm, slope)[0] for p, q in zip(u, b)])
            better = new > values
            normals[better], offsets[better], values[better] = u[better], b[better], new[better]
    return float(values.max())


@pytest.mark.parametrize("slope", SLOPES)
@pytest.mark.parametrize("c", [1, 3])
@pytest.mark.parametrize("norm", ["l1", "l2"])
@pytest.mark.parametrize("kind", KINDS)
def test_planar_sweep_finds_the_best_line_through_every_sample(kind, norm, c, slope):
    for n in (1, 2, 13):
        points, axes, v = case(kind, n, 2, norm, True, c)
        value, _, normal = planar(points, norm, v, slope, arcs=False)
        found, tol = every_wedge(points, axes, True, norm, v, slope), tolerance(points, v)
        for j in range(n):
            expected = max((x for subset, x in found if j in subset), default=0.0)
            assert value[j] == pytest.approx(expected, abs=1e3 * tol, rel=1e-9), (n, j)
            if value[j] > tol:
                true = strength(points, normal[j], -normal[j] @ points[j], v, norm, slope)[0]
                assert true == pytest.approx(value[j], abs=tol, rel=1e-10)


@pytest.mark.parametrize("slope", SLOPES)
@pytest.mark.parametrize("c", [1, 3])
@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("norm", ["l1", "l2"])
@pytest.mark.parametrize("kind", [k for k in KINDS if k != "clusters"])
def test_pencil_sweep_finds_the_best_hyperplane(kind, norm, affine, c, slope):
    for n, d in [(2, 2), (9, 2), (8, 3), (6, 4)]:
        points, axes, v = case(kind, n, d, norm, affine, c)
        value, _, normal, fixed = pencil(points, axes, affine, norm, v, slope, scope=0)
        found, tol = every_wedge(points, axes, affine, norm, v, slope), tolerance(points, v)
        for rows in {tuple(f) for f in fixed}:
            mine = value[(fixed == rows).all(axis=1)].max()
            expected = max((x for subset, x in found if set(rows) <= set(subset)), default=0.0)
            assert mine == pytest.approx(expected, abs=10 * tol, rel=1e-9), (n, d, rows)
        for x, u, rows in zip(value, normal, fixed):
            if x > tol:
                offset = -u @ points[rows[0]] if affine else 0.0
                assert strength(points, u, offset, v, norm, slope)[0] == pytest.approx(x, abs=tol, rel=1e-10)


@pytest.mark.parametrize("slope", SLOPES)
@pytest.mark.parametrize("c", [1, 2])
@pytest.mark.parametrize("kind", ["normal", "grid", "duplicates", "cocircular"])
@pytest.mark.parametrize("setting", ["planar", "plane", "space"])
def test_arcs_and_cells_make_the_sweeps_exact_over_all_neurons(setting, kind, c, slope):
    """On a cell the response stays linear, U_cell = (1 - s) U_active + s T: nothing is overlooked, nothing invented."""
    d, affine = (3 if setting == "space" else 2), setting == "planar"
    for n in (d, 11):
        points, axes, v = case(kind, n, d, "l2", affine, c)
        if np.linalg.matrix_rank(points, tol=1e-9) < d:
            continue  # the frame would have reduced it
        if affine:
            value, _, normal = planar(points, "l2", v, slope, arcs=True)
            origins = points
        else:
            value, _, normal, _ = pencil(points, axes, False, "l2", v, slope, scope=d - 1)
            origins = np.zeros_like(normal)
        climbed = hill_climb(points, affine, "l2", v, slope, np.random.default_rng(n))
        tol = tolerance(points, v)
        assert climbed <= value.max() * (1 + 1e-9) + tol
        assert climbed >= value.max() * (1 - 1e-3) - tol
        best = int(value.argmax())
        true = strength(points, normal[best], -normal[best] @ origins[best], v, "l2", slope)[0]
        assert true == pytest.approx(value[best], rel=1e-9, abs=tol)


@pytest.mark.parametrize("slope", SLOPES)
@pytest.mark.parametrize(("n", "m", "c"), [(1, 1, 1), (5, 7, 1), (40, 17, 3), (300, 8, 2)])
def test_listed_hyperplanes_equal_loops(n, m, c, slope):
    rng = np.random.default_rng(n)
    points, normals, offsets = rng.normal(size=(n, 3)), rng.normal(size=(m, 3)), rng.normal(size=m)
    offsets[0] = -normals[0] @ points[0]  # a sample on the hyperplane, up to rounding
    v, sums = rng.normal(size=(n, c)), np.full((m, 2, c), np.nan)
    assert core.correlate_wedges(points, normals, offsets, v, sums, slope=slope) == m
    z = normals @ points.T + offsets[:, None]
    np.testing.assert_allclose(sums[:, 0], activation(z, slope) @ v, atol=1e-11)
    np.testing.assert_allclose(sums[:, 1], activation(-z, slope) @ v, atol=1e-11)


@pytest.mark.parametrize("slope", SLOPES)
def test_hinges_of_a_line_follow_from_those_of_the_relu(slope):
    """(1 - s) R + s T to the right and (1 - s) R - T to the left, where sum v = 0: a slope needs no other kernel."""
    rng = np.random.default_rng(0)
    x, y, n = np.sort(rng.integers(0, 30, size=50).astype(float)), rng.normal(size=50), 50
    y -= y.mean()
    extremes, where, totals = np.empty((1, 2)), np.empty((1, 2), dtype=np.int64), np.empty(3)
    none = np.zeros(0, dtype=np.int64)
    core.line_price(x, y, None, none, np.zeros(1), np.zeros(1), np.zeros(1), extremes, where, totals)
    right = np.array([activation(x - k, slope) @ y for k in x])
    left = np.array([activation(k - x, slope) @ y for k in x])
    R, T = extremes[0], totals[1]
    np.testing.assert_allclose((1 - slope) * R + slope * T, [right.max(), right.min()], atol=1e-10)
    np.testing.assert_allclose((1 - slope) * R - T, [left.max(), left.min()], atol=1e-10)
    assert n == len(right)


@pytest.mark.parametrize("slope", [0.1, -1.0])
def test_bits_do_not_depend_on_threads(slope):
    points, _, v = case("normal", 301, 2, "l2", True, 1)
    for a, b in zip(planar(points, "l2", v, slope, arcs=True), planar(points, "l2", v, slope, arcs=True, threads=2)):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("slope", [np.nan, np.inf])
def test_slopes_are_finite(slope):
    points, axes, v = case("normal", 5, 2, "l2", True, 1)
    with pytest.raises(ValueError, match="slope"):
        planar(points, "l2", v, slope, arcs=False)
    with pytest.raises(ValueError, match="slope"):
        pencil(points, axes, True, "l2", v, slope, scope=0)
    with pytest.raises(ValueError, match="slope"):
        core.correlate_wedges(points, points, np.zeros(5), v, np.empty((5, 2, 1)), slope=slope)
