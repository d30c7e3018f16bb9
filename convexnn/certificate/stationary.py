"""The dual vector that belongs to a network where the loss has kinks, from its own neurons.

At an optimum every neuron with output weights a_j responds by exactly beta along a_j: K_j'v = beta |w_j| a_j / |a_j|,
and 1'v = 0 if the intercept is free. Off the kinks of the loss v is known; on them these equations narrow it down.
"""

from __future__ import annotations

import numpy as np

from convexnn._types import Bias, Floats, Norm
from convexnn.certificate.atoms import neuron_lengths
from convexnn.losses import Loss
from convexnn.network.relu import ReLUNetwork, row_norms

__all__ = ["stationary_dual"]

# Entries of the least squares problem beyond which it is not tried.
_LARGEST = 40_000
# Its relative accuracy, and its iterations.
_TOL, _ROUNDS = 1e-13, 60


def stationary_dual(
    loss: Loss, network: ReLUNetwork, X: Floats, f: Floats, *, beta: float, norm: Norm, bias: Bias
) -> Floats | None:
    """The v (n, c) inside its intervals that comes closest to these equations; None if there is no choice, or too much.

    Parameters
    ----------
    loss : Loss
    network : ReLUNetwork
    X, f : (n, d) and (n, c) array
        Samples, and outputs of the network.
    beta, norm, bias :
        The training problem.
    """
    from scipy.optimize import lsq_linear  # slow to import, and seldom needed

    low, high = loss.optimal_duals(f)
    free = low < high
    if not free.any() or free.sum() * (network.n_neurons + 1) > _LARGEST:
        return None
    lengths = neuron_lengths(network.hidden_weights, network.hidden_biases, norm, bias)
    used = lengths > 0
    hidden = network.hidden(X)[:, used] / lengths[used]
    outer = network.output_weights[used]
    sizes = row_norms(outer, norm)[:, None]
    unit = np.sign(outer) if norm == "l1" else np.divide(outer, sizes, out=np.zeros_like(outer), where=sizes > 0)
    v = np.where(free, 0.0, low)
    for k in range(f.shape[1]):
        # An output weight of zero under l1 says only that the response is at most beta.
        rows = unit[:, k] != 0 if norm == "l1" else sizes[:, 0] > 0
        equations, wanted = hidden[:, rows].T, beta * unit[rows, k]
        if bias is True:
            equations, wanted = np.vstack([equations, np.ones(len(X))]), np.append(wanted, 0.0)
        some = free[:, k]
        if some.any() and len(equations):
            ends, rest = (low[some, k], high[some, k]), wanted - equations[:, ~some] @ v[~some, k]
            v[some, k] = lsq_linear(equations[:, some], rest, ends, tol=_TOL, max_iter=_ROUNDS).x
    return v
