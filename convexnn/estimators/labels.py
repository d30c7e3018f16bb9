"""Class labels as targets of a loss."""

from __future__ import annotations

import numpy as np

from convexnn._types import Floats, Ints
from convexnn.exceptions import ParameterError
from convexnn.losses import LOSSES

__all__ = ["CLASSIFICATION_LOSSES", "class_loss", "class_targets"]

CLASSIFICATION_LOSSES = ("log_loss", "squared_hinge", "hinge", "squared_error")


def class_loss(loss: object) -> str:
    """The name of a loss for classes.

    Raises
    ------
    ParameterError
        If it is none for classes.
    """
    LOSSES.check(loss)
    if loss not in CLASSIFICATION_LOSSES:
        known = ", ".join(map(repr, CLASSIFICATION_LOSSES))
        raise ParameterError(f"loss={loss!r} is unknown for classification; choose one of {known}.")
    return str(loss)


def class_targets(codes: Ints, n_classes: int, loss: str) -> Floats:
    """Targets of class numbers 0..n_classes-1.

    One-hot rows for the log loss of more than two classes; else -1 and +1, in one column for two classes and in one
    column per class, that class against the rest, for more. The columns share their hidden neurons.
    """
    if n_classes == 2:
        return np.asarray(2.0 * codes - 1.0, dtype=np.float64)
    if loss == "log_loss":
        return np.eye(n_classes)[codes]
    return 2.0 * np.eye(n_classes)[codes] - 1.0
