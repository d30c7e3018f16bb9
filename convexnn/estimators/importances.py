"""Which features a network listens to, for tools that select features."""

from __future__ import annotations

import numpy as np

from convexnn._types import Floats
from convexnn.network import ReLUNetwork

__all__ = ["feature_importances"]

# Entries of gradients that are kept at a time.
_ENTRIES = 10_000_000


def feature_importances(network: ReLUNetwork, X: Floats) -> Floats:
    """Shares (d,) of the features in how the outputs change around the samples X (n, d); they sum to one.

    For each feature its standard deviation times the mean length of the partial derivatives of the outputs: what a
    change of usual size does. At most 1000 samples, evenly chosen, are looked at. A constant network gives zeros.
    """
    n, d = X.shape
    rows = np.unique(np.linspace(0, n - 1, max(1, min(n, 1000, _ENTRIES // d))).astype(np.int64))
    inputs = X[rows] @ network.hidden_weights.T + network.hidden_biases
    sides = network.activation.derivative(inputs)
    squares = np.zeros((len(rows), d))
    for out in network.output_weights.T:
        squares += np.square((sides * out) @ network.hidden_weights)
    with np.errstate(over="ignore", invalid="ignore"):
        change = np.sqrt(squares).mean(axis=0) * X.std(axis=0)
        total = change.sum()
        return change / total if np.isfinite(total) and total > 0 else np.zeros(d)
