"""When two rows coincide, and when a row lies on a hyperplane: one set of numbers for the whole package.

Working coordinates have size one (see :class:`~convexnn.geometry.frame.Frame`), so these are relative
to the size of the data. Neurons that differ by so little answer every residual alike to ten digits.
"""

from __future__ import annotations

from typing import Final

import numpy as np

__all__ = ["BLADE", "INPUT", "NOISE", "SAME"]

SAME: Final = 1e-10
"""Distance up to which rows coincide, a row lies on a hyperplane, a direction carries no data."""

NOISE: Final = 32.0 * float(np.finfo(np.float64).eps)
"""Rounding error of a working coordinate; ill-conditioned subsets amplify it."""

INPUT: Final = 4.0 * float(np.finfo(np.float64).eps)
"""Rounding error of the samples as they were given, as a share of their largest entry."""

BLADE: Final = 1e-10
"""Smallest height of a row over the span of the rows before it, as a share of its length.

Not the blade itself as a share of the product of the lengths: that is the product of all heights, and for
64 perfectly good random rows it is already e^-32.
"""
