"""One input feature, squared loss: knots instead of columns, so that a million samples are nothing special.

The network is piecewise linear with kinks at samples (Theorem 1). Between two knots the samples act through
two pseudo-samples, so the restricted Lasso has a few hundred rows whatever n is; a round costs two passes
over the sorted samples. Per segment the samples with the largest and smallest hinge response become knots.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from convexnn._native import core
from convexnn._progress import Clock, Limits, Progress
from convexnn._types import Floats, Ints
from convexnn.network.neurons import NeuronSet
from convexnn.restricted.problem import LassoProblem
from convexnn.restricted.solution import Solution, report
from convexnn.restricted.status import Status

__all__ = ["has_line_solver", "solve_line"]

_FIRST_KNOTS = 48
_TOLERANCE = 1e-12
# Inactive knots above which they are dropped.
_CROWD = 150


@dataclass(frozen=True)
class _Samples:
    """Samples in increasing x."""

    x: Floats
    y: Floats
    w: Floats | None
    order: Ints


@dataclass
class _Knots:
    """Working set: sample positions, and the coefficients of the hinges that open right and left there."""

    at: Ints
    right: Floats
    left: Floats

    def with_new(self, at: Ints) -> _Knots:
        merged = np.union1d(self.at, at)
        place = np.searchsorted(merged, self.at)
        right, left = np.zeros(len(merged)), np.zeros(len(merged))
        right[place], left[place] = self.right, self.left
        return _Knots(merged, right, left)

    def active(self) -> _Knots:
        on = (self.right != 0) | (self.left != 0)
        return _Knots(self.at[on], self.right[on], self.left[on])


def has_line_solver(problem: LassoProblem, solver: str) -> bool:
    """Whether :func:`solve_line` applies: one working dimension, free biases, squared loss, one output."""
    line = problem.frame.rank == 1 and problem.frame.affine and problem.n_outputs == 1
    plain = problem.loss_name == "squared_error" and problem.frame.activation.slope == 0.0
    return line and plain and solver in ("auto", "native")


def solve_line(problem: LassoProblem, limits: Limits) -> Solution:
    """Solve a problem with one working dimension, free biases, one output and squared loss."""
    samples = _sorted(problem)
    n = len(samples.x)
    first = np.unique(np.linspace(0, n - 1, min(n, _FIRST_KNOTS)).astype(np.int64))
    knots = _Knots(first, np.zeros(len(first)), np.zeros(len(first)))
    trace: list[Progress] = []
    status, dual = Status.ITERATION_LIMIT, -np.inf
    for index in range(limits.max_iter):
        knots, t = _restricted(samples, knots, problem.beta, limits.clock)
        penalty = problem.beta * float(np.abs(knots.right).sum() + np.abs(knots.left).sum())
        loss, bound, fresh = _price(samples, knots, t, problem.beta)
        primal, dual = loss + penalty, max(dual, bound)
        active = knots.active()
        count = int((active.right != 0).sum() + (active.left != 0).sum())
        trace.append(Progress(index + 1, primal, dual, count, limits.clock.seconds))
        report(trace[-1], problem, limits.observer)
        if trace[-1].relative_gap <= limits.tol:
            status = Status.CERTIFIED
            break
        fresh = np.setdiff1d(fresh, knots.at)
        if limits.clock.expired or not len(fresh):
            status = Status.TIME_LIMIT if limits.clock.expired else Status.STALLED
            break
        knots = (active if len(knots.at) > _CROWD + 2 * len(active.at) else knots).with_new(fresh)
    return _solution(samples, knots.active(), t, primal, dual, status, trace)


def _sorted(problem: LassoProblem) -> _Samples:
    x = problem.frame.points[:, 0]
    order = np.argsort(x)
    w = problem.loss.weight
    return _Samples(x[order], problem.targets[order, 0], None if w is None else w[order, 0], order)


def _hinges(rows: Floats, at: Floats) -> tuple[Floats, Floats]:
    """Values of the right and left hinges at positions `at` on the pseudo-samples, one row per hinge."""
    m = len(at)
    segment = np.arange(len(rows)) // 2
    values = rows[:, 1] - np.outer(at, rows[:, 0])  # the line x - at
    beyond = segment > np.arange(m)[:, None]
    return np.where(beyond, values, 0.0), np.where(beyond, 0.0, -values)


def _restricted(samples: _Samples, knots: _Knots, beta: float, clock: Clock) -> tuple[_Knots, float]:
    """Lasso over the hinges at the knots."""
    m = len(knots.at)
    rows = np.empty((2 * (m + 1), 3))
    core.line_compress(samples.x, samples.y, samples.w, knots.at, rows)
    right, left = _hinges(rows, samples.x[knots.at])
    solver = core.ActiveSetSolver(np.ascontiguousarray(rows[:, 2]), np.ascontiguousarray(rows[:, 0]))
    solver.add(np.concatenate([right, left]))
    solver.warm(np.concatenate([knots.right, knots.left]))
    solver.solve(beta, _TOLERANCE, 1_000_000, clock.deadline)
    z = np.empty(2 * m)
    solver.coefficients(z)
    return _Knots(knots.at, z[:m], z[m:]), float(solver.intercept)


def _price(samples: _Samples, knots: _Knots, t: float, beta: float) -> tuple[float, float, Ints]:
    """Loss, lower bound, and the samples whose hinges violate the dual constraint most, two per segment."""
    at = samples.x[knots.at]
    distance = at[:, None] - at
    values = t + np.maximum(distance, 0.0) @ knots.right + np.maximum(-distance, 0.0) @ knots.left
    slopes = np.concatenate([[0.0], np.cumsum(knots.right)]) - np.concatenate(
        [np.cumsum(knots.left[::-1])[::-1], [0.0]]
    )
    first = np.concatenate([at[:1], at])
    m = len(at)
    extremes, where, totals = np.empty((m + 1, 2)), np.empty((m + 1, 2), dtype=np.int64), np.empty(3)
    loss = core.line_price(
        samples.x, samples.y, samples.w, knots.at, first, np.concatenate([values[:1], values]), slopes,
        extremes, where, totals,
    )  # fmt: skip
    seen = where >= 0
    # The hinge to the left at x_j answers R_j - sum v (x - x_j), and sum v = 0.
    response = np.where(seen, np.maximum(np.abs(extremes), np.abs(extremes - totals[1])), 0.0)
    strongest = float(response.max())
    shrink = min(1.0, beta / strongest) if strongest > 0 else 1.0
    bound = shrink * (2.0 * loss + totals[2]) - shrink * shrink * loss
    return loss, bound, np.unique(where[seen & (response > beta)])


def _solution(
    samples: _Samples, knots: _Knots, t: float, primal: float, dual: float, status: Status, trace: list[Progress]
) -> Solution:
    right, left = np.flatnonzero(knots.right), np.flatnonzero(knots.left)
    which = np.concatenate([right, left])
    normals = np.concatenate([np.ones(len(right)), -np.ones(len(left))])
    neurons = NeuronSet(
        normals[:, None],
        -normals * samples.x[knots.at[which]],
        samples.order[knots.at[which]][:, None],
        np.concatenate([knots.right[right], knots.left[left]])[:, None],
        np.array([t]),
    )
    return Solution(neurons, None, primal, dual, status, tuple(trace))
