"""Training data, checked once at the public edge."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from convexnn._checks import check_points, check_targets
from convexnn._types import ArrayLike, Floats
from convexnn.losses.base import check_weights

__all__ = ["Samples", "check_samples"]


@dataclass(frozen=True)
class Samples:
    """Samples of weight zero are gone, as if they had never been there.

    Attributes
    ----------
    X : (n, d) array
    Y : (n, c) array
    weight : (n,) array, optional
    flat : bool
        Whether the targets came as one dimension, so that coefficients should too.
    given : tuple of (X, Y, weight)
        With the samples of weight zero: certificates speak of the data as they were given.
    """

    X: Floats
    Y: Floats
    weight: Floats | None
    flat: bool
    given: tuple[Floats, Floats, Floats | None]

    def spread(self, v: Floats) -> Floats:
        """A vector (n, c) over the samples that count, with zeros at the others."""
        weight = self.given[2]
        if weight is None:
            return v
        out = np.zeros((len(weight), v.shape[1]))
        out[weight > 0] = v
        return out


def check_samples(X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None) -> Samples:
    """Check data and weights.

    Raises
    ------
    DataError
        If they are not finite numeric tables of matching lengths.
    """
    points = check_points(X)
    targets = check_targets(y, len(points))
    flat = np.ndim(y) != 2
    if sample_weight is None:
        return Samples(points, targets, None, flat, (points, targets, None))
    weight = check_weights(sample_weight, len(points))[:, 0]
    seen = weight > 0
    X_seen, Y_seen = np.ascontiguousarray(points[seen]), np.ascontiguousarray(targets[seen])
    return Samples(X_seen, Y_seen, weight[seen], flat, (points, targets, weight))
