"""Exact methods: which restricted solver goes with an oracle, decided by what both declare."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from convexnn._progress import Limits
from convexnn.exceptions import InfeasibleError
from convexnn.network.neurons import NeuronSet
from convexnn.oracles.base import Oracle
from convexnn.restricted import ColumnSolver, make_length_solver, make_solver
from convexnn.restricted.faces.solver import FaceSolver
from convexnn.restricted.problem import LassoProblem
from convexnn.restricted.solution import Solution
from convexnn.restricted.status import Status
from convexnn.search.search import solve_search
from convexnn.training.column_generation import generate
from convexnn.training.line_path import has_line_solver, solve_line
from convexnn.training.parameters import ExactParams

__all__ = ["ExactMethod", "constant_solution"]


class ExactMethod:
    """Solve problems that differ in their penalty only, each from the neurons of the last.

    Parameters
    ----------
    oracle : Oracle
        An exact one.
    solver, options :
        Restricted solver for fixed neurons, by its name in :func:`convexnn.train`, and its options.
    params : ExactParams
    """

    def __init__(self, oracle: Oracle, solver: str, options: Mapping[str, Any] | None, params: ExactParams) -> None:
        self._oracle, self._solver, self._options, self._params = oracle, solver, options, params
        self._columns: ColumnSolver | None = None
        self._faces: FaceSolver | None = None

    def cost(self, problem: LassoProblem) -> float:
        """Row visits of one answer of the oracle."""
        return self._oracle.cost(problem.n_outputs)

    def solve(self, problem: LassoProblem, limits: Limits, *, start: Solution | None = None) -> Solution:
        """Minimise over the scope of the oracle as far as `limits` ask for, from a start if that helps."""
        if has_line_solver(problem, self._solver):
            return solve_line(problem, limits)
        if self._oracle.moves:
            return self._move(problem, limits)
        columns = self._column_solver(problem)
        if start is not None and self._oracle.scope == "network":
            columns.add(_unknown(columns, start.neurons))
        return generate(problem, self._oracle, columns, limits, params=self._params)

    def offer(self, problem: LassoProblem, neurons: NeuronSet) -> None:
        """Let the restricted solver know some neurons before the first answer of the oracle."""
        columns = self._column_solver(problem)
        columns.add(_unknown(columns, neurons))

    def _column_solver(self, problem: LassoProblem) -> ColumnSolver:
        """The solver that keeps its neurons from problem to problem."""
        if self._columns is None:
            self._columns = self._make(problem)
        return self._columns

    def _make(self, problem: LassoProblem) -> ColumnSolver:
        return make_solver(problem, self._solver, self._options, self._params.newton)

    def _move(self, problem: LassoProblem, limits: Limits) -> Solution:
        """Every l2 neuron counts: fixed ones come close to the optimum, and then move inside their faces."""
        first = None
        params, newton = self._params, self._params.newton
        if self._faces is None:
            on_wedges = self._oracle.starts_on_wedges or not FaceSolver.serves(problem)
            oracle = self._oracle.wedges_only() if on_wedges else self._oracle
            coarse = replace(limits, tol=max(limits.tol, params.start_tol if on_wedges else params.network_start_tol))
            first = generate(problem, oracle, self._column_solver(problem), coarse, params=params)
            if len(first.trace) == limits.max_iter or limits.clock.expired:
                return first
            if not FaceSolver.serves(problem):
                # Neurons move by local descent; the exact oracle adds what is missing and proves the end.
                return self._descend(problem, first, limits)
            self._faces = FaceSolver(
                problem, lambda one: make_length_solver(one, newton), params.faces, newton
            )  # fmt: skip
            self._faces.start(first.neurons)
        after = limits if first is None else limits.after(first.trace)
        last = generate(problem, self._oracle, self._faces, after, params=params, batch=params.face_batch)
        return last if first is None else _joined(first, last, limits)

    def _descend(self, problem: LassoProblem, first: Solution, limits: Limits) -> Solution:
        last = solve_search(
            problem, self._oracle, lambda: self._make(problem), limits.after(first.trace), start=first.neurons,
        )  # fmt: skip
        return _joined(first, last, limits)


def _joined(first: Solution, last: Solution, limits: Limits) -> Solution:
    """Both runs as one, with the better network of the two."""
    return last.unless_better(first.primal, first.neurons, limits.tol).after(first.trace)


def _unknown(columns: ColumnSolver, neurons: NeuronSet) -> NeuronSet:
    return neurons.select(~columns.working.contains(neurons))


def constant_solution(problem: LassoProblem, *, interpolating: bool = False) -> Solution:
    """The network without neurons, for samples that are all equal.

    Raises
    ------
    InfeasibleError
        If it must interpolate, there is no intercept and a target is not zero.
    """
    constant = problem.constant()
    value = 0.0 if interpolating else problem.value_of(constant)
    if interpolating and not problem.intercept and problem.targets.any():
        raise InfeasibleError(
            "no neuron responds to these samples and there is no intercept, but targets are not zero; use bias=True."
        )
    v = 0.0 * problem.targets if interpolating else None
    return Solution(constant, v, value, value, Status.CERTIFIED, ())
