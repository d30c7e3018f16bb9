"""Searches of one data set at several penalties, each from the neurons of the last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from convexnn._progress import Limits
from convexnn.network.neurons import NeuronSet
from convexnn.oracles.base import Oracle
from convexnn.restricted import make_search_solver, make_solver
from convexnn.restricted.problem import LassoProblem
from convexnn.restricted.solution import Solution
from convexnn.search.parameters import SearchParams
from convexnn.search.search import solve_search
from convexnn.training.proving import BranchOracle

__all__ = ["SearchMethod"]

# A quick search is one start and the rounds of this tolerance.
_QUICK_TOL, _QUICK_ROUNDS = 1e-2, 3
# Shares of the time that is left for a search that is to be proved, and then for closing its gap.
_SEARCH, _CLOSE = 0.4, 0.5
# Tolerance of that search at most, and the distance of the two bounds of the response as a share of the gap wanted.
_FINE, _BRACKET = 1e-4, 0.5


class SearchMethod:
    """A search with its oracle and its parameters.

    Parameters
    ----------
    oracle : Oracle
    params : SearchParams
    solver, options :
        Restricted solver, by its name in :func:`convexnn.train`, and its options.
    random_state : int
    """

    def __init__(
        self, oracle: Oracle, params: SearchParams, solver: str, options: Mapping[str, Any] | None, random_state: int
    ) -> None:
        self.found: NeuronSet | None = None
        """Where the next search begins."""
        self._oracle, self._params, self._seed = oracle, params, random_state
        self._solver, self._options = solver, options

    def start_from(self, neurons: NeuronSet) -> None:
        """Begin the next search with these neurons."""
        self.found = neurons

    def solve(self, problem: LassoProblem, limits: Limits) -> Solution:
        """Search until less than the tolerance is gained, or the limits are reached."""
        return self._run(problem, limits, self._params)

    def quick(self, problem: LassoProblem, limits: Limits) -> Solution:
        """One start and a few rounds: a good network, soon."""
        few = replace(limits, tol=max(limits.tol, _QUICK_TOL), max_iter=min(limits.max_iter, _QUICK_ROUNDS))
        return self._run(problem, few, replace(self._params, max_starts=1))

    def solve_and_branch(self, problem: LassoProblem, limits: Limits, exact: Limits) -> Solution:
        """A search, then rounds with an oracle that proves by branch and bound what the search cannot."""
        fine = replace(limits, tol=min(limits.tol, _FINE))
        first = self.solve(problem, fine.within(_SEARCH))
        if len(first.trace) >= limits.max_iter:
            return first
        oracle = BranchOracle(problem.frame, self._oracle.fresh(), tol=_BRACKET * exact.tol)
        last = solve_search(
            problem, oracle, lambda: make_solver(problem, self._solver, self._options),
            exact.within(_CLOSE).after(first.trace), params=self._params, start=first.neurons,
        )  # fmt: skip
        self.found = last.neurons
        return last.after(first.trace)

    def _run(self, problem: LassoProblem, limits: Limits, params: SearchParams) -> Solution:
        solution = solve_search(
            problem, self._oracle, lambda: make_search_solver(problem, self._solver, self._options), limits,
            params=params, start=self.found, random_state=self._seed,
        )  # fmt: skip
        self.found = solution.neurons
        return solution
