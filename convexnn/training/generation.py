"""The one loop: solve on a working set, price all atoms, add the violators, until the gap closes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from convexnn._progress import Clock, Observer, Progress, logger
from convexnn._types import Floats, Ints
from convexnn.oracles.candidates import Candidates, Oracle
from convexnn.training.masters.base import Master, MasterState
from convexnn.training.problem import LassoProblem
from convexnn.training.status import Status

__all__ = ["Solution", "WorkingSet", "generate"]

# Atoms asked for per round, and the number of inactive ones above which the working set is tidied.
_BATCH = 64
_CROWD = 400
# Rounds without any progress of the gap after which rounding is all that is left.
_PATIENCE = 6


class WorkingSet:
    """The atoms a master knows, in its order."""

    def __init__(self, rank: int, width: int) -> None:
        self.normals: Floats = np.zeros((0, rank))
        self.offsets: Floats = np.zeros(0)
        self.rows: Ints = np.zeros((0, width), dtype=np.int64)

    def __len__(self) -> int:
        return len(self.offsets)

    def add(self, found: Candidates) -> None:
        self.normals = np.concatenate([self.normals, found.normals])
        self.offsets = np.concatenate([self.offsets, found.offsets])
        self.rows = np.concatenate([self.rows, found.rows])

    def keep(self, which: Ints) -> None:
        self.normals, self.offsets, self.rows = self.normals[which], self.offsets[which], self.rows[which]


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

    def active(self) -> Solution:
        """Only the atoms with a coefficient."""
        on = np.flatnonzero(np.abs(self.z).max(axis=1, initial=0.0) > 0)
        return Solution(
            self.normals[on], self.offsets[on], self.rows[on], self.z[on], self.t, self.v,
            self.primal, self.dual, self.status, self.trace,
        )  # fmt: skip


def generate(
    problem: LassoProblem,
    oracle: Oracle,
    master: Master,
    work: WorkingSet,
    *,
    tol: float,
    max_iter: int,
    clock: Clock,
    observer: Observer | None = None,
    on_state: Callable[[MasterState], None] | None = None,
) -> Solution:
    """Run rounds until the relative gap over the oracle's scope is at most `tol`.

    `master` and `work` hold the same atoms and are changed in place, so that the next call (another beta)
    starts from them.
    """
    trace: list[Progress] = []
    dual, best_v, idle, best_gap = -np.inf, None, 0, np.inf
    status = Status.ITERATION_LIMIT
    for index in range(max_iter):
        state = master.solve(problem.beta)
        primal = problem.objective(state.f, state.z)
        v = problem.dual_vector(state.f, state.v)
        found = oracle.price(v, problem.beta, _BATCH)
        bound = problem.dual_value(v, found.strongest)
        if bound > dual:
            dual, best_v = bound, None if state.v is None else v
        progress = Progress(index + 1, primal, dual, int((state.z != 0).any(axis=1).sum()), clock.seconds)
        trace.append(progress)
        _report(progress, problem, observer)
        if progress.relative_gap <= tol:
            status = Status.CERTIFIED
            break
        if clock.expired:
            status = Status.TIME_LIMIT
            break
        idle = 0 if progress.relative_gap < 0.9 * best_gap else idle + 1
        best_gap = min(best_gap, progress.relative_gap)
        fresh = _unknown(found, work)
        if len(fresh) == 0 or (idle >= _PATIENCE and best_gap < 1e-7):
            status = Status.STALLED
            break
        if len(work) > _CROWD + 2 * progress.n_atoms:
            work.keep(master.compact(0.6))
        work.add(fresh)
        master.add(np.ascontiguousarray(problem.frame.columns(fresh.normals, fresh.offsets).T))
    return Solution(work.normals, work.offsets, work.rows, state.z, state.t, best_v, primal, dual, status, tuple(trace))


def _unknown(found: Candidates, work: WorkingSet) -> Candidates:
    """Candidates that the master does not hold yet: it has priced its own atoms to full accuracy."""
    if not len(found) or not len(work):
        return found
    known = work.normals @ found.normals.T + 0.0
    lengths = np.sqrt((work.normals**2).sum(axis=1))[:, None] * np.sqrt((found.normals**2).sum(axis=1))
    parallel = known >= (1.0 - 1e-15) * lengths
    same = parallel & (np.abs(work.offsets[:, None] - found.offsets) <= 1e-15)
    keep = ~same.any(axis=0)
    return Candidates(
        found.normals[keep], found.offsets[keep], found.rows[keep], found.responses[keep], found.strongest
    )


def _report(progress: Progress, problem: LassoProblem, observer: Observer | None) -> None:
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
