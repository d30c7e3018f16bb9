"""Sums and products of doubles that miss nothing: compared with rational arithmetic."""

from fractions import Fraction

import numpy as np
import pytest

from convexnn.geometry.exact import exact_sum, two_product, two_sum


@pytest.mark.parametrize("n", [0, 1, 7, 4096, 4097, 10_001])
@pytest.mark.parametrize("spread", [0, 30])
def test_sum_is_the_rational_sum_up_to_twice_the_digits(n, spread):
    rng = np.random.default_rng(n + spread)
    values = rng.normal(size=n) * np.exp2(rng.integers(-spread, spread + 1, n))
    values = np.concatenate([values, -values[: n // 2]])  # much cancels
    exact = sum(map(Fraction, values.tolist()), Fraction(0))
    allowed = abs(exact) * Fraction(2) ** -52 + sum(map(abs, map(Fraction, values.tolist()))) * Fraction(2) ** -90
    assert abs(Fraction(exact_sum(values)) - exact) <= allowed


def test_sum_of_huge_and_undefined_terms_is_what_they_are():
    assert exact_sum(np.full(10_000, 1e308)) == np.inf
    assert np.isnan(exact_sum(np.array([np.inf, -np.inf])))


@pytest.mark.parametrize("scale", [1e-100, 1.0, 1e100])
def test_result_and_error_are_together_exact(scale):
    rng = np.random.default_rng(0)
    a, b = scale * rng.normal(size=50), rng.normal(size=50)
    for operation, exactly in ((two_sum, Fraction.__add__), (two_product, Fraction.__mul__)):
        high, low = operation(a, b)
        for x, y, h, rest in zip(a, b, high, low, strict=True):
            assert Fraction(h) + Fraction(rest) == exactly(Fraction(x), Fraction(y))
