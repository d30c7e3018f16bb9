"""How large the factors of a network are, and how fast its outputs can change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from convexnn._checks import check_points
from convexnn._types import ArrayLike, Floats
from convexnn.network import DeepReLUNetwork
from convexnn.network.objective import forward
from convexnn.network.relu import row_norms
from convexnn.refine.readers import from_module

__all__ = ["ScaleReport", "compare_scales", "scale_report"]


@dataclass(frozen=True)
class ScaleReport:
    """Sizes of a network; Lipschitz constants are with respect to Euclidean norms of inputs and outputs.

    Attributes
    ----------
    frobenius : tuple of float
        ||W_k||_F of every layer.
    spectral : tuple of float
        Largest singular value of every layer.
    block_norms : tuple of float
        For blocks of two layers sum_j ||w_j|| ||a_j||, what weight decay becomes at the best scale; a last layer
        without a partner counts with its spectral norm.
    spectral_bound, block_bound : float
        Products of the two: both are upper bounds on the Lipschitz constant.
    local : float, optional
        Largest slope (spectral norm of the Jacobian) at the given samples: a lower bound on it.
    """

    frobenius: tuple[float, ...]
    spectral: tuple[float, ...]
    block_norms: tuple[float, ...]
    spectral_bound: float
    block_bound: float
    local: float | None

    @property
    def lipschitz_bound(self) -> float:
        """The smaller upper bound."""
        return min(self.spectral_bound, self.block_bound)


def scale_report(network: Any, X: ArrayLike | None = None) -> ScaleReport:
    """Measure a network.

    Parameters
    ----------
    network : object
        Anything :func:`from_module` reads.
    X : (n, d) array, optional
        Samples at which slopes are computed.
    """
    net = from_module(network)
    weights = [weight for weight, _ in net.layers]
    spectral = tuple(float(np.linalg.norm(weight, 2)) if weight.size else 0.0 for weight in weights)
    blocks = [
        float(row_norms(first, "l2") @ row_norms(np.ascontiguousarray(second.T), "l2"))
        for first, second in zip(weights[0::2], weights[1::2])
    ]
    if len(weights) % 2:
        blocks.append(spectral[-1])
    return ScaleReport(
        frobenius=tuple(float(np.linalg.norm(weight)) for weight in weights),
        spectral=spectral,
        block_norms=tuple(blocks),
        spectral_bound=float(np.prod(spectral)),
        block_bound=float(np.prod(blocks)),
        local=None if X is None else _steepest(net, check_points(X, n_features=net.n_features)),
    )


def compare_scales(before: Any, after: Any, X: ArrayLike | None = None) -> str:
    """The reports of two networks side by side, as a Markdown table."""
    reports = [scale_report(before, X), scale_report(after, X)]
    rows = [
        ("product of spectral norms", [f"{r.spectral_bound:.5g}" for r in reports]),
        ("product of block norms", [f"{r.block_bound:.5g}" for r in reports]),
        ("block norms", [", ".join(f"{b:.4g}" for b in r.block_norms) for r in reports]),
        ("Frobenius norms", [", ".join(f"{b:.4g}" for b in r.frobenius) for r in reports]),
    ]
    if X is not None:
        rows.append(("steepest slope at the samples", [f"{r.local:.5g}" for r in reports]))
    lines = ["| | before | after |", "|---|---|---|"]
    return "\n".join(lines + [f"| {name} | {a} | {b} |" for name, (a, b) in rows]) + "\n"


def _steepest(net: DeepReLUNetwork, X: Floats) -> float:
    """Largest spectral norm of the Jacobian over the samples, in blocks of rows."""
    steepest = 0.0
    for start in range(0, len(X), 256):
        rows = X[start : start + 256]
        jacobian: Floats = np.broadcast_to(net.layers[0][0], (len(rows), *net.layers[0][0].shape))
        for (weight, _), active in zip(net.layers[1:], forward(net.layers, rows, net.activation).active):
            jacobian = weight @ (jacobian * np.where(active, 1.0, net.activation.slope)[:, :, None])
        steepest = max(steepest, float(np.linalg.norm(jacobian, 2, axis=(1, 2)).max()))
    return steepest
