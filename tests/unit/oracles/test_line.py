"""Hinges on a line: Python oracles and compiled kernels against sums written out."""

import numpy as np
import pytest
from reference_solver import hinge_sums, response

from convexnn._native import core
from convexnn.geometry.frame import make_frame
from convexnn.oracles.line import LineOracle, RayOracle, hinge_responses


def line_frame(n, kind, *, norm="l2", bias=True):
    rng = np.random.default_rng(n)
    x = {"normal": rng.normal(size=n), "ties": rng.integers(0, 5, size=n).astype(float), "far": 1e8 + rng.random(n)}
    return make_frame(x[kind][:, None], norm=norm, bias=bias)


@pytest.mark.parametrize("c", [1, 3])
@pytest.mark.parametrize("n", [1, 2, 7, 60])
def test_running_sums_are_the_sums(n, c):
    rng = np.random.default_rng(n)
    x, v = np.sort(rng.integers(0, 9, size=n).astype(float)), rng.normal(size=(n, c))
    np.testing.assert_allclose(hinge_responses(x, v), hinge_sums(x, v), atol=1e-12)


@pytest.mark.parametrize("norm", ["l1", "l2"])
@pytest.mark.parametrize("c", [1, 3])
@pytest.mark.parametrize("kind", ["normal", "ties", "far"])
def test_line_oracle_knows_the_strongest_of_all_hinges(kind, c, norm):
    for n in (2, 3, 40):
        frame = line_frame(n, kind, norm=norm)
        v = np.random.default_rng(0).normal(size=(n, c))
        v -= v.mean(axis=0)
        found = LineOracle(frame).price(v, 0.0, 100)
        x = frame.points[:, 0]
        dense = np.concatenate([x, np.linspace(x.min() - 0.1, x.max() + 0.1, 500)])
        every = [response(frame.points, np.full((len(dense), 1), s), -s * dense, v, norm) for s in (1.0, -1.0)]
        assert found.strongest == pytest.approx(np.max(every), rel=1e-12)
        true = response(frame.points, found.neurons.normals, found.neurons.offsets, v, norm)
        np.testing.assert_allclose(found.responses, true, rtol=1e-11)
        np.testing.assert_allclose(
            frame.points[found.neurons.rows[:, 0], 0] * found.neurons.normals[:, 0] + found.neurons.offsets,
            0.0,
            atol=1e-15,
        )


def test_ray_oracle_prices_the_two_rays():
    frame = line_frame(9, "normal", bias=False)
    v = np.random.default_rng(1).normal(size=(9, 1))
    found = RayOracle(frame).price(v, 0.0, 5)
    true = response(frame.points, np.array([[1.0], [-1.0]]), np.zeros(2), v, "l2")
    np.testing.assert_allclose(found.responses, np.sort(true)[::-1], rtol=1e-13)
    assert found.strongest == true.max()
    assert (found.neurons.rows == -1).all()
    assert len(RayOracle(frame).price(v, np.inf, 5)) == 0


# -- kernels of the knot solver --------------------------------------------------------------------------------------
def compressed(x, y, w, knots):
    rows = np.empty((2 * (len(knots) + 1), 3))
    return core.line_compress(x, y, w, knots, rows), rows


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("shift", [0.0, 1e6])
def test_pseudo_samples_carry_the_loss_of_every_segment(weighted, shift):
    """For any line a + b x on a segment the rows give the loss of its samples, less a constant."""
    rng = np.random.default_rng(0)
    n = 50
    x = np.sort(rng.normal(size=n)) + shift
    y, w = rng.normal(size=n), rng.random(n) if weighted else None
    knots = np.array([4, 20, 21, 48], dtype=np.int64)
    rest, rows = compressed(x, y, w, knots)
    bounds = [0, *(knots + 1), n]
    a, b = rng.normal(size=5), rng.normal(size=5)
    weight = np.ones(n) if w is None else w
    expected = 0.0
    for s in range(5):
        part = slice(bounds[s], bounds[s + 1])
        # Lines are anchored near their samples, so that the test itself does not cancel.
        f = a[s] + b[s] * (x[part] - shift)
        expected += 0.5 * float(weight[part] @ (y[part] - f) ** 2)
    intercepts = a - b * shift
    model = np.concatenate([rows[2 * s : 2 * s + 2, :2] @ [intercepts[s], b[s]] for s in range(5)])
    assert 0.5 * float(((rows[:, 2] - model) ** 2).sum()) + rest == pytest.approx(expected, rel=1e-9)
    assert rest >= 0.0


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("knots", [[], [0], [3], [9, 10, 11], [0, 39], [39], list(range(40))])
def test_one_pass_prices_every_hinge(knots, weighted):
    """Loss, extremes of the responses per segment, and totals, by direct sums; ties in x included."""
    rng = np.random.default_rng(len(knots))
    n = 40
    x = np.sort(rng.integers(0, 25, size=n).astype(float))
    y, w = rng.normal(size=n), rng.random(n) if weighted else None
    knots = np.array(knots, dtype=np.int64)
    m = len(knots)
    origins, values, slopes = rng.normal(size=m + 1), rng.normal(size=m + 1), rng.normal(size=m + 1)
    extremes, where, totals = np.empty((m + 1, 2)), np.empty((m + 1, 2), dtype=np.int64), np.empty(3)
    loss = core.line_price(x, y, w, knots, origins, values, slopes, extremes, where, totals)
    segment = np.searchsorted(knots, np.arange(n), side="left")
    f = values[segment] + slopes[segment] * (x - origins[segment])
    v = (y - f) * (1.0 if w is None else w)
    assert loss == pytest.approx(0.5 * float(v @ (y - f)), rel=1e-12)
    np.testing.assert_allclose(totals, [v.sum(), v @ (x - x[0]), v @ f], atol=1e-10)
    R = hinge_sums(x, v)
    for s in range(m + 1):
        mine = np.flatnonzero(segment == s)
        if not len(mine):
            assert (where[s] == -1).all()
            continue
        np.testing.assert_allclose(extremes[s], [R[mine].max(), R[mine].min()], atol=1e-10)
        np.testing.assert_allclose(R[where[s]], extremes[s], atol=1e-10)


def test_wrong_knots_are_refused():
    x = np.arange(5.0)
    for knots in ([2, 2], [3, 1], [5], [-1]):
        with pytest.raises(ValueError, match="increasing"):
            compressed(x, x, None, np.array(knots, dtype=np.int64))
    with pytest.raises(ValueError, match="same length"):
        compressed(x, x[:3], None, np.array([1], dtype=np.int64))
    with pytest.raises(ValueError, match="same length"):
        compressed(x, x, x[:2], np.array([1], dtype=np.int64))
    with pytest.raises(ValueError, match="shape"):
        core.line_compress(x, x, None, np.array([1], dtype=np.int64), np.empty((3, 3)))
