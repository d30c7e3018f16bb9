"""Train the same network by a local method from a random start: the baseline of every comparison."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import minimize

from convexnn._checks import check_bias, check_count, check_norm, check_points, check_real, check_targets
from convexnn._progress import Clock
from convexnn._types import ArrayLike, Bias, Floats, Norm
from convexnn.compare.descent import Report, adam, sgd
from convexnn.compare.objective import Objective
from convexnn.exceptions import ParameterError
from convexnn.losses import LOSSES
from convexnn.network import ReLUNetwork

__all__ = ["LOCAL_METHODS", "LocalRun", "local_restarts", "train_local"]

LOCAL_METHODS = ("lbfgs", "adam", "sgd")
_BATCH = 32


@dataclass(frozen=True)
class LocalRun:
    """One run of a local method.

    Attributes
    ----------
    network : ReLUNetwork
        Where it stopped, with the best scaling of every neuron.
    objective : float
        Training objective of that network (:meth:`ReLUNetwork.objective`).
    n_iter : int
        Iterations of L-BFGS, epochs of the others.
    seconds : float
        Wall time.
    trace : tuple of (seconds, objective)
        On the way, before rescaling.
    """

    network: ReLUNetwork
    objective: float
    n_iter: int
    seconds: float
    trace: tuple[tuple[float, float], ...] = ()


def train_local(
    X: ArrayLike,
    y: ArrayLike,
    *,
    beta: float,
    norm: Norm = "l2",
    bias: Bias = True,
    loss: str = "squared_error",
    method: str = "lbfgs",
    width: int = 100,
    max_iter: int = 2000,
    time_limit: float | None = None,
    random_state: int | np.random.Generator | None = None,
) -> LocalRun:
    """Minimise the non-convex objective from a random start.

    The l1 norm is made smooth by writing a weight as a difference of two nonnegative ones. The start is
    Gaussian with variance 2 / d for hidden and 1 / m for output weights.

    Parameters
    ----------
    X, y, beta, norm, bias, loss :
        As in :func:`convexnn.train`.
    method : "lbfgs", "adam" or "sgd"
        L-BFGS on all data; Adam on all data; stochastic gradients with momentum on batches of 32.
    width : int
        Number of hidden neurons m.
    max_iter : int
        Iterations (L-BFGS) or epochs.
    time_limit : float, optional
        Seconds after which the current point is returned.
    random_state : int or Generator, optional

    Returns
    -------
    LocalRun
    """
    points, norm, bias = check_points(X), check_norm(norm), check_bias(bias)
    targets = check_targets(y, len(points))
    beta, width = check_real("beta", beta, low=0.0), check_count("width", width)
    max_iter = check_count("max_iter", max_iter)
    if method not in LOCAL_METHODS:
        raise ParameterError(f"method={method!r} is unknown; choose one of {', '.join(map(repr, LOCAL_METHODS))}.")
    clock = Clock(None if time_limit is None else check_real("time_limit", time_limit, low=0.0))
    rng = np.random.default_rng(random_state)
    rows = np.hstack([points, np.ones((len(points), 1))]) if bias == "penalized" else points
    kind: dict[str, Any] = {"norm": norm, "free": bias is True, "width": width}
    model = Objective(rows, LOSSES[loss](targets), beta, **kind)
    trace: list[tuple[float, float]] = []

    def report(theta: Floats) -> None:
        # Looking costs an evaluation: about 40 times per run is enough for a picture.
        if not trace or clock.seconds > 1.15 * trace[-1][0] or clock.expired:
            trace.append((clock.seconds, model.value_and_gradient(theta)[0]))

    if method == "lbfgs":
        theta, n_iter = _lbfgs(model, model.start(rng), max_iter, clock, report)
    else:
        start, run = model.start(rng), adam if method == "adam" else sgd
        batches = [model] if method == "adam" else _batches(rows, targets, loss, beta, kind, rng)
        theta, n_iter = run(batches, start, max_iter=max_iter, clock=clock, rng=rng, report=report)
    hidden, biases, output, intercept = model.unpack(theta)
    if bias == "penalized":
        hidden, biases = hidden[:, :-1], biases + hidden[:, -1]
    network = ReLUNetwork(hidden, biases, output, intercept).rescaled(norm, bias)
    objective = network.objective(points, targets, beta=beta, norm=norm, bias=bias, loss=loss)
    trace.append((clock.seconds, objective))
    return LocalRun(network, objective, n_iter, clock.seconds, tuple(trace))


def local_restarts(
    X: ArrayLike, y: ArrayLike, *, n_restarts: int, random_state: int = 0, **options: Any
) -> list[LocalRun]:
    """Run :func:`train_local` from `n_restarts` starts, with seeds `random_state`, `random_state` + 1, ..."""
    return [train_local(X, y, random_state=random_state + k, **options) for k in range(n_restarts)]


def _lbfgs(model: Objective, start: Floats, max_iter: int, clock: Clock, report: Report) -> tuple[Floats, int]:
    def after(intermediate_result: Any) -> None:
        report(intermediate_result.x)
        if clock.expired:
            raise StopIteration

    bounds = [(low if np.isfinite(low) else None, None) for low in model.lower_bounds] if model.split else None
    found = minimize(
        model.value_and_gradient,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=bounds,
        callback=after,
        options={"maxiter": max_iter, "maxfun": 10 * max_iter, "ftol": 1e-12, "gtol": 1e-9},
    )
    return found.x, int(found.nit)


def _batches(
    rows: Floats, targets: Floats, loss: str, beta: float, kind: dict[str, Any], rng: np.random.Generator
) -> list[Objective]:
    """Random parts of equal size; each stands for the whole, so its loss is scaled up."""
    n = len(rows)
    parts = np.array_split(rng.permutation(n), max(1, round(n / _BATCH)))
    return [Objective(rows[part], LOSSES[loss](targets[part]), beta, share=n / len(part), **kind) for part in parts]
