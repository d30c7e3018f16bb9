"""The exact optimum over the last layer and the scales of the neurons before it, all directions being fixed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from convexnn._types import Floats, Norm
from convexnn.network import DeepReLUNetwork
from convexnn.network.relu import row_norms
from convexnn.refine.objective import balanced, deep_objective
from convexnn.restricted.columns import ColumnsFit, fit_columns

__all__ = ["Task", "reoptimised", "responses", "with_last"]

# Rounding error of a response relative to the size of its terms.
_NOISE = 1e-14


@dataclass(frozen=True)
class Task:
    """The training problem that a refinement works on: checked data and the objective."""

    X: Floats
    Y: Floats
    beta: float
    norm: Norm
    bias: bool
    loss: str
    weight: Floats | None = None

    def objective(self, network: DeepReLUNetwork) -> float:
        """Objective with the weights as they are."""
        return deep_objective(
            network, self.X, self.Y, beta=self.beta, norm=self.norm, loss=self.loss, sample_weight=self.weight
        )

    def fit(self, columns: Floats) -> ColumnsFit:
        """The convex problem over responses of unit neurons."""
        return fit_columns(
            columns, self.Y, beta=self.beta, norm=self.norm, loss=self.loss, intercept=self.bias,
            sample_weight=self.weight,
        )  # fmt: skip


def reoptimised(network: DeepReLUNetwork, task: Task, *, always: bool = False) -> DeepReLUNetwork:
    """Solve for the last layer exactly, then rescale all layers.

    With all earlier layers and the directions of the last hidden neurons fixed, the problem in the output weights z_j
    of unit neurons is the convex  loss(K z + t) + beta sum ||z_j||; with ||w_j|| = ||a_j|| its value is their part of
    the objective, which so cannot rise. Unless `always`, the old weights stay where rounding says otherwise.
    """
    start = balanced(network, task.norm)
    weight, bias = start.layers[-2]
    lengths = row_norms(weight, task.norm)
    safe = np.where(lengths > 0, lengths, 1.0)
    A = start.activations(task.X)[-2] if start.n_layers > 2 else task.X
    unit, offset = weight / safe[:, None], bias / safe
    columns = responses(A, unit, np.where(lengths > 0, offset, 0.0))
    fit = task.fit(columns)
    new = balanced(with_last(start, unit, offset, fit, task.norm), task.norm)
    return new if always or task.objective(new) <= task.objective(start) else start


def responses(A: Floats, unit: Floats, offset: Floats) -> Floats:
    """Responses (n, m) of unit neurons; samples on a hyperplane up to rounding respond with zero.

    A neuron that responds by rounding errors alone would get a coefficient of 1e15.
    """
    out = A @ unit.T + offset
    noise = _NOISE * (np.abs(A).sum(axis=1).max(initial=0.0) + np.abs(offset))
    out[out <= noise] = 0.0
    return np.asarray(out)


def with_last(
    network: DeepReLUNetwork, unit: Floats, offset: Floats, fit: ColumnsFit, norm: Norm
) -> DeepReLUNetwork:
    """Replace the last two layers by unit neurons and fitted output weights, at the best scale (section 6.12)."""
    root = np.sqrt(row_norms(fit.coef, norm))
    outer = np.divide(fit.coef, root[:, None], out=np.zeros_like(fit.coef), where=root[:, None] > 0)
    last = ((unit * root[:, None], offset * root), (outer.T, fit.intercept))
    return DeepReLUNetwork((*network.layers[:-2], *last))
