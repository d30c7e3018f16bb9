"""High dimension: annealed random networks, a convex solver that combines them, an ascent oracle that checks.

A wide random network annealed through rounded ReLUs ends in a good local minimum. By turns, another one is annealed
apart or together with the best so far; a restricted solver takes the best neurons of both, and they move once more.
Then rounds of merging, moving, searching neurons that would still lower the objective, and solving again end the run.
The best network is kept, so its objective never rises, until a search that gains nothing any more, or whose time is
nearly over, drops the neurons that gain less than it can tell. Nothing here is a proof; the scope is "none".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from convexnn._progress import Clock, Limits, Progress
from convexnn._types import Floats
from convexnn.network.neurons import NeuronSet
from convexnn.oracles.base import Effort, Oracle, Pricing
from convexnn.oracles.snap import snapped
from convexnn.restricted.base import ColumnSolver
from convexnn.restricted.problem import LassoProblem
from convexnn.restricted.solution import Solution, report
from convexnn.restricted.status import Status
from convexnn.search.descent import anneal, descend
from convexnn.search.drop import drop_neurons
from convexnn.search.merge import merge
from convexnn.search.multistart import MultiStart
from convexnn.search.parameters import SearchParams

__all__ = ["solve_search"]

# An exact oracle shows what is missing, so slow progress is still progress: what a round must gain, in tolerances.
_EXACT_GAIN, _EXACT_PATIENCE = 0.02, 40
# With an exact oracle the gap is about the violation, so the violation must be below the gap that is asked for.
_EXACT_VIOLATION = 0.2
# Neurons may gain this much by moving and still be taken for the same after a merge.
_SAME_OBJECTIVE = 1e-6


@dataclass
class _Run:
    """State of one search."""

    problem: LassoProblem
    oracle: Oracle
    make_solver: Callable[[], ColumnSolver]
    limits: Limits
    params: SearchParams
    clock: Clock  # of what is done now; the limits have the one of the whole search
    tol: float  # relative violation of the dual constraint that counts as none
    trace: list[Progress]
    best: NeuronSet
    value: float
    lowest: float = np.inf  # value of a best network before neurons were dropped
    strongest: float = np.inf  # response found at the best network, and whether a thorough look found it
    certain: bool = False
    bound: float = -np.inf
    proof: Floats | None = None  # the dual vector with the best bound of an exact oracle

    def keep(self, neurons: NeuronSet) -> bool:
        """Remember a network if it is the best so far."""
        value = self.problem.value_of(neurons)
        if value < self.value:
            self.best, self.value, self.certain = neurons, value, False
            return True
        return False

    def drop(self, within: float) -> NeuronSet:
        """Let the best network be one with fewer neurons, at most this share above the lowest one."""
        self.lowest = min(self.lowest, self.value)
        highest = self.lowest * (1.0 + within)
        best = drop_neurons(self.problem, self.best, highest, lambda few: _move(self, few, fine=True), self.clock)
        if best is not self.best:
            self.best, self.value, self.certain = best, self.problem.value_of(best), False
        return self.best

    def expired(self) -> bool:
        """Whether the time of what is done now is over."""
        return self.clock.expired

    def record(self, n_neurons: int) -> None:
        """Add a line to the trace."""
        progress = Progress(len(self.trace) + 1, self.value, self.bound, n_neurons, self.limits.clock.seconds)
        self.trace.append(progress)
        report(progress, self.problem, self.limits.observer)

    @property
    def closed(self) -> bool:
        """Whether an exact oracle has proved the best network optimal."""
        if not (self.oracle.exact and np.isfinite(self.bound)):
            return False
        return self.value - self.bound <= self.limits.tol * max(abs(self.value), abs(self.bound))

    @property
    def least(self) -> float:
        """Relative gain per iteration below which a descent ends."""
        return 1e-12 if self.oracle.exact else self.params.descent_share * min(self.limits.tol, self.tol)

    def look(self, neurons: NeuronSet, limit: int, *, thorough: bool = False) -> Pricing:
        """Search violators of the dual constraint at a network."""
        v = self.problem.dual_vector(self.problem.outputs(neurons))
        floor = self.problem.beta * (1.0 + self.tol)
        found = self.oracle.price(
            v, floor, limit, clock=self.clock, near=neurons,
            effort=Effort.THOROUGH if thorough else Effort.NORMAL,
        )  # fmt: skip
        # What responds less than the floor is not told, so the floor bounds it.
        bound = self.problem.dual_value(v, max(found.strongest, floor))
        # Bounds of an exact oracle hold whatever network they come from; a search has none.
        if self.oracle.exact and found.complete and bound > self.bound:
            self.bound, self.proof = bound, v
        self.record(len(neurons))
        if neurons is self.best:
            self.strongest, self.certain = found.strongest, thorough
        return found


def solve_search(
    problem: LassoProblem,
    oracle: Oracle,
    make_solver: Callable[[], ColumnSolver],
    limits: Limits,
    *,
    params: SearchParams = SearchParams(),  # noqa: B008 (frozen)
    start: NeuronSet | None = None,
    random_state: int = 0,
) -> Solution:
    """Search a network with a low objective.

    Parameters
    ----------
    problem : LassoProblem
    oracle : Oracle
        A search; or an exact one, where no restricted solver moves neurons (several outputs, l2): the run then ends
        with a proof.
    make_solver : callable
        Makes a restricted solver for fixed neurons.
    limits : Limits
        With a search, the tolerance is the relative objective that is still to be gained when it stops; rounds are
        those of joint movement.
    params : SearchParams
    start : NeuronSet, optional
        Where to begin; with an exact oracle, the optimum over the dictionary. Without it a search begins several
        times.
    random_state : int
        Seed of the starts.
    """
    empty, clock = problem.constant(), limits.clock
    violation = _EXACT_VIOLATION * limits.tol if oracle.exact else max(limits.tol, params.min_violation)
    run = _Run(
        problem, oracle, make_solver, limits, params, clock, violation, [], empty, problem.value_of(empty)
    )  # fmt: skip
    neurons = empty if start is None else start
    run.keep(neurons)
    if not oracle.exact:
        run.clock = clock.part(params.late)
        neurons = _begin(run, MultiStart(problem, params, np.random.default_rng(random_state), run.clock))
    status = _improve(run, neurons, max(1, limits.max_iter - len(run.trace)))
    if not oracle.exact:
        run.clock = clock
        if status is Status.TIME_LIMIT:
            run.drop(max(params.drop_share * violation, params.late_drop))
        if not run.certain and not clock.expired:
            run.look(run.best, 1, thorough=status is not Status.TIME_LIMIT)
        elif not run.certain:
            run.record(len(run.best))
    return Solution(
        neurons=run.best,
        v=run.proof,
        primal=run.value,
        dual=run.trace[-1].dual if run.trace and oracle.exact else -np.inf,
        status=status,
        trace=tuple(run.trace),
        strongest=run.strongest,
    )


def _begin(run: _Run, starts: MultiStart) -> NeuronSet:
    """Random networks by turns apart from the best one and together with it, until they gain little."""
    stagnant, params = 0, run.params
    patience, least = params.stagnant_starts(run.limits.tol), params.start_gain * run.limits.tol
    while stagnant < patience and len(run.trace) < min(run.limits.max_iter, params.max_starts):
        if run.expired():
            break
        before, best = run.value, run.best
        alone = not len(best) or starts.apart
        found = starts.anneal() if alone else starts.anneal(best.joined(starts.random()))
        if alone and len(best):
            found = starts.settle(_combine(run, best, found))
        run.keep(found)
        if run.expired():
            break
        found = _combine(run, best, found)
        run.keep(_move(run, found, fine=False))
        if run.expired():
            break
        neurons = _insert(run, run.best, run.look(run.best, params.n_insert).neurons)
        run.keep(_move(run, neurons, fine=False))
        # The first network has nothing to be compared with.
        stagnant = stagnant + 1 if len(best) and before - run.value < least * abs(before) else 0
    return run.best


def _combine(run: _Run, *networks: NeuronSet) -> NeuronSet:
    """The best network with the neurons of some, found from the best of them; most neurons get no coefficient."""
    networks = tuple(one for one in networks if len(one))
    if not networks or run.expired():
        return run.best
    values = [run.problem.value_of(one) for one in networks]
    lowest = int(np.argmin(values))
    coef = [one.coef if k == lowest else np.zeros_like(one.coef) for k, one in enumerate(networks)]
    together = networks[lowest].with_coef(coef[lowest])
    everyone = networks[0].joined(*networks[1:]).with_coef(np.concatenate(coef), together.intercept)
    return _solved(run, everyone)


def _solved(run: _Run, neurons: NeuronSet) -> NeuronSet:
    """The best coefficients of given neurons, from those that they have; neurons without one leave."""
    if run.expired():
        return neurons.active()
    solver = run.make_solver()
    solver.add(neurons)
    solver.start(neurons.coef, clock=run.clock)
    accuracy = 0.0 if run.oracle.exact else run.params.solver_share * run.tol
    state = solver.solve(run.problem.beta, clock=run.clock, accuracy=accuracy)
    return neurons.with_coef(state.z, state.t).active()


def _insert(run: _Run, neurons: NeuronSet, *others: NeuronSet) -> NeuronSet:
    """Best coefficients for fixed neurons, old and new."""
    return _solved(run, neurons.joined(*others))


def _improve(run: _Run, neurons: NeuronSet, max_iter: int) -> Status:
    """Merge, move, search, solve, until nothing is gained."""
    problem, idle, exact, params = run.problem, 0, run.oracle.exact, run.params
    least, patience, gain = params.round_gain * run.limits.tol, params.stagnant_rounds(run.limits.tol), 0.0
    if exact:
        least, patience, gain = _EXACT_GAIN * run.limits.tol, _EXACT_PATIENCE, 1.0
    for _ in range(max_iter):
        if run.expired():
            return Status.TIME_LIMIT
        before = run.value
        neurons = _merged(run, _move(run, neurons, fine=gain < params.snap_gain), fine=gain < params.snap_gain)
        run.keep(neurons)
        if run.expired():
            return Status.TIME_LIMIT
        fresh = run.look(neurons, params.n_insert)
        if run.closed:
            return Status.CERTIFIED
        gain = (before - run.value) / max(abs(before), np.finfo(float).tiny)
        idle = idle + 1 if gain < least else 0
        if not len(fresh) and idle and not exact:
            neurons = run.drop(params.drop_share * run.tol)
            fresh = run.look(neurons, params.n_insert, thorough=True)
            if not len(fresh):
                # Neurons that are dropped now respond enough to be found again, at a gain that nobody asked for.
                same = run.drop(params.last_drop_share * run.tol) is neurons
                return Status.NO_VIOLATOR_FOUND if same else Status.STAGNATED
        if idle >= patience:
            if not exact:
                run.drop(params.last_drop_share * run.tol)
            return Status.STAGNATED
        snaps = _snapped(problem, neurons) if gain < params.snap_gain else problem.constant()
        neurons = _insert(run, neurons, fresh.neurons, snaps)
        run.keep(neurons)
    return Status.ITERATION_LIMIT


def _merged(run: _Run, neurons: NeuronSet, *, fine: bool) -> NeuronSet:
    """Similar neurons added up and moved again, if that costs nothing in the end."""
    merged = merge(run.problem, neurons, run.params.merge_cost, run.clock)
    if len(merged) == len(neurons) or run.expired():
        return neurons
    merged = _move(run, merged, fine=fine)
    highest = run.problem.value_of(neurons) * (1.0 + _SAME_OBJECTIVE)
    return merged if run.problem.value_of(merged) <= highest else neurons


def _snapped(problem: LassoProblem, neurons: NeuronSet) -> NeuronSet:
    """Variants of neurons that pass exactly through samples near them."""
    frame, variants = problem.frame, []
    of = frame.part_of(neurons.normals)
    for index in np.unique(of).tolist():
        part, mine = frame.parts[index], of == index
        normals, offsets = snapped(
            part.frame, part.restrict(neurons.normals[mine]), neurons.offsets[mine] / part.unit
        )
        variants.append(NeuronSet.found(part.embed(normals), offsets * part.unit, width=frame.subset_size))
    return variants[0].joined(*variants[1:]) if variants else NeuronSet.empty(frame.rank, frame.subset_size)


def _move(run: _Run, neurons: NeuronSet, *, fine: bool) -> NeuronSet:
    """Joint descent; when rounds gain little, through slightly smoothed ReLUs and to more digits."""
    frame, params = run.problem.frame, run.params
    per_step = max(1.0, len(neurons) * frame.n * (6.0 * frame.rank + 60.0))
    max_iter = int(np.clip(params.max_operations / per_step, params.min_iterations, params.max_iterations))
    if not fine or run.oracle.exact:
        # Beside an exact oracle neurons are near their places, and what counts are the last digits.
        tol, rough = (run.least, False) if fine else (1e-7, not run.oracle.exact)
        return descend(run.problem, neurons, max_iter=max_iter, clock=run.clock, tol=tol, rough=rough)
    moved = anneal(run.problem, neurons, params.smoothing, max_iter=max_iter, clock=run.clock, tol=run.least)
    if run.problem.value_of(moved) < run.problem.value_of(neurons):
        return moved
    return descend(run.problem, neurons, max_iter=max_iter, clock=run.clock, tol=run.least)
