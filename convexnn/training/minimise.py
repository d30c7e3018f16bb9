"""From a problem to the coefficients of a network, by the oracle of a plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from convexnn._progress import Limits, Progress
from convexnn.oracles.ascent import AscentOracle
from convexnn.oracles.line import LineOracle
from convexnn.oracles.pencil import PencilOracle
from convexnn.oracles.planar import PlanarOracle
from convexnn.restricted import ColumnSolver, make_length_solver, make_search_solver, make_solver
from convexnn.restricted.faces.solver import FaceSolver
from convexnn.restricted.problem import LassoProblem
from convexnn.restricted.solution import Solution
from convexnn.restricted.status import Status
from convexnn.search.descent import Neurons
from convexnn.search.search import solve_search
from convexnn.training.column_generation import generate
from convexnn.training.line_path import has_line_solver, solve_line
from convexnn.training.proving import BranchOracle
from convexnn.training.strategy import Plan

__all__ = ["Minimiser"]

# Relative gap over wedges at which their neurons may begin to move.
_START = 1e-6
# Shares of the time that is left for a search that is to be proved, and then for closing its gap.
_SEARCH, _CLOSE = 0.4, 0.5
# Neurons asked for per round once they move.
_FACE_BATCH = 256


class Minimiser:
    """Solve problems that differ in their penalty only, each from the neurons of the last.

    Parameters
    ----------
    plan : Plan
    solver, options :
        RestrictedSolver for fixed neurons, by its name in :func:`convexnn.train`, and its options.
    random_state : int
        Seed of a search.
    """

    def __init__(self, plan: Plan, solver: str, options: Mapping[str, Any] | None, random_state: int) -> None:
        self.solver = solver
        self.found: Neurons | None = None
        """Where the next search begins."""
        self._plan, self._options, self._seed = plan, options, random_state
        self._columns: ColumnSolver | None = None
        self._faces: FaceSolver | None = None

    def __call__(self, problem: LassoProblem, limits: Limits) -> Solution:
        """Minimise as far as `limits` ask for; all problems of one object share their data."""
        oracle = self._plan.oracle
        if oracle is None:
            return self._constant(problem)
        if isinstance(oracle, AscentOracle):
            proved = self._plan.scope == "network"
            search = self._search_and_prove if proved else self._search
            solution = search(problem, oracle, limits)
            self.found = _neurons(solution)
            return solution
        if isinstance(oracle, LineOracle) and has_line_solver(problem, self.solver):
            return solve_line(problem, limits)
        if isinstance(oracle, (PlanarOracle, PencilOracle)) and oracle.searches_inside:
            return self._move(problem, oracle, limits)
        return generate(problem, oracle, self._master(problem, limits), limits).active()

    def _master(self, problem: LassoProblem, limits: Limits) -> ColumnSolver:
        """The master that keeps its atoms from problem to problem."""
        if self._columns is None:
            self._columns = self._fresh_master(problem)
        self._columns.clock = limits.clock
        return self._columns

    def _fresh_master(self, problem: LassoProblem) -> ColumnSolver:
        return make_solver(problem, self.solver, self._options)

    def _constant(self, problem: LassoProblem) -> Solution:
        """All samples are one, so there is no neuron."""
        master = self._fresh_master(problem)
        state, work = master.solve(problem.beta), master.working
        value = problem.objective(state.f, state.z)
        return Solution(
            work.normals, work.offsets, work.rows, state.z, state.t, None, value, value, Status.CERTIFIED, ()
        )

    def _search(self, problem: LassoProblem, oracle: AscentOracle, limits: Limits) -> Solution:
        return solve_search(
            problem, oracle, lambda: make_search_solver(problem, self.solver, self._options), limits,
            start=self.found, random_state=self._seed,
        )  # fmt: skip

    def _search_and_prove(self, problem: LassoProblem, oracle: AscentOracle, limits: Limits) -> Solution:
        """A search, then rounds with an oracle that proves by branch and bound what the search cannot."""
        first = self._search(problem, oracle, limits.within(_SEARCH))
        if len(first.trace) >= limits.max_iter:
            return first
        rest = limits.within(_CLOSE)
        coarse = oracle.afresh(starts=256, steps=16)
        return self._go_on(
            problem, BranchOracle(problem.frame, coarse, tol=0.5 * limits.tol, clock=rest.clock), first, rest
        )

    def _move(self, problem: LassoProblem, oracle: PlanarOracle | PencilOracle, limits: Limits) -> Solution:
        """Every l2 neuron counts: the wedge optimum is close, and its neurons then move inside their faces."""
        trace: tuple[Progress, ...] = ()
        if self._faces is None:
            coarse = replace(limits, tol=max(limits.tol, _START))
            first = generate(problem, oracle.wedges_only(), self._master(problem, limits), coarse).active()
            if len(first.trace) == limits.max_iter or limits.clock.expired:
                return first
            trace = first.trace
            if problem.targets.shape[1] > 1:
                # Neurons move by local descent; the exact oracle adds what is missing and proves the end.
                return self._go_on(problem, oracle, first, limits)
            self._faces = FaceSolver(problem, make_length_solver)
            self._faces.start(first.normals, first.rows, first.z[:, 0])
        self._faces.tolerance = limits.tol
        last = generate(problem, oracle, self._faces, limits.after(trace), batch=_FACE_BATCH).active()
        return replace(last, trace=trace + last.trace)

    def _go_on(
        self, problem: LassoProblem, oracle: BranchOracle | PlanarOracle | PencilOracle, first: Solution, limits: Limits
    ) -> Solution:
        """From a first solution to one that an exact oracle proves."""
        last = solve_search(
            problem, oracle, lambda: self._fresh_master(problem), limits.after(first.trace), start=_neurons(first)
        )
        return replace(last, trace=first.trace + last.trace)


def _neurons(solution: Solution) -> Neurons:
    return Neurons(solution.normals, solution.offsets, solution.z, solution.t)
