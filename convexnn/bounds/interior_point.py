"""Primal-dual interior-point method for the moment relaxation of training.

Every piece s has a moment matrix M_s, the sum over its neurons of (a, w, b)(a, w, b)', and a mean output p_is for
every sample, so that with signs sigma_s the relaxation is

    min  loss(sum_s sigma_s p_s + t) + sum_s beta A_s   over  M_s >= 0,  tr C_s <= A_s,  slices,  p_is in its range.

Newton steps with Nesterov-Todd scaling (as in Vandenberghe, The CVXOPT linear and quadratic cone program solvers,
2010). The means p are eliminated sample by sample; what remains are systems of the order of M_s for each piece, which
meet in the outputs only, in a system of order n for each output. All slacks are affine in the unknowns, so points
stay feasible.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cholesky, solve_triangular

from convexnn._progress import UNLIMITED, Clock
from convexnn._types import Floats
from convexnn.bounds.coupling import Coupling
from convexnn.bounds.moment_problem import MomentProblem, PiecePoint, Point, measure, outputs
from convexnn.bounds.pieces import Piece
from convexnn.bounds.sample_terms import SampleDuals, SampleTerms, sample_terms
from convexnn.bounds.scaling import longest, longest_matrix, scaling_matrix

__all__ = ["OutOfTime", "interior_step"]

# A step shorter than this is taken again without correction.
_SHORT = 0.2


class OutOfTime(Exception):
    """The clock ran out within a step, which is then lost."""


@dataclass(frozen=True)
class _Targets:
    """Multipliers of a piece that a Newton step aims at."""

    Z: Floats
    ends: Floats
    samples: SampleDuals


@dataclass(frozen=True)
class _System:
    """Newton equations of one piece: K dx = -r - B y and dp = -(gp + cross.dx + sigma y) / pp."""

    piece: Piece
    here: PiecePoint
    terms: SampleTerms
    moment_factor: Floats
    dual_factor: Floats
    W: Floats
    inverse: Floats
    constraints: Floats
    factor: Floats
    response: Floats  # factor^-1 B

    def targets(self, problem: MomentProblem, mu: float, predicted: PiecePoint | None) -> _Targets:
        """What the multipliers should become, with a correction of second order for a predicted step."""
        slack = self.constraints @ self.here.x
        if predicted is None:
            zero = SampleDuals(np.zeros((3, 1)), np.zeros((3, 1)))
            return _Targets(mu * self.inverse, mu / slack, self.terms.targets(mu, zero))
        product = self.inverse @ problem.maps.matrix(predicted.x) @ predicted.Z
        ends = (mu - (self.constraints @ predicted.x) * predicted.ends) / slack
        moved = self.terms.second_order(*problem.maps.moments(predicted.x), predicted.p, predicted.samples)
        return _Targets(mu * self.inverse - 0.5 * (product + product.T), ends, self.terms.targets(mu, moved))

    def right(self, problem: MomentProblem, targets: _Targets) -> tuple[Floats, Floats]:
        """r and the gradient by p for given targets of the multipliers."""
        maps = problem.maps
        ga, gm, gq, gp = self.terms.gradient(targets.samples)
        ca, cm, cq = self.terms.cross
        part = gp / self.terms.pp
        r = maps.adjoint(float((ga - ca * part).sum()), gm - cm * part, gq - cq * part)
        r -= targets.Z[maps.upper] * maps.double + self.constraints.T @ targets.ends
        r[0] += problem.beta[self.piece.output]
        return r, gp


def _system(problem: MomentProblem, piece: Piece, here: PiecePoint) -> _System:
    maps = problem.maps
    terms = sample_terms(piece, *maps.moments(here.x), here.p, here.samples)
    L: Floats = np.asarray(np.linalg.cholesky(maps.matrix(here.x)), dtype=np.float64)
    R: Floats = np.asarray(np.linalg.cholesky(here.Z), dtype=np.float64)
    W, inverse = scaling_matrix(L, R)
    G = problem.constraints(piece)
    aa, am, aq, mm, mq, qq = terms.reduced
    K = maps.hessian(float(aa.sum()), am, aq, mm, mq, qq) + maps.log_det_hessian(W)
    K += (G.T * (here.ends / (G @ here.x))) @ G
    ca, cm, cq = -terms.cross / terms.pp
    B = piece.sign * maps.columns(ca, cm + piece.always, cq)
    factor = _factor(K)
    response = solve_triangular(factor, B, lower=True, check_finite=False)
    return _System(piece, here, terms, L, R, W, inverse, G, factor, response)


def _factor(K: Floats) -> Floats:
    """Cholesky factor, with as little added to the diagonal as makes it exist."""
    diagonal = np.diag(K)
    for lift in (0.0, 1e-14, 1e-11, 1e-8):
        try:
            L: Floats = cholesky(K + np.diag(lift * diagonal), lower=True, check_finite=False)
            return L
        except np.linalg.LinAlgError:
            continue
    raise np.linalg.LinAlgError("The Newton matrix of a piece is not positive definite.")


class _Equations:
    """Factored Newton equations at a point, solved for several targets mu."""

    def __init__(self, problem: MomentProblem, point: Point, clock: Clock) -> None:
        self.problem, self.point = problem, point
        f = outputs(problem, [each.p for each in point.pieces], point.shift)
        self.gradient = problem.loss.gradient(f)
        # Twice the diagonal is above the whole Hessian where outputs meet in the loss.
        curvature = problem.loss.curvature(f) * (1.0 if problem.loss.separable else 2.0)
        self.curvature = np.maximum(curvature, 1e-8 * max(float(curvature.max()), 1e-300))
        self.systems = []
        for piece, each in zip(problem.pieces, point.pieces):
            if clock.expired:
                raise OutOfTime
            self.systems.append(_system(problem, piece, each))
        self.factors = [self._factor_output(output) for output in range(f.shape[1])]

    def _factor_output(self, output: int) -> Coupling:
        """The system  diag(1/h + sum 1/pp) + sum B'K^-1 B  of one output."""
        E = 1.0 / self.curvature[:, output]
        mine = [system for system in self.systems if system.piece.output == output]
        for system in mine:
            E = E + system.piece.mid / system.terms.pp
        return Coupling(E, np.concatenate([system.response for system in mine]))

    def solve(self, mu: float, predicted: Point | None = None) -> Point:
        """Step of all unknowns and multipliers towards the central point of mu."""
        steps = [None] * len(self.systems) if predicted is None else list(predicted.pieces)
        targets = [system.targets(self.problem, mu, step) for system, step in zip(self.systems, steps)]
        y, shift = np.empty_like(self.gradient), np.zeros_like(self.point.shift)
        rights = [system.right(self.problem, target) for system, target in zip(self.systems, targets)]
        residuals = [
            solve_triangular(system.factor, r, lower=True) for system, (r, _) in zip(self.systems, rights)
        ]
        for output in range(y.shape[1]):
            right = self.gradient[:, output] / self.curvature[:, output]
            for system, (_, gp), residual in zip(self.systems, rights, residuals):
                if system.piece.output == output:
                    right = right - system.piece.sign * gp / system.terms.pp - system.response.T @ residual
            y[:, output] = self.factors[output].solve(right)
            if self.problem.bias:
                ones = self.factors[output].solve(np.ones(len(right)))
                shift[output] = -float(y[:, output].sum()) / float(ones.sum())
                y[:, output] += shift[output] * ones
        moved = [
            self._piece_step(system, gp, residual, y[:, system.piece.output], target)
            for system, (_, gp), residual, target in zip(self.systems, rights, residuals, targets)
        ]
        return Point(tuple(moved), shift)

    def _piece_step(
        self, system: _System, gp: Floats, residual: Floats, y: Floats, targets: _Targets
    ) -> PiecePoint:
        piece, terms, maps = system.piece, system.terms, self.problem.maps
        dx = -solve_triangular(system.factor, residual + system.response @ y, lower=True, trans="T")
        a, mean, second = maps.moments(dx)
        ca, cm, cq = terms.cross
        dp = -(gp + ca * a + cm * mean + cq * second + piece.sign * y) / terms.pp
        dp = np.where(piece.mid, dp, np.where(piece.always, mean, 0.0))
        here = system.here
        dZ = targets.Z - here.Z - system.W @ maps.matrix(dx) @ system.W
        slack = system.constraints @ here.x
        ends = targets.ends - here.ends * (1.0 + system.constraints @ dx / slack)
        return PiecePoint(dx, dp, 0.5 * (dZ + dZ.T), ends, terms.dual_step(a, mean, second, dp, targets.samples))

    def longest_steps(self, step: Point) -> tuple[float, float]:
        """Longest steps that keep slacks and multipliers positive."""
        primal = dual = 1e12
        for system, moved in zip(self.systems, step.pieces):
            here, maps = system.here, self.problem.maps
            inner = system.terms.longest_steps(*maps.moments(moved.x), moved.p, moved.samples)
            G = system.constraints
            primal = min(primal, inner[0], longest(G @ here.x, G @ moved.x))
            primal = min(primal, longest_matrix(system.moment_factor, maps.matrix(moved.x)))
            dual = min(dual, inner[1], longest(here.ends, moved.ends))
            dual = min(dual, longest_matrix(system.dual_factor, moved.Z))
        return primal, dual


def interior_step(
    problem: MomentProblem, point: Point, *, keep: float = 0.1, clock: Clock = UNLIMITED
) -> tuple[Point, float]:
    """One step: predict how far mu can fall, aim there, and go until `keep` of the way to the boundary is left.

    Returns the new point and the shorter of the step lengths of unknowns and multipliers.

    Raises
    ------
    OutOfTime
        If the clock runs out while the equations are set up.
    """
    equations = _Equations(problem, point, clock)
    mu = measure(problem, point)[1]
    predicted = equations.solve(0.0)
    length = min(1.0, *equations.longest_steps(predicted))
    step = equations.solve(mu * max((1.0 - length) ** 3, 1e-3), predicted)
    length = min(1.0, *((1.0 - keep) * longest_ for longest_ in equations.longest_steps(step)))
    if length < _SHORT:
        # Near the boundary the correction is far too large; a plain step that mostly centres goes further.
        step = equations.solve(0.5 * mu)
        length = min(1.0, *((1.0 - keep) * longest_ for longest_ in equations.longest_steps(step)))
    return _moved(point, step, length), length


def _moved(point: Point, step: Point, length: float) -> Point:
    pieces = tuple(
        PiecePoint(
            here.x + length * moved.x,
            here.p + length * moved.p,
            here.Z + length * moved.Z,
            here.ends + length * moved.ends,
            SampleDuals(
                here.samples.z + length * moved.samples.z, here.samples.Z + length * moved.samples.Z
            ),
        )
        for here, moved in zip(point.pieces, step.pieces)
    )
    return Point(pieces, point.shift + length * step.shift)
