"""Input of estimators: scikit-learn's validation, with the errors of this package."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from array_api_compat import array_namespace
from sklearn.utils.validation import validate_data

from convexnn._arrays import to_numpy
from convexnn._checks import refuse_other_kinds
from convexnn._types import ArrayLike, Floats
from convexnn.exceptions import DataError

__all__ = ["check_class_data", "check_fit_data", "check_namespace_data", "check_predict_data", "check_predict_rows"]

_SPARSE = ["csr", "csc", "coo"]
# Entries of sparse samples that may be made dense: 4 GB.
_LARGEST = 2**29
_REMEDY = "Pass finite real numbers: X of shape (n_samples, n_features), y with one entry or row per sample."


def check_fit_data(estimator: Any, X: ArrayLike, y: ArrayLike) -> tuple[Floats, Floats]:
    """Samples (n, d) and targets (n,) or (n, c) as float64; remembers names and number of features."""
    return _check(estimator, X, y, y_numeric=True, multi_output=True)


def check_class_data(
    estimator: Any, X: ArrayLike, y: ArrayLike, *, multi_output: bool = False
) -> tuple[Floats, Any]:
    """Samples (n, d) as float64 and labels (n,) of any kind; remembers names and number of features.

    Raises
    ------
    DataError
        Also if labels are missing, or texts and numbers.
    """
    points, labels = _check(estimator, X, y, multi_output=multi_output)
    if labels.dtype == object:
        kinds = {type(label).__name__ for label in labels.ravel() if not isinstance(label, str)}
        texts = any(isinstance(label, str) for label in labels.ravel())
        if "NoneType" in kinds or (texts and kinds):
            found = sorted(kinds | ({"str"} if texts else set()))
            raise DataError(f"y has labels of the types {', '.join(found)}; all must be texts or all numbers.")
    return points, labels


def _check(estimator: Any, X: Any, y: Any, **options: Any) -> tuple[Floats, Any]:
    refuse_other_kinds("X", X)
    refuse_other_kinds("y", y)
    X, y = _dense(X), to_numpy(y)
    try:
        X, y = validate_data(estimator, X, y, dtype=np.float64, order="C", accept_sparse=_SPARSE, **options)
        y = np.asarray(y, dtype=np.float64) if options.get("y_numeric") else y
    except ValueError as error:
        raise _explained(error) from error
    return np.ascontiguousarray(X.toarray() if hasattr(X, "toarray") else X), y


def _dense(X: Any) -> Any:
    """X on the CPU; sparse samples only if they fit into memory when they are made dense."""
    if hasattr(X, "toarray") and math.prod(X.shape) > _LARGEST:
        size = 8e-9 * math.prod(X.shape)
        raise DataError(
            f"X is sparse with the shape {X.shape}; training needs it dense, which takes {size:.0f} GB. Choose "
            "features first (sklearn.feature_selection), or project them (sklearn.decomposition.TruncatedSVD)."
        )
    return to_numpy(X)


def _explained(error: ValueError) -> DataError:
    """A DataError with the remedy where the message has none."""
    text = str(error)
    if "could not convert" in text:
        return DataError(f"{text}. Make numbers of text before, for instance with convexnn.data.TableRecipe.")
    known = ("Reshape your data", "does not accept missing values", "inconsistent", "features", "Unknown label")
    return DataError(text if any(word in text for word in known) else f"{text} {_REMEDY}")


def check_predict_rows(estimator: Any, X: ArrayLike) -> Any:
    """Samples (n, d) as float64 with the features seen in fit: a dense array, or CSR if they came sparse."""
    refuse_other_kinds("X", X)
    X = to_numpy(X)
    try:
        X = validate_data(estimator, X, reset=False, dtype=np.float64, order="C", accept_sparse=_SPARSE)
    except ValueError as error:
        raise _explained(error) from error
    return X.tocsr() if hasattr(X, "tocsr") else np.ascontiguousarray(X)


def check_predict_data(estimator: Any, X: ArrayLike) -> Floats:
    """Samples (n, d) as float64 with the features seen in fit; sparse rows are made dense."""
    rows = check_predict_rows(estimator, X)
    return np.ascontiguousarray(rows.toarray() if hasattr(rows, "toarray") else rows)


def check_namespace_data(estimator: Any, X: Any) -> Any:
    """Samples (n, d) of any array library, with the features seen in fit: float32 is kept, others become float64."""
    xp = array_namespace(X)
    try:
        return validate_data(estimator, X, reset=False, dtype=(xp.float64, xp.float32))
    except ValueError as error:
        raise _explained(error) from error
