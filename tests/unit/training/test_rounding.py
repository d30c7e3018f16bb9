"""Rounded ReLUs: the compiled passes against the formulas."""

from __future__ import annotations

import numpy as np
import pytest

from convexnn._native import core
from convexnn.training.descent import rounded_relu, through_rounded_relu


def test_rounded_relus_lie_above_and_touch_outside() -> None:
    """(s + e)^2 / 4e inside |s| < e: never below the ReLU, at most e / 4 above it, equal outside."""
    S = np.linspace(-2.0, 2.0, 401)[:, None] * np.ones((1, 2))
    values, e = S.copy(), np.array([0.0, 0.5])
    slope = np.empty_like(values)
    rounded_relu(values, e, slope)
    np.testing.assert_allclose(values[:, 0], np.maximum(S[:, 0], 0.0), atol=1e-300)
    above = values[:, 1] - np.maximum(S[:, 1], 0.0)
    assert above.min() >= -1e-15
    assert above.max() == pytest.approx(0.125)
    np.testing.assert_allclose(above[np.abs(S[:, 1]) >= 0.5], 0.0, atol=1e-15)
    np.testing.assert_allclose(np.gradient(values[:, 1], S[:, 1])[1:-1], slope[1:-1, 1], atol=6e-3)


def test_rounding_kernels_equal_the_formulas() -> None:
    """Responses, slopes, and the derivative by the half width, entry by entry."""
    rng = np.random.default_rng(4)
    S, e = rng.standard_normal((57, 13)), rng.uniform(0.0, 2.0, 13)
    e[3], S[5] = 1e-300, 0.0
    values, D = S.copy(), rng.standard_normal((57, 13))
    slopes = np.empty_like(values)
    rounded_relu(values, e, slopes)
    inside = np.abs(S) < e
    np.testing.assert_allclose(
        values, np.where(inside, (S + e) ** 2 / (4 * e), np.maximum(S, 0.0)), rtol=1e-13, atol=1e-15
    )
    slope = np.where(inside, (S + e) / (2 * e), S > 0)
    slope[5, 3] = 0.5  # at the kink itself
    back = D.copy()
    total = through_rounded_relu(back, slopes)
    np.testing.assert_allclose(back, D * slope, rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(total, (D * slope * (1 - slope)).sum(axis=0), rtol=1e-11, atol=1e-12)


def test_rounding_kernels_refuse_shapes_that_do_not_fit() -> None:
    S, P = np.zeros((4, 3)), np.zeros((4, 3))
    with pytest.raises(ValueError, match="shape"):
        core.round_forward(S, np.zeros((4, 2)), np.ones(3))
    with pytest.raises(ValueError, match="length m"):
        core.round_forward(S, P, np.ones(4))
    with pytest.raises(ValueError, match="length m"):
        core.round_back(S, P, np.ones(4))
