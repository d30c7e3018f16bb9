"""One elimination gives the direction orthogonal to independent rows, and says so where they are not."""

from __future__ import annotations

import numpy as np
import pytest

from convexnn.refine.orthogonal import orthogonal_direction


def _null_vector(rows):
    return np.linalg.svd(rows / np.linalg.norm(rows, axis=1)[:, None], full_matrices=True)[2][-1]


@pytest.mark.parametrize("d", [2, 3, 17, 120])
@pytest.mark.parametrize("spread", [0.0, 3.0, 6.0])
def test_against_the_singular_value_decomposition(d, spread):
    rng = np.random.default_rng(d)
    rows = rng.normal(size=(d - 1, d)) * np.logspace(0, -spread, d)
    x = orthogonal_direction(rows)
    assert np.linalg.norm(x) == pytest.approx(1.0, rel=1e-12)
    assert abs(x @ _null_vector(rows)) == pytest.approx(1.0, abs=1e-12)
    assert np.abs(rows @ x).max() <= 1e-13 * np.abs(rows).max()


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_lengths_do_not_matter(scale):
    rows = np.random.default_rng(0).normal(size=(39, 40))
    lengths = np.logspace(-20, 20, 39)[:, None] * scale
    np.testing.assert_allclose(orthogonal_direction(rows * lengths), orthogonal_direction(rows), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("distance", [1e-4, 1e-6])
def test_rows_that_almost_depend_need_double_precision(distance):
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(59, 60))
    rows[-1] = rows[3] - rows[20] + distance * rows[-1]
    x = orthogonal_direction(rows)
    assert abs(x @ _null_vector(rows)) == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("kind", ["equal", "combination", "nearly", "zero", "all zero", "infinite"])
def test_dependent_rows_have_no_answer(kind):
    rng = np.random.default_rng(2)
    rows = rng.normal(size=(59, 60))
    if kind == "equal":
        rows[40] = -2.0 * rows[7]
    elif kind == "combination":
        rows[-1] = rows[:20].sum(axis=0)
    elif kind == "nearly":
        rows[0] = rows[1] + 1e-10 * rows[0]
    elif kind == "zero":
        rows[5] = 0.0
    elif kind == "all zero":
        rows[:, 30:] = 0.0
    else:
        rows[0, 0] = np.inf
    assert orthogonal_direction(rows) is None
