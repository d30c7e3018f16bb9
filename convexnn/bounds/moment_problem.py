"""The moment relaxation of training, its points, and where to start.

Every piece s has a moment matrix M_s, the sum over its neurons of (a, w, b)(a, w, b)', and a mean output p_is for
every sample. See :mod:`convexnn.bounds.interior_point` for the problem and its solution.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from convexnn._types import Floats
from convexnn.bounds.features import MomentMaps
from convexnn.bounds.pieces import Piece
from convexnn.bounds.sample_terms import SampleDuals, sample_slacks
from convexnn.bounds.smoothed import SmoothLoss

__all__ = [
    "MomentProblem",
    "PiecePoint",
    "Point",
    "measure",
    "objective",
    "objective_of",
    "outputs",
    "start_point",
]


@dataclass(frozen=True)
class MomentProblem:
    """The relaxation in scaled units.

    Attributes
    ----------
    maps : MomentMaps
        Of the rows, whose last column is one if `bias`.
    loss : SmoothLoss
    beta : (c,) array
        Penalty of each output.
    bias : bool
        Whether biases are free; then the intercept is free, too.
    pieces : tuple of Piece
    """

    maps: MomentMaps
    loss: SmoothLoss
    beta: Floats
    bias: bool
    pieces: tuple[Piece, ...]

    def constraints(self, piece: Piece) -> Floats:
        """Vectors g with g.x > 0: of A - tr C_w, and with biases of the slice (b - l)(u - b)."""
        maps = self.maps
        j, k = maps.upper
        weights = maps.order - 1 - int(self.bias)
        trace = np.where((j == k) & (j >= 1) & (j <= weights), -1.0, 0.0)
        trace[0] = 1.0
        if not self.bias:
            return trace[None]
        between = np.zeros(maps.size)
        between[0] = -piece.lower * piece.upper
        between[maps.order - 1] = piece.lower + piece.upper
        between[-1] = -1.0
        return np.stack([trace, between])


@dataclass(frozen=True)
class PiecePoint:
    """Moments x (size,), means p (n,) and multipliers of a piece: Z of M, `ends` of its constraints, of samples."""

    x: Floats
    p: Floats
    Z: Floats
    ends: Floats
    samples: SampleDuals


@dataclass(frozen=True)
class Point:
    """A strictly feasible point: one entry for each piece, and the output intercepts (c,)."""

    pieces: tuple[PiecePoint, ...]
    shift: Floats


def start_point(problem: MomentProblem, total: float, mu: float) -> Point:
    """Moments of neurons that point everywhere and weigh `total` together; multipliers are mu over the slacks."""
    maps = problem.maps
    weights = maps.order - 1 - int(problem.bias)
    # Near the central path a piece weighs as much as it has cones: mu for each over its price.
    orders = np.array([maps.order + 5.0 * np.count_nonzero(piece.mid) for piece in problem.pieces])
    found = []
    for piece, a in zip(problem.pieces, total * orders / orders.sum()):
        M = np.diag(np.concatenate([[1.0], np.full(weights, 0.5 / weights), [0.0] * problem.bias]))
        if problem.bias:
            middle, half = 0.5 * (piece.lower + piece.upper), 0.5 * (piece.upper - piece.lower)
            M[0, -1] = M[-1, 0] = middle
            M[-1, -1] = middle * middle + 0.5 * half * half
        x = a * M[maps.upper]
        weight, mean, second = maps.moments(x)
        low = np.maximum(np.maximum(mean, 0.0), 0.5 * (1.0 + piece.tilt) * mean + piece.width * second)
        high = 0.5 * (mean + np.sqrt(weight * second))
        p = np.where(piece.mid, 0.5 * (low + high), np.where(piece.always, mean, 0.0))
        e, N = sample_slacks(piece, weight, mean, second, p)
        det = N[0] * N[2] - N[1] * N[1]
        samples = SampleDuals(mu / e, mu * np.stack([N[2], -N[1], N[0]]) / det)
        Z = np.asarray(mu * np.linalg.inv(maps.matrix(x)), dtype=np.float64)
        found.append(PiecePoint(x, p, Z, mu / (problem.constraints(piece) @ x), samples))
    return Point(tuple(found), problem.loss.best_constant() * float(problem.bias))


def outputs(problem: MomentProblem, means: list[Floats], shift: Floats) -> Floats:
    """Outputs (n, c) of given means."""
    f = np.zeros((len(problem.maps.rows), len(shift))) + shift
    for piece, p in zip(problem.pieces, means):
        f[:, piece.output] += piece.sign * p
    return f


def objective(problem: MomentProblem, point: Point) -> float:
    """Loss plus penalty of the relaxation."""
    f = outputs(problem, [each.p for each in point.pieces], point.shift)
    return objective_of(problem, f, np.array([each.x[0] for each in point.pieces]))


def objective_of(problem: MomentProblem, f: Floats, weights: Floats) -> float:
    """Loss plus penalty for given outputs and weights (S,) of the pieces."""
    penalty = sum(problem.beta[piece.output] * weight for piece, weight in zip(problem.pieces, weights))
    return problem.loss.value(f) + float(penalty)


def measure(problem: MomentProblem, point: Point) -> tuple[float, float]:
    """Sum of slacks times multipliers, and the mean of it over the orders of the cones."""
    total, count = 0.0, 0.0
    for piece, each in zip(problem.pieces, point.pieces):
        M = problem.maps.matrix(each.x)
        ends = problem.constraints(piece) @ each.x
        slack = sample_slacks(piece, *problem.maps.moments(each.x), each.p)
        mid = piece.mid
        total += float(np.sum(M * each.Z)) + float(ends @ each.ends) + each.samples.product(*slack, mid)
        count += len(M) + len(ends) + 5.0 * float(np.count_nonzero(mid))
    return total, total / count
