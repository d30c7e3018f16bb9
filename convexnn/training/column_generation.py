"""The one loop: solve on a working set, price all atoms, add the violators, until the gap closes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from convexnn._progress import Clock, Limits, Progress
from convexnn.network.neurons import NeuronSet
from convexnn.oracles.base import Oracle
from convexnn.restricted.base import RestrictedSolver, RestrictedState
from convexnn.restricted.problem import LassoProblem
from convexnn.restricted.solution import Solution, report
from convexnn.restricted.status import Status
from convexnn.training.parameters import ExactParams

__all__ = ["generate"]

# Inactive neurons that are kept however many samples there are.
_FEW = 16
# Neurons that are still used when the time is over, and the seconds for it.
_LAST, _MOMENT = 16, 0.05


def generate(
    problem: LassoProblem,
    oracle: Oracle,
    solver: RestrictedSolver,
    limits: Limits,
    *,
    params: ExactParams = ExactParams(),  # noqa: B008 (frozen)
    batch: int | None = None,
) -> Solution:
    """Run rounds until the relative gap over the oracle's scope is at most the tolerance, and return the best network.

    `solver` is changed in place, so that the next call (another beta) starts from its atoms. `batch` neurons are asked
    for per round, those of `params` by default.
    """
    trace: list[Progress] = []
    dual, best_v, idle, best_gap, last_primal = -np.inf, None, 0, np.inf, np.inf
    status = Status.ITERATION_LIMIT
    crowd = max(_FEW, params.max_inactive_entries // problem.frame.n)
    best: tuple[float, NeuronSet] | None = None
    for index in range(limits.max_iter):
        state = solver.solve(problem.beta, clock=limits.clock, accuracy=limits.tol)
        primal = problem.objective(state.f, state.z)
        v = problem.dual_vector(state.f, state.v)
        found = oracle.price(v, problem.beta, batch or params.batch, clock=limits.clock)
        bound = problem.dual_value(v, found.strongest) if found.complete else -np.inf
        if bound > dual:
            dual, best_v = bound, None if state.v is None else v
        progress = Progress(index + 1, primal, dual, state.n_active, limits.clock.seconds)
        trace.append(progress)
        report(progress, problem, limits.observer)
        if progress.relative_gap <= limits.tol:
            status = Status.CERTIFIED
            break
        if limits.clock.expired:
            # What has been priced when the time is over is still used.
            state = _last_solve(problem, solver, found.neurons, state, primal)
            primal = problem.objective(state.f, state.z)
            status = Status.TIME_LIMIT
            break
        # At small penalties the bound is of no use for long, while the objective falls.
        moving = progress.relative_gap < 0.9 * best_gap or primal < params.fallen * last_primal
        idle, last_primal = (0, primal) if moving else (idle + 1, last_primal)
        best_gap = min(best_gap, progress.relative_gap)
        working = solver.working  # some solvers put it together at every call
        if best is None or primal < best[0]:
            best = primal, working.with_coef(state.z, state.t).active()
        fresh = found.neurons.select(~working.contains(found.neurons))
        if len(fresh) == 0 or idle >= (params.patience_near if best_gap < params.near else params.patience):
            status = Status.STALLED
            break
        if index + 1 == limits.max_iter:
            break
        if len(working) > min(params.max_inactive, crowd) + 2 * progress.n_atoms:
            solver.drop_inactive(params.forgotten)
        solver.add(fresh)
    last = Solution(solver.working.with_coef(state.z, state.t).active(), best_v, primal, dual, status, tuple(trace))
    return last if best is None else last.unless_better(*best, limits.tol)


def _last_solve(
    problem: LassoProblem, solver: RestrictedSolver, found: NeuronSet, state: RestrictedState, primal: float
) -> RestrictedState:
    """One more solution, within a moment, with the strongest neurons that were priced; the old one if it is better."""
    fresh = found.select(~solver.working.contains(found)).select(slice(_LAST))
    if not len(fresh):
        return state
    solver.add(fresh)
    last = solver.solve(problem.beta, clock=Clock(_MOMENT))
    if problem.objective(last.f, last.z) <= primal:
        return last
    z = np.concatenate([state.z, np.zeros((len(solver.working) - len(state.z), state.z.shape[1]))])
    return replace(state, z=z)
