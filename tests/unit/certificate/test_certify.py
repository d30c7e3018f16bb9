"""Certificates: bounds that hold, gaps that close at the optimum and never before."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from loss_cases import loss_name
from reference_certificate import exact_wedge_response, lasso_network, network_program
from reference_optima import OPTIMA

from convexnn import Certificate, ReLUNetwork
from convexnn.certificate import certify, max_response
from convexnn.exceptions import DataError, ParameterError
from convexnn.network.reconstruct import reconstruct

PARTS = ("hidden_weights", "hidden_biases", "output_weights", "intercept")
CASES = {case["name"]: case for case in OPTIMA}
TRAINING = [name for name, case in CASES.items() if case["loss"] != "interpolation"]
EXACT_L2 = [
    name for name, case in CASES.items() if case["p"] == 2 and "network_optimum" in case and len(case["X"][0]) > 1
]


def problem(name):
    """Data and parameters of a reference case, and its optimum over the dictionary."""
    case = CASES[name]
    X, y = np.array(case["X"]), np.array(case["y"])
    settings = {"beta": case["beta"], "norm": f"l{case['p']}", "bias": case["bias"], "loss": case["loss"]}
    return X, y, settings, case["dictionary_optimum"]


def _reference_tol(settings):
    """Gap of the interior-point reference: cones of logarithms end at fewer digits than quadratic ones."""
    return 1e-4 if settings["loss"] == "log_loss" else 1e-6


def best_over_dictionary(name):
    """Network with the optimal coefficients over the dictionary, from an interior-point method."""
    X, y, settings, _ = problem(name)
    u, c, z, t = lasso_network(X, y.reshape(len(X), -1), **settings)
    return reconstruct(z, u, c, t, norm=settings["norm"], bias=settings["bias"])


def objective(network, X, y, beta, norm, bias, loss):
    """Non-convex objective from its definition."""
    f = np.maximum(X @ network.hidden_weights.T + network.hidden_biases, 0) @ network.output_weights
    f, y = f + network.intercept, y.reshape(len(X), -1)
    fit = 0.5 * ((f - y) ** 2).sum() if loss == "squared_error" else np.logaddexp(0.0, -y * f).sum()
    order = int(norm[1])
    inner = np.linalg.norm(network.hidden_weights, ord=order, axis=1)
    return fit + beta * inner @ np.linalg.norm(network.output_weights, ord=order, axis=1)


@pytest.mark.parametrize("name", TRAINING)
def test_gap_closes_at_the_dictionary_optimum(name):
    """At the optimum of an interior-point method the gap closes, and the bound is the reference optimum."""
    X, y, settings, optimum = problem(name)
    network = best_over_dictionary(name)
    certificate = certify(network, X, y, scope="dictionary", tol=_reference_tol(settings), **settings)
    # Clarabel stops at 1e-12 in the objective; the dual point has the square root of that at best.
    assert certificate.holds, certificate.summary()
    assert certificate.dual <= optimum * (1 + 1e-9)
    assert certificate.dual == pytest.approx(optimum, rel=max(_reference_tol(settings), 1e-5))
    assert certificate.primal == pytest.approx(objective(network, X, y, **settings), rel=1e-12)
    exact = settings["norm"] == "l1" or X.shape[1] == 1
    assert certificate.scope == ("network" if exact else "dictionary")


@pytest.mark.parametrize("name", EXACT_L2)
def test_gap_closes_at_the_network_optimum(name):
    """The convex program over all activation patterns is certified in network scope, the dictionary is not."""
    X, y, settings, dictionary_optimum = problem(name)
    optimum = CASES[name]["network_optimum"]
    u, c, z, t = network_program(X, y, settings["beta"], settings["bias"])
    network = reconstruct(z, u, c, t, bias=settings["bias"])
    certificate = certify(network, X, y, tol=max(_reference_tol(settings), 1e-5), **settings)
    assert certificate.scope == "network"
    assert certificate.holds, certificate.summary()
    assert certificate.dual <= optimum * (1 + 1e-9) <= certificate.primal * (1 + 2e-9)
    if dictionary_optimum > optimum * (1 + 1e-4):
        wedges = certify(best_over_dictionary(name), X, y, scope="network", **settings)
        assert not wedges.holds
        assert wedges.gap >= (dictionary_optimum - optimum) * (1 - 1e-6)


def corrupt(network, rng):
    """Another network of the same kind: noise, scaling, dropped, flipped, shifted or doubled neurons."""
    W, b, A, t = (np.array(getattr(network, k)) for k in PARTS)
    free_bias, kind = bool(b.any() or t.any()), rng.integers(7)
    size = 10.0 ** rng.uniform(-9, 1)
    if kind == 0:
        A += size * rng.standard_normal(A.shape)
    elif kind == 1:
        W += size * rng.standard_normal(W.shape)
    elif kind == 2:
        A *= 1.0 + size
    elif kind == 3 and len(A):
        A[rng.integers(len(A))] = 0.0
    elif kind == 4 and len(A):
        A[rng.integers(len(A))] *= -1.0
    elif kind == 5 and free_bias:
        t += size
    elif kind == 6:
        W, b, A = np.vstack([W, W[::-1]]), np.append(b, b[::-1]), np.vstack([A, size * A])
    return ReLUNetwork(W, b, A, t)


def lie(rng, X, y, network):
    """A dual vector meant to deceive, or none."""
    targets = y.reshape(len(X), -1)
    residual = targets - network.outputs(X)
    kind = rng.integers(6)
    if kind == 0:
        return None
    if kind == 1:
        return residual + 10.0 ** rng.uniform(-9, 3)
    if kind == 2:
        return 10.0 ** rng.uniform(-6, 6) * residual
    if kind == 3:
        return targets
    if kind == 4:
        return residual + 10.0 ** rng.uniform(-6, 2) * rng.standard_normal(residual.shape)
    return 1e6 * np.ones_like(residual)


def test_corrupted_solutions_are_never_certified_with_a_smaller_gap():
    """500 wrong networks and dual vectors: the reported gap is never below the distance to the optimum."""
    rng = np.random.default_rng(0)
    solved = {name: best_over_dictionary(name) for name in TRAINING}
    falsely = 0
    for trial in range(500):
        name = TRAINING[trial % len(TRAINING)]
        X, y, settings, dictionary_optimum = problem(name)
        network = corrupt(solved[name], rng)
        scope = ("dictionary", "network")[trial // len(TRAINING) % 2]
        certificate = certify(network, X, y, scope=scope, dual_point=lie(rng, X, y, network), tol=1e-6, **settings)
        wider = certificate.scope == "network" and settings["norm"] == "l2"
        optimum = CASES[name].get("network_optimum", dictionary_optimum) if wider else dictionary_optimum
        true_gap = objective(network, X, y, **settings) - optimum
        if wider and "network_optimum" not in CASES[name]:
            # Only an upper bound on the optimum is known: the dual value must stay below it.
            assert certificate.dual <= optimum * (1 + 1e-9)
            continue
        # The reference optima are known to 1e-12.
        assert certificate.gap >= true_gap - 1e-10 * max(1.0, certificate.primal)
        falsely += certificate.holds and true_gap > 2e-6 * certificate.primal
    assert falsely == 0


@pytest.mark.parametrize("d", [1, 2])
def test_against_rational_arithmetic(d):
    """On integers, primal, response and dual equal those computed without any rounding."""
    rng = np.random.default_rng(d)
    for _ in range(8):
        n, m, beta = 7, 3, 0.25
        X, y = rng.integers(-4, 5, (n, d)), rng.integers(-5, 6, n)
        W, b = rng.integers(-2, 3, (m, d)), rng.integers(-2, 3, m)
        A, t = rng.integers(-1, 2, (m, 1)) / 4, float(rng.integers(-2, 3))
        network = ReLUNetwork(W, b, A, [t])
        rows = [[int(a) for a in x] for x in X]
        f = [Fraction(t) + sum(
            Fraction(A[j, 0]) * max(sum(int(w) * a for w, a in zip(W[j], x)) + int(b[j]), 0) for j in range(m)
        ) for x in rows]  # fmt: skip
        v = [Fraction(int(target)) - value for target, value in zip(y, f)]
        primal = sum(r * r for r in v) / 2 + Fraction(beta) * sum(
            abs(Fraction(A[j, 0])) * int(np.abs(W[j]).sum()) for j in range(m)
        )
        v = [r - sum(v) / n for r in v]
        largest = exact_wedge_response(rows, v)
        best = sum(r * int(target) for r, target in zip(v, y)) / sum(r * r for r in v)
        scale = max(Fraction(0), min(best, Fraction(beta) / largest))
        dual = sum(scale * r * int(target) - scale**2 * r * r / 2 for r, target in zip(v, y))
        certificate = certify(network, X, y, beta=beta, norm="l1", tol=1.0)
        # A few dozen operations in double precision, each rounded to the safe side.
        assert largest <= Fraction(certificate.response) <= largest * (1 + Fraction(1, 10**11))
        assert primal <= Fraction(certificate.primal) <= primal * (1 + Fraction(1, 10**12))
        assert Fraction(certificate.dual) <= max(dual, Fraction(0))
        assert certificate.dual == pytest.approx(float(dual), rel=1e-11, abs=1e-12 * float(primal))
        assert certificate.gap == pytest.approx(float(primal - dual), rel=1e-11, abs=1e-12 * float(primal))


@pytest.mark.parametrize("d", [1, 2])
def test_a_small_gap_is_never_reported_as_none(d):
    """Just below the largest penalty one neuron is optimal; a known step away from it gives the known gap."""
    rng = np.random.default_rng(d)
    X, y = rng.standard_normal((30, d)), rng.standard_normal(30)
    top = max_response(X, (y - y.mean())[:, None], norm="l1")
    beta = 0.98 * top.value
    hidden = np.maximum(X @ top.weights + top.bias, 0.0)
    centred = hidden - hidden.mean()
    a = centred @ y
    a = np.sign(a) * (abs(a) - beta) / (centred @ centred)

    def gap(step):
        z = a + step
        network = ReLUNetwork([top.weights], [top.bias], [[z]], [(y - z * hidden).mean()])
        return certify(network, X, y, beta=beta, norm="l1")

    best = gap(0.0)
    assert best.relative_gap < 1e-12
    for step in (1e-5, 1e-7):
        # The objective rises by step^2 |centred|^2 / 2, at last by less than one unit of its own last digit.
        rise = 0.5 * step**2 * (centred @ centred)
        assert gap(step).gap >= rise * (1 - 1e-3)
        # Shrinking the residual costs a first-order term, beta |step| at most.
        assert gap(step).gap <= 10 * step * top.value + 1e-12 * best.primal


@pytest.mark.parametrize("bias", [True, False, "penalized"])
@pytest.mark.parametrize("norm", ["l1", "l2"])
@pytest.mark.parametrize("loss", ["squared_error", "log_loss"])
def test_large_beta_certifies_the_constant(bias, norm, loss):
    """At and above the largest response to the residual of the constant the empty network is optimal."""
    rng = np.random.default_rng(4)
    X, y = rng.standard_normal((30, 2)), np.where(rng.random(30) < 0.3, 1.0, -1.0)
    share = (y > 0).mean()
    t = 0.0 if bias is not True else y.mean() if loss == "squared_error" else np.log(share / (1 - share))
    gradient = t - y if loss == "squared_error" else -y / (1 + np.exp(y * t))
    beta = max_response(X, -gradient[:, None], norm=norm, bias=bias).value
    empty = ReLUNetwork(np.zeros((0, 2)), np.zeros(0), np.zeros((0, 1)), [t])
    settings = {"norm": norm, "bias": bias, "loss": loss}
    assert certify(empty, X, y, beta=beta, **settings).relative_gap < 1e-12
    assert certify(empty, X, y, beta=2 * beta, **settings).relative_gap < 1e-12
    assert not certify(empty, X, y, beta=0.5 * beta, **settings).holds


@pytest.mark.parametrize("norm", ["l1", "l2"])
@pytest.mark.parametrize("bias", [True, False])
def test_integer_weights_are_repetitions(norm, bias):
    """Weight 2 equals a repeated sample and weight 0 a missing one, in every number."""
    rng = np.random.default_rng(8)
    X, y = rng.standard_normal((10, 2)), rng.standard_normal((10, 2))
    weight = rng.integers(0, 3, 10)
    network = ReLUNetwork(
        rng.standard_normal((3, 2)), bias * rng.standard_normal(3), rng.standard_normal((3, 2)), np.zeros(2)
    )
    settings = {"beta": 0.1, "norm": norm, "bias": bias, "tol": 1.0}
    one = certify(network, X, y, sample_weight=weight, **settings)
    two = certify(network, np.repeat(X, weight, axis=0), np.repeat(y, weight, axis=0), **settings)
    for name in ("primal", "dual", "gap", "response"):
        assert getattr(one, name) == pytest.approx(getattr(two, name), rel=1e-12)


@pytest.mark.parametrize("size", [1e-12, 1e12])
@pytest.mark.parametrize("target", [1e-12, 1e12])
def test_units(size, target):
    """Samples times s, targets times q, penalty times s q: every relative number stays."""
    rng = np.random.default_rng(9)
    X, y = rng.standard_normal((25, 2)), rng.standard_normal(25)
    W, b, A, t = rng.standard_normal((4, 2)), rng.standard_normal(4), rng.standard_normal((4, 1)), [0.3]
    one = certify(ReLUNetwork(W, b, A, t), X, y, beta=0.3)
    other = certify(
        ReLUNetwork(W / size, b, A * target, np.multiply(t, target)), X * size, y * target, beta=0.3 * size * target
    )
    assert other.primal == pytest.approx(one.primal * target**2, rel=1e-12)
    assert other.dual == pytest.approx(one.dual * target**2, rel=1e-11)
    assert other.relative_gap == pytest.approx(one.relative_gap, rel=1e-11)


@pytest.mark.parametrize("constant", [0.0, 3.7, -1e9])
@pytest.mark.parametrize("bias", [True, False])
def test_constant_targets_and_equal_rows(constant, bias):
    """Problems whose optimum is zero are certified with gap zero, not divided by zero."""
    X, y = np.array([[0.0, 1.0], [2.0, 1.0], [3.0, 5.0]]), np.full(3, constant)
    empty = ReLUNetwork(np.zeros((0, 2)), np.zeros(0), np.zeros((0, 1)), [constant * bias])
    if bias or constant == 0.0:
        certificate = certify(empty, X, y, beta=1.0, bias=bias)
        assert certificate.holds
        assert certificate.gap <= 1e-25 * max(1.0, constant**2)
    same = certify(empty, np.ones((3, 2)), [1.0, 2.0, 6.0], beta=1.0, bias=True)
    assert same.response == pytest.approx(0.0, abs=1e-14)


def test_single_sample():
    """One sample with a free intercept is fitted for nothing."""
    empty = ReLUNetwork(np.zeros((0, 1)), np.zeros(0), np.zeros((0, 1)), [2.5])
    assert certify(empty, [[4.0]], [2.5], beta=1e-3).holds


def wedge_problem():
    rng = np.random.default_rng(12)
    X, y = rng.standard_normal((12, 5)), rng.standard_normal(12)
    network = ReLUNetwork(rng.standard_normal((2, 5)), np.zeros(2), rng.standard_normal((2, 1)), [0.0])
    return X, y, network


def test_given_atoms_speak_for_themselves():
    """With atoms the certificate says of how many it speaks; its response is the largest among them."""
    X, y, network = wedge_problem()
    rng = np.random.default_rng(1)
    u, c = 3.0 * rng.standard_normal((40, 5)), rng.standard_normal(40)
    certificate = certify(network, X, y, beta=0.1, atoms=(u, c), scope="dictionary", tol=1.0)
    v = y - network.predict(X)
    v -= v.mean()
    expected = np.abs(np.maximum(X @ u.T + c, 0).T @ v / np.linalg.norm(u, axis=1)).max()
    assert certificate.response == pytest.approx(expected, rel=1e-12)
    assert certificate.n_atoms == 40
    assert "40 given atoms" in certificate.summary()
    enumerated = certify(network, X, y, beta=0.1, scope="dictionary")
    assert (enumerated.scope, enumerated.n_atoms) == ("dictionary", None)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"scope": "none"}, "asked for"),
        ({"scope": "dictionary", "max_work": 100}, "pass atoms"),
        ({"max_work": 100}, "raise max_work"),
        ({"time_limit": 0.0}, "time limit"),
    ],
)
def test_without_a_proof_nothing_is_claimed(arguments, reason):
    """The objective is stated, the rest is not a number, and the note says why; nobody has to catch anything."""
    X, y, network = wedge_problem()
    kind = {"beta": 0.1, "tol": 1.0, **arguments}
    found = certify(network, X, y, **kind)
    assert (found.scope, found.method, found.holds, found.dual_point) == ("none", "none", False, None)
    assert np.isnan([found.dual, found.gap, found.relative_gap, found.response]).all()
    assert reason in found.note
    assert "Nothing is proved" in found.summary()
    assert found.primal == pytest.approx(network.objective(X, y, beta=0.1), rel=1e-9)


def test_a_network_that_does_not_interpolate(tmp_path):
    """With beta=0 its objective and gap are infinite, in memory, in words and on disk."""
    X, y, network = wedge_problem()
    found = certify(network, X, y, beta=0.0, norm="l1")
    assert (found.primal, found.gap, found.relative_gap, found.holds) == (np.inf, np.inf, np.inf, False)
    assert np.isfinite(found.dual)
    assert "objective of inf" in found.summary()
    found.save(tmp_path / "c.json")
    assert Certificate.load(tmp_path / "c.json") == found


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"beta": np.nan}, ParameterError, "beta=nan"),
        ({"norm": "l3"}, ParameterError, "norm='l3'"),
        ({"bias": "maybe"}, ParameterError, "bias='maybe'"),
        ({"loss": "absolute"}, ParameterError, "loss='absolute'"),
        ({"scope": "world"}, ParameterError, "scope='world'"),
        ({"scope": "searched"}, ParameterError, "scope='searched'"),
        ({"time_limit": -1.0}, ParameterError, "time_limit"),
        ({"tol": -1}, ParameterError, "tol=-1"),
        ({"dual_point": np.ones(3)}, DataError, "dual_point has shape"),
        ({"dual_point": np.full(12, np.inf)}, DataError, "dual_point"),
        ({"atoms": 3}, DataError, "atoms is a int"),
        ({"atoms": (np.ones((3, 5)), np.ones(2))}, DataError, "3 normals"),
        ({"sample_weight": -np.ones(12)}, DataError, "sample_weight"),
    ],
)
def test_arguments_are_checked(arguments, error, message):
    """Every wrong argument is named."""
    X, y, network = wedge_problem()
    with pytest.raises(error, match=message):
        certify(network, X, y, **{"beta": 0.1, **arguments})


def test_networks_outside_the_problem_are_refused():
    """Biases without `bias`, an intercept without free biases, or wrong widths are errors, not certificates."""
    X, y, network = wedge_problem()
    W, b, A, t = (getattr(network, k) for k in PARTS)
    with pytest.raises(ParameterError, match="hidden biases"):
        certify(ReLUNetwork(W, b + 1, A, t), X, y, beta=0.1, bias=False)
    for bias in (False, "penalized"):
        with pytest.raises(ParameterError, match="intercept"):
            certify(ReLUNetwork(W, b, A, t + 1), X, y, beta=0.1, bias=bias)
    with pytest.raises(DataError, match="1 outputs but y has 2"):
        certify(network, X, np.column_stack([y, y]), beta=0.1)
    with pytest.raises(DataError, match="5 are expected"):
        certify(network, X[:, :3], y, beta=0.1)


@pytest.mark.parametrize("loss", ["huber(0.5)", "quantile(0.3)", "poisson", "squared_hinge", "hinge", "softmax"])
def test_weak_duality_for_every_loss(loss):
    """For each loss the bound stays below the objective of any network, from gradients and from nonsense."""
    rng = np.random.default_rng(20)
    X = rng.standard_normal((15, 2))
    labels = rng.integers(0, 3, 15)
    y = {"softmax": np.eye(3)[labels], "poisson": labels.astype(float)}.get(loss, 2.0 * (labels > 0) - 1.0)
    c = y.shape[1] if y.ndim == 2 else 1
    networks = [
        ReLUNetwork(0.3 * rng.standard_normal((m, 2)), rng.standard_normal(m), rng.standard_normal((m, c)), np.zeros(c))
        for m in (0, 2, 5, 5)
    ]
    settings = {"beta": 0.05, "loss": loss_name(loss), "tol": 10.0}
    points = [None, rng.standard_normal((15, c)), 1e6 * np.ones((15, c))]
    found = [certify(network, X, y, dual_point=point, **settings) for network in networks for point in points]
    assert max(one.dual for one in found) <= min(one.primal for one in found)
    assert all(np.isfinite(one.dual) and one.gap >= 0 for one in found)
    assert max(one.dual for one in found) > 0
