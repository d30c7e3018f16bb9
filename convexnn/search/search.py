"""High dimension: annealed random networks, a convex master that combines them, an ascent oracle that checks.

A wide random network annealed through rounded ReLUs ends in a good local minimum. By turns, another one is annealed
apart or together with the best so far; the convex master takes the best neurons of both, and they move once more. Then
rounds of merging, moving, searching neurons that would still lower the objective, and solving the master end the run.
The best network is kept, so its objective never rises, until a search that gains nothing any more, or whose time is
nearly over, drops the neurons that gain less than it can tell. Nothing here is a proof; the scope is "searched".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from convexnn._progress import Clock, Limits, Progress
from convexnn._types import Floats
from convexnn.oracles.ascent import AscentOracle
from convexnn.oracles.base import Candidates, Oracle
from convexnn.oracles.snap import snapped
from convexnn.restricted.base import ColumnSolver
from convexnn.restricted.problem import LassoProblem
from convexnn.restricted.solution import Solution, report
from convexnn.restricted.status import Status
from convexnn.search.descent import Neurons, anneal, descend
from convexnn.search.drop import thin
from convexnn.search.merge import merge
from convexnn.search.multistart import MultiStart, joined

__all__ = ["solve_search"]

_INSERT = 40  # neurons that enter per round
# L-BFGS iterations per round, fewer where their operations would exceed a limit.
_ITERATIONS, _FEWEST, _WORK = 400, 50, 2e11
_POLISH = (0.01, 0.003, 0.001)  # widths of rounding in late rounds
_LEAST = 0.002  # share of the relative gain asked for; an iteration of a late descent that gains less is the last
_MERGE = 2e-3  # relative objective that merges of one round may cost before the neurons move again
# Beginnings end after so many in a row that gain less than this share of the objective each.
_WORTH, _VAIN = 5e-5, 3
# Rounds that gain less than _SNAP also offer snapped neurons; after _PATIENCE rounds below _GAIN the search ends.
_SNAP, _GAIN, _PATIENCE = 1e-3, 5e-6, 4
_ROUGH = 0.01  # of it: relative objective that a master may leave, as the neurons move afterwards
# Relative objective that fewer neurons may cost, as a share of the violation that counts as none: before the last look,
# after it, and (absolute) in a search that its time limit ends, after which share of the time.
_THIN, _THIN_LAST, _THIN_LATE, _LATE = 0.2, 0.3, 3e-4, 0.85
_EXACT_GAIN, _EXACT_PATIENCE = 1e-6, 40  # an exact oracle shows what is missing, so slow progress is still progress


@dataclass
class _Run:
    """State of one search."""

    problem: LassoProblem
    oracle: Oracle
    make_solver: Callable[[], ColumnSolver]
    limits: Limits
    clock: Clock  # of what is done now; the limits have the one of the whole search
    tol: float  # relative violation of the dual constraint that counts as none
    trace: list[Progress]
    best: Neurons
    value: float
    lowest: float = np.inf  # value of a best network before it was thinned
    strongest: float = np.inf  # response found at the best network, and whether a thorough look found it
    certain: bool = False
    bound: float = -np.inf
    proof: Floats | None = None  # the dual vector with the best bound of an exact oracle

    def keep(self, neurons: Neurons) -> bool:
        """Remember a network if it is the best so far."""
        value = neurons.objective(self.problem)
        if value < self.value:
            self.best, self.value, self.certain = neurons, value, False
            return True
        return False

    def thin(self, within: float) -> Neurons:
        """Let the best network be one with fewer neurons, at most this share above the lowest one."""
        self.lowest = min(self.lowest, self.value)
        highest = self.lowest * (1.0 + within)
        best = thin(self.problem, self.best, highest, lambda few: _move(self, few, fine=True), self.clock)
        if best is not self.best:
            self.best, self.value, self.certain = best, best.objective(self.problem), False
        return self.best

    @property
    def closed(self) -> bool:
        """Whether an exact oracle has proved the best network optimal."""
        return self.oracle.exact and self.value - self.bound <= self.limits.tol * max(abs(self.value), abs(self.bound))

    @property
    def least(self) -> float:
        """Relative gain per iteration below which a descent ends."""
        return 1e-12 if self.oracle.exact else _LEAST * self.limits.tol

    def look(self, neurons: Neurons, limit: int, *, thorough: bool = False) -> Candidates:
        """Search violators of the dual constraint at a network."""
        v = self.problem.dual_vector(neurons.outputs(self.problem))
        oracle = self.oracle
        if isinstance(oracle, AscentOracle):
            oracle.remember(neurons.normals)
            oracle = oracle.thorough() if thorough else oracle
        found = oracle.price(v, self.problem.beta * (1.0 + self.tol), limit)
        bound = self.problem.dual_value(v, found.strongest)
        # Bounds of an exact oracle hold whatever network they come from; those of a search are a hint only.
        if not self.oracle.exact:
            self.bound = min(bound, self.value)
        elif bound > self.bound:
            self.bound, self.proof = bound, v
        bound = min(self.bound, self.value)
        progress = Progress(len(self.trace) + 1, self.value, bound, len(neurons), self.limits.clock.seconds)
        self.trace.append(progress)
        report(progress, self.problem, self.limits.observer)
        if neurons is self.best:
            self.strongest, self.certain = found.strongest, thorough
        return found


def solve_search(
    problem: LassoProblem,
    oracle: Oracle,
    make_solver: Callable[[], ColumnSolver],
    limits: Limits,
    *,
    start: Neurons | None = None,
    random_state: int = 0,
) -> Solution:
    """Search a network with a low objective.

    Parameters
    ----------
    problem : LassoProblem
    oracle : Oracle
        A search; or an exact one, where no master moves neurons (several outputs, l2): the run then ends with a proof.
    make_solver : callable
        Makes a master for fixed neurons.
    limits : Limits
        With a search, the tolerance is the relative violation of the dual constraint that counts as none; rounds are
        those of joint movement.
    start : Neurons, optional
        Where to begin; with an exact oracle, the optimum over the dictionary. Without it a search begins several
        times.
    random_state : int
        Seed of the further beginnings.
    """
    c = problem.targets.shape[1]
    t = problem.loss.best_constant() if problem.intercept else np.zeros(c)
    empty = Neurons(np.zeros((0, problem.frame.rank)), np.zeros(0), np.zeros((0, c)), t)
    clock = limits.clock
    # With an exact oracle the gap is about the violation, so the violation must be below the gap that is asked for.
    violation = 0.2 * limits.tol if oracle.exact else max(limits.tol, 1e-4)

    def timed_master() -> ColumnSolver:
        master = make_solver()
        master.clock = run.clock
        master.inaccuracy = 0.0 if oracle.exact else _ROUGH * violation
        return master

    run = _Run(problem, oracle, timed_master, limits, clock, violation, [], empty, empty.objective(problem))
    neurons = empty if start is None else start
    run.keep(neurons)
    if isinstance(oracle, AscentOracle):
        oracle.clock = run.clock = clock.part(_LATE)
        neurons = _begin(run, MultiStart(problem, np.random.default_rng(random_state), run.clock))
    status = _improve(run, neurons, max(1, limits.max_iter - len(run.trace)))
    if isinstance(oracle, AscentOracle):
        oracle.clock = run.clock = clock
        if status is Status.TIME_LIMIT:
            run.thin(max(_THIN * violation, _THIN_LATE))
    width = max(problem.frame.subset_size, 1)
    best = run.best
    if not oracle.exact and not run.certain:
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


def _begin(run: _Run, beginning: MultiStart) -> Neurons:
    """Random networks by turns apart from the best one and together with it, until they gain little."""
    vain = 0
    while vain < _VAIN and len(run.trace) < run.limits.max_iter and not run.clock.expired:
        before, best = run.value, run.best
        alone = not len(best) or beginning.apart
        found = beginning.anneal() if alone else beginning.anneal(joined(best, beginning.random()))
        if alone and len(best):
            found = beginning.settle(_combine(run, best, found))
        found = _combine(run, best, found)
        run.keep(_move(run, found, fine=False))
        neurons = _insert(run, run.best, run.look(run.best, _INSERT), None)
        run.keep(_move(run, neurons, fine=False))
        # The first network has nothing to be compared with.
        vain = vain + 1 if len(best) and before - run.value < _WORTH * abs(before) else 0
    return run.best


def _add(master: ColumnSolver, normals: Floats, offsets: Floats) -> None:
    rows = np.full((len(offsets), master.working.rows.shape[1]), -1, dtype=np.int64)
    master.add(Candidates(normals, offsets, rows, np.zeros(len(offsets)), 0.0))


def _combine(run: _Run, *networks: Neurons) -> Neurons:
    """The best network with the neurons of some, found from the best of them; most neurons get no coefficient."""
    networks = tuple(one for one in networks if len(one))
    if not networks:
        return run.best
    master = run.make_solver()
    z = np.zeros((sum(map(len, networks)), run.problem.targets.shape[1]))
    first, lowest, at = 0, np.inf, 0
    for one in networks:
        _add(master, one.normals, one.offsets)
        value = one.objective(run.problem)
        if value < lowest:
            first, lowest, best = at, value, one
        at += len(one)
    z[first : first + len(best)] = best.z
    master.start(z)
    return _solved(run.problem, master)


def _solved(problem: LassoProblem, master: ColumnSolver) -> Neurons:
    """Neurons with a coefficient in the solution of a master."""
    state = master.solve(problem.beta)
    on = np.flatnonzero((state.z != 0).any(axis=1))
    return Neurons(master.working.normals[on], master.working.offsets[on], state.z[on], state.t)


def _insert(run: _Run, neurons: Neurons, fresh: Candidates, snaps: tuple[Floats, Floats] | None) -> Neurons:
    """Best coefficients for fixed neurons, old and new; those without one are dropped."""
    master = run.make_solver()
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
    problem, idle = run.problem, 0
    least, patience, gain = (_EXACT_GAIN, _EXACT_PATIENCE, 1.0) if run.oracle.exact else (_GAIN, _PATIENCE, 0.0)
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
        idle = idle + 1 if gain < least else 0
        if not len(fresh) and idle and not run.oracle.exact:
            neurons = run.thin(_THIN * run.tol)
            fresh = run.look(neurons, _INSERT, thorough=True)
            if not len(fresh):
                # What leaves now would be found again; nobody asks for it at this price.
                return Status.SEARCHED if run.thin(_THIN_LAST * run.tol) is neurons else Status.SETTLED
        if idle >= patience:
            if not run.oracle.exact:
                run.thin(_THIN_LAST * run.tol)
            return Status.SETTLED
        snaps = snapped(problem.frame, neurons.normals, neurons.offsets) if gain < _SNAP else None
        neurons = _insert(run, neurons, fresh, snaps)
        run.keep(neurons)
    return Status.ITERATION_LIMIT


def _move(run: _Run, neurons: Neurons, *, fine: bool) -> Neurons:
    """Joint descent; when rounds gain little, through slightly rounded ReLUs and to more digits."""
    frame = run.problem.frame
    per_step = max(1.0, len(neurons) * frame.n * (6.0 * frame.rank + 60.0))
    max_iter = int(np.clip(_WORK / per_step, _FEWEST, _ITERATIONS))
    if not fine or run.oracle.exact:
        # Beside an exact oracle neurons are near their places, and what counts are the last digits.
        tol, rough = (run.least, False) if fine else (1e-7, not run.oracle.exact)
        return descend(run.problem, neurons, max_iter=max_iter, clock=run.clock, tol=tol, rough=rough)
    moved = anneal(run.problem, neurons, _POLISH, max_iter=max_iter, clock=run.clock, tol=run.least)
    if moved.objective(run.problem) < neurons.objective(run.problem):
        return moved
    return descend(run.problem, neurons, max_iter=max_iter, clock=run.clock, tol=run.least)
