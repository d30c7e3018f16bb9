"""A dual vector and multipliers that bound training over all networks from below, in any dimension.

The relaxation of :mod:`convexnn.bounds.interior_point` is solved for mu falling; in the end its dual vector (minus
the gradient of the loss) and multipliers are read off, completed (:mod:`convexnn.bounds.repair`), and valued. Nothing
here is trusted: :mod:`convexnn.certificate.moments` judges what comes out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from convexnn._progress import Clock
from convexnn.bounds.interior_point import OutOfTime, interior_step
from convexnn.bounds.moment_problem import MomentProblem, PiecePoint, Point, measure, objective, outputs, start_point
from convexnn.bounds.pieces import Piece
from convexnn.bounds.shapes import Found, Shape, found_with

__all__ = ["Interior", "MomentParams", "converged", "propose"]


@dataclass(frozen=True)
class MomentParams:
    """Constants of the interior-point method.

    Attributes
    ----------
    start : float
        First sum of slacks times multipliers over the loss of the best constant. Far above it the first point is near
        the central path; at about the loss itself steps of a hundredth were seen where pieces differ much.
    weight : float
        Penalty of the first point over the loss of the best constant.
    stop : float
        Last sum of slacks times multipliers over the objective.
    max_steps : int
    stuck : float
        Step length below which the method stops.
    """

    start: float = 10.0
    weight: float = 10.0
    stuck: float = 1e-6
    stop: float = 1e-4
    max_steps: int = 60


def _shape_of(problem: MomentProblem, piece: Piece, here: PiecePoint) -> Shape:
    """Shape of one piece from the multipliers of the interior point.

    The point has -4 Z_r >= 0 for the upper end of p and z1 + z2 + z3 for the lower; their difference tends to V, and
    only the one of the sign of V is kept, scaled to V: pointwise that lowers the form.
    """
    z, Z = here.samples.z, here.samples.Z
    size = float(np.abs(Z[1]).max(initial=0.0)) + 1e-300
    steepness = 8.0 * Z[2] / np.maximum(-4.0 * Z[1], 1e-12 * size)
    kappa = np.where(piece.mid, z[2] / z.sum(axis=0), 0.0)
    slope = np.where(piece.mid, (z[1] - z[0]) / (z[0] + z[1]), 0.0)
    k = 2.0 * float(here.ends[1]) if problem.bias else 0.0
    return Shape(steepness, kappa, slope, 2.0 * float(here.ends[0]), k)


def converged(problem: MomentProblem, params: MomentParams, clock: Clock) -> Point:
    """The interior point when the method has converged or the time is up.

    A step is only begun if the longest one so far would fit into the time that is left.
    """
    point = _first_point(problem, params)
    longest = 0.0
    for _ in range(params.max_steps):
        left_over = clock.left
        if left_over is not None and left_over < 1.5 * longest:
            break
        began = clock.seconds
        try:
            point, length = interior_step(problem, point, clock=clock)
        except OutOfTime:
            break
        longest = max(longest, clock.seconds - began)
        left = measure(problem, point)[0]
        if left <= params.stop * abs(objective(problem, point)) or length < params.stuck:
            break
    return point


def _first_point(problem: MomentProblem, params: MomentParams) -> Point:
    scale = problem.loss.value(np.zeros_like(problem.loss.y) + problem.loss.best_constant() * float(problem.bias))
    total = params.weight * scale / float(problem.beta.max())
    unit = measure(problem, start_point(problem, total, 1.0))[0]
    return start_point(problem, total, params.start * scale / unit)


def propose(problem: MomentProblem, point: Point) -> Found:
    """Read dual vector and multipliers off a point."""
    f = outputs(problem, [each.p for each in point.pieces], point.shift)
    shapes = [_shape_of(problem, piece, here) for piece, here in zip(problem.pieces, point.pieces)]
    weights = np.array([here.x[0] for here in point.pieces])
    return found_with(problem, -problem.loss.gradient(f), shapes, weights, objective(problem, point))


class Interior:
    """Solves the relaxation for one set of pieces after another, each from a cold start.

    Parameters
    ----------
    params : MomentParams
    """

    # A round is only begun if this part of the time it is expected to take is left.
    least = 1.0

    def __init__(self, params: MomentParams) -> None:
        self._params = params

    def solve(self, problem: MomentProblem, clock: Clock) -> Found:
        """Dual vector and multipliers of the point where the method ends."""
        return propose(problem, converged(problem, self._params, clock))
