"""The search in high dimension: monotone, reproducible, near the certified optimum where one exists."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from loss_cases import loss_name

import convexnn as cn
from convexnn._progress import Clock
from convexnn.network.neurons import NeuronSet
from convexnn.oracles.ascent import AscentOracle
from convexnn.oracles.snap import snapped
from convexnn.restricted.problem import make_problem
from convexnn.restricted.status import Status
from convexnn.search.descent import anneal, descend
from convexnn.search.drop import drop_neurons
from convexnn.search.merge import merge


def sample(n: int, d: int, c: int = 1, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d))
    return X, np.stack([np.sin(2 * X[:, 0]) * X[:, -1] + 0.1 * rng.standard_normal(n) for _ in range(c)], axis=1)


def problem_of(norm: str, bias, *, n: int = 40, d: int = 4, c: int = 1, beta: float = 0.5, loss: str = "squared_error"):
    X, Y = sample(n, d, c)
    return make_problem(X, Y, beta=beta, norm=norm, bias=bias, loss=loss)


def neuron_set(normals, offsets, coef, intercept) -> NeuronSet:
    return NeuronSet.found(normals, offsets).with_coef(coef, intercept)


def some_neurons(problem, m: int = 12, seed: int = 1) -> NeuronSet:
    rng = np.random.default_rng(seed)
    normals = rng.standard_normal((m, problem.frame.rank))
    size = np.abs(normals).sum(1) if problem.norm == "l1" else np.linalg.norm(normals, axis=1)
    offsets = 0.3 * rng.standard_normal(m) if problem.frame.affine else np.zeros(m)
    c = problem.targets.shape[1]
    t = 0.1 * rng.standard_normal(c) if problem.intercept else np.zeros(c)
    return neuron_set(normals / size[:, None], offsets, rng.standard_normal((m, c)), t)


MODES = [("l1", True), ("l1", False), ("l2", True), ("l2", False), ("l2", "penalized"), ("l1", "penalized")]


@pytest.mark.parametrize(("norm", "bias"), MODES)
@pytest.mark.parametrize("c", [1, 3])
@pytest.mark.parametrize("width", [0.0, 0.5])
def test_descent_gradient_is_the_derivative(norm: str, bias, c: int, width: float) -> None:
    """Finite differences of the smooth parametrisation (kinks have measure zero), with and without rounding."""
    from convexnn.search.descent import _Layout

    problem = problem_of(norm, bias, c=c)
    layout = _Layout(problem, 12, width)
    x = layout.pack(some_neurons(problem))
    if norm == "l1":
        x = np.abs(x) + 0.05 * np.arange(len(x)) / len(x)  # away from the bounds
    _, gradient = layout.value_and_gradient(x)
    rng = np.random.default_rng(2)
    for _ in range(5):
        d = rng.standard_normal(len(x))
        h = 1e-6
        slope = (layout.value_and_gradient(x + h * d)[0] - layout.value_and_gradient(x - h * d)[0]) / (2 * h)
        assert slope == pytest.approx(gradient @ d, rel=2e-5)


@pytest.mark.parametrize(("norm", "bias"), MODES)
@pytest.mark.parametrize("c", [1, 3])
@pytest.mark.parametrize("width", [0.0, 0.5])
def test_rough_descent_sees_the_same_function(norm: str, bias, c: int, width: float) -> None:
    """Single precision changes value and gradient by its rounding only."""
    from convexnn.search.descent import _Layout

    problem = problem_of(norm, bias, c=c)
    exact, rough = _Layout(problem, 12, width), _Layout(problem, 12, width, rough=True)
    x = exact.pack(some_neurons(problem))
    (value, gradient), (near, close) = exact.value_and_gradient(x), rough.value_and_gradient(x)
    assert near == pytest.approx(value, rel=1e-5)
    np.testing.assert_allclose(close, gradient, atol=2e-5 * np.abs(gradient).max())


def test_rough_descent_survives_overflow() -> None:
    """Outputs beyond single precision count as infinite, and the start is kept."""
    problem = problem_of("l2", False)
    start = some_neurons(problem)
    huge = neuron_set(start.normals, start.offsets, start.coef * 1e90, start.intercept)
    moved = descend(problem, huge, max_iter=20, clock=Clock(), rough=True)
    assert np.isfinite(moved.coef).all()
    assert problem.value_of(moved) <= problem.value_of(huge)


@pytest.mark.parametrize(("norm", "bias"), MODES)
def test_descent_packs_the_working_objective(norm: str, bias) -> None:
    """At the balanced scaling the weight decay equals the penalty of the coefficients."""
    from convexnn.search.descent import _Layout

    problem = problem_of(norm, bias, c=2)
    neurons = some_neurons(problem)
    value, _ = _Layout(problem, len(neurons)).value_and_gradient(_Layout(problem, len(neurons)).pack(neurons))
    assert value == pytest.approx(problem.value_of(neurons), rel=1e-12)


@pytest.mark.parametrize(("norm", "bias"), MODES)
def test_descent_never_ends_higher(norm: str, bias) -> None:
    problem = problem_of(norm, bias)
    start = some_neurons(problem)
    moved = descend(problem, start, max_iter=30, clock=Clock())
    assert problem.value_of(moved) < problem.value_of(start)
    size = np.abs(moved.normals).sum(1) if norm == "l1" else np.linalg.norm(moved.normals, axis=1)
    np.testing.assert_allclose(size, 1.0, rtol=1e-12)


def test_annealing_passes_the_minima_that_stop_descent() -> None:
    """From the same random networks, the annealed ones end lower in the median."""
    problem = problem_of("l2", False, n=60, d=6, beta=0.03)
    gains = []
    for seed in range(5):
        start = some_neurons(problem, m=30, seed=seed)
        plain = descend(problem, start, max_iter=2000, clock=Clock(), tol=1e-12)
        annealed = anneal(problem, start, (1.0, 0.3, 0.1, 0.03, 0.01), max_iter=300, clock=Clock())
        gains.append(1.0 - problem.value_of(annealed) / problem.value_of(plain))
    assert np.median(gains) > 0.003


def test_annealing_does_not_depend_on_the_units() -> None:
    X, Y = sample(40, 4)
    ends = []
    for unit in (1.0, 2.0**20):
        problem = make_problem(unit * X, Y, beta=0.5 * unit, norm="l2", bias=True, loss="squared_error")
        ends.append(problem.value_of(anneal(problem, some_neurons(problem), (0.3, 0.1), max_iter=50, clock=Clock())))
    assert ends[0] == ends[1]


def test_descent_stops_when_the_time_is_over() -> None:
    problem = problem_of("l2", True)
    start = some_neurons(problem)
    clock = Clock(1e-9)
    assert problem.value_of(descend(problem, start, max_iter=10_000, clock=clock)) <= problem.value_of(start)


@pytest.mark.parametrize(("norm", "bias"), MODES)
def test_merging_equal_patterns_is_free(norm: str, bias) -> None:
    """Two neurons with one activation pattern and one output direction become one, and the objective does not rise."""
    problem = problem_of(norm, bias)
    neurons = some_neurons(problem, m=3)
    twin = neuron_set(
        np.concatenate([neurons.normals, neurons.normals[:1]]),
        np.concatenate([neurons.offsets, neurons.offsets[:1]]),
        np.concatenate([neurons.coef, neurons.coef[:1]]),
        neurons.intercept,
    )
    merged = merge(problem, twin, 1e-12)
    assert len(merged) <= 3  # the other two may be merged as well where that gains
    assert problem.value_of(merged) <= problem.value_of(twin) * (1 + 1e-12)
    if len(merged) == 3:
        np.testing.assert_allclose(problem.outputs(merged), problem.outputs(twin), atol=1e-12)


def test_merging_respects_its_budget() -> None:
    problem = problem_of("l2", True, c=2)
    neurons = some_neurons(problem, m=30)
    before = problem.value_of(neurons)
    for budget in (0.0, 1e-3, 1e-1):
        assert problem.value_of(merge(problem, neurons, budget)) <= before * (1 + budget) * (1 + 1e-12)


@pytest.mark.parametrize(("norm", "bias"), MODES)
def test_snapped_neurons_pass_through_rows(norm: str, bias) -> None:
    """Every variant lies exactly on 1, 2, 4, ... rows, and the last on as many as a wedge needs."""
    problem = problem_of(norm, bias)
    frame = problem.frame
    neurons = some_neurons(problem, m=4)
    normals, offsets = snapped(frame, neurons.normals, neurons.offsets)
    rows = np.concatenate([frame.points @ normals.T + offsets, frame.axes @ normals.T])
    tight = (np.abs(rows) < 1e-10).sum(axis=0)
    assert tight.min() >= 1
    assert tight.max() >= frame.subset_size
    size = np.abs(normals).sum(1) if norm == "l1" else np.linalg.norm(normals, axis=1)
    np.testing.assert_allclose(size, 1.0, rtol=1e-12)


@pytest.mark.parametrize(("norm", "bias"), MODES)
@pytest.mark.parametrize("c", [1, 2])
def test_search_answers_are_true_responses(norm: str, bias, c: int) -> None:
    """What the oracle reports is what the neuron answers, and the strongest is no stronger than the exact maximum."""
    problem = problem_of(norm, bias, n=30, d=2, c=c)
    frame = problem.frame
    v = np.random.default_rng(3).standard_normal((30, c))
    v -= v.mean(axis=0)
    found = AscentOracle(frame, starts=64).price(v, 0.0, 20)
    responses = frame.columns(found.neurons.normals, found.neurons.offsets).T @ v
    direct = np.abs(responses).max(axis=1) if norm == "l1" else np.linalg.norm(responses, axis=1)
    np.testing.assert_allclose(direct, found.responses, rtol=1e-9)
    exact = cn.certificate.max_response(sample(30, 2)[0], v, norm=norm, bias=bias)
    assert found.strongest * frame.scale <= exact.value * (1 + 1e-12)
    # 64 starts in two dimensions find it.
    assert found.strongest * frame.scale >= exact.value * (1 - 1e-3)


@pytest.mark.parametrize(
    ("n", "d", "norm", "bias", "ratio"),
    [(60, 2, "l2", True, 0.1), (60, 2, "l1", True, 0.05), (40, 3, "l2", False, 0.05), (40, 3, "l1", False, 0.02)],
)
def test_search_is_near_the_certified_optimum(n: int, d: int, norm: str, bias, ratio: float) -> None:
    """Where an exact oracle exists, the searched objective is within 1e-4 of the certified one, never below."""
    X, Y = sample(n, d)
    beta = ratio * cn.beta_max(X, Y[:, 0], norm=norm, bias=bias)
    exact = cn.train(X, Y[:, 0], beta=beta, norm=norm, bias=bias, tol=1e-9)
    found = cn.train(X, Y[:, 0], beta=beta, norm=norm, bias=bias, max_atoms=1, tol=1e-6, bound="none")
    assert exact.certificate.scope == "network"
    assert found.certificate.scope == "none"
    assert "Nothing is proved" in found.certificate.summary()
    ratio_of = found.certificate.primal / exact.certificate.primal
    assert 1 - 1e-9 <= ratio_of <= 1 + 1e-4


def spy_on_thinning(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, float, float, int, float]]:
    """Collects neurons and objective before, the highest objective allowed, neurons and objective after."""
    from convexnn.search import search

    calls = []

    def spy(problem, neurons, highest, move, clock):
        fewer = drop_neurons(problem, neurons, highest, move, clock)
        calls.append((len(neurons), problem.value_of(neurons), highest, len(fewer), problem.value_of(fewer)))
        return fewer

    monkeypatch.setattr(search, "drop_neurons", spy)
    return calls


def test_search_ends_with_fewer_neurons_at_nearly_the_same_objective(monkeypatch: pytest.MonkeyPatch) -> None:
    """What leaves in the end costs at most 3 tenths of the violation that counts as none, and often many leave."""
    calls = spy_on_thinning(monkeypatch)
    rng = np.random.default_rng(0)
    X, W = rng.standard_normal((200, 10)), rng.standard_normal((4, 10))
    y = np.maximum(X @ W.T, 0) @ rng.standard_normal(4) + 0.1 * rng.standard_normal(200)
    beta = 0.05 * cn.beta_max(X, y, bias=False, max_atoms=1)
    result = cn.train(X, y, beta=beta, bias=False, max_atoms=1, tol=1e-6)
    assert result.status in (Status.NO_VIOLATOR_FOUND, Status.STAGNATED)
    lowest = np.inf
    for many, before, highest, few, after in calls:
        lowest = min(lowest, before)
        assert few <= many
        assert after <= highest
        assert highest <= lowest * (1 + 3e-5) * (1 + 1e-12)
    assert any(few < many for many, _, _, few, _ in calls)
    # The last line of the trace, the certificate and the network speak of the thinned one.
    assert result.network.n_neurons == calls[-1][3]
    assert result.certificate.primal == pytest.approx(result.trace[-1].primal, rel=1e-12)


def test_search_out_of_time_ends_with_fewer_neurons(monkeypatch: pytest.MonkeyPatch) -> None:
    """A part of the time is kept for dropping neurons; what leaves costs at most 3e-4 of the objective."""
    calls = spy_on_thinning(monkeypatch)
    X, Y = sample(300, 20)
    y, beta = Y[:, 0], 1e-3 * cn.beta_max(X, Y[:, 0])
    result = cn.train(X, y, beta=beta, time_limit=2.0, tol=1e-6)
    assert result.status is Status.TIME_LIMIT
    ((many, before, highest, few, after),) = calls
    assert few < many
    assert after <= highest <= before * (1 + 3e-4) * (1 + 1e-12)
    assert result.network.n_neurons == few
    assert result.certificate.primal == pytest.approx(result.network.objective(X, y, beta=beta), rel=1e-12)
    assert result.certificate.primal == pytest.approx(result.trace[-1].primal, rel=1e-12)
    assert result.certificate.primal <= min(p.primal for p in result.trace) * (1 + 3e-4) * (1 + 1e-12)


def test_search_starts_by_itself_in_high_dimension_and_is_reproducible() -> None:
    X, Y = sample(80, 12)
    y = Y[:, 0]
    beta = 0.05 * cn.beta_max(X, y)
    one, two = (cn.train(X, y, beta=beta, random_state=4, max_iter=6, bound="none") for _ in range(2))
    assert one.certificate.scope == "none"
    assert "search" in one.strategy
    assert one.network.hidden_weights.tobytes() == two.network.hidden_weights.tobytes()
    assert one.network.objective(X, y, beta=beta) == pytest.approx(one.certificate.primal, rel=1e-12)
    primal = [p.primal for p in one.trace]
    assert all(b <= a for a, b in pairwise(primal))


@pytest.mark.parametrize("loss", ["log_loss", "softmax", "huber"])
def test_search_serves_other_losses(loss: str) -> None:
    X, _ = sample(60, 8)
    labels = (X[:, 0] * X[:, 1] > 0).astype(int) + (X[:, 2] > 1)
    y = {"log_loss": np.where(labels > 0, 1.0, -1.0), "softmax": np.eye(3)[labels], "huber": X[:, 0] * X[:, 1]}[loss]
    loss = loss_name(loss)
    beta = 0.05 * cn.beta_max(X, y, loss=loss)
    result = cn.train(X, y, beta=beta, loss=loss, max_iter=8, bound="full")
    certificate = result.certificate
    zero = cn.train(X, y, beta=beta * 1e3, loss=loss, max_iter=8)
    assert (certificate.scope, certificate.method) == ("network", "moments")
    assert certificate.dual <= certificate.primal < zero.certificate.primal


def test_search_returns_in_time_with_the_best_so_far() -> None:
    X, Y = sample(200, 15)
    beta = 1e-3 * cn.beta_max(X, Y[:, 0])
    result = cn.train(X, Y[:, 0], beta=beta, time_limit=0.3)
    assert result.status is cn.training.Status.TIME_LIMIT
    assert result.network.n_neurons > 0
    assert result.certificate.primal == pytest.approx(result.network.objective(X, Y[:, 0], beta=beta), rel=1e-12)


def test_zero_network_above_beta_max() -> None:
    X, Y = sample(50, 10)
    beta = 1.01 * cn.beta_max(X, Y[:, 0])
    assert cn.train(X, Y[:, 0], beta=beta).network.n_neurons == 0


def test_workers_do_not_change_the_answer() -> None:
    """Starts shared by joblib give the same bits as one process."""
    import joblib

    problem = problem_of("l2", True, n=60, d=8)
    v = np.random.default_rng(5).standard_normal((60, 1))
    v -= v.mean()
    alone = AscentOracle(problem.frame, random_state=3).price(v, 0.0, 30)
    with joblib.parallel_config(backend="loky", n_jobs=2):
        shared = AscentOracle(problem.frame, random_state=3).price(v, 0.0, 30)
    assert alone.neurons.normals.tobytes() == shared.neurons.normals.tobytes()
    assert alone.responses.tobytes() == shared.responses.tobytes()
