"""The exact optimum over the last layer and the scales of the neurons before it, all directions being fixed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from convexnn._types import Floats, Norm
from convexnn.network import DeepReLUNetwork
from convexnn.network.relu import row_norms
from convexnn.refine.objective import balanced, deep_objective
from convexnn.training.columns import ColumnsFit, fit_columns

__all__ = ["Task", "reoptimised"]


@dataclass(frozen=True)
class Task:
    """The training problem that a refinement works on: checked data and the objective."""

    X: Floats
    Y: Floats
    beta: float
    norm: Norm
    bias: bool
    loss: str

    def objective(self, network: DeepReLUNetwork) -> float:
        """Objective with the weights as they are."""
        return deep_objective(network, self.X, self.Y, beta=self.beta, norm=self.norm, loss=self.loss)

    def fit(self, columns: Floats) -> ColumnsFit:
        """The convex problem over responses of unit neurons."""
        return fit_columns(columns, self.Y, beta=self.beta, norm=self.norm, loss=self.loss, intercept=self.bias)


def reoptimised(network: DeepReLUNetwork, task: Task, *, always: bool = False) -> DeepReLUNetwork:
    """Solve for the last layer exactly, then rescale all layers.

    The problem in the output weights z_j of unit neurons is the convex  loss(K z + t) + beta sum ||z_j||; with
    ||w_j|| = ||a_j|| its value is the part of the objective that the last hidden neurons have, so the objective
    cannot rise. Unless `always`, the old weights stay where rounding says otherwise.
    """
    start = balanced(network, task.norm)
    weight, bias = start.layers[-2]
    lengths = row_norms(weight, task.norm)
    safe = np.where(lengths > 0, lengths, 1.0)
    A = start.activations(task.X)[-2] if start.n_layers > 2 else task.X
    unit, offset = weight / safe[:, None], bias / safe
    columns = np.maximum(A @ unit.T + offset, 0.0)
    columns[:, lengths == 0] = 0.0
    fit = task.fit(columns)
    new = balanced(with_last(start, unit, offset, fit, task.norm), task.norm)
    return new if always or task.objective(new) <= task.objective(start) else start


def with_last(
    network: DeepReLUNetwork, unit: Floats, offset: Floats, fit: ColumnsFit, norm: Norm
) -> DeepReLUNetwork:
    """Replace the last two layers by unit neurons and fitted output weights, at the best scale (section 6.12)."""
    root = np.sqrt(row_norms(fit.coef, norm))
    outer = np.divide(fit.coef, root[:, None], out=np.zeros_like(fit.coef), where=root[:, None] > 0)
    last = ((unit * root[:, None], offset * root), (outer.T, fit.intercept))
    return DeepReLUNetwork((*network.layers[:-2], *last))
