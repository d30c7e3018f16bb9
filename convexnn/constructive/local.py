"""A local search of the regularised problem, to use constructive networks as warm starts."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize

from convexnn._types import Bias, Floats
from convexnn.losses import LOSSES
from convexnn.network import ReLUNetwork
from convexnn.network.objective import loss_and_gradient

__all__ = ["local_search"]


def local_search(
    network: ReLUNetwork,
    X: Floats,
    wanted: Floats,
    *,
    beta: float,
    bias: Bias = "penalized",
    max_iter: int = 500,
) -> ReLUNetwork:
    """L-BFGS on 1/2 |f - Y|^2 + beta/2 sum_j (|w_j|^2 + |a_j|^2) from a network, never above its objective.

    Parameters
    ----------
    network : ReLUNetwork
    X : (n, d) array
    wanted : (n, c) array
    beta : float
    bias : "penalized" or True
        "penalized": biases count in |w_j| and there is no intercept; True: both are free.
    max_iter : int
    """
    start = network.rescaled("l2", bias)
    m, d, c = start.n_neurons, X.shape[1], wanted.shape[1]
    free, loss = bias is True, LOSSES["squared_error"](wanted)
    weight_decay = np.concatenate([np.full(m * d, beta), np.full(m, 0.0 if free else beta), np.full(m * c, beta)])

    def unpack(theta: Floats) -> ReLUNetwork:
        w, b, a = theta[: m * d], theta[m * d : m * (d + 1)], theta[m * (d + 1) : m * (d + 1 + c)]
        t = theta[m * (d + 1 + c) :] if free else np.zeros(c)
        return ReLUNetwork(w.reshape(m, d), b, a.reshape(m, c), t)

    def value(theta: Floats) -> tuple[float, Floats]:
        fit, ((hidden, biases), (outer, intercept)) = loss_and_gradient(unpack(theta).layers, X, loss)
        head = theta[: len(weight_decay)]
        gradient = np.concatenate([hidden.ravel(), biases, outer.T.ravel()]) + weight_decay * head
        if free:
            gradient = np.concatenate([gradient, intercept])
        return fit + 0.5 * float((weight_decay * head) @ head), gradient

    theta = np.concatenate([start.hidden_weights.ravel(), start.hidden_biases, start.output_weights.ravel()])
    theta = np.concatenate([theta, start.intercept]) if free else theta
    answer = minimize(
        value, theta, jac=True, method="L-BFGS-B", options={"maxiter": max_iter, "ftol": 1e-14, "gtol": 1e-10}
    )
    return unpack(np.asarray(answer.x))
