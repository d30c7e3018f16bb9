"""A deep construction: collapsing layers, the output map behind them, and what is measured of both."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from convexnn._checks import check_points
from convexnn._types import ArrayLike, Floats
from convexnn.constructive.classes import ClassData
from convexnn.constructive.cumulative import AffineMap, stack_cones
from convexnn.constructive.cutting import CollapsedLayer
from convexnn.constructive.metric import distances_to_targets
from convexnn.exceptions import ConditioningWarning, ConstructionError, ParameterError
from convexnn.network import RELU, DeepReLUNetwork

__all__ = ["DeepConstruction", "finish_deep", "output_map"]

# Below this aperture the layers' condition numbers cost more than half of the digits.
_NARROW = 1e-4


@dataclass(frozen=True)
class DeepConstruction:
    """A deep network and the geometry it was made from.

    Attributes
    ----------
    network : DeepReLUNetwork
    data : ClassData
    targets : (Q, Q) array
    start : AffineMap
        Working coordinates of the samples.
    layers : tuple of CollapsedLayer
        In the order in which the classes are collapsed.
    apexes : (Q, m) array
        Where each class ends, in working coordinates.
    slope, constant : (Q, m) and (Q,) arrays
        The output map on working coordinates.
    cost : float
        Measured L2 cost; zero up to rounding.
    """

    network: DeepReLUNetwork
    data: ClassData
    targets: Floats
    start: AffineMap
    layers: tuple[CollapsedLayer, ...]
    apexes: Floats
    slope: Floats
    constant: Floats
    cost: float

    @property
    def order(self) -> list[Any]:
        """Classes in the order of their layers."""
        return [layer.label for layer in self.layers]

    @property
    def condition(self) -> float:
        """Largest condition number of a hidden layer behind the first; rounding errors grow with it."""
        return max(float(np.linalg.cond(weight)) for weight, _ in self.network.layers[1:-1])

    def truncated(self, X: ArrayLike) -> Floats:
        """tau(x): each row after all truncations, in working coordinates (n, m)."""
        z = self.start(check_points(X, n_features=self.data.n_features))
        for layer in self.layers:
            cone = layer.cone
            hidden = RELU.value((z - cone.apex) @ cone.weight.T)
            z = hidden @ cone.inverse.T + cone.apex
        return z

    def distances(self, X: ArrayLike) -> Floats:
        """Induced metric d_mu(tau(x), p_j) = |f(x) - y_j| of every row and class, shape (n, Q)."""
        return distances_to_targets(self.truncated(X) @ self.slope.T, self.apexes @ self.slope.T)


def output_map(apexes: Floats, targets: Floats, final: str) -> tuple[Floats, Floats]:
    """Slope (c, m) and constant (c,) of the map that sends apex j to target j.

    ``final="linear"`` is the paper's Y X0red[mu]^{-1}, "affine" needs affinely independent apexes only,
    "auto" takes the first where it is well conditioned.

    Raises
    ------
    ConstructionError
        If the apexes are dependent.
    """
    q, m = apexes.shape
    if final not in ("auto", "linear", "affine"):
        raise ParameterError(f"final={final!r} is unknown; choose 'auto', 'linear' or 'affine'.")
    if final == "linear" and q != m:
        raise ConstructionError(f"final='linear' needs as many working dimensions as classes, got {m} and {q}.")
    if final != "affine" and q == m:
        s = np.linalg.svd(apexes, compute_uv=False)
        if s[-1] > (1e-12 if final == "linear" else 1e-6) * s[0]:
            return np.asarray(np.linalg.solve(apexes, targets).T), np.zeros(targets.shape[1])
        if final == "linear":
            raise ConstructionError("the apexes are linearly dependent; use final='affine'.")
    centre, middle = apexes.mean(axis=0), targets.mean(axis=0)
    v, s, ut = np.linalg.svd(apexes - centre, full_matrices=False)
    if m < q - 1 or not s[q - 2] > 1e-12 * s[0]:
        raise ConstructionError(
            f"the {q} apexes are affinely dependent in {m} dimensions; no last layer can tell the classes apart. "
            "Use sequential_construct, which adds coordinates."
        )
    slope = ((targets - middle).T @ (v[:, : q - 1] / s[: q - 1])) @ ut[: q - 1]
    return slope, middle - slope @ centre


def finish_deep(
    data: ClassData,
    y: Floats,
    start: AffineMap,
    layers: Sequence[CollapsedLayer],
    final: str,
    n_identity: int = 0,
) -> DeepConstruction:
    """Add the output layer to collapsing layers, measure the cost, and warn if rounding has eaten the digits."""
    apexes = np.empty((data.n_classes, len(start.offset)))
    for layer in layers:
        apexes[layer.index] = layer.cone.apex
    slope, constant = output_map(apexes, y, final)
    network = stack_cones(start, [layer.cone for layer in layers], slope, constant, n_identity)
    narrowest = min(layer.cone.aperture for layer in layers)
    if narrowest < _NARROW:
        warnings.warn(
            f"the narrowest cone has aperture {narrowest:.1e}; expect errors of about "
            f"{np.finfo(float).eps / narrowest**2:.0e}. Another order or coords='simplex' may do better.",
            ConditioningWarning,
            stacklevel=3,
        )
    cost = data.cost(network.outputs(data.X), y)
    return DeepConstruction(network, data, y, start, tuple(layers), apexes, slope, constant, cost)
