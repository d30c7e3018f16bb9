"""Every error and warning that convexnn raises on purpose.

All errors derive from :class:`ConvexNNError`; those about arguments are also `ValueError`, so that
code written for scikit-learn catches them without knowing this package.
"""

from __future__ import annotations

__all__ = [
    "ConditioningWarning",
    "ConstructionError",
    "ConvergenceWarning",
    "ConvexNNError",
    "DataError",
    "DictionarySizeError",
    "InfeasibleError",
    "ModelFormatError",
    "NativeCoreError",
    "ParameterError",
    "RankDeficientMeansError",
    "SeparationError",
    "SolverError",
    "SolverUnavailableError",
]


class ConvexNNError(Exception):
    """Base class of all errors of this package."""


class DataError(ConvexNNError, ValueError):
    """The data cannot be used: wrong shape, not finite, not numeric."""


class ParameterError(ConvexNNError, ValueError):
    """A parameter has a value outside its range or an unknown name."""


class DictionarySizeError(ConvexNNError, ValueError):
    """The dictionary has more atoms (or bytes) than the budget; raised before anything is allocated.

    Attributes
    ----------
    count : int
        Number of atoms (or bytes) that would be needed.
    budget : int
        Number that is allowed.
    """

    def __init__(self, message: str, *, count: int, budget: int) -> None:
        super().__init__(message)
        self.count = count
        self.budget = budget


class InfeasibleError(ConvexNNError, ValueError):
    """No network of the requested kind exists, e.g. interpolation of contradicting samples."""


class SolverError(ConvexNNError, RuntimeError):
    """A backend failed and left nothing that could be used."""


class SolverUnavailableError(ConvexNNError, ImportError):
    """The requested backend needs a package that is not installed."""


class ModelFormatError(ConvexNNError, ValueError):
    """A saved model or certificate is damaged, edited, or of an unknown version."""


class NativeCoreError(ConvexNNError, ImportError):
    """The compiled core is missing, usually because the source tree shadows the installation."""


class ConstructionError(ConvexNNError, ValueError):
    """A constructive network does not exist for these class data."""


class RankDeficientMeansError(ConstructionError):
    """The class means are (numerically) dependent."""


class SeparationError(ConstructionError):
    """A class cannot be separated from the others as the construction needs."""


class ConvergenceWarning(UserWarning):
    """The result is usable, but its gap is larger than the tolerance."""


class ConditioningWarning(UserWarning):
    """The network is right in exact arithmetic, but its layers are so badly conditioned that digits are lost."""
