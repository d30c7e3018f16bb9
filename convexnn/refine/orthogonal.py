"""The direction orthogonal to many rows: one elimination in single precision, made exact by double-precision steps."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.linalg import lapack

from convexnn._types import Floats

__all__ = ["orthogonal_direction"]

# Steps of refinement, and the length of the product of rows and direction at which it has arrived.
_STEPS = 10
_ARRIVED = 1e-14
# Smallest pivot; a row's share outside the span of the rows before it is at most sqrt(d) pivots.
_PIVOT = 1e-8
# Precisions, and how well a factor must give back the vector it distorts most. The error is about the condition
# number times the unit roundoff: both bounds mean rows that stick out of the span of the others by far more than
# rounding.
_PRECISIONS = ((np.float32, lapack.sgetrf, lapack.sgetrs, 5e-2), (np.float64, lapack.dgetrf, lapack.dgetrs, 1e-8))


def orthogonal_direction(rows: Floats) -> Floats | None:
    """Unit vector x with rows x = 0, for d - 1 rows (d - 1, d); None unless they are clearly independent.

    The transposed rows are eliminated with partial pivoting, P rows' = L U, which leaves one coordinate over; x is
    the solution of rows x = 0 with 1 in that coordinate. Half of the arithmetic of double precision is enough, since
    the factor only has to halve the error of every step.
    """
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))
    if not np.all((lengths > 1e-150) & (lengths < 1e150)):
        return None
    unit = rows / lengths[:, None]
    for dtype, factorise, solve, bound in _PRECISIONS:
        factor = _Factor(unit, dtype, factorise, solve)
        if factor.distortion() <= bound and (x := factor.direction()) is not None:
            return x
    return None


class _Factor:
    """Factor of the rows and of a last one that picks the coordinate left over."""

    def __init__(self, unit: Floats, dtype: Any, factorise: Any, solve: Any) -> None:
        self._unit, self._dtype, self._solve = unit, dtype, solve
        d = unit.shape[1]
        square = np.zeros((d, d), dtype=dtype)
        square[:-1] = unit
        self._lu, self._pivots, _ = factorise(square.T, overwrite_a=True)
        # The zero row left a zero pivot; 1 in its place stands for the row that picks the coordinate.
        self._lu[-1, -1] = 1.0
        self._whole = bool(np.all(np.abs(np.diagonal(self._lu)) > _PIVOT))
        order = np.arange(d)
        for i, p in enumerate(self._pivots):
            order[[i, p]] = order[[p, i]]
        self._last = order[-1]

    def _apply_inverse(self, target: Floats) -> Floats:
        x, _ = self._solve(self._lu, self._pivots, target.astype(self._dtype), trans=1)
        return np.asarray(x, dtype=np.float64)

    def _times(self, x: Floats) -> Floats:
        return np.append(self._unit @ x, x[self._last])

    def distortion(self) -> float:
        """Length of v - F^-1 (A v) for the unit vector v that a random one becomes under F^-1, F the factor of A.

        Where A is singular, F is rounding noise along its null vector: v is nearly that, and nothing comes back.
        """
        if not self._whole:
            return np.inf
        with np.errstate(all="ignore"):
            v = self._apply_inverse(np.random.default_rng(0).standard_normal(len(self._lu)))
            v = v / np.linalg.norm(v)
            error = float(np.linalg.norm(v - self._apply_inverse(self._times(v))))
        return error if np.isfinite(error) else np.inf

    def direction(self) -> Floats | None:
        """The solution, corrected until its product with the rows is rounding; None if it does not get there."""
        target = np.zeros(len(self._lu))
        target[-1] = 1.0
        x = self._apply_inverse(target)
        for _ in range(_STEPS):
            x = x / np.linalg.norm(x)
            rest = self._unit @ x
            if np.linalg.norm(rest) <= _ARRIVED:
                return x
            # The coordinate left over stays; lengths are restored above.
            x = x - self._apply_inverse(np.append(rest, 0.0))
        return None
