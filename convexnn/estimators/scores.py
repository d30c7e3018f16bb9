"""How good predictions are, in the measure of the loss that was trained."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.exceptions import UndefinedMetricWarning

from convexnn._arrays import to_numpy
from convexnn._checks import check_targets
from convexnn._types import ArrayLike, Floats
from convexnn.losses import LOSSES

__all__ = ["explained_share", "has_own_score", "mean_loss"]


def has_own_score(loss: str | None) -> bool:
    """Whether predictions are no means or targets no plain numbers, so that R2 says little."""
    return str(loss).partition("(")[0] in ("quantile", "poisson")


def _bound(loss: str, outputs: Any, y: ArrayLike, weight: ArrayLike | None) -> tuple[Any, Floats]:
    outputs = np.asarray(to_numpy(outputs), dtype=np.float64)
    return LOSSES[loss](check_targets(y, len(outputs)), weight), outputs


def mean_loss(loss: str, outputs: Any, y: ArrayLike, weight: ArrayLike | None = None) -> float:
    """Loss per sample of outputs (n, c) of the network."""
    bound, outputs = _bound(loss, outputs, y, weight)
    total = len(outputs) if bound.weight is None else float(bound.weight.sum())
    return float(bound.value(outputs)) / total


def explained_share(loss: str, outputs: Any, y: ArrayLike, weight: ArrayLike | None = None) -> float:
    """D2: one minus the loss of outputs (n, c) over that of the best constant; 1 at best, nan for one sample.

    For "poisson" it is that of :func:`sklearn.metrics.d2_tweedie_score` with power 1, for "quantile" that of
    :func:`sklearn.metrics.d2_pinball_score`.
    """
    if len(outputs) < 2:
        warnings.warn("D2 is not defined for less than two samples.", UndefinedMetricWarning, stacklevel=3)
        return float("nan")
    bound, outputs = _bound(loss, outputs, y, weight)
    least = bound.value(np.broadcast_to(bound.best_constant(), outputs.shape).copy())
    reached = bound.value(outputs)
    if least > 0:
        return 1.0 - float(reached) / float(least)
    return 1.0 if reached <= 0 else 0.0
