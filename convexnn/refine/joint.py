"""Joint local movement of all layers: L-BFGS on the objective of the deep network."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
from scipy.optimize import minimize

from convexnn._progress import Clock
from convexnn._types import Floats
from convexnn.exceptions import ParameterError
from convexnn.losses import LOSSES
from convexnn.network import DeepReLUNetwork
from convexnn.network.objective import objective_and_gradient
from convexnn.refine.last_layer import Task
from convexnn.refine.objective import balanced

__all__ = ["fine_tuned"]


class _Expired(Exception):
    """Raised inside the optimiser when the time is over."""


def fine_tuned(network: DeepReLUNetwork, task: Task, *, max_iter: int, clock: Clock) -> DeepReLUNetwork:
    """Minimise loss + beta/2 sum ||W_k||_F^2 from a network; its objective never rises.

    A local method without any guarantee; widths stay.

    Raises
    ------
    ParameterError
        For norm="l1", whose penalty has kinks everywhere where weights are zero.
    """
    if task.norm != "l2":
        raise ParameterError("fine-tuning needs norm='l2'; set fine_tune=0 for norm='l1'.")
    start = balanced(network, "l2")
    model = _Model(start, task)
    theta = model.pack(start.layers)
    best = theta
    least = model(theta)[0]

    def evaluate(point: Floats) -> tuple[float, Floats]:
        nonlocal best, least
        value, gradient = model(point)
        if value < least:
            least, best = value, point.copy()
        if clock.expired:
            raise _Expired
        return value, gradient

    with suppress(_Expired):
        minimize(
            evaluate, theta, jac=True, method="L-BFGS-B",
            options={"maxiter": max_iter, "maxfun": 2 * max_iter, "ftol": 1e-10, "gtol": 1e-8, "maxcor": 20},
        )  # fmt: skip
    moved = balanced(DeepReLUNetwork(tuple(model.unpack(best))), "l2")
    return moved if task.objective(moved) <= task.objective(start) else start


class _Model:
    """The objective and its gradient as a function of one flat vector."""

    def __init__(self, network: DeepReLUNetwork, task: Task) -> None:
        self._task, self._loss = task, LOSSES[task.loss](task.Y, task.weight)
        self._shapes = [weight.shape for weight, _ in network.layers]

    def pack(self, layers: tuple[tuple[Floats, Floats], ...]) -> Floats:
        kept = 2 if self._task.bias else 1
        return np.concatenate([part.ravel() for layer in layers for part in layer[:kept]])

    def unpack(self, theta: Floats) -> list[tuple[Floats, Floats]]:
        layers, at = [], 0
        for rows, columns in self._shapes:
            weight = theta[at : at + rows * columns].reshape(rows, columns)
            at += rows * columns
            bias = np.zeros(rows)
            if self._task.bias:
                bias = theta[at : at + rows]
                at += rows
            layers.append((weight, bias))
        return layers

    def __call__(self, theta: Floats) -> tuple[float, Floats]:
        value, gradient = objective_and_gradient(self.unpack(theta), self._task.X, self._loss, self._task.beta)
        return value, self.pack(tuple(gradient))
