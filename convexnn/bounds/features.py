"""Linear maps from moment matrices to the mean and second moment of x.w + b, and their transposes.

A moment matrix M = [[A, m'], [m, C]] of order q + 1 is stored as the vector of its upper triangle, row by row: A, m,
then the upper triangle of C. With z = (x, 1) the mean is mu = z.m and the second moment q = z'C z.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from convexnn._types import Floats, Ints

__all__ = ["MomentMaps"]


class MomentMaps:
    """The maps for given rows.

    Parameters
    ----------
    rows : (n, q) array
        Samples, with a last column of ones if there is a bias.
    """

    def __init__(self, rows: Floats) -> None:
        self.rows = rows
        self.order = rows.shape[1] + 1
        self.upper: tuple[Ints, Ints] = np.triu_indices(self.order)
        self.double: Floats = np.where(self.upper[0] == self.upper[1], 1.0, 2.0)
        self.size = len(self.double)
        self._split = self.order

    @cached_property
    def squares(self) -> Floats:
        """Gradients (n, q (q + 1) / 2) of the second moments; made when they are asked for, as they are large."""
        first, second = np.triu_indices(self.rows.shape[1])
        return np.asarray(self.rows[:, first] * self.rows[:, second] * np.where(first == second, 1.0, 2.0))

    def matrix(self, x: Floats) -> Floats:
        """Symmetric matrix (order, order) of a vector (size,)."""
        M = np.zeros((self.order, self.order))
        M[self.upper] = x
        M.T[self.upper] = x
        return M

    def moments(self, x: Floats) -> tuple[float, Floats, Floats]:
        """A, and mean and second moment of every sample."""
        return float(x[0]), self.rows @ x[1 : self._split], self.squares @ x[self._split :]

    def adjoint(self, a: float, mean: Floats, second: Floats) -> Floats:
        """Gradient of  a A + mean.mu + second.q."""
        return np.concatenate([[a], self.rows.T @ mean, self.squares.T @ second])

    def columns(self, a: Floats, mean: Floats, second: Floats) -> Floats:
        """The matrix (size, n) of the gradients of each sample's  a A + mean mu + second q."""
        return np.concatenate([a[None], (self.rows * mean[:, None]).T, (self.squares * second[:, None]).T])

    def hessian(self, aa: float, am: Floats, aq: Floats, mm: Floats, mq: Floats, qq: Floats) -> Floats:
        """Sum over samples of the quadratic forms in (A, mu, q) with the given entries, as a matrix (size, size)."""
        H = np.empty((self.size, self.size))
        cut = self._split
        H[0, 0] = aa
        H[0, 1:cut] = H[1:cut, 0] = self.rows.T @ am
        H[0, cut:] = H[cut:, 0] = self.squares.T @ aq
        H[1:cut, 1:cut] = (self.rows.T * mm) @ self.rows
        H[1:cut, cut:] = (self.rows.T * mq) @ self.squares
        H[cut:, 1:cut] = H[1:cut, cut:].T
        H[cut:, cut:] = (self.squares.T * qq) @ self.squares
        return H

    def log_det_hessian(self, W: Floats) -> Floats:
        """Hessian of -log det M in the stored vector, from the inverse W of M."""
        j, k = self.upper
        both = W[np.ix_(j, j)] * W[np.ix_(k, k)] + W[np.ix_(j, k)] * W[np.ix_(k, j)]
        return 0.5 * both * np.outer(self.double, self.double)
