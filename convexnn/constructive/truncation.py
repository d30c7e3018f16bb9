"""The truncation map of a layer (Definition 3.4) and the best last layer behind it (Theorem 3.5).

tau(x) = W^{-1}(s(W x + b) - b) describes a layer in its own input space: it is the identity on a cone
with apex -W^{-1} b and maps the opposite cone to the apex.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from convexnn._checks import check_points
from convexnn._types import ArrayLike, Floats
from convexnn.constructive.classes import ClassData, Weighting, check_class_targets, class_data
from convexnn.constructive.optimum import weighted_least_squares, with_ones
from convexnn.exceptions import ConstructionError
from convexnn.network import RELU, ReLUNetwork

__all__ = ["RankReport", "TruncationOptimum", "rank_report", "truncate", "truncation_optimum"]


def _check_layer(weight: ArrayLike, bias: ArrayLike, n_features: int) -> tuple[Floats, Floats]:
    w = check_points(weight, n_features=n_features, name="weight")
    b = np.asarray(bias, dtype=np.float64)
    if b.shape != (len(w),) or not np.isfinite(b).all():
        raise ConstructionError(f"bias has shape {b.shape}; expected ({len(w)},), finite, one entry per row of weight.")
    return w, b


def truncate(X: ArrayLike, weight: ArrayLike, bias: ArrayLike) -> Floats:
    """Truncation map of a layer, applied to each row.

    Parameters
    ----------
    X : (n, M) array
    weight : (m, M) array
        Invertible in the paper; otherwise the pseudo-inverse takes the place of the inverse.
    bias : (m,) array

    Returns
    -------
    (n, M) array
    """
    points = check_points(X)
    w, b = _check_layer(weight, bias, points.shape[1])
    # x - W^+ ((Wx+b) - s(Wx+b)) leaves uncut samples untouched bit by bit when W is invertible.
    pre = points @ w.T + b
    cut = np.minimum(pre, 0.0)
    if w.shape[0] == w.shape[1]:
        return np.asarray(points - np.linalg.solve(w, cut.T).T)
    return np.asarray((pre - cut - b) @ np.linalg.pinv(w).T)


@dataclass(frozen=True)
class RankReport:
    """Numerical ranks of truncated data.

    Attributes
    ----------
    data : int
        Rank of the samples.
    means : int
        Rank of the class means; the paper's condition is ``data == means == Q``.
    affine_means : int
        Rank of [means, 1]; unlike the others it does not change under translations.
    n_classes : int
    """

    data: int
    means: int
    affine_means: int
    n_classes: int

    @property
    def rank_preserving(self) -> bool:
        """The paper's condition; depends on the choice of the origin."""
        return self.data >= self.n_classes and self.means == self.n_classes

    @property
    def affinely_preserving(self) -> bool:
        """The condition that means something when b2 is free: affinely independent means."""
        return self.affine_means == self.n_classes


def _rank(rows: Floats, tol: float) -> int:
    scale = np.abs(rows).max(initial=0.0)
    return int(np.linalg.matrix_rank(rows / scale, rtol=tol)) if scale > 0 else 0


def _ranks(data: ClassData, tol: float) -> RankReport:
    centre = data.means.mean(axis=0)
    spread = max(float(np.abs(data.means - centre).max()), np.finfo(float).tiny)
    # The column of ones gets the size of the other columns: ranks are then independent of units and offset.
    lifted = np.hstack([data.means - centre, np.full((data.n_classes, 1), spread)])
    return RankReport(_rank(data.X, tol), _rank(data.means, tol), _rank(lifted, tol), data.n_classes)


def rank_report(
    X: ArrayLike, labels: ArrayLike, weight: ArrayLike, bias: ArrayLike, *, tol: float = 1e-10
) -> RankReport:
    """Ranks of samples and class means after the truncation of a layer.

    Parameters
    ----------
    X : (N, M) array
    labels : (N,) array
    weight : (m, M) array
    bias : (m,) array
    tol : float
        Singular values below ``tol`` times the largest count as zero.
    """
    data = class_data(X, labels)
    return _ranks(data.replaced(truncate(data.X, weight, bias)), tol)


@dataclass(frozen=True)
class TruncationOptimum:
    """The best last layers behind a fixed hidden layer.

    Attributes
    ----------
    paper_network : ReLUNetwork
        Output bias tied to -W2 b1 (Theorem 3.5).
    paper_value : float
    network : ReLUNetwork
        Output weights and bias both optimal.
    value : float
        Cost of `network`, never above `paper_value`.
    ranks : RankReport
    """

    paper_network: ReLUNetwork
    paper_value: float
    network: ReLUNetwork
    value: float
    ranks: RankReport


def truncation_optimum(
    X: ArrayLike,
    labels: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike,
    *,
    targets: ArrayLike | None = None,
    weighting: Weighting = "classes",
) -> TruncationOptimum:
    """Theorem 3.5 for a hidden layer (weight (m, M), bias (m,)), beside the optimum with a free output bias."""
    data = class_data(X, labels)
    y = check_class_targets(targets, data.n_classes)
    w, b = _check_layer(weight, bias, data.n_features)
    hidden = RELU.value(data.X @ w.T + b)
    wanted, weights = y[data.labels], data.weights(weighting)
    tied, paper_value = weighted_least_squares(hidden - b, wanted, weights)
    free, value = weighted_least_squares(with_ones(hidden), wanted, weights)
    return TruncationOptimum(
        paper_network=ReLUNetwork(w, b, tied, -b @ tied),
        paper_value=paper_value,
        network=ReLUNetwork(w, b, free[:-1], free[-1]),
        value=value,
        ranks=_ranks(data.replaced(truncate(data.X, w, b)), 1e-10),
    )
