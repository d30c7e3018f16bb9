"""The warning of an estimator whose gap did not close."""

from __future__ import annotations

from sklearn.exceptions import ConvergenceWarning as SklearnConvergenceWarning

from convexnn.exceptions import ConvergenceWarning

__all__ = ["ConstantModelWarning", "GapWarning"]


class GapWarning(ConvergenceWarning, SklearnConvergenceWarning):
    """A usable fit with a gap above `tol`; filters for either package's ConvergenceWarning catch it."""


class ConstantModelWarning(UserWarning):
    """A fit ended without any neuron, and nothing proves that none is worth its penalty."""
