"""A training session: data, oracle and masters shared by problems at several penalties."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from convexnn._blas import single_thread
from convexnn._checks import check_bias, check_count, check_norm
from convexnn._memory import keep_memory
from convexnn._progress import Clock, Limits, Observer
from convexnn._types import ArrayLike, Bias, Floats, Norm
from convexnn.certificate import Certificate, Orders, certify
from convexnn.exceptions import ParameterError
from convexnn.losses import LOSSES
from convexnn.network import ReLUNetwork
from convexnn.network.reconstruct import reconstruct
from convexnn.oracles.ascent import AscentOracle
from convexnn.oracles.listed import ListedOracle
from convexnn.oracles.pencil import PencilOracle
from convexnn.oracles.planar import PlanarOracle
from convexnn.restricted.problem import LassoProblem, make_problem
from convexnn.restricted.solution import Solution
from convexnn.search.convert import neurons_of
from convexnn.training.interpolation import check_consistent, constant, interpolate
from convexnn.training.minimise import Minimiser
from convexnn.training.result import TrainingResult
from convexnn.training.samples import check_samples
from convexnn.training.strategy import MAX_ATOMS, make_plan

__all__ = ["Session"]

# Seconds that an exact certificate has at least.
_PROOF = 0.3


class Session:
    """Solve one data set at any penalties, each from the neurons of the last.

    Parameters
    ----------
    X, y, norm, bias, loss, scope, solver, solver_options, max_atoms, random_state, sample_weight, n_jobs :
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
        scope: str = "auto",
        solver: str = "auto",
        solver_options: Mapping[str, Any] | None = None,
        max_atoms: int = MAX_ATOMS,
        random_state: int | None = None,
        sample_weight: ArrayLike | None = None,
        n_jobs: int | None = None,
        backend: Any = None,
    ) -> None:
        keep_memory()
        self._data = data = check_samples(X, y, sample_weight)
        norm, bias = check_norm(norm), check_bias(bias)
        max_atoms = check_count("max_atoms", max_atoms)
        LOSSES.check(loss)
        self._n_jobs = n_jobs
        self._problem = make_problem(
            data.X, data.Y, beta=1.0, norm=norm, bias=bias, loss=loss, sample_weight=data.weight,
            place=X if backend is None else backend,
        )  # fmt: skip
        movable = solver in ("auto", "native") and self._problem.loss.smooth
        self._plan = make_plan(
            self._problem.frame,
            scope=scope,
            movable=movable,
            max_atoms=max_atoms,
            random_state=random_state,
            n_jobs=n_jobs,
            n_outputs=data.Y.shape[1],
            place=self._problem.place,
        )
        seed = 0 if random_state is None else random_state
        self._minimise = Minimiser(self._plan, solver, solver_options, seed)
        self._orders = Orders()

    @property
    def strategy(self) -> str:
        """How neurons are searched, and why so."""
        return self._plan.reason

    @property
    def scope(self) -> str:
        """What results speak of: "network", "dictionary" or "searched"."""
        return self._plan.scope

    def start_from(self, network: ReLUNetwork) -> None:
        """Begin the next search with the neurons of a network; exact methods need no start and ignore it."""
        self._minimise.found = neurons_of(self._problem, network)

    def beta_max(self) -> float:
        """Smallest beta at which the network without neurons is optimal."""
        with single_thread():
            return self._beta_max()

    def _beta_max(self) -> float:
        problem, oracle = self._problem, self._plan.oracle
        if oracle is None:
            return 0.0
        constant = problem.loss.best_constant() if problem.intercept else np.zeros(problem.targets.shape[1])
        v = problem.dual_vector(np.zeros_like(problem.targets) + constant)
        if isinstance(oracle, AscentOracle):
            oracle = oracle.afresh(starts=512, steps=32)
        return oracle.price(v, 0.0, 1).strongest * problem.unit

    def solve(
        self, beta: float, *, tol: float, max_iter: int, clock: Clock, observer: Observer | None = None
    ) -> TrainingResult:
        """Train at one penalty, from the neurons of the last one."""
        with single_thread():
            limits = Limits(0.5 * tol, max_iter, clock, observer)
            if beta == 0:
                return self._interpolate(limits, tol)
            problem = self._problem.with_beta(beta)
            solution = self._minimise(problem, limits)
            trace = tuple(problem.to_input_progress(state) for state in solution.trace)
            return self._assemble(problem, replace(solution, trace=trace), beta, tol, clock.left)

    def _interpolate(self, limits: Limits, tol: float) -> TrainingResult:
        """Least norm with f = y, over the wedge neurons of the plan."""
        problem, oracle = self._problem, self._plan.oracle
        if problem.loss_name != "squared_error":
            raise ParameterError(f"beta=0 interpolates, so loss={problem.loss_name!r} has no meaning; leave it out.")
        check_consistent(self._data.X, self._data.Y)
        if isinstance(oracle, AscentOracle):
            raise ParameterError(
                "beta=0 needs atoms that can be enumerated or sampled: use scope='dictionary', or a small beta > 0."
            )
        if oracle is None:
            return self._assemble(problem, constant(problem), 0.0, tol)
        if isinstance(oracle, (PlanarOracle, PencilOracle)):
            oracle = oracle.wedges_only()
        solution = interpolate(problem, oracle, self._minimise.solver, limits)
        return self._assemble(problem, solution, 0.0, tol)

    def _assemble(
        self, problem: LassoProblem, solution: Solution, beta: float, tol: float, time_left: float | None = None
    ) -> TrainingResult:
        """Network, atoms and certificate in the units of the user."""
        atoms = problem.to_atoms(solution.normals, solution.offsets, solution.rows)
        z, t = problem.to_input(solution.z, solution.t)
        network = reconstruct(z, atoms.normals, atoms.offsets, t, norm=problem.norm, bias=problem.bias)
        flat = self._data.flat and z.shape[1] == 1
        return TrainingResult(
            network=network,
            certificate=self._certify(problem, network, solution, beta, tol, time_left),
            atoms=atoms,
            coef=z[:, 0] if flat else z,
            intercept=float(t[0]) if flat else t,
            trace=solution.trace,
            status=solution.status,
            strategy=self._plan.reason,
            beta=beta,
            frame=problem.frame,
        )

    def _certify(
        self,
        problem: LassoProblem,
        network: ReLUNetwork,
        solution: Solution,
        beta: float,
        tol: float,
        time_left: float | None,
    ) -> Certificate:
        data, plan = self._data, self._plan
        # Nothing is claimed of neurons that were only searched. A proof has a moment beyond the limit.
        scope = "none" if plan.scope == "searched" else plan.scope
        time_left = None if time_left is None else max(time_left, _PROOF)
        scope = scope if beta > 0 or problem.norm == "l1" or problem.frame.rank <= 1 else "dictionary"
        atoms = plan.oracle.listed(problem.frame) if isinstance(plan.oracle, ListedOracle) else None

        def prove(dual_point: Floats | None) -> Certificate:
            return certify(
                network, *data.given[:2], beta=beta, norm=problem.norm, bias=problem.bias, loss=problem.loss_name,
                scope=scope, atoms=atoms, sample_weight=data.given[2], tol=tol,
                dual_point=None if dual_point is None else data.spread(dual_point),
                time_limit=time_left, n_jobs=self._n_jobs, orders=self._orders,
            )  # fmt: skip

        if beta == 0:
            return prove(solution.v)
        certificate = prove(None)
        if certificate.holds or solution.v is None or scope == "none":
            return certificate
        # The dual vector of a conic solver is better than the gradient where the loss has kinks or z is inexact.
        offered = prove(problem.to_input_dual(solution.v))
        return certificate if certificate.gap <= offered.gap else offered
