"""The cone layer: its rotation, its inverse, the cones inside and around its identity region."""

import numpy as np
import pytest

from convexnn.constructive.cones import cone_layer, inner_half_angle, outer_half_angle


@pytest.mark.parametrize("m", [1, 2, 3, 6, 15])
@pytest.mark.parametrize("aperture", [1.0, 0.3, 1e-3])
def test_rotation_takes_the_axis_to_the_diagonal_and_the_inverse_is_exact(m, aperture):
    rng = np.random.default_rng(m)
    cone = cone_layer(rng.normal(size=m), rng.normal(size=m), aperture)
    u = np.ones(m) / np.sqrt(m)
    np.testing.assert_allclose(cone.rotation @ cone.axis, u, atol=1e-14)
    np.testing.assert_allclose(cone.rotation @ cone.rotation.T, np.eye(m), atol=1e-14)
    np.testing.assert_allclose(cone.weight @ cone.axis, u, atol=1e-14)
    np.testing.assert_allclose(cone.weight @ cone.inverse, np.eye(m), atol=1e-12 / aperture)
    np.testing.assert_allclose(cone.bias, -cone.weight @ cone.apex)
    if m > 1:
        s = np.linalg.svd(cone.weight, compute_uv=False)
        assert (s.max(), s.min()) == pytest.approx((1.0, aperture), rel=1e-10)


def test_an_axis_on_the_diagonal_needs_no_reflection():
    cone = cone_layer(np.ones(4), np.zeros(4), 0.5)
    np.testing.assert_array_equal(cone.rotation, np.eye(4))


@pytest.mark.parametrize("m", [2, 3, 6])
@pytest.mark.parametrize("aperture", [1.0, 0.3, 0.05])
def test_half_angles_bound_the_identity_region(m, aperture):
    rng = np.random.default_rng(0)
    cone = cone_layer(rng.normal(size=m), np.zeros(m), aperture)
    across = rng.normal(size=(2000, m))
    across -= np.outer(across @ cone.axis, cone.axis)
    across /= np.linalg.norm(across, axis=1)[:, None]
    inner, outer = inner_half_angle(aperture, m), outer_half_angle(aperture, m)
    assert inner <= outer

    def at(angle):
        return (np.cos(angle) * cone.axis + np.sin(angle) * across) @ cone.weight.T

    assert (at(inner * (1 - 1e-9)) >= -1e-12).all()
    assert (at(min(outer * (1 + 1e-9), np.pi)).min(axis=1) <= 1e-12).all()


def test_small_apertures_tend_to_a_half_space():
    assert inner_half_angle(1e-9, 5) == pytest.approx(np.pi / 2, abs=1e-8)
    assert outer_half_angle(1e-9, 5) == pytest.approx(np.pi / 2, abs=1e-8)
    assert inner_half_angle(1.0, 2) == pytest.approx(np.pi / 4)
