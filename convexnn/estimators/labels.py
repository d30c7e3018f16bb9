"""Class labels as targets of a loss."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils import column_or_1d
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from convexnn._checks import plain
from convexnn._types import Floats, Ints
from convexnn.exceptions import DataError, ParameterError
from convexnn.losses import LOSSES

__all__ = ["CLASSIFICATION_LOSSES", "as_labels", "class_loss", "class_targets", "class_weights", "known_labels"]

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


def as_labels(y: Any) -> Any:
    """Labels (n,), or (n, c) of 0 and 1 for several labels per sample.

    Raises
    ------
    DataError
        If y has numbers that are no labels, or several columns of other entries.
    """
    y = y.toarray() if hasattr(y, "toarray") else y
    try:
        check_classification_targets(y)
    except ValueError as error:
        raise DataError(f"{error} Labels are texts, whole numbers or truth values.") from error
    if type_of_target(y) == "multilabel-indicator" and np.isin(y, (0, 1)).all():
        return np.asarray(y)
    if y.ndim == 2 and y.shape[1] > 1:
        raise DataError(f"y has the shape {y.shape}, but its entries are not 0 and 1; train a classifier per column.")
    return column_or_1d(y, warn=True)


def known_labels(labels: Any) -> tuple[Any, Any]:
    """The classes and the codes of the samples; with several labels per sample, indices and the labels as they are.

    Raises
    ------
    DataError
        If there is one class only.
    """
    if labels.ndim == 2:
        return np.arange(labels.shape[1]), labels
    classes, codes = np.unique(labels, return_inverse=True)
    if len(classes) < 2:
        raise DataError(
            f"y contains one class only ({plain(classes[0])!r}); at least two classes are needed to train a "
            "classifier. Check how the labels were made."
        )
    return classes, codes


def class_weights(class_weight: Any, labels: Any) -> Floats | None:
    """Weights (n,) of the samples by their classes, None if all are the same.

    Raises
    ------
    ParameterError
        If `class_weight` is neither "balanced" nor a dict of positive numbers for known classes.
    """
    if class_weight is None:
        return None
    try:
        return np.asarray(compute_sample_weight(class_weight, labels), dtype=np.float64)
    except (ValueError, TypeError, AttributeError) as error:
        raise ParameterError(f"class_weight={class_weight!r}: {error}. Give 'balanced' or a dict.") from error


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
