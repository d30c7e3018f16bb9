"""Train the same network by a local method from a random start: the baseline of every comparison."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import minimize

from convexnn._checks import check_bias, check_count, check_norm, check_points, check_real, check_targets
from convexnn._types import ArrayLike, Bias, Floats, Norm
from convexnn.losses import LOSSES, Loss
from convexnn.network import ReLUNetwork

__all__ = ["LocalRun", "local_restarts", "train_local"]


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
        Iterations of L-BFGS.
    seconds : float
        Wall time.
    """

    network: ReLUNetwork
    objective: float
    n_iter: int
    seconds: float


def train_local(
    X: ArrayLike,
    y: ArrayLike,
    *,
    beta: float,
    norm: Norm = "l2",
    bias: Bias = True,
    loss: str = "squared",
    width: int = 100,
    max_iter: int = 2000,
    time_limit: float | None = None,
    random_state: int | np.random.Generator | None = None,
) -> LocalRun:
    """Minimise the non-convex objective with L-BFGS from a random start.

    The l1 norm is made smooth by writing a weight as a difference of two nonnegative ones. The start is
    Gaussian with variance 2 / d for hidden and 1 / m for output weights.

    Parameters
    ----------
    X, y, beta, norm, bias, loss :
        As in :func:`convexnn.train`.
    width : int
        Number of hidden neurons m.
    max_iter : int
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
    start = time.perf_counter()
    rows = np.hstack([points, np.ones((len(points), 1))]) if bias == "penalized" else points
    model = _Model(rows, LOSSES[loss](targets), beta, norm, free=bias is True, width=width)
    deadline = np.inf if time_limit is None else start + check_real("time_limit", time_limit, low=0.0)

    def stop_late(intermediate_result: Any) -> None:
        if time.perf_counter() > deadline:
            raise StopIteration

    found = minimize(
        model.value_and_gradient,
        model.start(np.random.default_rng(random_state)),
        jac=True,
        method="L-BFGS-B",
        bounds=model.bounds,
        callback=stop_late,
        options={"maxiter": max_iter, "maxfun": 10 * max_iter, "ftol": 1e-12, "gtol": 1e-9},
    )
    hidden, biases, output, intercept = model.unpack(found.x)
    if bias == "penalized":
        hidden, biases = hidden[:, :-1], biases + hidden[:, -1]
    network = ReLUNetwork(hidden, biases, output, intercept).rescaled(norm, bias)
    objective = network.objective(points, targets, beta=beta, norm=norm, bias=bias, loss=loss)
    return LocalRun(network, objective, int(found.nit), time.perf_counter() - start)


def local_restarts(
    X: ArrayLike, y: ArrayLike, *, n_restarts: int, random_state: int = 0, **options: Any
) -> list[LocalRun]:
    """Run :func:`train_local` from `n_restarts` starts, with seeds `random_state`, `random_state` + 1, ..."""
    return [train_local(X, y, random_state=random_state + k, **options) for k in range(n_restarts)]


class _Model:
    """The objective as a function of one flat vector: hidden weights, biases, output weights, intercept."""

    def __init__(self, X: Floats, loss: Loss, beta: float, norm: Norm, *, free: bool, width: int) -> None:
        self.X, self.loss, self.beta, self.split, self.free = X, loss, beta, norm == "l1", free
        m, d, c = width, X.shape[1], loss.y.shape[1]
        copies = 2 if self.split else 1
        self.shapes = [(copies, m, d), (m if free else 0,), (copies, m, c), (c if free else 0,)]
        self.ends = np.cumsum([int(np.prod(shape)) for shape in self.shapes])

    @property
    def bounds(self) -> list[tuple[float | None, None]] | None:
        """Both parts of a split weight are nonnegative."""
        if not self.split:
            return None
        signs = [0.0, None, 0.0, None]
        return [(low, None) for low, shape in zip(signs, self.shapes) for _ in range(int(np.prod(shape)))]

    def start(self, rng: np.random.Generator) -> Floats:
        (_, m, d), _, (_, _, c), _ = self.shapes
        weights = [rng.normal(size=(m, d)) * np.sqrt(2.0 / d), rng.normal(size=(m, c)) / np.sqrt(m)]
        parts = [np.stack([np.maximum(w, 0), np.maximum(-w, 0)]) if self.split else w[None] for w in weights]
        biases = rng.normal(size=self.shapes[1]) * 0.1
        return np.concatenate([parts[0].ravel(), biases, parts[1].ravel(), np.zeros(self.shapes[3])])

    def _parts(self, theta: Floats) -> list[Floats]:
        flat = np.split(theta, self.ends[:-1])
        return [part.reshape(shape) for part, shape in zip(flat, self.shapes)]

    def unpack(self, theta: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Hidden weights (m, d), biases (m,), output weights (m, c), intercept (c,)."""
        hidden, biases, output, intercept = self._parts(theta)
        m, c = output.shape[1:]
        whole = [part[0] - part[1] if self.split else part[0] for part in (hidden, output)]
        return (
            whole[0],
            biases if self.free else np.zeros(m),
            whole[1],
            intercept if self.free else np.zeros(c),
        )

    def _decay(self, parts: Floats) -> tuple[float, Floats]:
        """Half the squared norm of each neuron's weights, summed, and its gradient."""
        if not self.split:
            return 0.5 * float(np.sum(parts * parts)), parts
        length = parts.sum(axis=(0, 2))
        return 0.5 * float(length @ length), np.broadcast_to(length[:, None], parts.shape)

    def value_and_gradient(self, theta: Floats) -> tuple[float, Floats]:
        hidden, biases, output, intercept = self.unpack(theta)
        before = self.X @ hidden.T + biases
        active = np.maximum(before, 0.0)
        f = active @ output + intercept
        slope = self.loss.gradient(f)
        back = (slope @ output.T) * (before > 0)
        grad_hidden, grad_output = back.T @ self.X, active.T @ slope
        parts = self._parts(theta)
        decay_hidden, down_hidden = self._decay(parts[0])
        decay_output, down_output = self._decay(parts[2])
        signs = np.array([1.0, -1.0])[: parts[0].shape[0], None, None]
        gradient = [
            signs * grad_hidden + self.beta * down_hidden,
            back.sum(axis=0) if self.free else np.zeros(0),
            signs * grad_output + self.beta * down_output,
            slope.sum(axis=0) if self.free else np.zeros(0),
        ]
        value = self.loss.value(f) + self.beta * (decay_hidden + decay_output)
        return value, np.concatenate([part.ravel() for part in gradient])
