"""Cross products, blades, volumes and distances against definitions, exact arithmetic and kingdon."""

import numpy as np
import pytest
from reference_geometry import cross_by_determinants, exact_cross, exact_determinant

from convexnn.exceptions import DataError
from convexnn.geometry.algebra import (
    blade_norm,
    cross_product,
    distance_to_affine_hull,
    distance_to_span,
    signed_volume,
)


@pytest.mark.parametrize("d", range(1, 8))
def test_cross_product_is_the_signed_volume_functional(d):
    """<y, x(V)> = det[y; V], x(V) is orthogonal to V and as long as the blade, for any d."""
    rng = np.random.default_rng(d)
    V, y = rng.normal(size=(20, d - 1, d)), rng.normal(size=(20, d))
    x = cross_product(V)
    volumes = [np.linalg.det(np.vstack([a, b])) for a, b in zip(y, V)]
    np.testing.assert_allclose((x * y).sum(axis=1), volumes, rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(np.einsum("bij,bj->bi", V, x), 0.0, atol=1e-12)
    np.testing.assert_allclose(blade_norm(V), np.linalg.norm(x, axis=1), rtol=1e-12)
    np.testing.assert_allclose(blade_norm(V, "l1"), np.abs(x).sum(axis=1), rtol=1e-12)
    np.testing.assert_allclose(x, [cross_by_determinants(v) for v in V], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("d", [2, 3, 4, 5])
def test_cross_product_of_small_integers_is_exact_to_rounding(d):
    """Rational arithmetic is the truth; zeros of dependent rows stay below rounding."""
    rng = np.random.default_rng(d)
    for _ in range(20):
        V = rng.integers(-4, 5, size=(d - 1, d))
        exact = np.array([float(x) for x in exact_cross(V.tolist(), d)])
        # Products of four entries up to 4 are below 1000: an absolute 1e-12 is 1e-15 relative.
        np.testing.assert_allclose(cross_product(V), exact, rtol=1e-13, atol=2e-12)
        square = rng.integers(-4, 5, size=(d, d))
        assert signed_volume(square) == pytest.approx(float(exact_determinant(square.tolist())), abs=5e-11)


@pytest.mark.parametrize("d", [3, 4, 5])
def test_cross_product_is_the_dual_blade_of_a_geometric_algebra(d):
    """kingdon's Hodge dual of the wedge is an independent definition."""
    kingdon = pytest.importorskip("kingdon")
    algebra = kingdon.Algebra(d)
    V = np.random.default_rng(d).normal(size=(d - 1, d))
    blade = algebra.vector(V[0].tolist())
    for v in V[1:]:
        blade = blade ^ algebra.vector(v.tolist())
    # The pseudoscalar coefficient of y ^ blade is the signed volume, whatever the dual's sign convention.
    for k in range(d):
        volume = algebra.vector(np.eye(d)[k].tolist()) ^ blade
        coefficient = float(np.asarray(volume.grade(d).values(), dtype=float).sum())
        assert cross_product(V)[k] == pytest.approx(coefficient, rel=1e-12, abs=1e-12)


def test_swapping_two_vectors_flips_the_sign_and_dependence_gives_zero():
    V = np.random.default_rng(0).normal(size=(4, 5))
    np.testing.assert_allclose(cross_product(V[[1, 0, 2, 3]]), -cross_product(V), rtol=1e-12)
    V[3] = V[0] - 2 * V[1]
    assert np.abs(cross_product(V)).max() < 1e-14
    assert blade_norm(V) < 1e-14


@pytest.mark.parametrize("scale", [1e-70, 1e70])
def test_extreme_scales_keep_all_digits(scale):
    """A volume of four rows of size 1e70 is still a float; so is that of 1e-70."""
    V = np.random.default_rng(1).normal(size=(4, 5))
    np.testing.assert_allclose(cross_product(V * scale), cross_product(V) * scale**4, rtol=1e-12)
    np.testing.assert_allclose(blade_norm(V * scale), blade_norm(V) * scale**4, rtol=1e-12)
    y = np.ones((1, 5))
    np.testing.assert_allclose(distance_to_span(y * scale, V * scale), distance_to_span(y, V) * scale)


def test_distances_agree_with_volumes_and_least_squares():
    """dist(y, span V) = |<y, x(V)>| / ||x(V)||; lower-dimensional spans by least squares."""
    rng = np.random.default_rng(2)
    V, y = rng.normal(size=(3, 4)), rng.normal(size=(10, 4))
    x = cross_product(V)
    np.testing.assert_allclose(distance_to_span(y, V), np.abs(y @ x) / np.linalg.norm(x), rtol=1e-10)
    rest = y.T - V[:2].T @ np.linalg.lstsq(V[:2].T, y.T, rcond=None)[0]
    doubled = np.vstack([V[:2], V[:1] + V[1:2]])
    np.testing.assert_allclose(distance_to_span(y, doubled), np.linalg.norm(rest, axis=0), rtol=1e-10)
    np.testing.assert_allclose(
        distance_to_affine_hull(y + 5.0, V + 5.0), distance_to_span(y - V[0], V[1:] - V[0]), rtol=1e-9
    )
    np.testing.assert_allclose(distance_to_span(y, np.zeros((2, 4))), np.linalg.norm(y, axis=1))
    np.testing.assert_allclose(distance_to_affine_hull(y, V[:1]), np.linalg.norm(y - V[0], axis=1))


def test_blade_of_fewer_vectors_has_all_minors():
    V = np.array([[1.0, 2.0, 3.0, 4.0], [0.0, 1.0, -1.0, 2.0]])
    minors = [np.linalg.det(V[:, [i, j]]) for i in range(4) for j in range(i + 1, 4)]
    assert blade_norm(V) == pytest.approx(np.linalg.norm(minors))
    assert blade_norm(V, "l1") == pytest.approx(np.abs(minors).sum())


@pytest.mark.parametrize(
    "call",
    [
        lambda: cross_product(np.ones((3, 3))),
        lambda: cross_product(np.ones(3)),
        lambda: blade_norm(np.ones((3, 2))),
        lambda: signed_volume(np.ones((2, 3))),
        lambda: distance_to_affine_hull(np.ones(2), np.ones((0, 2))),
    ],
)
def test_wrong_shapes_are_named(call):
    with pytest.raises(DataError, match=r"needs|expected|at most|at least"):
        call()
