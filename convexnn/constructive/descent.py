"""Gradients and plain gradient descent of the L2 cost, to see which constructed points it leaves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from convexnn._checks import check_count, check_real
from convexnn._types import ArrayLike, Floats
from convexnn.constructive.classes import ClassData, Weighting, check_class_targets, class_data
from convexnn.constructive.optimum import weighted_least_squares, with_ones
from convexnn.losses import LOSSES, Loss
from convexnn.network import DeepReLUNetwork, ReLUNetwork
from convexnn.network.objective import forward, loss_and_gradient

__all__ = ["CostGradient", "Descent", "cost_gradient", "gradient_descent", "refit"]

Layers = list[tuple[Floats, Floats]]


@dataclass(frozen=True)
class CostGradient:
    """Squared cost and its gradient.

    Attributes
    ----------
    value : float
        C^2 (or C_N^2).
    layers : tuple of (weight, bias) pairs
        Gradient in each layer of the network, from the input to the output.
    """

    value: float
    layers: tuple[tuple[Floats, Floats], ...]

    @property
    def hidden_norm(self) -> float:
        """Euclidean length of the gradient in all layers but the last."""
        return float(np.sqrt(sum(float((w * w).sum() + (b * b).sum()) for w, b in self.layers[:-1])))

    @property
    def norm(self) -> float:
        """Euclidean length of the whole gradient."""
        return float(np.sqrt(sum(float((w * w).sum() + (b * b).sum()) for w, b in self.layers)))


def as_layers(network: ReLUNetwork | DeepReLUNetwork) -> Layers:
    """Layers of either kind of network."""
    deep = DeepReLUNetwork.from_shallow(network) if isinstance(network, ReLUNetwork) else network
    return list(deep.layers)


def squared_cost(wanted: Floats, weights: Floats) -> Loss:
    """C^2 = sum_i w_i |f_i - y_i|^2 for targets (N, Q) and weights (N,): twice the squared error, which has a half."""
    cost: Loss = LOSSES["squared_error"](wanted, 2.0 * weights)
    return cost


def cost_gradient(
    network: ReLUNetwork | DeepReLUNetwork,
    X: ArrayLike,
    labels: ArrayLike,
    *,
    targets: ArrayLike | None = None,
    weighting: Weighting = "samples",
) -> CostGradient:
    """Squared L2 cost of a network and its gradient in all parameters."""
    data = class_data(X, labels)
    y = check_class_targets(targets, data.n_classes)
    value, grads = loss_and_gradient(as_layers(network), data.X, squared_cost(y[data.labels], data.weights(weighting)))
    return CostGradient(value, tuple(grads))


@dataclass(frozen=True)
class Descent:
    """Where gradient descent went.

    Attributes
    ----------
    network : DeepReLUNetwork
        Last iterate.
    costs : (n_steps + 1,) array
        C (not squared) before the first and after each step.
    """

    network: DeepReLUNetwork
    costs: Floats


def gradient_descent(
    network: ReLUNetwork | DeepReLUNetwork,
    X: ArrayLike,
    labels: ArrayLike,
    *,
    rate: float,
    n_steps: int,
    momentum: float = 0.0,
    targets: ArrayLike | None = None,
    weighting: Weighting = "samples",
) -> Descent:
    """Full-batch gradient descent of the squared cost on all parameters.

    Parameters
    ----------
    network : ReLUNetwork or DeepReLUNetwork
        Start.
    X : (N, M) array
    labels : (N,) array
    rate : float
        Step size.
    n_steps : int
    momentum : float in [0, 1]
    """
    data = class_data(X, labels)
    y = check_class_targets(targets, data.n_classes)
    rate = check_real("rate", rate, low=0.0, strict=True)
    momentum = check_real("momentum", momentum, low=0.0, high=1.0)
    n_steps = check_count("n_steps", n_steps)
    cost = squared_cost(y[data.labels], data.weights(weighting))
    layers = [(w.copy(), b.copy()) for w, b in as_layers(network)]
    speed = [(np.zeros_like(w), np.zeros_like(b)) for w, b in layers]
    squares = np.empty(n_steps + 1)
    for step in range(n_steps):
        squares[step], grads = loss_and_gradient(layers, data.X, cost)
        speed = [(momentum * v + g, momentum * u + h) for (v, u), (g, h) in zip(speed, grads)]
        layers = [(w - rate * v, b - rate * u) for (w, b), (v, u) in zip(layers, speed)]
    squares[n_steps] = loss_and_gradient(layers, data.X, cost)[0]
    return Descent(DeepReLUNetwork(tuple(layers)), np.sqrt(squares))


def refit(
    network: ReLUNetwork | DeepReLUNetwork,
    X: ArrayLike,
    labels: ArrayLike,
    *,
    targets: ArrayLike | None = None,
    weighting: Weighting = "samples",
) -> DeepReLUNetwork:
    """The same hidden layers with the best output weights and bias for the L2 cost."""
    data = class_data(X, labels)
    y = check_class_targets(targets, data.n_classes)
    return refit_layers(as_layers(network), data, y, weighting)


def refit_layers(layers: Layers, data: ClassData, y: Floats, weighting: Weighting) -> DeepReLUNetwork:
    """Affine least squares of the last layer, for checked data."""
    hidden = forward(layers, data.X).inputs[-1]
    coef, _ = weighted_least_squares(with_ones(hidden), y[data.labels], data.weights(weighting))
    return DeepReLUNetwork((*layers[:-1], (coef[:-1].T, coef[-1])))
