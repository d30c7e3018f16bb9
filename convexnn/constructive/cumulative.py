"""Cumulative parameters: a deep network read as a sequence of truncations of its input space.

W^(l) = W_l W^(l-1), b^(l) = W_l b^(l-1) + b_l. Then the activations are X^(l) = W^(l) Z_l + b^(l) with
Z_l the truncation of Z_{l-1} (arXiv 2309.10639).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from convexnn._types import Floats
from convexnn.constructive.cones import ConeLayer
from convexnn.exceptions import ConstructionError
from convexnn.network import DeepReLUNetwork

__all__ = ["AffineMap", "cumulative_parameters", "layer_parameters", "stack_cones"]


@dataclass(frozen=True)
class AffineMap:
    """z = matrix x + offset.

    Attributes
    ----------
    matrix : (m, M) array
    offset : (m,) array
    """

    matrix: Floats
    offset: Floats

    def __call__(self, X: Floats) -> Floats:
        """Image of each row."""
        return X @ self.matrix.T + self.offset


def cumulative_parameters(network: DeepReLUNetwork) -> list[tuple[Floats, Floats]]:
    """W^(l), b^(l) of every layer, the output layer included."""
    out: list[tuple[Floats, Floats]] = []
    weight, bias = np.eye(network.n_features), np.zeros(network.n_features)
    for w, b in network.layers:
        weight, bias = w @ weight, w @ bias + b
        out.append((weight, bias))
    return out


def layer_parameters(cumulative: Sequence[tuple[Floats, Floats]]) -> DeepReLUNetwork:
    """The network with given cumulative parameters: W_l = W^(l) (W^(l-1))^{-1}, b_l = b^(l) - W_l b^(l-1).

    Raises
    ------
    ConstructionError
        If a hidden W^(l) is not invertible.
    """
    layers = [cumulative[0]]
    for (before, shift), (weight, bias) in pairwise(cumulative):
        if before.shape[0] != before.shape[1]:
            raise ConstructionError(
                f"W^(l) has shape {before.shape}; only invertible cumulative weights can be undone."
            )
        try:
            w: Floats = np.asarray(np.linalg.solve(before.T, weight.T).T)
        except np.linalg.LinAlgError as error:
            raise ConstructionError("a cumulative weight W^(l) is singular; the layers cannot be recovered.") from error
        layers.append((w, bias - w @ shift))
    return DeepReLUNetwork(tuple(layers))


def stack_cones(
    start: AffineMap, cones: Sequence[ConeLayer], slope: Floats, constant: Floats, n_identity: int = 0
) -> DeepReLUNetwork:
    """The network that maps by `start`, truncates to each cone in turn, and ends with slope z + constant.

    Layer l hands over h = W^(l) (z - p_l), so its relative bias is W^(l) (p_{l-1} - p_l): a difference of
    apexes, which costs no digits where b^(l) - W_l b^(l-1) would. `n_identity` layers s(I h) = h follow.
    """
    first = cones[0]
    layers = [(first.weight @ start.matrix, first.weight @ (start.offset - first.apex))]
    for before, cone in pairwise(cones):
        layers.append((cone.weight @ before.inverse, cone.weight @ (before.apex - cone.apex)))
    m = len(first.axis)
    layers += [(np.eye(m), np.zeros(m))] * n_identity
    last = cones[-1]
    layers.append((slope @ last.inverse, slope @ last.apex + constant))
    return DeepReLUNetwork(tuple(layers))
