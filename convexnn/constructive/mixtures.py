"""Section 4 of arXiv 2309.10370: trained networks against bound (3.15) on Gaussian mixtures.

Class means are orthonormal, noise is isotropic, Y is the identity, the network is M - M - Q. Many starts are
trained at once: every parameter carries the run as its first axis.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from convexnn._checks import check_count, check_real
from convexnn._types import Bools, Floats, Ints
from convexnn.constructive.optimum import linear_regime
from convexnn.exceptions import ParameterError
from convexnn.network.objective import backward, forward
from convexnn.network.relu import row_norms

__all__ = ["GaussianMixture", "MixtureExperiment", "gaussian_mixture", "mixture_experiment"]


@dataclass(frozen=True)
class GaussianMixture:
    """Samples around orthonormal class means.

    Attributes
    ----------
    X : (N, M) array
    labels : (N,) array of int
    centres : (Q, M) array
        The true means, unknown to a learner.
    """

    X: Floats
    labels: Ints
    centres: Floats


def gaussian_mixture(
    n_features: int, n_classes: int, n_per_class: int, std: float, *, random_state: int | None = None
) -> GaussianMixture:
    """Draw `n_per_class` samples per class around orthonormal means with noise ``std * N(0, I)``.

    Raises
    ------
    ParameterError
        If there are more classes than features.
    """
    check_count("n_classes", n_classes, low=2)
    check_count("n_per_class", n_per_class)
    if check_count("n_features", n_features) < n_classes:
        raise ParameterError(f"n_features={n_features} must be at least n_classes={n_classes}.")
    std = check_real("std", std, low=0.0)
    rng = np.random.default_rng(random_state)
    centres = np.linalg.qr(rng.standard_normal((n_features, n_classes)))[0].T
    labels = np.repeat(np.arange(n_classes, dtype=np.int64), n_per_class)
    noise = rng.standard_normal((len(labels), n_features))
    return GaussianMixture(centres[labels] + std * noise, labels, np.ascontiguousarray(centres))


@dataclass(frozen=True)
class MixtureExperiment:
    """Trained networks and bounds on one mixture.

    Attributes
    ----------
    initial, final : (n_runs,) arrays
        Cost C before and after training.
    bound : float
        Middle of (3.15) with the sample means.
    notebook_bound : float
        The same expression with the true means of the mixture, as the authors' notebook computes it.
    operator_bound : float
        ||Y||_op delta_P.
    affine : float
        Affine least squares on R^M.
    """

    initial: Floats
    final: Floats
    bound: float
    notebook_bound: float
    operator_bound: float
    affine: float

    @property
    def above_bound(self) -> float:
        """Share of the runs that end above (3.15)."""
        return float((self.final > self.bound).mean())


def _initial(n_runs: int, m: int, q: int, rng: np.random.Generator) -> list[Floats]:
    """Uniform(+-1/sqrt(fan in)) for weights and biases, the default of PyTorch's linear layer."""
    size = 1.0 / np.sqrt(m)
    shapes = [(n_runs, m, m), (n_runs, m), (n_runs, q, m), (n_runs, q)]
    return [rng.uniform(-size, size, shape) for shape in shapes]


def _loss_gradients(params: list[Floats], X: Floats, wanted: Floats) -> tuple[Floats, list[Floats]]:
    """Mean squared error of each run and its gradient; all runs are differentiated together."""
    w1, b1, w2, b2 = params
    layers = ((w1, b1), (w2, b2))
    passed = forward(layers, X)
    residual = passed.outputs - wanted
    gradient = backward(layers, passed, (2.0 / len(X)) * residual)
    return (residual * residual).sum(axis=(1, 2)) / len(X), [part for pair in gradient for part in pair]


@dataclass
class _Patience:
    """Runs stop after `epochs` without a relative improvement of `tol`."""

    best: Floats
    waited: Ints
    epochs: int = 30
    tol: float = 1e-4

    def still_running(self, loss: Floats) -> Bools:
        better = loss < self.best * (1.0 - self.tol)
        self.best = np.where(better, loss, self.best)
        self.waited = np.where(better, 0, self.waited + 1)
        return np.asarray(self.waited < self.epochs)


def _train(params: list[Floats], X: Floats, wanted: Floats, rate: float, momentum: float, epochs: int) -> Floats:
    """Last squared cost of each run."""
    n_runs = len(params[0])
    last = np.zeros(n_runs)
    alive = np.arange(n_runs)
    speed = [np.zeros_like(p) for p in params]
    patience = _Patience(np.full(n_runs, np.inf), np.zeros(n_runs, dtype=np.int64))
    for _ in range(epochs):
        loss, gradients = _loss_gradients(params, X, wanted)
        last[alive] = loss
        keep = patience.still_running(loss)
        if not keep.any():
            break
        speed = [momentum * v + g for v, g in zip(speed, gradients)]
        params = [(p - rate * v)[keep] for p, v in zip(params, speed)]
        speed = [v[keep] for v in speed]
        patience.best, patience.waited = patience.best[keep], patience.waited[keep]
        alive = alive[keep]
    return last


def mixture_experiment(
    mixture: GaussianMixture,
    *,
    n_runs: int = 100,
    rate: float = 0.05,
    momentum: float = 0.9,
    max_epochs: int = 1000,
    random_state: int | None = None,
) -> MixtureExperiment:
    """Train `n_runs` networks M - M - Q by full-batch gradient descent with momentum and compute the bounds.

    The defaults are those of the authors' notebook: rate 0.05, momentum 0.9, at most 1000 epochs, stop after
    30 epochs without a relative improvement of 1e-4.
    """
    check_count("n_runs", n_runs)
    check_count("max_epochs", max_epochs)
    rate, momentum = check_real("rate", rate, low=0.0, strict=True), check_real("momentum", momentum, low=0.0)
    X, labels, centres = mixture.X, mixture.labels, mixture.centres
    q = len(centres)
    wanted = np.eye(q)[labels]
    params = _initial(n_runs, X.shape[1], q, np.random.default_rng(random_state))
    first, _ = _loss_gradients(params, X, wanted)
    last = _train(params, X, wanted, rate, momentum, max_epochs)
    regime = linear_regime(X, labels)
    noise = (X - centres[labels]) @ np.linalg.pinv(centres)
    return MixtureExperiment(
        initial=np.sqrt(first),
        final=np.sqrt(last),
        bound=regime.mean_map,
        notebook_bound=float(np.sqrt((row_norms(noise, "l2") ** 2).mean())),
        operator_bound=regime.operator_bound,
        affine=regime.affine,
    )
