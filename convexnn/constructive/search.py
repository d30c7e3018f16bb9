"""Search for the hidden layer whose truncation leaves the least noise (section 3.3 of arXiv 2309.10370).

The last layer is eliminated (variable projection): only (W1, b1) is searched, first on a grid of cones that
cut one class, then by L-BFGS from the best of them. The identity region has zero gradient, so it is no start.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from convexnn._checks import check_count
from convexnn._types import ArrayLike, Floats
from convexnn.constructive.classes import ClassData, Weighting, check_class_targets, class_data
from convexnn.constructive.cones import cone_layer
from convexnn.constructive.coordinates import coordinate_map
from convexnn.constructive.cumulative import AffineMap
from convexnn.constructive.descent import squared_cost
from convexnn.constructive.halfspace import barycentre_axis
from convexnn.constructive.optimum import fit_affine, weighted_least_squares, with_ones
from convexnn.network import RELU, ReLUNetwork
from convexnn.network.objective import loss_and_gradient

__all__ = ["TruncationSearch", "best_truncation"]

Start = tuple[Floats, Floats]

_APERTURES = (1.0, 0.3, 0.1)
_QUANTILES = np.linspace(0.05, 0.95, 8)
_CORNERS = (0.0, 0.25, 0.5)


@dataclass(frozen=True)
class TruncationSearch:
    """The best hidden layer of width Q that was found.

    Attributes
    ----------
    network : ReLUNetwork
    cost : float
        Its cost, C_N or C after `weighting`.
    affine_cost : float
        Affine least squares in the same coordinates: what the identity region reaches.
    candidate_cost : float
        Best cone of the grid, before polishing.
    start_costs : tuple of float
        Polished cost of each start, grid starts first, then random ones.
    """

    network: ReLUNetwork
    cost: float
    affine_cost: float
    candidate_cost: float
    start_costs: tuple[float, ...]


@dataclass(frozen=True)
class _Problem:
    points: Floats
    wanted: Floats
    weights: Floats

    def solve(self, weight: Floats, bias: Floats) -> tuple[float, Floats]:
        """Cost and best output layer (m + 1, c) behind a hidden layer."""
        hidden = RELU.value(self.points @ weight.T + bias)
        coef, cost = weighted_least_squares(with_ones(hidden), self.wanted, self.weights)
        return cost, coef

    def gradient(self, theta: Floats, width: int) -> tuple[float, Floats]:
        """Squared cost minimised over the last layer, and its exact gradient in (W1, b1)."""
        m = self.points.shape[1]
        weight, bias = theta[: width * m].reshape(width, m), theta[width * m :]
        _, coef = self.solve(weight, bias)
        layers = ((weight, bias), (coef[:-1].T, coef[-1]))
        value, gradient = loss_and_gradient(layers, self.points, squared_cost(self.wanted, self.weights))
        return value, np.concatenate([gradient[0][0].ravel(), gradient[0][1]])


def _candidates(points: Floats, means: Floats) -> list[Start]:
    """Cones that look from a class at the barycentre, at several depths and apertures, and corners at the means."""
    starts: list[Start] = []
    middle = means.mean(axis=0)
    for mean in means:
        axis = barycentre_axis(mean, middle)
        along = (points - mean) @ axis
        for depth in np.quantile(along, _QUANTILES):
            for aperture in _APERTURES:
                cone = cone_layer(axis, mean + depth * axis, aperture)
                starts.append((cone.weight, cone.bias))
    q = len(means)
    starts += [(np.eye(q), np.full(q, -t)) for t in _CORNERS]
    return starts


def _polish(problem: _Problem, start: Start, max_iter: int) -> tuple[float, Start]:
    width, m = start[0].shape
    theta = np.concatenate([start[0].ravel(), start[1]])
    answer = minimize(
        problem.gradient,
        theta,
        args=(width,),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": max_iter, "gtol": 1e-10, "ftol": 1e-14},
    )
    x = np.asarray(answer.x)
    weight, bias = x[: width * m].reshape(width, m), x[width * m :]
    return problem.solve(weight, bias)[0], (weight, bias)


def _random_starts(points: Floats, n_random: int, rng: np.random.Generator) -> list[Start]:
    """Hyperplanes of random direction through random samples."""
    m = points.shape[1]
    starts: list[Start] = []
    for _ in range(n_random):
        weight = rng.standard_normal((m, m))
        chosen = points[rng.integers(len(points), size=m)]
        starts.append((weight, -(weight * chosen).sum(axis=1)))
    return starts


def best_truncation(
    X: ArrayLike,
    labels: ArrayLike,
    *,
    targets: ArrayLike | None = None,
    weighting: Weighting = "classes",
    n_polish: int = 3,
    n_random: int = 6,
    max_iter: int = 500,
    random_state: int | None = 0,
) -> TruncationSearch:
    """Shallow network of width Q with the least cost that a search over truncations finds.

    Parameters
    ----------
    X : (N, M) array
        Seen through its simplex coordinates Pen_c (x - centre) + 1/Q.
    labels : (N,) array
    targets : (Q, Q) array, optional
    weighting : "classes" or "samples"
    n_polish, n_random : int
        Grid cones and random starts that are polished.
    max_iter : int
        L-BFGS iterations per start.
    random_state : int, optional

    Raises
    ------
    RankDeficientMeansError
        If the class means are affinely dependent.
    """
    data = class_data(X, labels)
    y = check_class_targets(targets, data.n_classes)
    check_count("n_polish", n_polish)
    check_count("n_random", n_random, low=0)
    start = coordinate_map(data, "simplex")
    problem = _Problem(start(data.X), y[data.labels], data.weights(weighting))
    grid = sorted(
        (
            (problem.solve(*layer)[0], k, layer)
            for k, layer in enumerate(_candidates(problem.points, start(data.means)))
        ),
        key=lambda entry: entry[:2],
    )
    starts = [layer for _, _, layer in grid[:n_polish]]
    starts += _random_starts(problem.points, n_random, np.random.default_rng(random_state))
    polished = [_polish(problem, layer, max_iter) for layer in starts]
    cost, best = min(polished, key=lambda entry: entry[0])
    return TruncationSearch(
        network=_absorb(problem, start, best),
        cost=cost,
        affine_cost=_affine_cost(data, problem, y, weighting),
        candidate_cost=grid[0][0],
        start_costs=tuple(entry[0] for entry in polished),
    )


def _affine_cost(data: ClassData, problem: _Problem, y: Floats, weighting: Weighting) -> float:
    return fit_affine(data.replaced(problem.points), y, weighting).cost


def _absorb(problem: _Problem, start: AffineMap, layer: Start) -> ReLUNetwork:
    weight, bias = layer
    _, coef = problem.solve(weight, bias)
    return ReLUNetwork(weight @ start.matrix, weight @ start.offset + bias, coef[:-1], coef[-1])
