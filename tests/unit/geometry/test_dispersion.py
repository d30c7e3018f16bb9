"""Dispersion, chambers and gamma against brute force over cells, and what the bound promises."""

import numpy as np
import pytest
from reference_geometry import brute_hyperplanes, cells_of, columns_of, hull_distance

from convexnn.exceptions import DataError, ParameterError
from convexnn.geometry import cones
from convexnn.geometry.dispersion import (
    a_priori_bound,
    chamber_diameter,
    dispersion_angle,
    random_data_bound,
)
from convexnn.geometry.frame import make_frame
from convexnn.geometry.sampled_cells import sample_cells

GRID = np.array([[i, j, 1.0] for i in range(3) for j in range(3)])


def arrangements(X, bias):
    """Row sets whose cells count: the samples, or the differences from each."""
    if bias is not True:
        return [X]
    return [np.array([a - b for a in X if (a != b).any()]) for b in X]


def brute_gamma(X, bias):
    return min(hull_distance(cell) for rows in arrangements(X, bias) for cell in cells_of(rows))


def brute_chord(X, bias):
    return max(
        np.linalg.norm(a - b)
        for rows in arrangements(X, bias)
        for cell in cells_of(rows)
        for a in cell
        for b in cell
    )


CASES = [
    (np.random.default_rng(0).normal(size=(7, 2)), False),
    (np.random.default_rng(1).normal(size=(6, 2)), True),
    (np.random.default_rng(2).normal(size=(7, 3)), False),
    (np.random.default_rng(3).normal(size=(5, 3)), True),
    (GRID, False),
    (GRID[:, :2], True),
    (np.eye(3), False),
    (np.vstack([np.eye(3), [[1.0, 1.0, 0.0], [0.0, 1.0, 1.0], [1.0, 2.0, 1.0]]]), False),
]


@pytest.mark.parametrize(("X", "bias"), CASES)
def test_gamma_is_exact_up_to_rank_three(X, bias):
    """The least hull distance over all cells, also where many planes meet in one ray."""
    bound = a_priori_bound(X, bias=bias)
    assert bound.kind == "exact"
    assert bound.gamma == pytest.approx(brute_gamma(X, bias), abs=1e-9)
    assert bound.factor == pytest.approx(1 / bound.gamma)


@pytest.mark.parametrize(("X", "bias"), CASES)
def test_chamber_diameter_is_at_least_every_chord_of_rays(X, bias):
    """Equal to the longest chord between extreme rays up to 90 degrees, never shorter."""
    found, chord = chamber_diameter(X, bias=bias), brute_chord(X, bias)
    assert found.kind == "exact"
    assert found.value >= chord - 1e-9
    if chord <= np.sqrt(2) + 1e-9:
        assert found.value == pytest.approx(chord, abs=1e-9)


def test_chamber_diameter_of_wide_cells_is_attained_inside_edges():
    """In an obtuse cell no pair of unit neurons is further apart, and a dense sample comes close."""
    X = np.array([[1.0, 0.0, 0.05], [-0.5, 0.8, 0.05], [-0.5, -0.8, 0.05]])
    rng = np.random.default_rng(0)
    u = rng.normal(size=(60_000, 3))
    u /= np.linalg.norm(u, axis=1, keepdims=True)
    sampled = 0.0
    for cell in cells_of(X):
        # Every ray of a cell against a fine sample of that cell.
        pattern = np.sign((cell @ X.T).sum(axis=0))
        inside = u[(np.sign(u @ X.T) == pattern).all(axis=1)]
        sampled = max(sampled, *(np.linalg.norm(inside - ray, axis=1).max() for ray in cell))
    assert sampled > 1.5
    assert sampled - 1e-9 <= chamber_diameter(X).value <= sampled + 0.02


def test_dispersion_angle_of_known_lines():
    """Lines at 0, 30 and 90 degrees: the widest gap is 90, from 90 back to 180."""
    angles = np.radians([0, 30, 90, 210])
    X = np.column_stack([np.cos(angles), np.sin(angles)]) * [[1], [5], [1e-3], [2]]
    found = dispersion_angle(X)
    assert found.kind == "exact"
    assert found.value == pytest.approx(np.pi / 2)
    assert a_priori_bound(X, bias=False).gamma == pytest.approx(np.cos(np.pi / 4))
    square = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    assert dispersion_angle(square, bias=True).value == pytest.approx(np.pi / 2)
    with pytest.raises(DataError, match="spans 1 dimensions"):
        dispersion_angle(X[:1])


def test_the_constant_of_the_paper_fails_on_three_orthogonal_rows():
    """Rows e_1, e_2, e_3 and v = (1, 1, 1): the true ratio is sqrt 3, sqrt(1 - D^2/4) promises sqrt 2."""
    X, v = np.eye(3), np.ones(3)
    atoms = columns_of(brute_hyperplanes(X, "l2", False), X, False)
    dictionary_maximum = np.abs(v @ atoms).max()
    u = v / np.sqrt(3)
    true_maximum = v @ np.maximum(X @ u, 0)
    diameter = chamber_diameter(X).value
    paper = np.sqrt(1 - diameter**2 / 4)
    assert true_maximum > dictionary_maximum / paper + 0.3
    bound = a_priori_bound(X, bias=False)
    assert bound.gamma == pytest.approx(1 / np.sqrt(3))
    assert true_maximum <= dictionary_maximum * bound.factor + 1e-12
    assert cones.jung_gamma(diameter, 3) == pytest.approx(bound.gamma)


# Without (3, "penalized"): rank 4 has no proven bound.
@pytest.mark.parametrize(
    ("d", "bias"), [(d, b) for d in (1, 2, 3) for b in (False, True, "penalized") if (d, b) != (3, "penalized")]
)
def test_no_neuron_responds_more_than_the_bound_allows(d, bias):
    """max over neurons <= max over dictionary / gamma, for random residuals and very many neurons."""
    rng = np.random.default_rng(d)
    X = rng.normal(size=(6, d))
    Xa = np.column_stack([X, np.ones(6)]) if bias == "penalized" else X
    bound = a_priori_bound(X, bias=bias)
    assert bound.kind == "exact"
    K = columns_of(brute_hyperplanes(X, "l2", bias), X, bias)
    u = rng.normal(size=(4000, Xa.shape[1]))
    u /= np.linalg.norm(u, axis=1, keepdims=True)
    for _ in range(5):
        v = rng.normal(size=6)
        v = v - v.mean() if bias is True else v
        # For a fixed normal the best bias lies at a breakpoint.
        shifts = [-(u @ x) for x in X] if bias is True else [np.zeros(len(u))]
        best = max(np.abs(v @ np.maximum(Xa @ u.T + c, 0)).max() for c in shifts)
        assert best <= np.abs(v @ K).max() / bound.gamma + 1e-12


@pytest.mark.parametrize(("n", "d", "bias"), [(40, 2, True), (60, 3, False), (12, 3, True)])
def test_part_of_the_rows_gives_a_bound_on_the_safe_side(n, d, bias):
    X = np.random.default_rng(n).normal(size=(n, d))
    exact, part = a_priori_bound(X, bias=bias), a_priori_bound(X, bias=bias, max_work=400)
    assert (exact.kind, part.kind) == ("exact", "bound")
    assert 0 < part.gamma <= exact.gamma
    wide, narrow = chamber_diameter(X, bias=bias, max_work=400), chamber_diameter(X, bias=bias)
    assert (wide.kind, narrow.kind) == ("bound", "exact")
    assert wide.value >= narrow.value


@pytest.mark.parametrize("bias", [False, True])
def test_beyond_rank_three_values_are_labelled_as_sampled(bias):
    """The rays of sampled cells are unit and extreme: at least r - 1 rows vanish on each."""
    X = np.random.default_rng(0).normal(size=(12, 4))
    bound, diameter = a_priori_bound(X, bias=bias), chamber_diameter(X, bias=bias)
    assert bound.kind == diameter.kind == "sampled"
    assert 0 < bound.gamma <= 1
    assert 0 < diameter.value <= 2
    assert bound == a_priori_bound(X, bias=bias)
    for rays in sample_cells(make_frame(X, norm="l2", bias=False), np.random.default_rng(1)):
        np.testing.assert_allclose(np.linalg.norm(rays, axis=1), 1.0)
        assert ((np.abs(rays @ X.T) < 1e-7).sum(axis=1) >= 3).all()
        side = rays @ X.T
        assert ((side >= -1e-7).all(axis=0) | (side <= 1e-7).all(axis=0)).all()


def test_sampled_gamma_in_rank_three_is_not_below_the_exact_one():
    """Sampled cells see part of the rays of part of the cells, so they can only be too optimistic."""
    X = np.random.default_rng(5).normal(size=(15, 3))
    cells = list(sample_cells(make_frame(X, norm="l2", bias=False), np.random.default_rng(0)))
    assert min(map(cones.hull_distance, cells)) >= a_priori_bound(X, bias=False).gamma - 1e-9


def test_exact_dictionaries_have_gamma_one():
    X = np.random.default_rng(0).normal(size=(5, 4))
    for bias in (True, False, "penalized"):
        assert a_priori_bound(X, norm="l1", bias=bias).gamma == 1.0
    assert a_priori_bound(X[:, :1], bias=True).gamma == 1.0
    assert a_priori_bound(X[:1], bias=True).dimension == 0
    assert chamber_diameter(X[:, :1]).value == 0.0


def test_directions_too_close_to_tell_apart_promise_nothing():
    """Rows in a plane up to 1e-6 leave cells of nearly 180 degrees: gamma 0, diameter 2, labelled as bounds."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(10, 3)) * [1.0, 1.0, 1e-8]
    bound, diameter = a_priori_bound(X, bias=False), chamber_diameter(X)
    assert (bound.gamma, bound.kind, bound.factor) == (0.0, "bound", np.inf)
    assert (diameter.value, diameter.kind) == (2.0, "bound")


@pytest.mark.parametrize("r", [2, 3, 4, 6])
def test_jung_bound_is_sharp_on_regular_simplices(r):
    """Orthonormal vectors have chords sqrt 2 and a hull at distance 1 / sqrt r."""
    rows = np.linalg.qr(np.random.default_rng(r).normal(size=(r, r)))[0]
    assert cones.jung_gamma(np.sqrt(2), r) == pytest.approx(1 / np.sqrt(r))
    assert cones.hull_distance(rows) == pytest.approx(1 / np.sqrt(r))
    assert cones.jung_gamma(2.0, r) == 0.0
    assert cones.jung_gamma(2.0, 1) == 1.0


def test_hull_distance_against_all_faces():
    rng = np.random.default_rng(0)
    for _ in range(50):
        points = rng.normal(size=(rng.integers(1, 7), 3)) + [4.0, 0.5, 0.0]
        assert cones.hull_distance(points) == pytest.approx(hull_distance(points), abs=1e-8)


def test_random_data_bound_holds_for_normal_samples():
    """A vacuous bound is the trivial one; a valid one lies above the chamber diameter of a draw."""
    vacuous, gamma = random_data_bound(10, 3)
    assert (vacuous.value, gamma.gamma) == (2.0, 0.0)
    diameter, gamma = random_data_bound(2000, 2)
    assert diameter.kind == gamma.kind == "bound"
    X = np.random.default_rng(0).normal(size=(2000, 2))
    assert chamber_diameter(X).value <= diameter.value < 2
    assert 0 < gamma.gamma <= a_priori_bound(X, bias=False).gamma
    assert random_data_bound(2000, 2, confidence=0.999)[0].value > diameter.value
    with pytest.raises(ParameterError):
        random_data_bound(10, 2, confidence=1.0)
