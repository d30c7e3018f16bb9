"""Systems diag(E) + R'R that couple all samples, solved on the smaller side."""

from __future__ import annotations

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from convexnn._types import Floats

__all__ = ["Coupling"]


class Coupling:
    """The matrix diag(E) + R'R of order n, factored as such or, if R has fewer rows, as I + R diag(1/E) R'.

    Parameters
    ----------
    E : (n,) array
        Positive.
    R : (m, n) array
    """

    def __init__(self, E: Floats, R: Floats) -> None:
        self._narrow = len(R) < len(E)
        self._E, self._R = E, R
        T = (R / E) @ R.T if self._narrow else R.T @ R
        T[np.diag_indices(len(T))] += 1.0 if self._narrow else E
        self._factor: tuple[Floats, bool] = cho_factor(T, lower=True, overwrite_a=True, check_finite=False)

    def solve(self, right: Floats) -> Floats:
        """Solution (n,) for a right-hand side (n,)."""
        if not self._narrow:
            return np.asarray(cho_solve(self._factor, right))
        first = right / self._E
        return np.asarray(first - self._R.T @ cho_solve(self._factor, self._R @ first) / self._E)
