"""Rounded ReLUs: the compiled passes in both precisions against the formulas."""

from __future__ import annotations

import numpy as np
import pytest
from devices import ELSEWHERE, example

from convexnn._arrays import Device
from convexnn._native import core
from convexnn.search import forward_backward as passes_module
from convexnn.search.forward_backward import make_forward_backward

PRECISIONS = [(np.float64, 1e-12), (np.float32, 1e-5)]


def rounded(S: np.ndarray, e: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Responses and slopes of the ReLU by the formula."""
    if e is None:
        return np.maximum(S, 0.0), (S > 0).astype(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        inside = np.abs(S) < e
        return np.where(inside, (S + e) ** 2 / (4 * e), np.maximum(S, 0.0)), np.where(inside, (S + e) / (2 * e), S > 0)


def test_rounded_relus_lie_above_and_touch_outside() -> None:
    """(s + e)^2 / 4e inside |s| < e: never below the ReLU, at most e / 4 above it, equal outside."""
    S = np.linspace(-2.0, 2.0, 401)[:, None] * np.ones((1, 2))
    slope, values = S.copy(), np.empty_like(S)
    core.slopes_and_responses(slope, values, np.array([0.0, 0.5]))
    np.testing.assert_allclose(values[:, 0], np.maximum(S[:, 0], 0.0), atol=1e-300)
    above = values[:, 1] - np.maximum(S[:, 1], 0.0)
    assert above.min() >= -1e-15
    assert above.max() == pytest.approx(0.125)
    np.testing.assert_allclose(above[np.abs(S[:, 1]) >= 0.5], 0.0, atol=1e-15)
    np.testing.assert_allclose(np.gradient(values[:, 1], S[:, 1])[1:-1], slope[1:-1, 1], atol=6e-3)


@pytest.mark.parametrize(("precision", "tol"), PRECISIONS)
@pytest.mark.parametrize("kind", ["rounded", "true"])
@pytest.mark.parametrize(("n", "m"), [(57, 13), (1, 1), (64, 16), (200, 37), (3, 0)])
def test_kernels_equal_the_formulas(precision, tol: float, kind: str, n: int, m: int) -> None:
    """Slopes, responses, outputs and both ways back, over sizes that fill lanes and blocks and that do not."""
    rng = np.random.default_rng(4)
    S, a = rng.standard_normal((n, m)).astype(precision), rng.standard_normal(m).astype(precision)
    g, D = rng.standard_normal(n).astype(precision), rng.standard_normal((n, m)).astype(precision)
    e = rng.uniform(0.0, 2.0, m).astype(precision) if kind == "rounded" else None
    if m > 3 and e is not None:
        e[3], S[:2, 3] = np.finfo(precision).tiny, [1.0, -1.0]
    R, P = rounded(S.astype(float), None if e is None else e.astype(float))
    scale = {"rtol": tol, "atol": tol * max(m, 1)}

    slopes, responses = S.copy(), np.empty_like(S)
    core.slopes_and_responses(slopes, responses, e)
    np.testing.assert_allclose(responses, R, **scale)
    np.testing.assert_allclose(slopes, P, **scale)

    slopes, f = S.copy(), np.empty(n)
    core.slopes_and_outputs(slopes, a, e, f)
    np.testing.assert_allclose(f, R @ a, **scale)
    np.testing.assert_allclose(slopes, P, **scale)

    total, back = np.empty(m), D.copy()
    core.through_slopes(back, slopes, total)
    np.testing.assert_allclose(back, D * P, **scale)
    np.testing.assert_allclose(total, (D * P * (1 - P)).sum(axis=0), rtol=tol, atol=tol * n)

    core.gradient_through_slopes(slopes, g, total)
    np.testing.assert_allclose(slopes, g[:, None] * P, **scale)
    np.testing.assert_allclose(total, (g[:, None] * P * (1 - P)).sum(axis=0), rtol=tol, atol=tol * n)


@pytest.mark.parametrize(("precision", "tol"), PRECISIONS)
@pytest.mark.parametrize("kind", ["rounded", "true"])
@pytest.mark.parametrize("slope", [0.1, 0.9, -1.0])
@pytest.mark.parametrize(("n", "m"), [(57, 13), (1, 1), (64, 16), (3, 0)])
def test_a_slope_mixes_the_relu_with_the_identity(
    precision, tol: float, kind: str, slope: float, n: int, m: int
) -> None:
    """Responses (1 - s) r + s S, slopes (1 - s) p + s; what is stored stays p, so both ways have to be told s."""
    rng = np.random.default_rng(6)
    S, a = rng.standard_normal((n, m)).astype(precision), rng.standard_normal(m).astype(precision)
    g, D = rng.standard_normal(n).astype(precision), rng.standard_normal((n, m)).astype(precision)
    e = rng.uniform(0.0, 2.0, m).astype(precision) if kind == "rounded" else None
    r, p = rounded(S.astype(float), None if e is None else e.astype(float))
    R, P = (1 - slope) * r + slope * S, (1 - slope) * p + slope
    if e is None:
        np.testing.assert_allclose(R, np.where(S > 0, S, slope * S), atol=1e-6)
    scale = {"rtol": tol, "atol": tol * max(n, m, 1)}
    by_width = (1 - slope) * p * (1 - p)

    stored, responses, f = S.copy(), np.empty_like(S), np.empty(n)
    core.slopes_and_responses(stored, responses, e, slope=slope)
    np.testing.assert_allclose(responses, R, **scale)
    np.testing.assert_allclose(stored, p, **scale)
    stored = S.copy()
    core.slopes_and_outputs(stored, a, e, f, slope)
    np.testing.assert_allclose(f, R @ a, **scale)
    np.testing.assert_allclose(stored, p, **scale)

    total, back = np.empty(m), D.copy()
    core.through_slopes(back, stored, total, slope)
    np.testing.assert_allclose(back, D * P, **scale)
    np.testing.assert_allclose(total, (D * by_width).sum(axis=0), **scale)
    core.gradient_through_slopes(stored, g, total, slope)
    np.testing.assert_allclose(stored, g[:, None] * P, **scale)
    np.testing.assert_allclose(total, (g[:, None] * by_width).sum(axis=0), **scale)


@pytest.mark.parametrize("device", ["cpu", "torch", "jax", *ELSEWHERE])
@pytest.mark.parametrize("ones", [False, True])
@pytest.mark.parametrize(("precision", "tol"), PRECISIONS)
@pytest.mark.parametrize("c", [1, 3])
@pytest.mark.parametrize("width", [None, 0.4])
def test_backward_is_the_derivative_of_forward(
    device: str, ones: bool, precision, tol: float, c: int, width: float | None
) -> None:
    """All three derivatives of G.f by their formulas; for one output they come from Euler's identity instead."""
    rng = np.random.default_rng(5)
    points, W = rng.standard_normal((40, 6)), rng.standard_normal((9, 6))
    a, G = rng.standard_normal((9, c)), rng.standard_normal((40, c))
    e = None if width is None else width * np.linalg.norm(W, axis=1)
    R, P = rounded(points @ W.T, e)
    e_given = None if e is None else e.copy()
    given = points
    if ones:
        points[:, -1] = 1.0
        R, P = rounded(points @ W.T, e)
        given = points[:, :-1].copy()
    there = None if device == "cpu" else Device(example(device))
    passes = make_forward_backward(given, 9, c, precision, ones=ones, device=there)
    assert isinstance(passes, passes_module.DevicePass) == (device != "cpu")
    np.testing.assert_allclose(passes.forward(W, a, e), R @ a, rtol=tol, atol=20 * tol)
    dW, da, de = passes.backward(G)
    D = (G @ a.T) * P
    np.testing.assert_allclose(dW, D.T @ points, rtol=tol, atol=100 * tol)
    np.testing.assert_allclose(da, R.T @ G, rtol=tol, atol=100 * tol)
    np.testing.assert_allclose(de, (D * (1 - P)).sum(axis=0), rtol=tol, atol=100 * tol)
    assert all(part.dtype == np.float64 for part in (dW, da, de))
    if e is not None:
        np.testing.assert_array_equal(e, e_given)


@pytest.mark.parametrize("device", ELSEWHERE)
@pytest.mark.parametrize("precision", [np.float32, np.float64])
def test_neurons_that_have_left_do_no_harm_elsewhere(device: str, precision) -> None:
    """Weights of length 0, and widths below the smallest number of the precision."""
    points = np.random.default_rng(0).standard_normal((10, 3))
    W = np.array([[0.0, 0.0, 0.0], [1e-320, 0.0, 0.0], [1.0, 0.0, 0.0]])
    e, a = 0.1 * np.linalg.norm(W, axis=1), np.ones((3, 1))
    found = make_forward_backward(points, 3, 1, precision, device=Device(example(device)))
    plain = make_forward_backward(points, 3, 1, precision)
    np.testing.assert_allclose(found.forward(W, a, e), plain.forward(W, a, e), rtol=1e-6, atol=1e-7)
    G = np.ones((10, 1))
    for one, two in zip(found.backward(G), plain.backward(G)):
        assert np.isfinite(one).all()
        np.testing.assert_allclose(one, two, rtol=1e-5, atol=1e-6)


def test_kernels_refuse_shapes_that_do_not_fit() -> None:
    S, P = np.zeros((4, 3)), np.zeros((4, 3))
    with pytest.raises(ValueError, match="shape"):
        core.slopes_and_responses(S, np.zeros((4, 2)), np.ones(3))
    with pytest.raises(ValueError, match="length m"):
        core.slopes_and_responses(S, P, np.ones(4))
    with pytest.raises(ValueError, match="length m"):
        core.slopes_and_outputs(S, np.ones(2), None, np.zeros(4))
    with pytest.raises(ValueError, match="length n"):
        core.slopes_and_outputs(S, np.ones(3), None, np.zeros(3))
    with pytest.raises(ValueError, match="length m"):
        core.through_slopes(S, P, np.ones(4))
    with pytest.raises(ValueError, match="length n"):
        core.gradient_through_slopes(S, np.ones(3), np.ones(3))
    with pytest.raises(TypeError):
        core.slopes_and_outputs(S, np.ones(3, dtype=np.float32), None, np.zeros(4))
