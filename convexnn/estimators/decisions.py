"""What every network classifier does after fit: decisions, labels, probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np
from array_api_compat import array_namespace
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from convexnn._types import ArrayLike, Floats
from convexnn.estimators.earlier import CurrentNames
from convexnn.estimators.outputs import class_labels, class_probabilities, first_column, network_outputs

__all__ = ["NetworkDecisions"]


def _has_probabilities(estimator: Any) -> bool:
    return estimator.loss in (None, "log_loss")


class NetworkDecisions(CurrentNames):
    """Predictions of an estimator with ``network_``, ``classes_`` and the parameter ``loss``.

    With scikit-learn's ``array_api_dispatch`` they belong to the array library and device of X.
    """

    classes_: Any

    @property
    def _several(self) -> bool:
        """Whether samples have several labels."""
        return bool(getattr(self, "_multilabel", False))

    def decision_function(self, X: ArrayLike) -> Floats:
        """Outputs of the network: (n,) for two classes, positive for ``classes_[1]``; else (n, n_classes)."""
        check_is_fitted(self)
        f: Floats = first_column(network_outputs(self, X))
        return f

    def predict(self, X: ArrayLike) -> Any:
        """Labels (n,) with the largest output; with several labels per sample, 0 or 1 (n, n_classes) for each."""
        f = self.decision_function(X)
        if self._several:
            xp = array_namespace(f)
            return xp.astype(f > 0, xp.int64)
        return class_labels(self.classes_, f)

    @available_if(_has_probabilities)
    def predict_proba(self, X: ArrayLike) -> Floats:
        """Class probabilities (n, n_classes); only for ``loss="log_loss"``."""
        values: Floats = class_probabilities(self.decision_function(X), multilabel=self._several)
        return values

    @available_if(_has_probabilities)
    def predict_log_proba(self, X: ArrayLike) -> Floats:
        """Logarithms of the class probabilities; only for ``loss="log_loss"``."""
        values = self.predict_proba(X)
        with np.errstate(divide="ignore"):
            logarithms: Floats = array_namespace(values).log(values)
        return logarithms
