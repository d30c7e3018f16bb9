"""Thinning: never above the objective that is allowed, never more neurons, and clearly fewer where many are alike."""

from __future__ import annotations

import itertools
import time

import numpy as np
import pytest
from loss_cases import loss_name

import convexnn as cn
from convexnn.exceptions import DataError, ParameterError
from convexnn.network import ReLUNetwork
from convexnn.restricted.problem import make_problem
from convexnn.search.convert import network_of, neurons_of
from convexnn.search.drop import removal_costs

MODES = list(itertools.product(["l1", "l2"], [True, False, "penalized"]))
LOSSES = ("squared_error", "huber(0.5)", "log_loss", "squared_hinge", "softmax")


def task(loss: str, n: int = 30, d: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d))
    if loss == "softmax":
        return X, np.eye(3)[rng.integers(3, size=n)]
    if loss in ("log_loss", "squared_hinge"):
        return X, np.where(X[:, :1] * X[:, 1:2] > 0, 1.0, -1.0)
    return X, np.sin(X[:, :1]) + 0.3 * rng.standard_normal((n, 1))


def random_network(rng: np.random.Generator, m: int, d: int, c: int, bias) -> ReLUNetwork:
    b = rng.standard_normal(m) if bias else np.zeros(m)
    t = rng.standard_normal(c) if bias is True else np.zeros(c)
    return ReLUNetwork(rng.standard_normal((m, d)), b, 0.2 * rng.standard_normal((m, c)), t)


@pytest.mark.parametrize(("norm", "bias"), MODES)
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("within", [0.0, 0.01])
def test_objective_stays_below_what_is_allowed(norm: str, bias, loss: str, within: float) -> None:
    X, Y = task(loss)
    network = random_network(np.random.default_rng(3), 15, 3, Y.shape[1], bias)
    terms = {"norm": norm, "bias": bias, "loss": loss_name(loss)}
    pruned = cn.prune(network, X, Y, beta=0.3, within=within, **terms)
    before, after = (one.objective(X, Y, beta=0.3, **terms) for one in (network, pruned))
    assert after <= before * (1 + within) * (1 + 1e-12)
    assert pruned.n_neurons <= 15
    if not bias:
        assert not pruned.hidden_biases.any()
    if bias is not True:
        assert not pruned.intercept.any()


@pytest.mark.parametrize(("norm", "bias"), MODES)
def test_many_copies_become_few(norm: str, bias) -> None:
    """Two planted neurons in forty noisy pieces each."""
    rng = np.random.default_rng(5)
    X = rng.standard_normal((60, 4))
    plan = random_network(rng, 2, 4, 1, bias)
    Y = plan.outputs(X)
    pieces = np.repeat([0, 1], 40)
    noise = 1 + 0.05 * rng.standard_normal((80, 1))
    network = ReLUNetwork(
        plan.hidden_weights[pieces] * noise, plan.hidden_biases[pieces] * noise[:, 0],
        plan.output_weights[pieces] / 40, plan.intercept,
    )  # fmt: skip
    pruned = cn.prune(network, X, Y, beta=0.01, within=1e-3, norm=norm, bias=bias)
    # More than two may be better than two: the penalty bends the function away from the plan.
    assert pruned.n_neurons <= 8
    small, large = (one.objective(X, Y, beta=0.01, norm=norm, bias=bias) for one in (pruned, network))
    assert small <= 1.001 * large


def test_larger_tolerance_fewer_neurons() -> None:
    """Along within the counts fall, and each objective keeps its promise."""
    X, y = task("squared_error", n=120, d=6, seed=2)
    given = cn.train(X, y, beta=0.05, max_atoms=1, bias=False)
    base = given.network.objective(X, y, beta=0.05, bias=False)
    counts = []
    for within in (1e-4, 1e-2, 1e-1):
        pruned = cn.prune(given.network, X, y, beta=0.05, within=within, bias=False)
        assert pruned.objective(X, y, beta=0.05, bias=False) <= base * (1 + within)
        counts.append(pruned.n_neurons)
    assert given.network.n_neurons >= counts[0] > counts[1] > counts[2]


@pytest.mark.parametrize(("norm", "bias"), MODES)
@pytest.mark.parametrize("loss", LOSSES)
def test_removal_costs_are_differences_of_the_objective(norm: str, bias, loss: str) -> None:
    X, Y = task(loss)
    problem = make_problem(X, Y, beta=0.3, norm=norm, bias=bias, loss=loss_name(loss))
    network = random_network(np.random.default_rng(1), 6, 3, Y.shape[1], bias)
    neurons = neurons_of(problem, network)
    whole = problem.value_of(neurons)
    direct = [problem.value_of(neurons.select(np.arange(6) != j)) - whole for j in range(6)]
    np.testing.assert_allclose(removal_costs(problem, neurons), direct, rtol=1e-9, atol=1e-10 * abs(whole))


@pytest.mark.parametrize(("norm", "bias"), MODES)
def test_networks_survive_working_coordinates(norm: str, bias) -> None:
    """Outputs stay, also where neurons are constant on the samples or without coefficient."""
    rng = np.random.default_rng(2)
    X = rng.standard_normal((20, 3))
    X[:, 2] = 1.5  # a constant feature
    network = random_network(rng, 7, 3, 2, bias)
    W, A = network.hidden_weights.copy(), network.output_weights.copy()
    W[0], A[1] = 0.0, 0.0
    network = ReLUNetwork(W, network.hidden_biases, A, network.intercept)
    problem = make_problem(X, rng.standard_normal((20, 2)), beta=0.1, norm=norm, bias=bias, loss="squared_error")
    back = network_of(problem, neurons_of(problem, network))
    np.testing.assert_allclose(back.outputs(X), network.outputs(X), atol=1e-12)
    assert back.penalty(norm, bias) <= network.penalty(norm, bias) * (1 + 1e-12)


def test_time_limit_is_kept() -> None:
    X, Y = task("squared_error", n=2000, d=30)
    network = random_network(np.random.default_rng(0), 300, 30, 1, True)
    begin = time.process_time()  # a busy machine makes no difference
    pruned = cn.prune(network, X, Y, beta=0.1, time_limit=0.2)
    assert time.process_time() - begin < 3.0
    assert pruned.objective(X, Y, beta=0.1) <= 1.001 * network.objective(X, Y, beta=0.1)


def test_reads_what_polish_reads() -> None:
    """Pairs of weights and biases; a network with two hidden layers is refused."""
    X, Y = task("squared_error")
    rng = np.random.default_rng(0)
    first, second = (rng.standard_normal((5, 3)), np.zeros(5)), (rng.standard_normal((1, 5)), np.zeros(1))
    assert cn.prune([first, second], X, Y, beta=0.1).n_neurons <= 5
    middle = (rng.standard_normal((5, 5)), np.zeros(5))
    with pytest.raises(DataError, match="hidden layers"):
        cn.prune([first, middle, second], X, Y, beta=0.1)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"loss": "hinge"}, ParameterError, "kinks"),
        ({"bias": False}, ParameterError, "biases"),
        ({"bias": "penalized"}, ParameterError, "intercept"),
        ({"beta": 0.0}, ParameterError, "beta"),
        ({"within": -1e-3}, ParameterError, "within"),
        ({"X": np.zeros((30, 4))}, DataError, "features"),
        ({"y": np.zeros((30, 2))}, DataError, "outputs"),
    ],
)
def test_wrong_arguments(change: dict, error: type[Exception], words: str) -> None:
    X, y = task("squared_error")
    network = random_network(np.random.default_rng(0), 5, 3, 1, True)
    if change.get("loss") == "hinge":
        y = np.sign(y)
    arguments = {"X": X, "y": y, "beta": 0.1} | change
    with pytest.raises(error, match=words):
        cn.prune(network, **arguments)
