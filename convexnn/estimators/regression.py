"""What every network regressor does after fit."""

from __future__ import annotations

from typing import Any

from sklearn.base import RegressorMixin
from sklearn.utils.validation import check_is_fitted

from convexnn._types import ArrayLike, Floats
from convexnn.estimators.earlier import CurrentNames
from convexnn.estimators.outputs import network_outputs

__all__ = ["NetworkRegression"]


class NetworkRegression(CurrentNames, RegressorMixin):
    """Predictions of an estimator with ``network_`` that has seen targets of one or two dimensions."""

    _flat: bool

    def predict(self, X: ArrayLike) -> Floats:
        """Output of the network at X (n, d), sparse or dense: (n,), or (n, c) if y had two dimensions."""
        check_is_fitted(self)
        f: Floats = network_outputs(self, X)
        return f[:, 0] if self._flat else f

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.single_output = True
        tags.target_tags.multi_output = True
        return tags
