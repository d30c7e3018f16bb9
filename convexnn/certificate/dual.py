"""From a network to a lower bound: the dual point, its scaling, and the gap.

Every vector v with 1'v = 0 (if the intercept is free) and R(v) <= beta bounds the optimum from below by
-loss*(-v). The candidate is minus the gradient of the loss; any other vector would do as well, only
the bound would be weaker. So nothing a solver reports has to be believed.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from convexnn._types import ArrayLike, Bias, Floats, Norm
from convexnn.certificate.atoms import neuron_lengths
from convexnn.exceptions import DataError
from convexnn.losses import Loss
from convexnn.network.relu import ReLUNetwork, row_norms

__all__ = ["best_scale", "dual_candidate", "gap_of", "squared_gap"]

# Below this relative gap the sums are repeated in extended precision, if they are no longer than this.
_FINE = 1e-10
_LONG = 20_000_000


def dual_candidate(loss: Loss, f: Floats, *, centred: bool, given: ArrayLike | None = None) -> Floats:
    """A dual vector (n, c) in the domain of the conjugate, with columns summing to zero if `centred`.

    Parameters
    ----------
    loss : Loss
    f : (n, c) array
        Outputs of the network.
    centred : bool
        Whether the intercept is free; the gradient is then taken at its best value.
    given : (n,) or (n, c) array, optional
        A vector to use in place of the gradient. It is not trusted: projected like any other.

    Raises
    ------
    DataError
        If `given` has another shape or is not finite.
    """
    if given is None:
        v = -loss.gradient(f + loss.best_shift(f) if centred else f)
    else:
        v = np.asarray(given, dtype=np.float64)
        v = v[:, None] if v.ndim == 1 else v
        if v.shape != f.shape or not np.isfinite(v).all():
            raise DataError(f"dual_point has shape {np.shape(given)}; expected {f.shape} finite numbers.")
    if loss.name != "squared":
        v = loss.nearest_dual(v, centred=centred)
    elif loss.weight is not None:
        v = np.where(loss.weight > 0, v, 0.0)
    if centred and loss.name == "squared":
        weight = np.ones((len(f), 1)) if loss.weight is None else loss.weight
        v = v - weight * (v.sum(axis=0) / weight.sum())
    total = np.abs(v).sum()
    sound = np.isfinite(total) and (not centred or np.abs(v.sum(axis=0)).max() <= 1e-9 * total)
    return v if sound and np.isfinite(loss.dual(v)) else np.zeros_like(v)


def best_scale(loss: Loss, v: Floats, response: float, beta: float) -> float:
    """The factor s >= 0 for which s v is feasible and its dual value large.

    For the squared loss the best one, s = y'v / |v|^2 clipped to [0, beta / R]; else the largest up to one.
    """
    top = beta / response if response > 0 else np.inf
    if loss.name != "squared":
        return float(min(1.0, top))
    weight = np.ones((len(v), 1)) if loss.weight is None else loss.weight
    energy = float(np.sum(np.divide(v * v, weight, out=np.zeros_like(v), where=weight > 0)))
    return float(np.clip(np.sum(v * loss.y) / energy, 0.0, top)) if energy > 0 else 0.0


def gap_of(
    loss: Loss,
    network: ReLUNetwork,
    X: Floats,
    f: Floats,
    v: Floats,
    *,
    beta: float,
    norm: Norm,
    bias: Bias,
) -> tuple[float, float, float]:
    """Primal value, dual value of the feasible v, and their difference, which may be negative."""
    inner = neuron_lengths(network.hidden_weights, network.hidden_biases, norm, bias)
    penalties = beta * inner * row_norms(network.output_weights, norm)
    primal = loss.value(f) + float(np.sum(penalties))
    if loss.name != "squared":
        dual = max(loss.dual(v), loss.dual(np.zeros_like(v)))
        return primal, dual, primal - dual
    gap = squared_gap(loss, network, X, v, penalties, np.float64)
    if abs(gap) < _FINE * abs(primal) and X.size * max(1, network.n_neurons) <= _LONG:
        gap = squared_gap(loss, network, X, v, penalties, np.longdouble)
    return primal, primal - gap, gap


def squared_gap(
    loss: Loss, network: ReLUNetwork, X: Floats, v: Floats, penalties: Floats, dtype: type[np.floating[Any]]
) -> float:
    """Primal minus dual without subtracting the one from the other, which would leave only rounding noise.

    With residual r = y - f, weights q and penalties p_j = beta |w_j| |a_j| the difference is
    1/2 |sqrt(q) r - v / sqrt(q)|^2 + sum_j (p_j - a_j.(v'K_j)),
    a sum of terms that are each >= 0 if v is feasible. The intercept drops out because 1'v = 0.
    """
    outer = network.output_weights.astype(dtype)
    total = dtype(0)
    correlations = np.zeros(outer.shape, dtype=dtype)
    step = max(1, 2**20 // max(1, network.n_neurons))
    for start in range(0, len(X), step):
        rows = slice(start, start + step)
        hidden = X[rows].astype(dtype) @ network.hidden_weights.T.astype(dtype)
        np.maximum(hidden + network.hidden_biases, 0, out=hidden)
        r = loss.y[rows] - (hidden @ outer + network.intercept)
        u = v[rows].astype(dtype)
        correlations += hidden.T @ u
        if loss.weight is None:
            total += np.sum((r - u) ** 2)
        else:
            q = np.sqrt(loss.weight[rows].astype(dtype))
            total += np.sum((q * r - np.divide(u, q, out=np.zeros_like(u), where=q > 0)) ** 2)
    return float(total / 2 + np.sum(penalties - np.sum(outer * correlations, axis=1)))
