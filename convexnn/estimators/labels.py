"""Class labels as targets of a loss."""

from __future__ import annotations

import numpy as np

from convexnn._types import Floats, Ints
from convexnn.exceptions import ParameterError

__all__ = ["CLASSIFICATION_LOSSES", "class_loss", "class_targets"]

CLASSIFICATION_LOSSES = ("logistic", "squared_hinge", "hinge", "squared")


def class_loss(loss: object, n_classes: int) -> str:
    """The loss that is minimised: logistic loss of more than two classes is softmax cross-entropy.

    Raises
    ------
    ParameterError
        If it is none for classes.
    """
    if not isinstance(loss, str) or loss not in CLASSIFICATION_LOSSES:
        known = ", ".join(map(repr, CLASSIFICATION_LOSSES))
        raise ParameterError(f"loss={loss!r} is unknown for classification; choose one of {known}.")
    return "softmax" if loss == "logistic" and n_classes > 2 else loss


def class_targets(codes: Ints, n_classes: int, loss: str) -> Floats:
    """Targets of class numbers 0..n_classes-1.

    One-hot rows for softmax; else -1 and +1, in one column for two classes and in one column per class,
    that class against the rest, for more. The columns share their hidden neurons.
    """
    if loss == "softmax":
        return np.eye(n_classes)[codes]
    if n_classes == 2:
        return np.asarray(2.0 * codes - 1.0, dtype=np.float64)
    return 2.0 * np.eye(n_classes)[codes] - 1.0
