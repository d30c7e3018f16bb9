"""Theorem 3.2 of arXiv 2309.10370 and its correction: the best linear and the best affine map.

The paper's point is the best map *without* intercept; with the output bias b2 free it is not stationary.
The affine least-squares map is the local minimum the theorem is about. Both have closed forms.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from convexnn._types import ArrayLike, Floats
from convexnn.constructive.classes import ClassData, Weighting, check_class_targets, class_data
from convexnn.constructive.shallow import Shift, affine_network, choose_shift
from convexnn.network import ReLUNetwork

__all__ = ["LinearOptimum", "LinearRegime", "affine_least_squares", "linear_optimum", "linear_regime"]


@dataclass(frozen=True)
class LinearOptimum:
    """The paper's point and the corrected one, in mean coordinates a = Pen x.

    Attributes
    ----------
    data : ClassData
    targets : (Q, Q) array
        Row j for class j; Y of the formulas is its transpose.
    weighting : "classes" or "samples"
        Normalisation of every cost below, C_N (3.19) or C (2.27).
    paper_slope : (Q, Q) array
        A of the no-intercept optimum f = A Pen x.
    affine_slope, affine_constant : (Q, Q) and (Q,) arrays
        A and c of the affine optimum f = A Pen x + c.
    paper_value : float
        Cost of the paper's point, (3.25).
    affine_value : float
        Cost of the affine optimum, never above `paper_value`.
    mean_map_value : float
        ||Y D1||, the cost of Theorem 3.1 in this normalisation.
    spread : (Q, Q) array
        D2 = sum_i w_i a_i a_i^T with a_i = Pen Dx_i (3.26).
    """

    data: ClassData
    targets: Floats
    weighting: Weighting
    paper_slope: Floats
    affine_slope: Floats
    affine_constant: Floats
    paper_value: float
    affine_value: float
    mean_map_value: float
    spread: Floats

    @cached_property
    def shrinkage(self) -> Floats:
        """S = Pi - Pi (Pi + D2)^{-1} Pi, so that paper_value^2 = Tr(Y S Y^T)."""
        pi = np.diag(self.data.class_weights(self.weighting))
        return np.asarray(pi - pi @ np.linalg.solve(pi + self.spread, pi))

    @property
    def eigenvalues(self) -> Floats:
        """Eigenvalues of D2 relative to the class weights, smallest first."""
        root = np.sqrt(self.data.class_weights(self.weighting))
        return np.clip(np.linalg.eigvalsh(self.spread / np.outer(root, root)), 0.0, None)

    @property
    def ratio_bounds(self) -> tuple[float, float]:
        """Bounds of paper_value / mean_map_value: (1 + lam_max)^{-1/2} and (1 + lam_min)^{-1/2}."""
        lam = self.eigenvalues
        return float((1.0 + lam[-1]) ** -0.5), float((1.0 + lam[0]) ** -0.5)

    @property
    def improvement_constant(self) -> float:
        """C0 of the paper's factor 1 - C0 delta_P^2; zero when the deviations do not span all directions."""
        delta = self.data.delta_p
        return (1.0 - self.ratio_bounds[1]) / delta**2 if delta > 0 else 0.0

    @property
    def bias_gradient(self) -> Floats:
        """Gradient of the squared cost in b2 at the paper's point, -2 Y S 1: not zero in general."""
        return np.asarray(-2.0 * self.targets.T @ self.shrinkage.sum(axis=1))

    def _network(self, slope: Floats, constant: Floats, shift: Shift) -> ReLUNetwork:
        factor = self.data.factor
        outer: Floats = np.asarray(np.linalg.solve(factor.triangle.T, slope.T))
        bias = choose_shift(self.data.X @ factor.basis, self.data.X, shift)
        return ReLUNetwork(factor.basis.T, bias, outer, constant - bias @ outer)

    def paper_network(self, shift: Shift = "paper") -> ReLUNetwork:
        """The paper's point: b2 tied to -W2 b1."""
        return self._network(self.paper_slope, np.zeros(len(self.targets)), shift)

    def affine_network(self, shift: Shift = "paper") -> ReLUNetwork:
        """The true local minimum: every sample strictly inside the identity region, output layer optimal."""
        return self._network(self.affine_slope, self.affine_constant, shift)


def weighted_least_squares(features: Floats, targets: Floats, weights: Floats) -> tuple[Floats, float]:
    """Coefficients (k, c) minimising sum_i w_i |features_i B - targets_i|^2, and the square root of the minimum."""
    root = np.sqrt(weights)[:, None]
    scale = np.abs(features).max(axis=0, initial=0.0)
    scale[scale == 0] = 1.0
    coef = np.linalg.lstsq(root * (features / scale), root * targets, rcond=None)[0]
    coef = coef / scale[:, None]
    return coef, float(np.linalg.norm(root * (features @ coef - targets)))


def with_ones(features: Floats) -> Floats:
    """Features with a column of ones appended."""
    return np.hstack([features, np.ones((len(features), 1))])


def linear_optimum(
    X: ArrayLike, labels: ArrayLike, *, targets: ArrayLike | None = None, weighting: Weighting = "classes"
) -> LinearOptimum:
    """Best linear (Theorem 3.2) and best affine map of Px, with closed forms, bounds and networks.

    Parameters
    ----------
    X : (N, M) array
        M = Q in the paper; for M > Q the samples enter through their projection P x.
    labels : (N,) array
    targets : (Q, Q) array, optional
    weighting : "classes" or "samples"
        C_N of section 3.3 (the default) or the plain cost C.

    Raises
    ------
    RankDeficientMeansError
        If the class means are dependent.
    """
    data = class_data(X, labels)
    y = check_class_targets(targets, data.n_classes)
    w = data.weights(weighting)
    a = data.factor.coordinates(data.X)
    noise = data.factor.coordinates(data.deviations)
    wanted = y[data.labels]
    linear, paper_value = weighted_least_squares(a, wanted, w)
    affine, affine_value = weighted_least_squares(with_ones(a), wanted, w)
    return LinearOptimum(
        data=data,
        targets=y,
        weighting=weighting,
        paper_slope=linear.T,
        affine_slope=affine[:-1].T,
        affine_constant=affine[-1],
        paper_value=paper_value,
        affine_value=affine_value,
        mean_map_value=float(np.linalg.norm(np.sqrt(w)[:, None] * (noise @ y))),
        spread=(noise * w[:, None]).T @ noise,
    )


@dataclass(frozen=True)
class AffineLeastSquares:
    """Best affine map on all of R^M, reachable by a network whose ramp never cuts.

    Attributes
    ----------
    network : ReLUNetwork
    slope : (Q, M) array
    constant : (Q,) array
    cost : float
    """

    network: ReLUNetwork
    slope: Floats
    constant: Floats
    cost: float


def affine_least_squares(
    X: ArrayLike,
    labels: ArrayLike,
    *,
    targets: ArrayLike | None = None,
    weighting: Weighting = "samples",
    shift: Shift = "paper",
) -> AffineLeastSquares:
    """The best value of the linear regime; needs no independence of the means at all."""
    data = class_data(X, labels)
    return fit_affine(data, check_class_targets(targets, data.n_classes), weighting, shift)


def fit_affine(data: ClassData, y: Floats, weighting: Weighting, shift: Shift = "paper") -> AffineLeastSquares:
    """Affine least squares of checked data, centred first so that an offset costs no digits."""
    centre = data.X.mean(axis=0)
    coef, cost = weighted_least_squares(with_ones(data.X - centre), y[data.labels], data.weights(weighting))
    slope = coef[:-1].T
    constant = coef[-1] - slope @ centre
    return AffineLeastSquares(affine_network(slope, constant, data.X, shift), slope, constant, cost)


@dataclass(frozen=True)
class LinearRegime:
    """The chain of values of networks that are linear on the training set, smallest first.

    Attributes
    ----------
    affine : float
        Affine least squares on R^M.
    affine_projected : float
        Affine least squares on P x.
    linear_projected : float
        Least squares on P x without intercept (the paper's (3.25)).
    mean_map : float
        Theorem 3.1, middle of (3.15).
    operator_bound : float
        ||Y||_op delta_P, right side of (3.15).
    """

    affine: float
    affine_projected: float
    linear_projected: float
    mean_map: float
    operator_bound: float


def linear_regime(X: ArrayLike, labels: ArrayLike, *, targets: ArrayLike | None = None) -> LinearRegime:
    """Evaluate the chain affine <= affine on range P <= linear on range P <= (3.15) <= ||Y|| delta_P, in cost C."""
    best = linear_optimum(X, labels, targets=targets, weighting="samples")
    return LinearRegime(
        affine=fit_affine(best.data, best.targets, "samples").cost,
        affine_projected=best.affine_value,
        linear_projected=best.paper_value,
        mean_map=best.mean_map_value,
        operator_bound=float(np.linalg.norm(best.targets, 2)) * best.data.delta_p,
    )
