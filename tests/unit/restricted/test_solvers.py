"""Every solver against a conic solver on random small dictionaries; the l2 network against its convex program."""

import numpy as np
import pytest
from devices import ELSEWHERE, example
from loss_cases import loss_name
from reference_solver import conic_optimum, network_optimum, wedges

from convexnn import beta_max, train
from convexnn._arrays import Device
from convexnn._progress import Clock, Limits
from convexnn.exceptions import ParameterError, SolverUnavailableError
from convexnn.network.neurons import NeuronSet
from convexnn.oracles.line import LineOracle
from convexnn.restricted import make_search_solver, make_solver
from convexnn.restricted.active_set import ActiveSetSolver
from convexnn.restricted.conic import ConicSolver
from convexnn.restricted.device import DeviceActiveSetSolver
from convexnn.restricted.group_newton import GroupNewtonSolver, OutputBlocks
from convexnn.restricted.newton import Event, minimise
from convexnn.restricted.problem import make_problem
from convexnn.restricted.prox_newton import ProxNewtonSolver
from convexnn.restricted.separable import SeparableSolver
from convexnn.training.column_generation import generate
from convexnn.training.line_path import solve_line

N, M = 10, 14  # one shape, so that CVXPY compiles a problem once


def targets(loss, c, rng):
    if loss == "softmax":
        return np.eye(c)[rng.integers(0, c, size=N)]
    if loss == "poisson":
        return rng.poisson(2.0, size=(N, c)).astype(float)
    if loss in ("log_loss", "log_loss_multilabel", "hinge", "squared_hinge"):
        return rng.choice([-1.0, 1.0], size=(N, c))
    return rng.normal(size=(N, c)) * 2.0


def random_problem(loss, seed, *, c=1, norm="l1"):
    """A problem with a penalty between weak and strong, and M of its wedge neurons; bias and weights vary."""
    rng = np.random.default_rng([seed, c])
    X, Y = rng.normal(size=(N, 2)), targets(loss, c, rng)
    if seed % 5 == 0:
        X = np.round(X)  # ties: equal and parallel columns
    weight = rng.integers(1, 4, size=N).astype(float) if seed % 3 == 0 else None
    bias = bool(seed % 2) or loss in ("poisson", "softmax") or norm == "l2"
    problem = make_problem(X, Y, beta=1.0, norm=norm, bias=bias, loss=loss_name(loss), sample_weight=weight)
    frame = problem.frame
    planes = wedges(frame.points, frame.axes, frame.affine, norm)
    chosen = rng.integers(0, len(planes), size=M)
    side = rng.choice([-1.0, 1.0], size=M)
    normals = np.array([planes[k][1] for k in chosen]) * side[:, None]
    offsets = np.array([planes[k][2] for k in chosen]) * side
    K = frame.columns(normals, offsets)
    rows = np.zeros((M, max(frame.subset_size, 1)), dtype=np.int64)
    found = NeuronSet.found(normals, offsets, rows)
    shift = problem.loss.best_constant() if problem.intercept else np.zeros(c)
    v = problem.dual_vector(np.zeros_like(Y) + shift)
    top = np.abs(K.T @ v).max()
    return problem.with_working_beta(float(top * 10.0 ** rng.uniform(-3, -0.2))), found, K


def assert_optimal(solver, problem, found, K, *, rows=1, rel=1e-7):
    solver.add(found)
    state = solver.solve(problem.beta)
    assert state.z.shape == (M, problem.targets.shape[1])
    np.testing.assert_allclose(K @ state.z + state.t, state.f, atol=1e-9 * (1 + np.abs(state.f).max()))
    value = problem.objective(state.f, state.z)
    expected = conic_optimum(
        problem.loss_name, K, problem.targets, problem.beta, rows=rows, intercept=problem.intercept,
        weight=None if problem.loss.weight is None else problem.loss.weight[:, 0],
    )  # fmt: skip
    assert value == pytest.approx(expected, rel=rel, abs=1e-8)
    return state


@pytest.mark.parametrize("loss", ["squared_error", "huber", "poisson", "log_loss", "squared_hinge"])
def test_prox_newton_on_fifty_dictionaries(loss):
    for seed in range(50):
        problem, found, K = random_problem(loss, seed)
        assert_optimal(ProxNewtonSolver(problem), problem, found, K)


def test_active_set_on_fifty_dictionaries():
    for seed in range(50):
        problem, found, K = random_problem("squared_error", seed)
        solver = ActiveSetSolver(problem)
        first = assert_optimal(solver, problem, found, K)
        # Warm: another penalty and back.
        solver.solve(problem.beta * 0.1)
        again = solver.solve(problem.beta)
        assert problem.objective(again.f, again.z) == pytest.approx(problem.objective(first.f, first.z), rel=1e-12)


@pytest.mark.parametrize("name", ["torch", "jax", *ELSEWHERE])
def test_rotated_columns_on_fifty_dictionaries(name):
    """Ties, weights and intercepts included: the same optimum after a QR factorisation on another device."""
    device, dropped = Device(example(name)), 0
    for seed in range(50):
        problem, found, K = random_problem("squared_error", seed)
        solver = DeviceActiveSetSolver(problem, device)
        first = assert_optimal(solver, problem, found, K)
        # Warm, with other atoms and without those that are not needed.
        solver.add(found)
        solver.start(np.concatenate([first.z, np.zeros((M, 1))]))
        again = solver.solve(problem.beta)
        assert problem.objective(again.f, again.z) == pytest.approx(problem.objective(first.f, first.z), rel=1e-10)
        solver.drop_inactive(1.0 - 1e-6)
        assert again.n_active <= len(solver.working)
        dropped += 2 * M - len(solver.working)
        last = solver.solve(problem.beta)
        assert problem.objective(last.f, last.z) == pytest.approx(problem.objective(first.f, first.z), rel=1e-10)
    assert dropped > 0


def test_a_search_rotates_columns_where_samples_are_many_and_far(monkeypatch):
    far = example("another device")
    X, Y = np.ones((30, 2)), np.ones((30, 1))
    X[:, 0] = np.arange(30)

    def kind(loss, samples, solver="auto", options=None):
        problem = make_problem(X, Y, beta=1.0, norm="l2", bias=True, loss=loss, device=samples)
        return type(make_search_solver(problem, solver, options))

    assert kind("squared_error", far) is ActiveSetSolver  # too few
    monkeypatch.setattr("convexnn.restricted.problem.MIN_DEVICE_WORK", 3000)
    assert kind("squared_error", far) is DeviceActiveSetSolver
    assert kind("squared_error", X) is ActiveSetSolver
    assert kind("huber", far) is ProxNewtonSolver
    assert kind("squared_error", far, "clarabel", {}) is ConicSolver


@pytest.mark.parametrize("loss", ["squared_error", "huber", "log_loss_multilabel", "softmax"])
def test_group_newton_on_random_dictionaries(loss):
    for seed in range(50):
        problem, found, K = random_problem(loss, seed, c=3, norm="l2")
        assert_optimal(GroupNewtonSolver(problem), problem, found, K, rows=2)


@pytest.mark.parametrize("loss", ["squared_error", "softmax", "squared_hinge"])
def test_an_inaccurate_group_solver_stays_near_the_optimum(loss):
    """What a search allows a solver to leave is left, and not much more."""
    for seed in range(10):
        problem, found, _ = random_problem(loss, seed, c=3, norm="l2")
        values = []
        for inaccuracy in (0.0, 1e-6):
            solver = GroupNewtonSolver(problem)
            solver.add(found)
            state = solver.solve(problem.beta, accuracy=inaccuracy)
            values.append(problem.objective(state.f, state.z))
        assert values[0] <= values[1] * (1 + 1e-12)
        assert values[1] <= values[0] * (1 + 1e-5)


@pytest.mark.parametrize("pattern", ["aaa", "aba", "abb", "abc", "ddc", "full"])
def test_curvature_of_groups_is_that_of_each_output(pattern):
    """Gram matrix and border against the Jacobian written out, also where some outputs share their curvature."""
    rng = np.random.default_rng(4)
    K, c = rng.random((4, 7)), 3
    each = {letter: rng.random(7) for letter in "abcd"}
    each["d"][2:] = 1e-6  # flat but for two samples
    if pattern == "full":
        roots = rng.random((7, c, c))
        h = H = roots @ roots.transpose(0, 2, 1)
    else:
        h = np.column_stack([each[letter] for letter in pattern])
        H = np.array([np.diag(row) for row in h])
    J = np.einsum("kn,op->nokp", K, np.eye(c)).reshape(7, c, 4 * c)
    blocks = OutputBlocks(K, c)
    gram = blocks.gram(h)
    dense = gram if pattern == "full" else gram.dense()
    np.testing.assert_allclose(dense, np.einsum("noi,nop,npj->ij", J, H, J), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(blocks.border(h), np.einsum("noi,nop->ip", J, H), rtol=1e-12, atol=1e-14)
    for j in range(4 if pattern != "full" else 0):
        own = slice(c * j, c * j + c)
        np.testing.assert_allclose(gram.block(j), dense[own, own], rtol=1e-14)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("kind", ["plain", "equal curvatures", "short groups", "dependent atoms", "flat output"])
@pytest.mark.parametrize("intercept", [True, False])
def test_newton_step_by_outputs_solves_the_dense_system(kind, intercept, seed):
    """The structured step against the system written out; where it declines, the dense one takes over."""
    rng = np.random.default_rng(seed)
    k, c, n = 5, 3, 12
    K, h = np.maximum(rng.standard_normal((k, n)), 0.0) + 1e-3, rng.random((n, c)) + 0.01
    a, beta = rng.standard_normal((k, c)), 0.1
    if kind == "equal curvatures":
        h[:] = h[:, :1]
    elif kind == "short groups":
        a *= 10.0 ** -np.arange(0, 10, 2)[:, None]
    elif kind == "dependent atoms":
        K[1], K[2] = K[0], 2.0 * K[0]
    elif kind == "flat output":
        h[:, 1] = 1e-8
    lengths = np.linalg.norm(a, axis=1)
    u, gradient, residual = a / lengths[:, None], rng.standard_normal((k, c)), rng.standard_normal(c)
    H = OutputBlocks(K, c).gram(h).dense()
    for j in range(k):
        own = slice(c * j, c * j + c)
        H[own, own] += beta / lengths[j] * (np.eye(c) - np.outer(u[j], u[j]))
    right = -gradient.ravel()
    if intercept:
        border = OutputBlocks(K, c).border(h)
        H = np.block([[H, border], [border.T, np.diag(h.sum(axis=0))]])
        right = np.concatenate([right, residual])
    found = OutputBlocks(K, c).gram(h).step(
        u.ravel(), beta / lengths, gradient.ravel(), residual if intercept else None
    )
    assert found is not None or kind == "short groups"
    if found is not None:
        x = np.concatenate(found) if intercept else found[0]
        scale = 1.0 / np.sqrt(H.diagonal())
        share = 1e-3 if kind in ("short groups", "dependent atoms") else 1e-11
        assert np.linalg.norm(scale * (H @ x - right)) <= share * np.linalg.norm(scale * right)


@pytest.mark.parametrize("scope", ["dictionary", "network"])
@pytest.mark.parametrize(
    ("seed", "n", "delta", "ratio"),
    [(0, 12, 1.0, 0.01), (1, 7, 0.1, 0.3), (2, 9, 0.3, 0.03), (3, 12, 0.1, 0.003), (6, 7, 0.1, 0.05)],
)
def test_huber_loss_with_several_outputs_does_not_stall(scope, seed, n, delta, ratio):
    """Some samples flat in some outputs: the gap of the certificate still closes."""
    rng = np.random.default_rng(seed)
    X, Y = rng.standard_normal((n, 2)), rng.standard_normal((n, 3))
    loss = f"huber({delta})"
    beta = ratio * beta_max(X, Y, bias=False, loss=loss, scope=scope)
    result = train(X, Y, beta=beta, bias=False, loss=loss, scope=scope, tol=1e-8 if scope == "dictionary" else 1e-6)
    flat = np.abs(result.network.predict(X) - Y) > delta
    assert flat.any()
    assert not flat.all()
    assert result.certificate.holds


@pytest.mark.parametrize(("seed", "ratio"), [(10_082, 9.7e-4), (10_173, 1e-3), (10_274, 5.6e-3)])
def test_networks_of_several_outputs_are_proved_with_huber_loss(seed, ratio):
    """Flat samples slow the movement of neurons beside the exact oracle, but the gap closes."""
    rng = np.random.default_rng(seed)
    n, d, c = int(rng.integers(5, 22)), int(rng.integers(1, 4)), int(rng.integers(2, 6))
    X, Y = rng.standard_normal((n, d)), rng.standard_normal((n, c))
    beta = ratio * beta_max(X, Y, loss="huber(0.1)")
    result = train(X, Y, beta=beta, loss="huber(0.1)", max_iter=60)
    assert result.certificate.scope == "network"
    assert result.certificate.holds


@pytest.mark.parametrize("loss", ["squared_error", "log_loss_multilabel", "squared_hinge"])
def test_separable_outputs_on_twenty_dictionaries(loss):
    for seed in range(20):
        problem, found, K = random_problem(loss, seed, c=2)
        solver = make_solver(problem)
        assert isinstance(solver, SeparableSolver)
        assert_optimal(solver, problem, found, K)


@pytest.mark.parametrize("loss", ["hinge", "quantile", "softmax"])
def test_kinks_and_coupled_outputs_go_to_a_conic_solver(loss):
    for seed in range(10):
        problem, found, K = random_problem(loss, seed, c=3 if loss == "softmax" else 1)
        solver = make_solver(problem)
        assert isinstance(solver, ConicSolver)
        state = assert_optimal(solver, problem, found, K)
        # Its dual vector closes the gap over its own columns.
        v = problem.dual_vector(state.f, state.v)
        strongest = np.abs(K.T @ v).max()
        value = problem.objective(state.f, state.z)
        assert problem.dual_value(v, strongest) == pytest.approx(value, rel=1e-6, abs=1e-7)


@pytest.mark.parametrize(("solver", "rel"), [("clarabel", 1e-8), ("ecos", 1e-7), ("piqp", 1e-7), ("scs", 1e-4)])
def test_every_backend_solves_the_restricted_problem(solver, rel):
    pytest.importorskip(solver)
    for seed in range(3):
        problem, found, K = random_problem("squared_error", seed)
        assert_optimal(make_solver(problem, solver), problem, found, K, rel=rel)


def test_tidying_keeps_the_solution():
    for loss, c, norm in (("squared_error", 1, "l1"), ("log_loss", 1, "l1"), ("squared_error", 3, "l2")):
        problem, found, K = random_problem(loss, 1, c=c, norm=norm)
        solver = make_solver(problem)
        solver.add(found)
        before = solver.solve(problem.beta)
        solver.drop_inactive(1.0 - 1e-6)
        after = solver.solve(problem.beta)
        assert before.n_active <= len(solver.working) < M
        assert len(after.z) == len(solver.working)
        columns = problem.frame.columns(solver.working.normals, solver.working.offsets)
        np.testing.assert_allclose(columns @ after.z + after.t, before.f, atol=1e-6)
        assert problem.objective(after.f, after.z) == pytest.approx(problem.objective(before.f, before.z), rel=1e-9)


def test_unknown_missing_and_unfit_solvers():
    problem, _, _ = random_problem("hinge", 1)
    with pytest.raises(ParameterError, match="cannot minimise"):
        make_solver(problem, "native")
    with pytest.raises(ParameterError, match="unknown"):
        make_solver(problem, "magic")


def test_a_backend_that_is_not_installed_is_named(monkeypatch):
    problem, _, _ = random_problem("squared_error", 1)
    monkeypatch.setattr("convexnn.restricted.conic.find_spec", lambda name: None)
    with pytest.raises(SolverUnavailableError, match="ecos"):
        make_solver(problem, "ecos")


# -- neurons that move -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("d", "bias"), [(2, True), (2, False), (3, False)])
def test_l2_networks_reach_the_optimum_over_all_activation_patterns(d, bias):
    """The cone-constrained program of arXiv 2002.10553, on samples few enough to know every pattern."""
    for seed in range(4):
        rng = np.random.default_rng([seed, d])
        X, y = rng.normal(size=(7, d)), rng.normal(size=7)
        if seed == 3:
            X[1], X[2] = X[0], 2 * X[3]
        beta = float(10.0 ** rng.uniform(-2, 0))
        result = train(X, y, beta=beta, norm="l2", bias=bias, tol=1e-10, scope="network")
        expected = network_optimum(X, y, beta, bias, rng)
        # Sampled patterns can only be too few, which would put the reference above the truth.
        assert result.certificate.primal <= expected * (1 + 1e-7)
        assert result.certificate.primal == pytest.approx(expected, rel=1e-6)
        assert result.certificate.scope == "network"
        assert result.certificate.relative_gap <= 1e-8


# -- knots -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", ["normal", "ties", "weights", "steps", "two", "far"])
def test_the_knot_solver_equals_column_generation(kind):
    """The same optimum as pricing hinges one by one with the generic loop, at strong and weak penalties."""
    rng = np.random.default_rng(4)
    n = 2 if kind == "two" else 300
    x = rng.integers(0, 20, size=n).astype(float) if kind == "ties" else rng.normal(size=n)
    x = x + 1e6 if kind == "far" else x
    y = np.sign(x - x.mean()) if kind == "steps" else np.sin(3 * x) + 0.2 * rng.normal(size=n)
    weight = rng.random(n) + 0.05 if kind == "weights" else None
    problem = make_problem(
        x[:, None], y[:, None], beta=1.0, norm="l2", bias=True, loss="squared_error", sample_weight=weight
    )
    oracle = LineOracle(problem.frame)
    v = problem.dual_vector(np.zeros((n, 1)) + problem.loss.best_constant())
    top = oracle.price(v, np.inf, 1).strongest
    for ratio in (2.0, 0.3, 1e-2, 1e-4):
        at = problem.with_working_beta(ratio * top)
        knots = solve_line(at, Limits(1e-9, 200, Clock()))
        columns = generate(at, oracle, ActiveSetSolver(at), Limits(1e-9, 500, Clock()))
        assert knots.primal == pytest.approx(columns.primal, rel=2e-9, abs=1e-14)
        assert knots.dual <= columns.primal * (1 + 1e-12) + 1e-14  # targets are of order one
        assert knots.primal - knots.dual <= 1e-9 * knots.primal + 1e-15
        # What it returns is a network with that objective.
        assert at.value_of(knots.neurons) == pytest.approx(knots.primal, rel=1e-9, abs=1e-14)


def test_a_neuron_that_no_sample_sees_leaves_without_overflow():
    """A vanishing block of one entry has no curvature at all; its Newton step must stay finite."""

    class Unseen:
        starts = np.array([0, 1, 3])

        def outputs(self, a):
            return np.zeros((4, 1)) + a[1] + 2 * a[2]

        def correlate(self, v):
            return np.array([0.0, v.sum(), 2 * v.sum()])

        def gram(self, h):
            J = np.array([0.0, 1.0, 2.0])
            return np.outer(J, J) * h.sum()

        def border(self, h):
            return np.array([[0.0], [1.0], [2.0]]) * h.sum()

        def reach(self, a, d):
            return np.array([-a[0] / d[0] if d[0] < 0 else np.inf, np.inf])

    loss = make_problem(np.ones((4, 1)), np.ones((4, 1)), beta=1.0, norm="l2", bias=False, loss="squared_error").loss
    state = minimise(Unseen(), loss, 0.1, np.array([1e-111, 0.2, 0.1]), np.zeros(1), intercept=False)
    assert (state.event, state.block) == (Event.BLOCKED, 0)
    assert np.isfinite(state.a).all()
