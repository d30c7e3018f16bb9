"""Theorem 3.3 of arXiv 2309.10370: the constructed network classifies by the nearest class mean in a metric.

d(x, y) = |Y Pen (x - y)| on the span of the class means. The paper's reading holds where the ramp does not
cut; clipping the sample first makes it exact everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from convexnn._checks import check_points
from convexnn._types import ArrayLike, Floats, Ints
from convexnn.constructive.classes import ClassData
from convexnn.constructive.shallow import ShallowConstruction
from convexnn.exceptions import ParameterError
from convexnn.network.relu import row_norms

__all__ = ["ShallowMetric", "distances_to_targets", "shallow_metric"]

# Rows per block, so that the (rows, Q, Q) differences stay small.
_BLOCK = 8192


def distances_to_targets(outputs: Floats, targets: Floats) -> Floats:
    """|f(x) - y_j| for every row and class, shape (n, Q)."""
    out = np.empty((len(outputs), len(targets)))
    for start in range(0, len(outputs), _BLOCK):
        rows = slice(start, start + _BLOCK)
        out[rows] = np.linalg.norm(outputs[rows, None, :] - targets[None], axis=2)
    return out


@dataclass(frozen=True)
class ShallowMetric:
    """Metric of a network of Theorem 3.1.

    Attributes
    ----------
    weight : (Q, M) array
        Y Pen.
    basis : (M, Q) array
        U, the coordinates in which the ramp cuts.
    shift : (Q,) array
        The ramp cuts where (U^T x)_k < -shift_k.
    data : ClassData
    """

    weight: Floats
    basis: Floats
    shift: Floats
    data: ClassData

    def distance(self, x: ArrayLike, y: ArrayLike) -> Floats:
        """d between the rows of x and of y (n, M), shape (n,)."""
        return row_norms((check_points(x) - check_points(y)) @ self.weight.T, "l2")

    def clip(self, X: ArrayLike) -> Floats:
        """The point of the span of the means that the network sees for each row, U max(U^T x, -shift)."""
        return np.maximum(check_points(X) @ self.basis, -self.shift) @ self.basis.T

    def is_cut(self, X: ArrayLike) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Whether the ramp cuts a row, i.e. whether the paper's unclipped reading may fail there."""
        cut = (check_points(X) @ self.basis < -self.shift).any(axis=1)
        return np.asarray(cut)

    def costs(self, X: ArrayLike, *, clipped: bool = True) -> Floats:
        """C_j[x] = d(x, mean of class j), shape (n, Q); equal to |f(x) - y_j| if `clipped`.

        ``clipped=False`` is the paper's form, which needs every (U^T x)_k >= -shift_k.
        """
        points = self.clip(X) if clipped else check_points(X)
        return distances_to_targets(points @ self.weight.T, self.data.means @ self.weight.T)

    def classify(self, X: ArrayLike) -> Ints:
        """Index of the nearest class mean; ties go to the lowest index."""
        return np.asarray(self.costs(X).argmin(axis=1), dtype=np.int64)


def shallow_metric(construction: ShallowConstruction) -> ShallowMetric:
    """The metric of a network made by :func:`shallow_construct`.

    Raises
    ------
    ParameterError
        For the affine variant, whose hidden layer is not the span of the class means.
    """
    data = construction.data
    if len(construction.shift) != data.n_classes:
        raise ParameterError("the metric of Theorem 3.3 belongs to shallow_construct; this is another construction.")
    factor = data.factor
    return ShallowMetric(construction.targets.T @ factor.pen, factor.basis, construction.shift, data)
