"""The dual constraints of a trained network: no neuron responds by more than beta, those in use exactly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from convexnn._checks import check_points, check_targets
from convexnn._types import ArrayLike, Floats
from convexnn.dictionaries import dictionary
from convexnn.losses import LOSSES
from convexnn.plots._axes import new_axes

__all__ = ["DualDisplay"]


@dataclass
class DualDisplay:
    """Responses |v'K_j| of all wedge neurons to the residual, sorted, with the bound beta.

    Attributes
    ----------
    responses : (n_atoms,) array
        Decreasing.
    active : (m,) array
        Responses of the neurons of the network.
    beta : float
    ax_, figure_ :
        Where :meth:`plot` drew.
    """

    responses: Floats
    active: Floats
    beta: float

    @classmethod
    def from_result(cls, result: Any, X: ArrayLike, y: ArrayLike, **options: Any) -> DualDisplay:
        """Compute the responses for a training result or a fitted estimator on its training data.

        Raises
        ------
        DictionarySizeError
            If the dictionary cannot be enumerated.
        """
        certificate = getattr(result, "certificate", None) or result.certificate_
        network = getattr(result, "network", None) or result.network_
        atoms = getattr(result, "atoms", None) or result.atoms_
        points = check_points(X)
        loss = LOSSES[certificate.loss](check_targets(y, len(points)))
        v = -loss.gradient(network.outputs(points))
        candidates = dictionary(points, norm=certificate.norm, bias=certificate.bias)

        def size(answers: Floats) -> Floats:
            each = np.linalg.norm(answers, axis=1) if certificate.norm == "l2" else np.abs(answers).max(axis=1)
            return np.asarray(each)

        responses = np.sort(size(candidates.rmatvec(v)))[::-1]
        active = size(atoms.columns(points).T @ v)
        return cls(responses, np.sort(active)[::-1], certificate.beta).plot(**options)

    @classmethod
    def from_estimator(cls, estimator: Any, X: ArrayLike, y: ArrayLike, **options: Any) -> DualDisplay:
        """The same for a fitted estimator."""
        return cls.from_result(estimator, X, y, **options)

    def plot(self, *, ax: Any | None = None) -> DualDisplay:
        """Draw into `ax` (a new figure by default)."""
        self.ax_ = new_axes(ax)
        self.figure_ = self.ax_.figure
        ranks = np.arange(1, len(self.responses) + 1)
        self.ax_.plot(ranks, self.responses, color="tab:blue", label=f"{len(self.responses)} candidate neurons")
        self.ax_.plot(
            np.arange(1, len(self.active) + 1), self.active, "o", color="tab:red", markersize=4,
            label=f"{len(self.active)} neurons in use",
        )  # fmt: skip
        self.ax_.axhline(self.beta, color="black", linestyle="--", linewidth=1, label=f"beta = {self.beta:.4g}")
        self.ax_.set(xscale="log", xlabel="rank", ylabel="response to the residual")
        self.ax_.legend(fontsize="small")
        return self
