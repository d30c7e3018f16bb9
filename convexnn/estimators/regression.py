"""What every network regressor does after fit."""

from __future__ import annotations

from typing import Any

from array_api_compat import array_namespace
from sklearn.base import RegressorMixin
from sklearn.utils.validation import check_is_fitted

from convexnn._types import ArrayLike, Floats
from convexnn.estimators.earlier import CurrentNames
from convexnn.estimators.outputs import network_outputs
from convexnn.estimators.scores import explained_share, has_own_score

__all__ = ["NetworkRegression"]


class NetworkRegression(CurrentNames, RegressorMixin):
    """Predictions of an estimator with ``network_`` that has seen targets of one or two dimensions."""

    _flat: bool
    loss: Any

    def predict(self, X: ArrayLike) -> Floats:
        """Output of the network at X (n, d), sparse or dense: (n,), or (n, c) if y had two dimensions.

        For ``loss="poisson"`` the mean count, which is the exponential of the output.
        """
        check_is_fitted(self)
        f: Floats = network_outputs(self, X)
        if self.loss == "poisson":
            f = array_namespace(f).exp(f)
        return f[:, 0] if self._flat else f

    def score(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """R2 of the predictions; for "quantile" and "poisson" the share D2 of their own loss that is explained.

        D2 is one minus the loss over that of the best constant (half the deviance, or the pinball loss).
        """
        check_is_fitted(self)
        if not has_own_score(self.loss):
            return float(super().score(X, y, sample_weight=sample_weight))
        return explained_share(str(self.loss), network_outputs(self, X), y, sample_weight)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.single_output = True
        tags.target_tags.multi_output = True
        return tags
