"""From the coefficients of a Lasso to the network with the same outputs and the same objective."""

from __future__ import annotations

import numpy as np

from convexnn._types import ArrayLike, Bias, Norm
from convexnn.exceptions import DataError
from convexnn.network.relu import ReLUNetwork

__all__ = ["reconstruct"]


def reconstruct(
    coef: ArrayLike,
    normals: ArrayLike,
    offsets: ArrayLike,
    intercept: ArrayLike | None = None,
    *,
    norm: Norm = "l2",
    bias: Bias = True,
) -> ReLUNetwork:
    """The network of least weight decay with outputs sum_j z_j (x.u_j + c_j)_+ + t.

    Each neuron is w_j = sqrt(|z_j|) u_j, b_j = sqrt(|z_j|) c_j, a_j = z_j / sqrt(|z_j|), so that half the
    squared weights sum to sum_j |z_j|, the penalty of the Lasso (arXiv 2309.16512, section 6.12 and
    Theorem 23). Atoms without a coefficient are left out.

    Parameters
    ----------
    coef : (m,) or (m, c) array
        Rows z_j.
    normals : (m, d) array
        u_j. Their length need not be one; it is shared out like that of z_j.
    offsets : (m,) array
        c_j.
    intercept : (c,) array or float, optional
        t, zero by default.
    norm : "l1" or "l2"
        Norm of hidden and output weights in the penalty.
    bias : True, False or "penalized"
        Whether the offset counts in the length of an atom ("penalized").

    Returns
    -------
    ReLUNetwork

    Raises
    ------
    DataError
        If shapes do not match or a number is not finite.
    """
    z = np.asarray(coef, dtype=np.float64)
    if z.ndim == 0 or z.ndim > 2:
        raise DataError(f"coef has shape {z.shape}; expected (n_atoms,) or (n_atoms, n_outputs).")
    z = z[:, None] if z.ndim == 1 else z
    t = np.zeros(z.shape[1]) if intercept is None else np.atleast_1d(np.asarray(intercept, dtype=np.float64))
    used = np.flatnonzero(z.any(axis=1))
    u, c = np.asarray(normals, dtype=np.float64), np.asarray(offsets, dtype=np.float64)
    if u.ndim != 2 or len(u) != len(z) or c.shape != (len(z),):
        raise DataError(f"coef has {len(z)} rows, but normals have shape {u.shape} and offsets {c.shape}.")
    return ReLUNetwork(u[used], c[used], z[used], t).rescaled(norm, bias)
