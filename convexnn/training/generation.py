"""The one loop: solve on a working set, price all atoms, add the violators, until the gap closes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from convexnn._progress import Limits, Observer, Progress, logger
from convexnn._types import Floats, Ints
from convexnn.oracles.candidates import Oracle
from convexnn.training.masters.base import Master
from convexnn.training.problem import LassoProblem
from convexnn.training.status import Status

__all__ = ["Solution", "generate", "report"]

# Atoms asked for per round, and the number of inactive ones above which the working set is tidied.
_BATCH = 64
_CROWD = 400
# Rounds without progress after which rounding is all that is left: few where the gap is small already. Progress is a
# smaller gap, or an objective below this share of what it was at the last progress.
_PATIENCE, _LONG_PATIENCE, _FALLEN = 6, 50, 0.99


@dataclass(frozen=True)
class Solution:
    """Coefficients over the working set, the dual vector v if the master offers one, and the way; working units."""

    normals: Floats
    offsets: Floats
    rows: Ints
    z: Floats
    t: Floats
    v: Floats | None
    primal: float
    dual: float
    status: Status
    trace: tuple[Progress, ...]
    strongest: float = np.nan
    """Largest response that a search has found at the solution; unset where an exact oracle was used."""

    def active(self) -> Solution:
        """Only the atoms with a coefficient."""
        on = np.flatnonzero(np.abs(self.z).max(axis=1, initial=0.0) > 0)
        return replace(self, normals=self.normals[on], offsets=self.offsets[on], rows=self.rows[on], z=self.z[on])


def generate(
    problem: LassoProblem, oracle: Oracle, master: Master, limits: Limits, *, batch: int = _BATCH
) -> Solution:
    """Run rounds until the relative gap over the oracle's scope is at most the tolerance.

    `master` is changed in place, so that the next call (another beta) starts from its atoms.
    """
    trace: list[Progress] = []
    dual, best_v, idle, best_gap, last_primal = -np.inf, None, 0, np.inf, np.inf
    status = Status.ITERATION_LIMIT
    for index in range(limits.max_iter):
        state = master.solve(problem.beta)
        primal = problem.objective(state.f, state.z)
        v = problem.dual_vector(state.f, state.v)
        found = oracle.price(v, problem.beta, batch)
        bound = problem.dual_value(v, found.strongest)
        if bound > dual:
            dual, best_v = bound, None if state.v is None else v
        progress = Progress(index + 1, primal, dual, state.n_active, limits.clock.seconds)
        trace.append(progress)
        report(progress, problem, limits.observer)
        if progress.relative_gap <= limits.tol:
            status = Status.CERTIFIED
            break
        if limits.clock.expired:
            status = Status.TIME_LIMIT
            break
        # At small penalties the bound is of no use for long, while the objective falls.
        moving = progress.relative_gap < 0.9 * best_gap or primal < _FALLEN * last_primal
        idle, last_primal = (0, primal) if moving else (idle + 1, last_primal)
        best_gap = min(best_gap, progress.relative_gap)
        working = master.working  # some masters put it together at every call
        fresh = working.unknown(found)
        if len(fresh) == 0 or idle >= (_PATIENCE if best_gap < 1e-7 else _LONG_PATIENCE):
            status = Status.STALLED
            break
        if index + 1 == limits.max_iter:
            break
        if len(working) > _CROWD + 2 * progress.n_atoms:
            master.tidy(0.6)
        master.add(fresh)
    work = master.working
    return Solution(work.normals, work.offsets, work.rows, state.z, state.t, best_v, primal, dual, status, tuple(trace))


def report(progress: Progress, problem: LassoProblem, observer: Observer | None) -> None:
    """Log a round and tell the observer, in the units of the user."""
    logger.info(
        "round %d: objective %.9g, relative gap %.2e, %d neurons",
        progress.round, progress.primal, progress.relative_gap, progress.n_atoms,
    )  # fmt: skip
    if observer is not None:
        unit = problem.y_scale**2
        observer(
            Progress(
                progress.round,
                progress.primal * unit,
                progress.dual * unit,
                progress.n_atoms,
                progress.seconds,
            )
        )
