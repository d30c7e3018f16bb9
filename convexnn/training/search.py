"""High dimension: convex master and joint movement by turns, an ascent oracle deciding what enters.

Column generation finds a wide network near the best its directions allow; moving all neurons together from there
ends far lower than from random weights. Then by turns: merge similar neurons, move, search neurons that would
still lower the objective, solve the convex master over all of them. The best network is kept, so the objective
of what is returned never rises. Nothing here is a proof; the scope is "searched".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from convexnn._progress import Clock, Observer, Progress
from convexnn._types import Floats
from convexnn.oracles.candidates import Candidates, Oracle
from convexnn.oracles.search import SearchOracle
from convexnn.oracles.snap import snapped
from convexnn.training.descent import Neurons, descend
from convexnn.training.generation import Solution, report
from convexnn.training.masters.base import ColumnMaster
from convexnn.training.merge import merge
from convexnn.training.problem import LassoProblem
from convexnn.training.restarts import pooled, wide_start
from convexnn.training.status import Status

__all__ = ["solve_search"]

_BATCH = 100  # neurons that enter per round of column generation
_INSERT = 40  # ... and per round of joint movement
_ITERATIONS = 400  # L-BFGS iterations per round
_MERGE = 2e-3  # relative objective that merges of one round may cost before the neurons move again
# Column generation ends when five rounds together gain less than this share.
_SLOW = 0.01
# Further beginnings, and the relative gain of one that makes the next worthwhile.
_RESTARTS, _WORTH = 3, 1e-4
_GENERATIONS = 60
# Rounds that gain less than _SNAP also offer snapped neurons; after _PATIENCE rounds below _GAIN the search ends.
_SNAP, _GAIN, _PATIENCE = 1e-3, 1e-6, 3
_EXACT_PATIENCE = 40  # an exact oracle shows what is missing, so slow progress is still progress
# Bytes of columns the master may hold.
_COLUMN_BYTES = 2**29


@dataclass
class _Run:
    """State of one search."""

    problem: LassoProblem
    oracle: Oracle
    make_master: Callable[[], ColumnMaster]
    clock: Clock
    observer: Observer | None
    tol: float  # relative violation of the dual constraint that counts as none
    gap: float  # relative gap at which an exact oracle ends the run
    trace: list[Progress]
    best: Neurons
    value: float
    strongest: float = np.inf
    bound: float = -np.inf
    proof: Floats | None = None  # the dual vector with the best bound of an exact oracle
    floor: float = np.inf  # best value of the runs before this one

    def again(self, neurons: Neurons) -> _Run:
        """A run from another beginning, with the same trace."""
        return replace(self, best=neurons, value=neurons.objective(self.problem), floor=min(self.floor, self.value))

    def keep(self, neurons: Neurons) -> bool:
        """Remember a network if it is the best so far."""
        value = neurons.objective(self.problem)
        if value < self.value:
            self.best, self.value = neurons, value
            return True
        return False

    @property
    def closed(self) -> bool:
        """Whether an exact oracle has proved the best network optimal."""
        return self.oracle.exact and self.value - self.bound <= self.gap * max(abs(self.value), abs(self.bound))

    def look(self, neurons: Neurons, limit: int, *, thorough: bool = False) -> Candidates:
        """Search violators of the dual constraint at a network."""
        v = self.problem.dual_vector(neurons.outputs(self.problem))
        oracle = self.oracle
        if isinstance(oracle, SearchOracle):
            oracle.remember(neurons.normals)
            oracle = oracle.thorough() if thorough else oracle
        found = oracle.price(v, self.problem.beta * (1.0 + self.tol), limit)
        bound = self.problem.dual_value(v, found.strongest)
        # Bounds of an exact oracle hold whatever network they come from; those of a search are a hint only.
        if not self.oracle.exact:
            self.bound = min(bound, self.value)
        elif bound > self.bound:
            self.bound, self.proof = bound, v
        value = min(self.value, self.floor)
        progress = Progress(len(self.trace) + 1, value, min(self.bound, value), len(neurons), self.clock.seconds)
        self.trace.append(progress)
        report(progress, self.problem, self.observer)
        if neurons is self.best:
            self.strongest = found.strongest
        return found


def solve_search(
    problem: LassoProblem,
    oracle: Oracle,
    make_master: Callable[[], ColumnMaster],
    *,
    tol: float,
    max_iter: int,
    clock: Clock,
    observer: Observer | None = None,
    start: Neurons | None = None,
    random_state: int = 0,
) -> Solution:
    """Search a network with a low objective.

    Parameters
    ----------
    problem : LassoProblem
    oracle : Oracle
        A search; or an exact one, where no master moves neurons (several outputs, l2): the run then ends with a proof.
    make_master : callable
        Makes a master for fixed neurons.
    tol : float
        Relative gap; with a search, the relative violation of the dual constraint that counts as none.
    max_iter : int
        Rounds of joint movement.
    clock, observer :
        Time limit and progress.
    start : Neurons, optional
        Where to begin; with an exact oracle, the optimum over the dictionary. Without it a search begins several
        times.
    random_state : int
        Seed of the further beginnings.
    """
    c = problem.targets.shape[1]
    t = problem.loss.best_constant() if problem.intercept else np.zeros(c)
    empty = Neurons(np.zeros((0, problem.frame.rank)), np.zeros(0), np.zeros((0, c)), t)
    # With an exact oracle the gap is about the violation, so the violation must be below the gap that is asked for.
    violation = 0.2 * tol if oracle.exact else max(tol, 1e-4)

    def timed_master() -> ColumnMaster:
        master = make_master()
        master.clock = clock
        return master

    run = _Run(problem, oracle, timed_master, clock, observer, violation, tol, [], empty, empty.objective(problem))
    neurons = empty if start is None else start
    run.keep(neurons)
    if isinstance(oracle, SearchOracle):
        oracle.clock = clock
        neurons = _generate(run, neurons, max_iter)
    status = _improve(run, neurons, max_iter)
    if isinstance(oracle, SearchOracle) and start is None and len(run.best):
        status = _begin_again(run, status, max_iter, np.random.default_rng(random_state))
    width = max(problem.frame.subset_size, 1)
    best = run.best
    if not oracle.exact:
        run.look(best, 1, thorough=status is not Status.TIME_LIMIT)
    return Solution(
        normals=best.normals,
        offsets=best.offsets,
        rows=np.full((len(best), width), -1, dtype=np.int64),
        z=best.z,
        t=best.t,
        v=run.proof,
        primal=run.value,
        dual=run.trace[-1].dual if run.trace else run.value,
        status=status,
        trace=tuple(run.trace),
        strongest=run.strongest,
    )


def _begin_again(run: _Run, status: Status, max_iter: int, rng: np.random.Generator) -> Status:
    """Further beginnings from wide random networks; a master over all their neurons, improved, after each."""
    found = [run.best]
    for _ in range(_RESTARTS):
        if run.clock.expired or len(run.trace) >= max_iter:
            break
        before = run.value
        # The master drops most of a thousand neurons at no cost, before anything is moved at length.
        wide = wide_start(run.problem, rng, run.clock)
        other = run.again(_only(run, wide.normals, wide.offsets))
        _improve(other, other.best, max_iter - len(run.trace))
        run.keep(other.best)
        found.append(other.best)
        neurons = _only(run, *pooled(found))
        run.keep(neurons)
        status = _improve(run, neurons, max(1, max_iter - len(run.trace)))
        found.append(run.best)
        if before - run.value < _WORTH * run.value:
            break
    return Status.TIME_LIMIT if run.clock.expired else status


def _generate(run: _Run, neurons: Neurons, max_iter: int) -> Neurons:
    """Column generation with fixed directions until it becomes slow."""
    problem, master = run.problem, run.make_master()
    crowd = max(2 * _BATCH, min(1500, _COLUMN_BYTES // (8 * problem.frame.n)))
    values = [run.value]
    if len(neurons):
        _add(master, neurons.normals, neurons.offsets)
    for _ in range(min(max_iter, _GENERATIONS)):
        fresh = run.look(neurons, _BATCH)
        if not len(fresh) or run.clock.expired:
            break
        if len(master.working) > crowd:
            master.tidy(0.7)
        _add(master, fresh.normals, fresh.offsets)
        neurons = _solved(problem, master)
        run.keep(neurons)
        values.append(neurons.objective(problem))
        slow = len(values) > 5 and values[-6] - values[-1] < _SLOW * values[-1]
        if slow or len(neurons) + _BATCH > crowd:
            break
    return neurons


def _add(master: ColumnMaster, normals: Floats, offsets: Floats) -> None:
    rows = np.full((len(offsets), master.working.rows.shape[1]), -1, dtype=np.int64)
    master.add(Candidates(normals, offsets, rows, np.zeros(len(offsets)), 0.0))


def _only(run: _Run, normals: Floats, offsets: Floats) -> Neurons:
    """The best network with these neurons."""
    master = run.make_master()
    _add(master, normals, offsets)
    return _solved(run.problem, master)


def _solved(problem: LassoProblem, master: ColumnMaster) -> Neurons:
    """Neurons with a coefficient in the solution of a master."""
    state = master.solve(problem.beta)
    on = np.flatnonzero((state.z != 0).any(axis=1))
    return Neurons(master.working.normals[on], master.working.offsets[on], state.z[on], state.t)


def _insert(run: _Run, neurons: Neurons, fresh: Candidates, snaps: tuple[Floats, Floats] | None) -> Neurons:
    """Best coefficients for fixed neurons, old and new; those without one are dropped."""
    master = run.make_master()
    _add(master, neurons.normals, neurons.offsets)
    _add(master, fresh.normals, fresh.offsets)
    if snaps is not None:
        _add(master, *snaps)
    z = np.zeros((len(master.working), neurons.z.shape[1]))
    z[: len(neurons)] = neurons.z
    master.start(z)
    return _solved(run.problem, master)


def _improve(run: _Run, neurons: Neurons, max_iter: int) -> Status:
    """Merge, move, search, solve, until nothing is gained."""
    problem, idle, gain = run.problem, 0, 1.0
    for _ in range(max_iter):
        before = run.value
        neurons = _move(run, neurons, fine=gain < _SNAP)
        merged = merge(problem, neurons, _MERGE)
        if len(merged) < len(neurons):
            merged = _move(run, merged, fine=gain < _SNAP)
            if merged.objective(problem) <= neurons.objective(problem) * (1.0 + 1e-6):
                neurons = merged
        run.keep(neurons)
        if run.clock.expired:
            return Status.TIME_LIMIT
        fresh = run.look(neurons, _INSERT)
        if run.closed:
            return Status.CERTIFIED
        gain = (before - run.value) / max(abs(before), np.finfo(float).tiny)
        idle = idle + 1 if gain < _GAIN else 0
        if not len(fresh) and idle and not run.oracle.exact:
            fresh = run.look(neurons, _INSERT, thorough=True)
            if not len(fresh):
                return Status.SEARCHED
        if idle >= (_EXACT_PATIENCE if run.oracle.exact else _PATIENCE):
            return Status.SETTLED
        snaps = snapped(problem.frame, neurons.normals, neurons.offsets) if gain < _SNAP else None
        neurons = _insert(run, neurons, fresh, snaps)
        run.keep(neurons)
    return Status.ITERATION_LIMIT


def _move(run: _Run, neurons: Neurons, *, fine: bool) -> Neurons:
    """Joint descent, to more digits when rounds gain little."""
    return descend(run.problem, neurons, max_iter=_ITERATIONS, clock=run.clock, tol=1e-12 if fine else 1e-7)
