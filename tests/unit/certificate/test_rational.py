"""Exact mode: rational arithmetic agrees with a checker of its own, and with certificates in double precision."""

from __future__ import annotations

import runpy
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from certificate_cases import NAMES, make_case

from convexnn import beta_max, certify, train, verify
from convexnn.bounds.multipliers import PieceMultipliers
from convexnn.certificate.moments import response_bound
from convexnn.certificate.rational.decide import decide
from convexnn.certificate.rational.moments import _coefficients as coefficients, moment_response_squared
from convexnn.certificate.rational.numbers import exp_above, integers, log_bounds, power, root_above
from convexnn.certificate.rational.response import largest_response_squared
from convexnn.exceptions import DictionarySizeError, ModelFormatError, ParameterError
from convexnn.losses import LOSSES
from convexnn.losses.interpolation import Interpolation

CHECKER = runpy.run_path(str(Path(__file__).parents[2] / "second_checker.py"))


@pytest.mark.parametrize("scale", [1e-300, 1e-16, 1.0, 1e16, 1e300])
def test_doubles_are_integers_times_a_power_of_two(scale):
    rng = np.random.default_rng(0)
    values = scale * rng.standard_normal((4, 3)) * np.array([1.0, 1e-8, 0.0])
    whole, exponent = integers(values)
    for value, number in zip(values.ravel(), whole.ravel()):
        assert Fraction(float(value)) == int(number) * power(exponent)


def test_roots_logarithms_and_exponentials_are_on_their_side():
    """Squares, and pairs of log and exp, enclose what was put in, closely."""
    for q in map(Fraction, [1e-9, 0.3, 0.7, 1.0, 1.25, 2.0, 3.0, 1e6, 12345.678]):
        assert q <= root_above(q) ** 2 <= q * (1 + Fraction(1, 1 << 90))
        low, high = log_bounds(q)
        assert low <= high <= low + Fraction(1, 1 << 80)
        assert float(low) == pytest.approx(np.log(float(q)), rel=1e-12, abs=1e-15)
        assert q <= exp_above(high) <= q * (1 + Fraction(1, 1 << 70))


def points_of(kind, rng, n, d):
    X = rng.integers(-3, 4, (n, d)).astype(float)
    if kind == "general":
        X = rng.standard_normal((n, d))
    if kind == "flat":
        X[:, -1] = 2 * X[:, 0] if d > 1 else 0.0
    if kind == "scales":
        X *= 10.0 ** rng.integers(-8, 9, d)
    return X


@pytest.mark.parametrize("kind", ["general", "integers", "flat", "scales"])
@pytest.mark.parametrize("bias", [True, False, "penalized"])
@pytest.mark.parametrize("norm", ["l1", "l2"])
def test_the_largest_response_is_that_of_the_checker(norm, bias, kind):
    """Turning in planes visits the same hyperplanes as all combinations do."""
    rng = np.random.default_rng(7)
    for d, n, c in ((1, 6, 1), (1, 5, 2), (2, 6, 1), (2, 5, 2), (3, 5, 1), (2, 1, 1)):
        X, v = points_of(kind, rng, n, d), rng.integers(-9, 10, (n, c)).astype(float)
        if bias is True:
            v[-1] -= v.sum(axis=0)
        rows = np.hstack([X, np.ones((n, 1))]) if bias == "penalized" else X
        for scope in ("network", "dictionary"):
            fractions = [[Fraction(a) for a in row] for row in X.tolist()]
            duals = [[Fraction(a) for a in row] for row in v.tolist()]
            expected = CHECKER["largest_response"](fractions, duals, norm, bias, scope)
            (whole, ex), (dual, ev) = integers(rows), integers(v)
            try:
                found = largest_response_squared(whole, dual, norm=norm, bias=bias, scope=scope)
            except DictionarySizeError:
                assert expected is None
                continue
            if expected is not None:
                found *= power(2 * (ex + ev))
                assert abs(found - expected) <= expected * Fraction(1, 1 << 90), (d, n, c, scope)


def decided(case, result):
    """The rational numbers of a certified case."""
    certificate, y = result.certificate, np.asarray(case.y, dtype=float)
    used = np.arange(len(y)) if case.weight is None else np.flatnonzero(np.asarray(case.weight) > 0)
    loss = (LOSSES[certificate.loss] if certificate.beta > 0 else Interpolation)(
        y.reshape(len(y), -1)[used], None if case.weight is None else np.asarray(case.weight, dtype=float)[used]
    )
    return decide(
        result.network, np.asarray(case.X, dtype=float)[used], loss,
        np.asarray(certificate.dual_point).reshape(len(y), -1)[used],
        beta=certificate.beta, norm=certificate.norm, bias=certificate.bias, scope=certificate.scope,
    )  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_published_numbers_are_on_their_side(name):
    """The published bound is not above the exact one and close to it; the objective likewise."""
    rng = np.random.default_rng(NAMES.index(name))
    seen = 0
    for _ in range(6):
        case = make_case(name, rng)
        result = case.solve()
        if result is None or result.certificate.scope == "none":
            continue
        try:
            found = decided(case, result)
        except DictionarySizeError:
            continue
        certificate = result.certificate
        assert Fraction(certificate.dual) <= found.bound
        assert found.objective is None or found.bound <= found.objective or certificate.scope == "dictionary"
        if found.objective is not None:
            assert Fraction(certificate.primal) >= found.objective * (1 - Fraction(1, 1 << 60))
        seen += 1
    assert seen or name


def test_what_cannot_be_visited_is_refused():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((40, 5)), rng.standard_normal(40)
    result = train(X, y, beta=1.0, max_iter=2)
    with pytest.raises(DictionarySizeError, match="rational"):
        decide(
            result.network, X, LOSSES["squared_error"](y[:, None], None), y[:, None] - y.mean(),
            beta=1.0, norm="l2", bias=True, scope="network",
        )  # fmt: skip


@pytest.mark.parametrize("bias", [True, False, "penalized"])
def test_bounds_by_moments_are_decided(bias):
    """Confirmed as they are; a smaller response, or multipliers of others, are not."""
    rng = np.random.default_rng(3)
    X = rng.standard_normal((30, 8))
    X[-1] = X[:-1].mean(axis=0)
    y = np.abs(X[:, 0]) + X[:, 1]
    beta = 0.3 * beta_max(X, y, bias=bias)
    result = train(X, y, beta=beta, bias=bias, bound="none", max_iter=3)
    certificate = certify(result.network, X, y, beta=beta, bias=bias, effort="quick")
    assert certificate.method == "moments"
    exact = verify(certificate, result.network, X, y, exact=True)
    assert exact.dual >= certificate.dual
    assert exact.dual == pytest.approx(certificate.dual, rel=1e-9)
    assert "rational" in exact.note
    rows = np.hstack([X, np.ones((30, 1))]) if bias == "penalized" else X
    v, pieces = np.asarray(certificate.dual_point)[:, None], certificate.multipliers
    assert moment_response_squared(rows, v, pieces, norm="l2", bias=bias) > 0
    weaker = [[replace(piece, omega=0.5 * piece.omega) for piece in pieces[0]]]
    try:
        square = moment_response_squared(rows, v, weaker, norm="l2", bias=bias)
    except ParameterError:
        return
    assert float(square) ** 0.5 >= certificate.response * (1 - 1e-9)


@pytest.mark.parametrize("V", [2.0, -3.0])
@pytest.mark.parametrize("reach", [0.0, 0.5])
def test_the_form_of_a_sample_is_above_its_response(V, reach):
    """Also for a sample at the mean row, which the bias alone moves across the kink."""
    piece = PieceMultipliers(1, -1.0, 2.0, *(np.array([x]) for x in (1.5, 0.4, -0.3)), omega=1.0, k=1.0)
    low, high, size = Fraction(-1), Fraction(2), Fraction(reach)
    linear, square, rest = coefficients(Fraction(V), size, low, high, piece, 0)
    for k in range(101):
        t = low - size + (high - low + 2 * size) * Fraction(k, 100)
        assert linear * t + square * t * t + rest >= 2 * Fraction(V) * max(t, Fraction(0))


def test_pieces_that_leave_a_bias_out_are_refused():
    rng = np.random.default_rng(3)
    X = rng.standard_normal((20, 6))
    y = np.abs(X[:, 0]) + X[:, 1]
    beta = 0.5 * beta_max(X, y)
    network = train(X, y, beta=beta, bound="none", max_iter=2).network
    certificate = certify(network, X, y, beta=beta, effort="quick")
    v, pieces = np.asarray(certificate.dual_point)[:, None], certificate.multipliers
    with pytest.raises(ParameterError, match="pieces"):
        moment_response_squared(X, v, [pieces[0][1:]], norm="l2", bias=True)
    with pytest.raises(ParameterError, match="pieces"):
        response_bound(X, v[:, 0], pieces[0][1:], bias=True)


@pytest.mark.parametrize("loss", ["squared_error", "huber(0.5)", "quantile(0.3)", "log_loss"])
def test_exact_verification_refuses_what_is_not_true(loss):
    """A bound that is above the exact one by a share of 1e-9 passes for rounding, but not exactly."""
    rng = np.random.default_rng(5)
    X = rng.standard_normal((20, 2))
    y = np.sign(X[:, 0]) if loss == "log_loss" else np.abs(X[:, 0])
    result = train(X, y, beta=0.1 * beta_max(X, y, norm="l1", loss=loss), norm="l1", loss=loss)
    exact = verify(result.certificate, result.network, X, y, exact=True)
    assert result.certificate.dual <= exact.dual <= exact.primal <= result.certificate.primal * (1 + 1e-15)
    high = np.nextafter(exact.dual, np.inf)
    wrong = replace(result.certificate, dual=float(high * (1 + 1e-14)), gap=max(0.0, result.certificate.primal - high))
    with pytest.raises(ModelFormatError, match="dual"):
        verify(wrong, result.network, X, y, exact=True)


@pytest.mark.parametrize("spec", ["no_interactions", "pairwise"])
@pytest.mark.parametrize("norm", ["l1", "l2"])
def test_certificates_over_groups_of_features_are_decided(norm, spec):
    rng = np.random.default_rng(6)
    X = rng.standard_normal((15, 3))
    y = np.abs(X[:, 0]) + X[:, 1] * X[:, 2]
    beta = 0.1 * beta_max(X, y, norm=norm, interaction_cst=spec)
    result = train(X, y, beta=beta, norm=norm, interaction_cst=spec)
    assert result.certificate.holds
    exact = verify(result.certificate, result.network, X, y, exact=True)
    assert exact.holds
    assert result.certificate.dual <= exact.dual <= exact.primal
