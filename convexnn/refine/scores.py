"""Scores that go with a loss."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from convexnn._types import Floats

__all__ = ["accuracy", "default_score", "r_squared"]

_LABELS = ("log_loss", "log_loss_multilabel", "hinge", "squared_hinge")


def default_score(loss: str) -> Callable[[Floats, Floats], float]:
    """Accuracy for losses of labels, R^2 for all others."""
    return accuracy if loss in _LABELS else r_squared


def accuracy(outputs: Floats, targets: Floats) -> float:
    """Share of samples with the right class: sign for one output, the largest output for one-hot targets."""
    if outputs.shape[1] == 1:
        return float(np.mean((outputs[:, 0] > 0) == (targets[:, 0] > 0)))
    return float(np.mean(outputs.argmax(axis=1) == targets.argmax(axis=1)))


def r_squared(outputs: Floats, targets: Floats) -> float:
    """1 - residual / total sum of squares over all outputs; 1 for constant targets that are met, else 0."""
    total = float(((targets - targets.mean(axis=0)) ** 2).sum())
    rest = float(((targets - outputs) ** 2).sum())
    if total > 0:
        return 1.0 - rest / total
    return 1.0 if rest == 0.0 else 0.0
