"""Input of estimators: scikit-learn's validation, with the errors of this package."""

from __future__ import annotations

from typing import Any

import numpy as np
from array_api_compat import array_namespace
from sklearn.utils.validation import validate_data

from convexnn._arrays import to_numpy
from convexnn._types import ArrayLike, Floats
from convexnn.exceptions import DataError

__all__ = ["check_class_data", "check_fit_data", "check_namespace_data", "check_predict_data", "check_predict_rows"]

_REMEDY = "Pass finite real numbers: X of shape (n_samples, n_features), y with one entry or row per sample."


def check_fit_data(estimator: Any, X: ArrayLike, y: ArrayLike) -> tuple[Floats, Floats]:
    """Samples (n, d) and targets (n,) or (n, c) as float64; remembers names and number of features."""
    X, y = to_numpy(X), to_numpy(y)
    try:
        X, y = validate_data(estimator, X, y, dtype=np.float64, order="C", y_numeric=True, multi_output=True)
        return X, np.asarray(y, dtype=np.float64)
    except ValueError as error:
        raise DataError(f"{error} {_REMEDY}") from error


def check_class_data(estimator: Any, X: ArrayLike, y: ArrayLike) -> tuple[Floats, Any]:
    """Samples (n, d) as float64 and labels (n,) of any kind; remembers names and number of features."""
    X, y = to_numpy(X), to_numpy(y)
    try:
        X, y = validate_data(estimator, X, y, dtype=np.float64, order="C")
    except ValueError as error:
        raise DataError(f"{error} {_REMEDY}") from error
    return X, y


def check_predict_rows(estimator: Any, X: ArrayLike) -> Any:
    """Samples (n, d) as float64 with the features seen in fit: a dense array, or CSR if they came sparse."""
    X = to_numpy(X)
    try:
        X = validate_data(estimator, X, reset=False, dtype=np.float64, order="C", accept_sparse=["csr", "csc", "coo"])
    except ValueError as error:
        raise DataError(f"{error} {_REMEDY}") from error
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
        raise DataError(f"{error} {_REMEDY}") from error
