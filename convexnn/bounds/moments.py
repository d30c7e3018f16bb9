"""A dual vector and multipliers that bound training over all networks from below, in any dimension.

The relaxation of :mod:`convexnn.bounds.barrier` is solved for mu falling; now and then its dual vector (minus the
gradient of the loss) and multipliers are read off, completed (:mod:`convexnn.bounds.repair`), and valued. Nothing
here is trusted: :mod:`convexnn.certificate.moments` judges what comes out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from convexnn._progress import Clock
from convexnn._types import Floats
from convexnn.bounds.interior_point import OutOfTime, interior_step
from convexnn.bounds.moment_problem import MomentProblem, PiecePoint, Point, measure, objective, outputs, start_point
from convexnn.bounds.multipliers import PieceMultipliers
from convexnn.bounds.pieces import Piece
from convexnn.bounds.repair import best_multipliers

__all__ = ["MomentParams", "RawProposal", "converged", "propose"]


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


@dataclass(frozen=True)
class RawProposal:
    """What a certificate can be made of.

    Attributes
    ----------
    v : (n, c) array
        Dual vector, minus the gradient of the loss; not centred and not yet feasible.
    pieces : list of (int, PieceMultipliers)
        Output and multipliers.
    responses : (S,) array
        The bound of each piece in floating point.
    value : float
        Objective of the relaxation, which tends to the best bound from above.
    point : Point
    measure : float
        Duality measure.
    """

    v: Floats
    pieces: list[tuple[int, PieceMultipliers]]
    responses: Floats
    value: float
    point: Point
    measure: float

    def at(self, problem: MomentProblem, v: Floats) -> RawProposal:
        """The proposal for another dual vector, with multipliers read off at the same point."""
        return propose(problem, self.point, v)


def _of_piece(problem: MomentProblem, piece: Piece, here: PiecePoint, V: Floats) -> tuple[PieceMultipliers, float]:
    """Multipliers of one piece for V = sign v, from those of the interior point.

    The point has -4 Z_r >= 0 for the upper end of p and z1 + z2 + z3 for the lower; their difference tends to V, and
    only the one of the sign of V is kept, scaled to V: pointwise that lowers the form.
    """
    z, Z = here.samples.z, here.samples.Z
    size = float(np.abs(V).max()) + 1e-300
    upper = np.maximum(-4.0 * Z[1], 1e-12 * size)
    curvature = np.clip(8.0 * Z[2] * (np.abs(V) / upper), 1e-12 * size, 1e12 * size)
    kappa = np.where(piece.mid, z[2] / z.sum(axis=0), 0.0)
    slope = np.where(piece.mid, (z[1] - z[0]) / (z[0] + z[1]), 0.0)
    rows, up, down = problem.maps.rows, piece.mid & (V > 0), piece.mid & (V < 0)
    linear = np.where(piece.always, 2.0 * V, np.where(up, V, 0.0))
    linear[down] = (V * (1.0 + kappa * piece.tilt + (1.0 - kappa) * slope))[down]
    square = np.where(up, 0.25 * curvature, np.where(down, 2.0 * V * kappa * piece.width, 0.0))
    constant = float(np.sum(np.square(V[up]) / curvature[up]))
    start = (2.0 * here.ends[0], 2.0 * here.ends[1] if problem.bias else 0.0)
    ends = (piece.lower, piece.upper) if problem.bias else None
    omega, k, rest = best_multipliers((rows.T * square) @ rows, 0.5 * (rows.T @ linear), ends, start)
    made = PieceMultipliers(piece.sign, piece.lower, piece.upper, curvature, kappa, slope, omega, k)
    return made, 0.5 * (constant + rest)


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


def propose(problem: MomentProblem, point: Point, given: Floats | None = None) -> RawProposal:
    """Read multipliers off a point, and the dual vector too unless one is given."""
    f = outputs(problem, [each.p for each in point.pieces], point.shift)
    v = problem.loss.nearest_dual(-problem.loss.gradient(f) if given is None else given, centred=problem.bias)
    found, bounds = [], np.empty(len(problem.pieces))
    for s, (piece, here) in enumerate(zip(problem.pieces, point.pieces)):
        made, bounds[s] = _of_piece(problem, piece, here, piece.sign * v[:, piece.output])
        found.append((piece.output, made))
    return RawProposal(v, found, bounds, objective(problem, point), point, measure(problem, point)[0])
