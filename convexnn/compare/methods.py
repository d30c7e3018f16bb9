"""Every way to get a network for a task, under one name each, with one record of what came out."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

from convexnn.compare.local import LOCAL_METHODS, train_local
from convexnn.compare.peer_scnn import train_scnn, why_not_scnn
from convexnn.compare.task import Task
from convexnn.exceptions import ConvexNNError
from convexnn.export import from_sklearn, from_torch
from convexnn.network import DeepReLUNetwork, ReLUNetwork
from convexnn.network.relu import row_norms
from convexnn.training import train

__all__ = ["CONSTRUCTIVE", "METHODS", "PACKAGES", "Run", "available", "run_method"]

CONSTRUCTIVE = ("affine", "clamp", "deep")
# Methods of other packages: only on request.
PACKAGES = ("sklearn", "torch", "scnn")
METHODS = ("convex", *(f"constructive-{kind}" for kind in CONSTRUCTIVE), *LOCAL_METHODS, *PACKAGES)
# Neurons below this share of the strongest one do not count.
_DEAD = 1e-6


@dataclass(frozen=True)
class Run:
    """What a method reached, as plain numbers.

    Attributes
    ----------
    method : str
    seed : int
    objective : float or None
        The common training objective; None for networks of more than two layers, which have none.
    lower_bound : float or None
        Proven by the certificate; only for "convex".
    scope : str or None
        Which networks the bound speaks of.
    loss : float
        Training loss alone.
    neurons : int
    seconds : float
    train_score, test_score : float
        R2 or accuracy.
    trace : list of [seconds, objective]
    bounds : list of [seconds, lower bound]
        Only for "convex".
    note : str
        What else should be known; for a method that does not apply, why.
    """

    method: str
    seed: int
    objective: float | None
    lower_bound: float | None
    scope: str | None
    loss: float
    neurons: int
    seconds: float
    train_score: float
    test_score: float
    trace: list[list[float]]
    bounds: list[list[float]]
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Fields by name."""
        return asdict(self)


def available(task: Task) -> dict[str, str]:
    """Methods that apply to a task, each with an empty text, or the reason why it does not."""
    reasons = dict.fromkeys(METHODS, "")
    plain = task.loss == "squared_error" and task.norm == "l2" and task.bias is True
    for kind in CONSTRUCTIVE:
        if not task.classes or task.loss != "squared_error":
            reasons[f"constructive-{kind}"] = "needs classes and the squared loss"
    if not plain:
        reasons["sklearn"] = "MLPRegressor has squared loss, l2 and free biases"
        reasons["torch"] = "written for squared loss, l2 and free biases"
    if not reasons["torch"] and find_spec("torch") is None:
        reasons["torch"] = "PyTorch is not installed"
    reasons["scnn"] = why_not_scnn(task)
    return reasons


def run_method(task: Task, method: str, seed: int, *, width: int, time_limit: float) -> Run:
    """Run one method once, and measure what it reached on the common objective."""
    _import_first(method)
    start = time.perf_counter()
    if method == "convex":
        return _convex(task, seed, time_limit)
    trace: list[list[float]] = []
    note = ""
    if method in LOCAL_METHODS:
        limits: dict[str, Any] = {"width": width, "time_limit": time_limit, "max_iter": 1_000_000}
        local = train_local(task.X, task.y, method=method, random_state=seed, **task.problem, **limits)
        network: ReLUNetwork | DeepReLUNetwork = local.network
        trace = [list(point) for point in local.trace]
    elif method == "sklearn":
        network, note = _sklearn(task, seed, width, time_limit)
    elif method == "torch":
        network = _torch(task, seed, width, time_limit)
    elif method == "scnn":
        network, note = train_scnn(task, seed, width, time_limit)
    else:
        try:
            network = _constructive(task, method.removeprefix("constructive-"), seed)
        except ConvexNNError as error:
            return Run(method, seed, None, None, None, np.inf, 0, 0.0, np.nan, np.nan, [], [], str(error))
    return measure(task, method, seed, network, time.perf_counter() - start, trace, note)


def _import_first(method: str) -> None:
    """Load what a method needs, so that its time is its own."""
    needed = {"sklearn": "sklearn.neural_network", "torch": "torch", "scnn": "scnn.optimize"}
    if (name := "convexnn.estimators" if method.startswith("constructive") else needed.get(method)) is not None:
        import_module(name)


def measure(
    task: Task,
    method: str,
    seed: int,
    network: ReLUNetwork | DeepReLUNetwork,
    seconds: float,
    trace: list[list[float]],
    note: str = "",
) -> Run:
    """The record of a network."""
    from convexnn.losses import LOSSES

    outputs = network.outputs(task.X)
    shallow = isinstance(network, ReLUNetwork)
    objective = network.objective(task.X, task.y, **task.problem) if isinstance(network, ReLUNetwork) else None
    return Run(
        method=method,
        seed=seed,
        objective=objective,
        lower_bound=None,
        scope=None,
        loss=float(LOSSES[task.loss](task.y).value(outputs)),
        neurons=_neurons(network),
        seconds=seconds,
        train_score=task.score(outputs, test=False),
        test_score=task.score(network.outputs(task.X_test), test=True),
        trace=trace or ([[seconds, float(objective)]] if objective is not None else []),
        bounds=[],
        note=note if shallow else (note or "several layers: the objective of two-layer networks does not apply"),
    )


def _neurons(network: ReLUNetwork | DeepReLUNetwork) -> int:
    if isinstance(network, DeepReLUNetwork):
        return network.n_neurons
    strength = row_norms(network.hidden_weights, "l2") * row_norms(network.output_weights, "l2")
    return int((strength > _DEAD * strength.max(initial=0.0)).sum())


def _convex(task: Task, seed: int, time_limit: float) -> Run:
    result = train(task.X, task.y, **task.problem, time_limit=time_limit, max_atoms=task.max_atoms, random_state=seed)
    certificate = result.certificate
    seconds = result.trace[-1].seconds if result.trace else 0.0
    trace = [[state.seconds, state.primal] for state in result.trace]
    run = measure(task, "convex", seed, result.network, seconds, trace, result.status.value)
    bounds = [[state.seconds, state.dual] for state in result.trace]
    fields = run.to_dict() | {"lower_bound": certificate.dual, "scope": certificate.scope, "bounds": bounds}
    if certificate.n_atoms is not None:
        fields["note"] += f" The bound speaks of {certificate.n_atoms} sampled neurons only."
        fields["scope"] = "sampled"
    return Run(**fields)


def _constructive(task: Task, kind: str, seed: int) -> ReLUNetwork | DeepReLUNetwork:
    from convexnn.estimators import ConstructiveClassifier

    network = ConstructiveClassifier(kind=kind, random_state=seed).fit(task.X, task.y.argmax(axis=1)).network_
    return network.rescaled(task.norm, task.bias) if isinstance(network, ReLUNetwork) else network


def _sklearn(task: Task, seed: int, width: int, time_limit: float) -> tuple[Any, str]:
    """MLPRegressor as it comes (Adam, batches, own stopping); its alpha is our beta."""
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPRegressor

    wanted = task.y if task.y.shape[1] > 1 else task.y[:, 0]
    # Epochs cost alike, so a few of them tell how many fit into the time.
    probe = MLPRegressor(hidden_layer_sizes=(width,), alpha=task.beta, max_iter=10, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        begin = time.perf_counter()
        probe.fit(task.X, wanted)
        epochs = int(10 * time_limit / max(time.perf_counter() - begin, 1e-4))
        mlp = MLPRegressor(
            hidden_layer_sizes=(width,), alpha=task.beta, max_iter=max(10, epochs), random_state=seed
        ).fit(task.X, wanted)
    network = from_sklearn(mlp)
    assert isinstance(network, ReLUNetwork)
    stopped = "stopped by itself" if mlp.n_iter_ < mlp.max_iter else "stopped by the time limit"
    return network.rescaled(task.norm, task.bias), f"{stopped} after {mlp.n_iter_} epochs"


def _torch(task: Task, seed: int, width: int, time_limit: float) -> Any:
    """Adam of PyTorch on all data, weight decay on the weights, step 1e-2."""
    import torch

    torch.manual_seed(seed)
    torch.set_num_threads(1)
    X, y = torch.from_numpy(np.array(task.X)), torch.from_numpy(np.array(task.y))
    hidden, outer = torch.nn.Linear(X.shape[1], width), torch.nn.Linear(width, y.shape[1])
    module = torch.nn.Sequential(hidden, torch.nn.ReLU(), outer).double()
    optimizer = torch.optim.Adam(module.parameters(), lr=1e-2)
    deadline = time.perf_counter() + time_limit
    while time.perf_counter() < deadline:
        optimizer.zero_grad()
        decay = (hidden.weight**2).sum() + (outer.weight**2).sum()
        objective = 0.5 * ((module(X) - y) ** 2).sum() + 0.5 * task.beta * decay
        objective.backward()
        optimizer.step()
    network = from_torch(module)
    assert isinstance(network, ReLUNetwork)
    return network.rescaled(task.norm, task.bias)
