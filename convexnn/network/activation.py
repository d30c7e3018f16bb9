"""The activation of hidden neurons: the one place that knows max(t, 0)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from convexnn._checks import check_real
from convexnn._types import Bools, Floats
from convexnn.exceptions import ParameterError

__all__ = ["RELU", "Activation"]


@dataclass(frozen=True)
class Activation:
    """s(t) = t for t > 0 and slope * t elsewhere: positively homogeneous, with one kink at zero.

    Parameters
    ----------
    slope : float in [-1, 1)
        Slope of the inactive side: 0 for ReLU, between 0 and 1 for leaky ReLU, -1 for the absolute value.

    Raises
    ------
    ParameterError
        If the slope is outside; at 1 the activation would be linear.
    """

    slope: float = 0.0

    def __post_init__(self) -> None:
        slope = check_real("slope", self.slope, low=-1.0, high=1.0)
        if slope == 1.0:
            raise ParameterError("slope=1 makes the activation linear; choose a slope below 1 (0 is ReLU).")
        object.__setattr__(self, "slope", slope + 0.0)  # -0.0 is the same slope

    def value(self, pre: Floats, out: Floats | None = None) -> Floats:
        """s(t) of each entry; `out` may be `pre` itself."""
        # With a slope below 1 the larger of the two lines is the right one on both sides of zero.
        other = self.slope * pre if self.slope else 0.0
        return np.asarray(np.maximum(pre, other, out=out))

    def derivative(self, pre: Floats) -> Floats:
        """s'(t) of each entry; at the kink that of the inactive side."""
        return np.where(pre > 0.0, 1.0, self.slope)

    def pull_back(self, signal: Floats, active: Bools) -> Floats:
        """Multiply `signal` by s'(t) in place, where `active` says whether t > 0; this is a step of the chain rule."""
        if self.slope:
            return np.asarray(np.multiply(signal, self.slope, out=signal, where=~active))
        signal *= active
        return signal


RELU = Activation()
