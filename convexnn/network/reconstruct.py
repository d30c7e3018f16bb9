"""From Lasso coefficients to a network with the optimal scaling."""

from __future__ import annotations

import numpy as np

from convexnn._types import ArrayLike, Bias, Floats, Norm
from convexnn.network.relu import ReLUNetwork, row_norms

__all__ = ["reconstruct"]


def reconstruct(
    coef: ArrayLike,
    normals: Floats,
    offsets: Floats,
    intercept: ArrayLike = 0.0,
    *,
    norm: Norm = "l2",
    bias: Bias = True,
) -> ReLUNetwork:
    """Network of the neurons (x.u_j + c_j)_+ with coefficients z_j, scaled so that ||w_j||_p = ||a_j||_p.

    w_j = g_j u_j, b_j = g_j c_j, a_j = z_j / g_j with g_j = sqrt(||z_j||_p / ||u_j||_p): then the weight decay of
    the network equals the penalty of the coefficients (arXiv 2309.16512, section 6.12; Theorem 23).

    Parameters
    ----------
    coef : (m,) or (m, c) array
        Neurons with zero coefficients are left out.
    normals : (m, d) array
    offsets : (m,) array
    intercept : float or (c,) array
    norm, bias :
        As in :func:`convexnn.train`; with ``bias="penalized"`` the offset counts in the length.
    """
    z = np.asarray(coef, dtype=np.float64)
    z = z[:, None] if z.ndim == 1 else z
    keep = np.any(z != 0, axis=1)
    z, normals, offsets = z[keep], normals[keep], offsets[keep]
    rows = np.column_stack([normals, offsets]) if bias == "penalized" else normals
    scale = np.sqrt(row_norms(z, norm) / row_norms(rows, norm))
    t = np.broadcast_to(np.asarray(intercept, dtype=np.float64), (z.shape[1],))
    return ReLUNetwork(normals * scale[:, None], offsets * scale, z / scale[:, None], t.copy())
