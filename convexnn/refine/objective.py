"""The training objective of a deep network, and the scaling of its neurons that makes it least."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from convexnn._checks import check_norm, check_points, check_real, check_targets
from convexnn._types import ArrayLike, Floats, Norm
from convexnn.exceptions import ParameterError
from convexnn.losses import LOSSES
from convexnn.network import Activation, DeepReLUNetwork
from convexnn.network.relu import row_norms

__all__ = ["balanced", "check_kind", "check_layers", "deep_objective", "half_decay"]

_SWEEPS = 200
_SETTLED = 1e-13

Pairs = list[tuple[Floats, Floats]]


def check_kind(network: DeepReLUNetwork, norm: Norm, bias: bool) -> None:
    """Raise ParameterError unless the network is of the kind that norm and bias describe."""
    if bias not in (True, False):
        raise ParameterError(f"bias={bias!r}: deep networks have free biases (True) or none (False).")
    if norm == "l1" and network.n_layers % 2:
        raise ParameterError(
            f"norm='l1' penalises blocks of two layers, but the network has {network.n_layers}; use norm='l2'."
        )
    if network.n_layers < 2:
        raise ParameterError("the network has no hidden layer; there is no neuron to refine.")
    if not bias and any(b.any() for _, b in network.layers):
        raise ParameterError("bias=False describes networks without biases, but this one has some; pass bias=True.")


def check_layers(layers: Sequence[int] | None, n_hidden: int) -> list[int]:
    """The hidden layers asked for, in order; all if None."""
    wanted = range(n_hidden) if layers is None else layers
    if any(not isinstance(k, (int, np.integer)) or not 0 <= k < n_hidden for k in wanted):
        raise ParameterError(f"layers={layers!r}: hidden layers are numbered 0..{n_hidden - 1}, from the input.")
    return sorted({int(k) for k in wanted})


def half_decay(network: DeepReLUNetwork, norm: Norm = "l2") -> float:
    """Half the sum of the squared weights; biases are free.

    l2: 1/2 sum ||W_k||_F^2, weight decay as trained networks have it. l1: 1/2 sum over blocks of two layers and
    over their neurons of ||w_j||_1^2 + ||a_j||_1^2 (arXiv 2309.16512, Theorem 9).
    """
    return 0.5 * sum(float(_lengths(network, k, norm) @ _lengths(network, k, norm)) for k in range(network.n_layers))


def deep_objective(
    network: DeepReLUNetwork,
    X: ArrayLike,
    y: ArrayLike,
    *,
    beta: float,
    norm: Norm = "l2",
    loss: str = "squared_error",
    sample_weight: ArrayLike | None = None,
) -> float:
    """loss(f(X); y) + beta * half_decay, with the weights as they are; the loss is a weighted sum over samples.

    :func:`balanced` gives the scaling of the same function with the least value.
    """
    points = check_points(X, n_features=network.n_features)
    beta, norm = check_real("beta", beta, low=0.0), check_norm(norm)
    bound = LOSSES[loss](check_targets(y, len(points)), sample_weight)
    return float(bound.value(network.outputs(points)) + beta * half_decay(network, norm))


def balanced(network: DeepReLUNetwork, norm: Norm = "l2") -> DeepReLUNetwork:
    """The same function and widths with the least weight decay that rescaling can reach.

    Scaling (w_j, b_j) by g and the outgoing weights by 1/g changes nothing; the best g makes both lengths equal
    (section 6.12). Neurons without effect become zero, constant ones move into the next biases. Layers depend on
    each other, so sweeps are repeated until the sum of squares settles; it never rises.
    """
    layers = _without_idle([(w.copy(), b.copy()) for w, b in network.layers], network.activation)
    before = np.inf
    for _ in range(_SWEEPS):
        for k in range(len(layers) - 1):
            _equalise(layers, k, norm)
        value = half_decay(replace(network, layers=tuple(layers)), norm)
        if value >= before * (1.0 - _SETTLED):
            break
        before = value
    return replace(network, layers=tuple(layers))


def _without_idle(layers: Pairs, activation: Activation) -> Pairs:
    """Zero out neurons that no weight enters or leaves, keeping their number."""
    for k in range(len(layers) - 1):
        (weight, bias), (following, shift) = layers[k], layers[k + 1]
        fixed = ~weight.any(axis=1)
        layers[k + 1] = (following, shift + following[:, fixed] @ activation.value(bias[fixed]))
        bias[fixed] = 0.0
        following[:, fixed] = 0.0
    for k in reversed(range(len(layers) - 1)):
        (weight, bias), (following, _) = layers[k], layers[k + 1]
        unread = ~following.any(axis=0)
        weight[unread], bias[unread] = 0.0, 0.0
    return layers


def _equalise(layers: Pairs, k: int, norm: Norm) -> None:
    """Best scale of the neurons of layer k between their ingoing and outgoing weights."""
    (weight, bias), (following, shift) = layers[k], layers[k + 1]
    inside = norm == "l2" or k % 2 == 0
    if inside:
        inner, outer = row_norms(weight, norm), row_norms(following.T, norm)
    else:
        # Between two blocks of l1 networks the columns before and the rows behind do not split into neurons: one
        # scale for the whole layer.
        inner = np.full(len(bias), np.linalg.norm(row_norms(weight.T, norm)))
        outer = np.full(len(bias), np.linalg.norm(row_norms(following, norm)))
    alive = (inner > 0) & (outer > 0)
    g = np.ones(len(bias))
    g[alive] = np.sqrt(outer[alive] / inner[alive])
    layers[k] = (weight * g[:, None], bias * g)
    layers[k + 1] = (following / g, shift)


def _lengths(network: DeepReLUNetwork, k: int, norm: Norm) -> Floats:
    """Lengths of the rows of a block's first layer, of the columns of its second."""
    weight = network.layers[k][0]
    return row_norms(weight if norm == "l2" or k % 2 == 0 else weight.T, norm)
