"""Training as a whole: reference optima, proofs that hold, relations between problems, limits and interruption."""

import signal
import subprocess
import sys
import time
from itertools import pairwise

import numpy as np
import pytest
from reference_optima import OPTIMA
from reference_solver import awkward_points, response, sampled_neurons

from convexnn import beta_max, certify, solve_path, train
from convexnn.data import make_spiral
from convexnn.restricted.status import Status
from convexnn.training.parameters import ExactParams

TRAINABLE = [case for case in OPTIMA if case["loss"] != "interpolation"]


def arguments(case):
    return {
        "X": np.array(case["X"]), "y": np.array(case["y"]), "beta": case["beta"], "norm": f"l{case['p']}",
        "bias": case["bias"], "loss": case["loss"],
    }  # fmt: skip


def lasso_value(result, X, y, beta, norm):
    """Squared-loss Lasso objective of the coefficients, from atoms and data alone."""
    z = result.coef.reshape(len(result.coef), -1)
    f = np.maximum(X @ result.atoms.normals.T + result.atoms.offsets, 0.0) @ z + result.intercept
    rows = np.abs(z).sum(axis=1) if norm == "l1" else np.linalg.norm(z, axis=1)
    return 0.5 * float(((f - np.reshape(y, f.shape)) ** 2).sum()) + beta * float(rows.sum())


# -- reference optima ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("case", TRAINABLE, ids=lambda case: case["name"])
def test_reference_optimum_of_the_dictionary(case):
    problem = arguments(case)
    result = train(**problem, scope="dictionary", tol=1e-10)
    assert result.certificate.primal == pytest.approx(case["dictionary_optimum"], rel=1e-8)
    assert result.status is Status.CERTIFIED
    certificate = result.certificate
    assert certificate.holds
    assert certificate.relative_gap <= 1e-9
    assert certificate.dual <= case["dictionary_optimum"] * (1 + 1e-10)
    one_dimensional = problem["X"].shape[1] == 1
    assert certificate.scope == ("network" if case["p"] == 1 or one_dimensional else "dictionary")
    objective = result.network.objective(
        problem["X"], problem["y"], beta=case["beta"], norm=problem["norm"], loss=case["loss"]
    )
    assert objective == pytest.approx(certificate.primal, rel=1e-9)
    if case["loss"] == "squared_error":
        value = lasso_value(result, problem["X"], problem["y"], case["beta"], problem["norm"])
        assert value == pytest.approx(objective, rel=1e-9)


def searched_exactly(case):
    """Whether an exact method over all neurons is known for a case."""
    return case["p"] == 1 or len(case["X"][0]) <= (2 if case["bias"] else 3)


@pytest.mark.parametrize(
    "case",
    [c for c in TRAINABLE if "network_optimum" in c and np.ndim(c["y"]) == 1 and searched_exactly(c)],
    ids=lambda case: case["name"],
)
def test_reference_optimum_over_all_networks(case):
    problem = arguments(case)
    result = train(**problem, scope="network", tol=1e-10)
    # The references for p = 2 come from an interior point over activation patterns.
    assert result.certificate.primal == pytest.approx(case["network_optimum"], rel=1e-8)
    assert result.certificate.scope == "network"
    assert result.certificate.relative_gap <= 1e-8


@pytest.mark.parametrize(("solver", "rel"), [("clarabel", 1e-7), ("ecos", 1e-6), ("scs", 1e-4)])
def test_reference_optima_by_general_solvers(solver, rel):
    pytest.importorskip(solver)
    for case in TRAINABLE[:: 3 if solver == "scs" else 1]:
        if case["loss"] != "squared_error" and solver == "ecos":
            continue  # exponential cones beyond its accuracy
        result = train(**arguments(case), scope="dictionary", solver=solver, tol=0.1 * rel)
        assert result.certificate.primal == pytest.approx(case["dictionary_optimum"], rel=rel), case["name"]
        assert result.certificate.dual <= case["dictionary_optimum"] * (1 + 1e-9), case["name"]


# -- proofs ----------------------------------------------------------------------------------------------------------
KINDS = ("normal", "grid", "duplicates", "collinear")


@pytest.mark.parametrize("seed", range(200))
def test_no_sampled_neuron_answers_above_the_bound(seed):
    """Where network scope is claimed, the scaled residual must be feasible for every neuron (MATHS 4)."""
    rng = np.random.default_rng(seed)
    d, norm = int(rng.integers(1, 5)), ("l1", "l2")[seed % 2]
    bias = (True, False, "penalized")[seed % 3]
    n = int(rng.integers(1, 9 if d < 4 else 7))
    X = awkward_points(KINDS[seed % 4], n, d, seed)
    y = np.round(rng.normal(size=n) * 2) if seed % 5 == 0 else rng.normal(size=n)
    top = beta_max(X, y, norm=norm, bias=bias)
    beta = max(top, 1e-3) * float(10.0 ** rng.uniform(-3, 0.2))
    scope = "network" if norm == "l1" or d + (bias == "penalized") <= 2 else "dictionary"
    result = train(X, y, beta=beta, norm=norm, bias=bias, scope=scope, tol=1e-8)
    certificate = result.certificate
    assert certificate.holds, (result.status, certificate.relative_gap)
    if certificate.scope != "network":
        assert norm == "l2"
        return
    # Any feasible dual point proves dual; rebuild the one of the residual and let sampled neurons attack it.
    v = (y - result.network.predict(X).ravel())[:, None]
    A = np.hstack([X, np.ones((n, 1))]) if bias == "penalized" else X
    if bias is True:
        v -= v.mean()
    u, c = sampled_neurons(A, bias is True, norm, rng, 4000)
    strongest = response(A, u, c, v, norm).max()
    scale = 1e-9 * np.abs(v).sum() * np.abs(A).max() + 1e-300
    # dual = s v'y - s^2 |v|^2 / 2 with s <= beta / strongest: a larger true response would lower the bound.
    allowed = beta * (1 + 1e-4)
    assert strongest <= allowed + scale
    s = min(1.0, beta / strongest) if strongest > 0 else 1.0
    attacked = s * float(v[:, 0] @ y) - 0.5 * s * s * float(v[:, 0] @ v[:, 0])
    assert certificate.dual <= attacked + 1e-9 * (certificate.primal + float(y @ y))


@pytest.mark.parametrize("scale", [1e-12, 1e-6, 1e6, 1e12])
@pytest.mark.parametrize("kind", ["normal", "grid", "duplicates", "collinear", "cocircular", "clusters", "constant"])
@pytest.mark.parametrize("norm", ["l1", "l2"])
def test_degenerate_data_of_any_scale_are_certified(norm, kind, scale):
    for n, d in ((12, 1), (15, 2), (8, 3)):
        X = scale * awkward_points(kind, n, d)
        y = np.random.default_rng(n).normal(size=n) / scale
        scope = "dictionary" if d == 3 else "network"
        for bias in (True, False):
            top = beta_max(X, y, norm=norm, bias=bias, scope=scope)
            result = train(X, y, beta=max(1e-2 * top, 1e-12), norm=norm, bias=bias, scope=scope, tol=1e-6)
            assert result.certificate.holds, (n, d, bias, result.status, result.certificate.relative_gap)


# -- relations between problems --------------------------------------------------------------------------------------
def base_problem(d=2, n=14, seed=0):
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(n, d)), rng.normal(size=n)
    return X, y, 0.05 * beta_max(X, y, norm="l1")


def optimum(X, y, beta, **options):
    result = train(X, y, beta=beta, tol=1e-10, **{"norm": "l1", **options})
    assert result.certificate.relative_gap <= 1e-9
    return result.certificate.primal


@pytest.mark.parametrize("options", [{}, {"norm": "l2"}, {"norm": "l2", "scope": "dictionary"}, {"bias": False}])
def test_relations_between_optima(options):
    """Scaling, permutation, repetition, weights, sign and translation change the optimum as they should."""
    for d in (1, 2):
        X, y, beta = base_problem(d)
        value = optimum(X, y, beta, **options)
        close = {"rel": 1e-8}
        assert optimum(X, 3.0 * y, 3.0 * beta, **options) == pytest.approx(9.0 * value, **close)
        assert optimum(5.0 * X, y, 5.0 * beta, **options) == pytest.approx(value, **close)
        assert optimum(X, -y, beta, **options) == pytest.approx(value, **close)
        assert optimum(-X, y, beta, **options) == pytest.approx(value, **close)
        order = np.random.default_rng(1).permutation(len(X))
        assert optimum(X[order], y[order], beta, **options) == pytest.approx(value, **close)
        twice = np.ones(len(X))
        twice[3] = 2.0
        weighted = optimum(X, y, beta, sample_weight=twice, **options)
        assert optimum(np.vstack([X, X[3]]), np.append(y, y[3]), beta, **options) == pytest.approx(weighted, **close)
        without = np.ones(len(X))
        without[5] = 0.0
        fewer = optimum(np.delete(X, 5, axis=0), np.delete(y, 5), beta, **options)
        assert optimum(X, y, beta, sample_weight=without, **options) == pytest.approx(fewer, **close)
        if options.get("bias", True) is True:
            assert optimum(X + 7.0, y + 2.0, beta, **options) == pytest.approx(value, **close)
        assert optimum(X, y, 1.1 * beta, **options) >= value


def test_l2_networks_do_not_change_under_rotation():
    X, y, beta = base_problem(2)
    angle = 0.7
    R = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    assert optimum(X @ R, y, beta, norm="l2") == pytest.approx(optimum(X, y, beta, norm="l2"), rel=1e-8)


def test_scopes_are_ordered_and_the_bound_of_all_networks_is_the_lowest():
    X, y, beta = base_problem(2)
    everything, wedges = optimum(X, y, beta, norm="l2"), optimum(X, y, beta, norm="l2", scope="dictionary")
    assert everything <= wedges * (1 + 1e-12)


def test_beta_max_is_where_neurons_vanish():
    for norm in ("l1", "l2"):
        for bias in (True, False, "penalized"):
            for loss in ("squared_error", "log_loss", "huber"):
                X, y, _ = base_problem(2)
                y = np.where(y > 0, 1.0, -1.0)
                top = beta_max(X, y, norm=norm, bias=bias, loss=loss)
                none = train(X, y, beta=top * (1 + 1e-6), norm=norm, bias=bias, loss=loss)
                some = train(X, y, beta=top * (1 - 1e-3), norm=norm, bias=bias, loss=loss, tol=1e-9)
                assert none.network.n_neurons == 0
                assert some.network.n_neurons > 0


@pytest.mark.parametrize("norm", ["l1", "l2"])
def test_several_outputs_contain_single_ones(norm):
    """A second output of zeros costs nothing; l1 with independent outputs is the sum of the parts (Theorem 23)."""
    X, y, beta = base_problem(2)
    single = optimum(X, y, beta, norm=norm, scope="dictionary")
    both = optimum(X, np.column_stack([y, np.zeros(len(y))]), beta, norm=norm, scope="dictionary")
    assert both == pytest.approx(single, rel=1e-7)
    if norm == "l1":
        other = np.cos(X[:, 0])
        parts = single + optimum(X, other, beta, norm=norm)
        assert optimum(X, np.column_stack([y, other]), beta, norm=norm) == pytest.approx(parts, rel=1e-8)


def test_the_number_of_threads_does_not_change_a_bit():
    X, y = make_spiral(80, random_state=0)
    for norm in ("l1", "l2"):
        one, two = (train(X, y, beta=0.5, norm=norm, n_jobs=k) for k in (1, 2))
        np.testing.assert_array_equal(one.network.hidden_weights, two.network.hidden_weights)
        np.testing.assert_array_equal(one.network.output_weights, two.network.output_weights)
        assert one.certificate.primal == two.certificate.primal


# -- limits ----------------------------------------------------------------------------------------------------------
def test_few_rounds_return_a_network_with_its_true_gap():
    X, y = make_spiral(120, random_state=0)
    best = train(X, y, beta=0.05, norm="l1", tol=1e-9).certificate.primal
    for rounds in (1, 2, 4):
        result = train(X, y, beta=0.05, norm="l1", tol=1e-9, max_iter=rounds)
        assert result.status is Status.ITERATION_LIMIT
        assert result.n_iter == rounds
        assert not result.certificate.holds
        assert result.certificate.dual <= best * (1 + 1e-9)
        assert result.certificate.primal >= best * (1 - 1e-9)
        again = certify(result.network, X, y, beta=0.05, norm="l1")
        assert again.primal == pytest.approx(result.certificate.primal, rel=1e-12)


def test_no_time_left_still_returns_a_network_with_its_true_gap():
    X, y = make_spiral(120, random_state=0)
    result = train(X, y, beta=0.05, norm="l1", time_limit=1e-9)
    assert result.status is Status.TIME_LIMIT
    assert result.n_iter == 1
    assert 0 < result.certificate.relative_gap <= 1
    full = train(X, y, beta=0.05, norm="l1")
    assert result.certificate.dual <= full.certificate.primal


def test_the_observer_sees_every_round_in_the_units_of_the_user():
    X, y, beta = base_problem()
    seen = []
    result = train(X, 1e3 * y, beta=1e3 * beta, norm="l1", tol=1e-9, observer=seen.append)
    assert [p.round for p in seen] == list(range(1, result.n_iter + 1))
    assert seen[-1].primal == pytest.approx(result.certificate.primal, rel=1e-9)
    assert all(p.dual <= result.certificate.primal * (1 + 1e-9) for p in seen)
    assert all(a.dual <= b.dual for a, b in pairwise(seen))


def test_beyond_max_atoms_a_dictionary_is_sampled_and_says_so():
    X, y, beta = base_problem(3, n=30)
    result = train(X, y, beta=beta, norm="l2", scope="dictionary", max_atoms=500, random_state=0)
    assert result.certificate.scope == "dictionary"
    assert "sampled" in result.strategy
    assert "max_atoms=500" in result.strategy
    again = train(X, y, beta=beta, norm="l2", scope="dictionary", max_atoms=500, random_state=0)
    np.testing.assert_array_equal(result.network.hidden_weights, again.network.hidden_weights)
    full = train(X, y, beta=beta, norm="l2", scope="dictionary")
    assert "sampled" not in full.strategy
    assert full.certificate.primal <= result.certificate.primal * (1 + 1e-6)


def test_a_falling_objective_has_not_stalled():
    """At a small penalty the bound says nothing for many rounds; what falls meanwhile is the objective."""
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((40, 4)), rng.standard_normal(40)
    beta = 1e-4 * beta_max(X, y, scope="dictionary")
    patient = train(X, y, beta=beta, scope="dictionary", exact=ExactParams(patience=5))
    # Only the gap counts as progress.
    hasty = train(X, y, beta=beta, scope="dictionary", exact=ExactParams(patience=5, fallen=0.0))
    assert (patient.status, hasty.status) == (Status.CERTIFIED, Status.STALLED)
    assert patient.certificate.relative_gap <= 1e-6 < 0.5 < hasty.certificate.relative_gap
    assert hasty.certificate.primal > patient.certificate.primal >= hasty.certificate.dual


# -- paths -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("norm", "loss"), [("l1", "squared_error"), ("l2", "squared_error"), ("l1", "log_loss")])
def test_a_path_is_the_solutions_one_by_one(norm, loss):
    X, y = make_spiral(40, random_state=1)
    path = solve_path(X, y, norm=norm, loss=loss, n_betas=8, tol=1e-8)
    assert len(path) == 8
    assert path.beta_max == pytest.approx(beta_max(X, y, norm=norm, loss=loss), rel=1e-12)
    assert (np.diff(path.betas) < 0).all()
    for result in path:
        single = train(X, y, beta=result.beta, norm=norm, loss=loss, tol=1e-8)
        assert result.certificate.holds
        assert result.certificate.primal == pytest.approx(single.certificate.primal, rel=3e-8, abs=1e-10)
    assert (np.diff(path.objectives) <= 1e-8).all()
    short = solve_path(X, y, norm=norm, loss=loss, betas=path.betas[:4], max_neurons=int(path.n_neurons[2]), tol=1e-8)
    assert len(short) <= 4
    assert (short.n_neurons <= path.n_neurons[2]).all()


# -- interruption ----------------------------------------------------------------------------------------------------
LOOPS = {
    "planar": "o = core.PlanarOracle(r.normal(size=(3000, 2)), False, 0)\n"
    "while True: o.price(r.normal(size=(3000, 1)), True, 2, np.empty(3000), np.empty(3000, np.int64), "
    "np.empty((3000, 2)))",
    "pencil": "o = core.PencilOracle(r.normal(size=(200, 3)), np.zeros((0, 3)), True, False, 0); m = o.n_pencils\n"
    "while True: o.price(r.normal(size=(200, 1)), 0, 0.0, 2, np.empty(m), np.empty(m, np.int64), np.empty((m, 3)))",
    "cells": "o = core.PencilOracle(r.normal(size=(400, 3)), np.zeros((0, 3)), False, False, 0); m = o.n_pencils\n"
    "while True: o.price(r.normal(size=(400, 2)), 2, 0.0, 1, np.empty(m), np.empty(m, np.int64), np.empty((m, 3)))",
    "active set": "k = core.ActiveSetSolver(r.normal(size=1000), None); k.add(r.normal(size=(3000, 1000)))\n"
    "while True: k.solve(1e-9, 1e-14, 10**9); k.set_target(r.normal(size=1000))",
    "train": "X, y = make_spiral(2000, random_state=0)\nwhile True: train(X, y, beta=1e-3)",
}  # fmt: skip


@pytest.mark.parametrize("name", LOOPS)
def test_ctrl_c_ends_a_kernel(name):
    """The measured time is in docs/benchmarks.md; here only that a signal is heard at all, with generous room."""
    code = (
        # A shell that starts jobs in the background lets them ignore this signal.
        "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "import numpy as np\nfrom convexnn import train\nfrom convexnn._native import core\n"
        "from convexnn.data import make_spiral\nr = np.random.default_rng(0)\nprint('ready', flush=True)\n"
        f"try:\n    exec({LOOPS[name]!r})\nexcept KeyboardInterrupt:\n    print('stopped', flush=True)"
    )
    with subprocess.Popen([sys.executable, "-P", "-c", code], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout.readline() == "ready\n"
        time.sleep(0.4)
        child.send_signal(signal.SIGINT)
        try:
            output, _ = child.communicate(timeout=30)
        finally:
            child.kill()
        assert output == "stopped\n"
