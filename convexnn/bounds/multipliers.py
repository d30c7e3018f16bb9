"""One format for the multipliers of every level and piece, written here and judged in the certificate."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from convexnn._types import Floats

__all__ = ["PieceMultipliers"]


@dataclass(frozen=True)
class PieceMultipliers:
    """Multipliers for the neurons of one output sign with l <= b <= u, per unit of |w|.

    Attributes
    ----------
    sign : int
        +1 bounds the response of v, -1 that of -v.
    lower, upper : float
        Range of the bias, measured from the mean row; both zero without biases.
    curvature : (n,) array
        c > 0 where sign v > 0, of |t| |v| <= v^2 / c + c t^2 / 4.
    kappa, slope : (n,) array
        In [0, 1] and [-1, 1], used where sign v < 0: |t| is at least kappa times a parabola through the ends of its
        range and zero, plus (1 - kappa) slope t. kappa = 0 is level 0.
    omega, k : float
        Multipliers >= 0 of 1 - |w|^2 >= 0 and (b - l)(u - b) >= 0.
    """

    sign: int
    lower: float
    upper: float
    curvature: Floats
    kappa: Floats
    slope: Floats
    omega: float
    k: float

    @property
    def numbers(self) -> tuple[Floats, ...]:
        """All numbers, as arrays."""
        return (self.curvature, self.kappa, self.slope, np.array([self.lower, self.upper, self.omega, self.k]))

    def rescaled(self, *, rows: float, dual: float) -> PieceMultipliers:
        """The same multipliers for samples that are `rows` times and a dual vector that is `dual` times as long."""
        return replace(
            self,
            lower=self.lower * rows,
            upper=self.upper * rows,
            curvature=self.curvature * (dual / rows),
            omega=self.omega * (dual * rows),
            k=self.k * (dual / rows),
        )
