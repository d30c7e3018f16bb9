"""The driver: a good network first, then as much exactness and proof as the budget allows.

Every budget is counted work, so that results are the same from run to run; a time limit stops the same work earlier.
The driver asks oracles and restricted solvers what they can do and never which ones they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from convexnn._blas import single_thread
from convexnn._checks import check_bias, check_count, check_jobs, check_norm, check_observer, check_seed
from convexnn._memory import keep_memory
from convexnn._progress import UNLIMITED, Clock, Limits, Observer
from convexnn._types import ArrayLike, Bias, Floats, Norm
from convexnn.certificate import Certificate, Orders, certify
from convexnn.certificate.branch import can_branch
from convexnn.certificate.certify import certify_by
from convexnn.certificate.reach import branches_quickly
from convexnn.exceptions import ParameterError
from convexnn.geometry.interactions import InteractionSpec, check_interactions
from convexnn.losses import LOSSES
from convexnn.network import ReLUNetwork
from convexnn.network.neurons import NeuronSet
from convexnn.network.reconstruct import reconstruct
from convexnn.oracles.base import Effort, Oracle
from convexnn.restricted.choose import check_solver
from convexnn.restricted.problem import LassoProblem, make_problem
from convexnn.restricted.solution import Solution
from convexnn.restricted.status import Status
from convexnn.search.convert import neurons_of
from convexnn.search.parameters import SEARCH_TOL, SearchParams
from convexnn.training.choice import MAX_PRICED, make_plan, sampled_dictionary, small_dictionary, wedges_suffice
from convexnn.training.exact import ExactMethod, constant_solution
from convexnn.training.interpolation import check_consistent, interpolate, interpolate_searched
from convexnn.training.parameters import EXACT_TOL, ExactParams
from convexnn.training.result import TrainingResult
from convexnn.training.samples import check_samples
from convexnn.training.searching import SearchMethod

__all__ = ["BOUNDS", "Driver"]

BOUNDS = ("none", "quick", "full")
_NO_BOUND = "A lower bound would cost much here; bound='full', or certify(..., time_limit=...), looks for one."
_BRANCH = "; branch and bound then proves what it can"

# Samples times wedges that a heavy problem over the dictionary begins with, or makes do with in a hurry, and the least
# number of these wedges.
_OFFERED_ROWS, _DRAWN_ROWS, _LEAST_OFFERED = 4e6, 4e7, 8
# Seconds that a proof has even where a time limit is over.
_PROOF = 0.1
# Largest n (d + 2), numbers of the data, of a quick bound, some hundred passes over the data for each of a few pieces;
# several outputs have as many times more pieces, and a looser bound.
_QUICK_BOUND = 3e6


class Driver:
    """Solve one data set at any penalties, each from the neurons of the last.

    Parameters
    ----------
    X, y, norm, bias, loss, scope, solver, solver_options, max_atoms, random_state, sample_weight, n_jobs, bound,
    search, exact, interaction_cst :
        As in :func:`convexnn.train`.
    backend : array, optional
        An array on whose GPU neurons are searched; needed where X is a copy that has left it.
    """

    def __init__(
        self,
        X: ArrayLike,
        y: ArrayLike,
        *,
        norm: Norm = "l2",
        bias: Bias = True,
        loss: str = "squared_error",
        scope: str = "network",
        solver: str = "auto",
        solver_options: Mapping[str, Any] | None = None,
        max_atoms: int = MAX_PRICED,
        random_state: int | None = None,
        sample_weight: ArrayLike | None = None,
        n_jobs: int | None = None,
        bound: str = "quick",
        search: SearchParams | None = None,
        exact: ExactParams | None = None,
        interaction_cst: InteractionSpec = None,
        backend: Any = None,
    ) -> None:
        keep_memory()
        check_solver(solver, solver_options)
        n_jobs = check_jobs(n_jobs)
        self._data = data = check_samples(X, y, sample_weight)
        LOSSES.check(loss)
        self._n_jobs, self._seed = n_jobs, check_seed(random_state)
        self._problem = make_problem(
            data.X, data.Y, beta=1.0, norm=check_norm(norm), bias=check_bias(bias), loss=loss,
            sample_weight=data.weight, device=X if backend is None else backend,
            groups=check_interactions(interaction_cst, data.X.shape[1]),
        )  # fmt: skip
        movable = solver in ("auto", "native") and self._problem.loss.smooth
        self._plan = make_plan(
            self._problem.frame, scope=scope, movable=movable, max_atoms=check_count("max_atoms", max_atoms),
            random_state=self._seed, n_jobs=n_jobs, n_outputs=self._problem.n_outputs, device=self._problem.device,
        )  # fmt: skip
        self._solver, params = solver, SearchParams() if search is None else search
        self._params = ExactParams() if exact is None else exact
        self._exact: ExactMethod | None = None
        if self._plan.exact is not None:
            self._exact = ExactMethod(self._plan.exact, solver, solver_options, self._params)
        self._search: SearchMethod | None = None
        if self._plan.search is not None:
            self._search = SearchMethod(self._plan.search, params, solver, solver_options, self._seed)
        if bound not in BOUNDS:
            raise ParameterError(f"bound={bound!r} is unknown; choose one of {', '.join(map(repr, BOUNDS))}.")
        self._orders, self._bound = Orders(), bound
        self._beta_max: float | None = None

    @property
    def strategy(self) -> str:
        """How neurons are searched, and why so."""
        branched = self._bound == "full" and self._exact is None and can_branch(self._problem.frame)
        return self._plan.reason + (_BRANCH if branched else "")

    @property
    def scope(self) -> str:
        """What proofs by training itself speak of: "network", "dictionary" or "none"."""
        return self._plan.scope

    def start_from(self, network: ReLUNetwork) -> None:
        """Begin the next search with the neurons of a network; exact methods need no start and ignore it."""
        if self._search is not None:
            self._search.start_from(neurons_of(self._problem, network))

    def beta_max(self, clock: Clock = UNLIMITED) -> float:
        """Smallest beta at which the network without neurons is optimal, in the units of the user."""
        problem = self._problem
        oracle = self._plan.search if self._plan.exact is None else self._plan.exact
        if oracle is None:
            return 0.0
        if self._beta_max is not None:
            return self._beta_max
        if self._plan.probe is not None and self._exact is not None and self._is_late(1, clock):
            # Half an answer would be a number that depends on the machine; a search is near the maximum.
            oracle = self._plan.probe
        with single_thread():
            v = problem.dual_vector(problem.outputs(problem.constant()))
            # Responses are proportional to v, whose squares need not be doubles: its unit is a power of two.
            power = int(np.frexp(np.abs(v).max(initial=0.0))[1])
            found = oracle.fresh().price(np.ldexp(v, -power), 0.0, 1, clock=clock, effort=Effort.PROBE)
            top = float(np.ldexp(found.strongest, power)) * problem.unit
            if not clock.expired:
                self._beta_max = top
            return top

    def solve(
        self, beta: float, *, tol: float | None, max_iter: int, clock: Clock, observer: Observer | None = None
    ) -> TrainingResult:
        """Train at one penalty, from the neurons of the last one."""
        check_observer(observer)
        with single_thread():
            limits = Limits(SEARCH_TOL if tol is None else tol, max_iter, clock, observer)
            exact = replace(limits, tol=self._params.inner_tol * (EXACT_TOL if tol is None else tol))
            if beta == 0:
                return self._assemble(self._problem, self._interpolate(exact, limits), beta, tol, clock)
            problem = self._problem.with_beta(beta)
            solution = self._minimise(problem, exact, limits)
            trace = tuple(problem.to_input_progress(state) for state in solution.trace)
            return self._assemble(problem, replace(solution, trace=trace), beta, tol, clock)

    def _minimise(self, problem: LassoProblem, exact: Limits, limits: Limits) -> Solution:
        """The best network that the budget allows."""
        params = self._params
        if self._exact is None:
            # What was met of responses at the constant network is below beta: a search would find nothing to add.
            vain = self._beta_max is not None and problem.beta * problem.unit >= self._beta_max
            if self._search is None:
                return constant_solution(problem)
            if vain:
                return replace(constant_solution(problem), status=Status.NO_VIOLATOR_FOUND)
            if self._bound == "full" and can_branch(problem.frame):
                return self._search.solve_and_branch(problem, limits, exact)
            bounded = self._is_bounded(problem)
            return self._search.solve(problem, limits.within(params.training_share) if bounded else limits)
        visits = params.rounds * self._exact.cost(problem)
        quick = None
        if visits > params.heavy and self._search is not None:
            if self._is_late(params.rounds, limits.clock):
                # The exact method would not end, and a search makes more of the time.
                return self._search.solve(problem, limits)
            quick = self._search.quick(problem, limits.within(params.quick_share))
            if len(quick.trace) >= limits.max_iter:
                return quick
            exact = exact.after(quick.trace)
        elif visits > params.heavy and problem.frame.groups is None:
            # Wedges drawn at random are the quick network of the dictionary, and all of it where time is short.
            late = self._is_late(1, limits.clock)
            most, rows = (params.n_drawn, _DRAWN_ROWS) if late else (params.n_offered, _OFFERED_ROWS)
            count = min(most, max(_LEAST_OFFERED, int(rows / problem.frame.n)))
            drawn = sampled_dictionary(problem.frame, count, self._seed)
            if late:
                part = ExactMethod(drawn, self._solver, None, params)
                return part.solve(problem, exact.within(params.training_share))
            self._exact.offer(problem, drawn.hyperplanes())
        found = self._exact.solve(problem, exact.within(params.training_share), start=quick)
        if quick is None:
            return found
        best = found if found.primal <= quick.primal else replace(found, neurons=quick.neurons, primal=quick.primal)
        return best.after(quick.trace)

    def _is_late(self, answers: int, clock: Clock) -> bool:
        """Whether a time limit is too short for so many answers of the exact oracle."""
        assert self._exact is not None
        seconds = answers * self._exact.cost(self._problem) * self._params.visit_seconds
        return clock.left is not None and seconds > clock.left

    def _interpolate(self, exact: Limits, limits: Limits) -> Solution:
        """Least norm with f = y."""
        problem = self._problem
        if problem.loss_name != "squared_error":
            raise ParameterError(f"beta=0 interpolates, so loss={problem.loss_name!r} has no meaning; leave it out.")
        check_consistent(self._data.X, self._data.Y)
        wedges = self._wedges()
        if wedges is not None:
            return interpolate(problem, wedges, self._solver, exact)
        if self._search is None:
            return constant_solution(problem, interpolating=True)
        return interpolate_searched(problem, self._search, self._solver, limits, self._seed)

    def _wedges(self) -> Oracle | None:
        """An oracle for the dictionary, if it can be enumerated."""
        if self._plan.exact is not None:
            return self._plan.exact.wedges_only()
        return small_dictionary(self._problem.frame, self._n_jobs)

    def _assemble(
        self, problem: LassoProblem, solution: Solution, beta: float, tol: float | None, clock: Clock
    ) -> TrainingResult:
        """Network, atoms and certificate in the units of the user."""
        neurons = solution.neurons
        atoms = problem.to_atoms(neurons.normals, neurons.offsets, neurons.rows)
        z, t = problem.to_input(neurons.coef, neurons.intercept)
        network = reconstruct(z, atoms.normals, atoms.offsets, t, norm=problem.norm, bias=problem.bias)
        flat = self._data.flat and z.shape[1] == 1
        certificate = self._certify(problem, network, solution, beta, EXACT_TOL if tol is None else tol, clock)
        status = solution.status
        if status is Status.CERTIFIED and not certificate.holds:
            # What the solver reached is one thing, what is proved with all roundings another.
            status = Status.TIME_LIMIT if clock.expired else Status.STALLED
        elif certificate.holds and beta > 0:
            status = Status.CERTIFIED
        return TrainingResult(
            network=network,
            certificate=certificate,
            atoms=atoms,
            coef=z[:, 0] if flat else z,
            intercept=float(t[0]) if flat else t,
            trace=solution.trace,
            status=status,
            strategy=self.strategy,
            beta=beta,
            search_violation=solution.strongest / problem.beta - 1.0 if beta > 0 else np.nan,
            frame=problem.frame,
        )

    def _certify(
        self, problem: LassoProblem, network: ReLUNetwork, solution: Solution, beta: float, tol: float, clock: Clock
    ) -> Certificate:
        data, plan = self._data, self._plan
        scope = plan.scope
        effort = "quick" if self._bound == "none" else self._bound
        if scope == "none" and beta > 0 and self._is_bounded(problem):
            scope = "network"
        if beta == 0 and not wedges_suffice(problem.frame):
            # Interpolation chooses among wedges.
            scope = "dictionary" if self._wedges() is not None else "none"
        atoms = None if plan.exact is None else plan.exact.atoms()

        def prove(dual_point: Floats | None) -> Certificate:
            return certify(
                network, *data.given[:2], beta=beta, norm=problem.norm, bias=problem.bias, loss=problem.loss_name,
                interaction_cst=problem.frame.groups,
                scope=scope, atoms=atoms, sample_weight=data.given[2], tol=tol,
                dual_point=None if dual_point is None else data.spread(dual_point),
                time_limit=None if clock.left is None else max(clock.left, _PROOF),
                n_jobs=self._n_jobs, orders=self._orders, effort="full" if scope == plan.scope else effort,
            )  # fmt: skip

        if beta == 0:
            return prove(solution.v)
        certificate = prove(None)
        if scope == "none" and self._bound != "none":
            return replace(certificate, note=_NO_BOUND)
        v = solution.v
        if v is None and solution.status is Status.CERTIFIED:
            # Far from the origin the offsets of the network are rounded, those of the working neurons are not.
            v = problem.dual_vector(problem.outputs(solution.neurons))
        if certificate.holds or v is None or scope == "none" or certificate.method == "moments":
            # Moments have a dual vector of their own.
            return certificate
        # The dual vector of a conic solver is better than the gradient where the loss has kinks or z is inexact.
        offered = prove(problem.to_input_dual(v))
        return certificate if certificate.gap <= offered.gap else offered

    def bounded_by(self, result: TrainingResult, known: Certificate) -> TrainingResult:
        """A result with the bound by moments of another penalty, if that is higher than its own."""
        mine = result.certificate
        if known.method != "moments" or mine.method not in ("moments", "none") or not result.beta > 0:
            return result
        X, y, weight = self._data.given
        found = certify_by(known, result.network, X, y, beta=result.beta, sample_weight=weight, tol=mine.tol)
        better = found.scope == "network" and not found.dual <= mine.dual
        return replace(result, certificate=found) if better else result

    def _is_bounded(self, problem: LassoProblem) -> bool:
        """Whether a searched network gets a lower bound: on demand, or where a quick one costs little."""
        n, order = problem.frame.n, problem.frame.lift.shape[0] + 2
        moments = problem.n_outputs == 1 and float(n) * order <= _QUICK_BOUND
        quick = moments or branches_quickly(problem.frame)
        return self._bound == "full" or (self._bound == "quick" and quick)

    @property
    def neurons(self) -> NeuronSet | None:
        """Where the next search begins, in working coordinates."""
        return None if self._search is None else self._search.found
