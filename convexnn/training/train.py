"""The public functions: train a network, and the penalty at which it becomes zero."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from convexnn._checks import check_bias, check_count, check_norm, check_points, check_real, check_targets
from convexnn._progress import Clock, Observer
from convexnn._types import ArrayLike, Bias, Floats, Norm
from convexnn.certificate import Certificate, certify
from convexnn.losses import LOSSES
from convexnn.losses.base import check_weights
from convexnn.network import ReLUNetwork
from convexnn.network.reconstruct import reconstruct
from convexnn.oracles.candidates import Oracle
from convexnn.oracles.line import LineOracle
from convexnn.oracles.listed import ListedOracle
from convexnn.oracles.pencil import PencilOracle
from convexnn.oracles.planar import PlanarOracle
from convexnn.training.generation import Solution, generate
from convexnn.training.line import has_line_solver, solve_line
from convexnn.training.masters import Master, amplitude_master, make_master
from convexnn.training.masters.faces import FaceMaster
from convexnn.training.problem import LassoProblem, make_problem
from convexnn.training.result import TrainingResult
from convexnn.training.status import Status
from convexnn.training.strategy import MAX_ATOMS, Plan, make_plan

__all__ = ["beta_max", "train"]

MAX_ITER = 1000
# Relative gap over wedges at which their neurons may begin to move.
_START = 1e-6


@dataclass(frozen=True)
class _Data:
    """Checked data; samples of weight zero are gone, as if they had never been there."""

    X: Floats
    Y: Floats
    weight: Floats | None
    flat: bool


def _check_data(X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None) -> _Data:
    points = check_points(X)
    targets = check_targets(y, len(points))
    flat = np.ndim(y) != 2
    if sample_weight is None:
        return _Data(points, targets, None, flat)
    weight = check_weights(sample_weight, len(points))[:, 0]
    seen = weight > 0
    return _Data(np.ascontiguousarray(points[seen]), np.ascontiguousarray(targets[seen]), weight[seen], flat)


def train(
    X: ArrayLike,
    y: ArrayLike,
    *,
    beta: float,
    norm: Norm = "l2",
    bias: Bias = True,
    loss: str = "squared",
    scope: str = "auto",
    solver: str = "auto",
    tol: float = 1e-6,
    max_iter: int = MAX_ITER,
    time_limit: float | None = None,
    max_atoms: int = MAX_ATOMS,
    random_state: int | None = None,
    observer: Observer | None = None,
    sample_weight: ArrayLike | None = None,
    n_jobs: int | None = None,
) -> TrainingResult:
    """Train a two-layer ReLU network to a certified optimum.

    Minimises  loss(f(X); y) + beta/2 sum_j (||w_j||_p^2 + ||a_j||_p^2)  through its Lasso reformulation over
    hyperplanes through samples (arXiv 2309.16512, Theorems 1-7), without seeds and learning rates.

    Parameters
    ----------
    X : (n, d) array
        Samples in rows.
    y : (n,) or (n, c) array
        Targets.
    beta : float
        Weight decay: the coefficient of half the squared weights; the loss is a sum over samples, the
        squared loss has a factor 1/2. The same number as `alpha` of scikit-learn's MLPs.
    norm : "l2" or "l1"
        Norm of the hidden weights in the penalty; "l1" gives neurons with few inputs.
    bias : True, False or "penalized"
        Free hidden biases and output intercept; none; or hidden biases that count in the norm, no intercept.
    loss : str
        A name in `convexnn.losses.LOSSES`.
    scope : "auto", "dictionary" or "network"
        Optimise over wedge neurons only (the Lasso of the paper), or over every neuron. "auto" takes
        "network" where an exact method is known: l1 always; l2 up to rank 2 with free biases, 3 without.
    solver : "auto", "native", "clarabel", "scs", "ecos", "piqp" or "cvxpy"
        Solver of the restricted problems. The certificate does not depend on what it reports.
    tol : float
        Relative duality gap at which training stops.
    max_iter : int
        Largest number of rounds.
    time_limit : float, optional
        Seconds after which the best network so far is returned with its true gap.
    max_atoms : int
        Atoms that may be searched exactly; a larger dictionary is sampled, and the result says so.
    random_state : int, optional
        Seed of the sampling; exact methods are deterministic.
    observer : callable, optional
        Called with a `Progress` after every round.
    sample_weight : (n,) array, optional
        Weight 2 equals repetition, 0 removal.
    n_jobs : int, optional
        Threads; results do not depend on their number.

    Returns
    -------
    TrainingResult

    Raises
    ------
    DataError, ParameterError
        If an argument is not usable.
    DictionarySizeError
        If scope="network" is demanded beyond `max_atoms`.
    SolverUnavailableError
        If `solver` is not installed.
    """
    data = _check_data(X, y, sample_weight)
    norm, bias = check_norm(norm), check_bias(bias)
    beta = check_real("beta", beta, low=0.0, strict=True, hint="Try beta_max(X, y) * 1e-2 as a start.")
    tol = check_real("tol", tol, low=0.0)
    max_iter, max_atoms = check_count("max_iter", max_iter), check_count("max_atoms", max_atoms)
    if time_limit is not None:
        time_limit = check_real("time_limit", time_limit, low=0.0, strict=True)
    LOSSES.check(loss)
    clock = Clock(time_limit)
    problem = make_problem(data.X, data.Y, beta=beta, norm=norm, bias=bias, loss=loss, sample_weight=data.weight)
    movable = solver in ("auto", "native") and data.Y.shape[1] == 1 and problem.loss.smooth
    plan = make_plan(
        problem.frame, scope=scope, movable=movable, max_atoms=max_atoms, random_state=random_state, n_jobs=n_jobs
    )
    solution = _solve(problem, plan, solver, tol, max_iter, clock, observer)
    return _assemble(data, problem, plan, solution, beta, tol, n_jobs)


def _solve(
    problem: LassoProblem,
    plan: Plan,
    solver: str,
    tol: float,
    max_iter: int,
    clock: Clock,
    observer: Observer | None,
) -> Solution:
    if isinstance(plan.oracle, LineOracle) and has_line_solver(problem, solver):
        return solve_line(problem, tol=0.5 * tol, max_iter=max_iter, clock=clock, observer=observer)
    master = make_master(problem, solver)
    if plan.oracle is None:
        state = master.solve(problem.beta)
        work, value = master.working, problem.objective(state.f, state.z)
        return Solution(
            work.normals, work.offsets, work.rows, state.z, state.t, None, value, value, Status.CERTIFIED, ()
        )

    def run(oracle: Oracle, master: Master, tol: float, rounds: int) -> Solution:
        return generate(problem, oracle, master, tol=tol, max_iter=rounds, clock=clock, observer=observer)

    if not isinstance(plan.oracle, (PlanarOracle, PencilOracle)) or not plan.oracle.searches_inside:
        return run(plan.oracle, master, 0.5 * tol, max_iter).active()
    # Every l2 neuron counts: the wedge optimum is close, and its neurons then move inside their faces.
    first = run(plan.oracle.wedges_only(), master, max(tol, _START), max_iter)
    faces = FaceMaster(problem, amplitude_master)
    start = first.active()
    faces.start(start.normals, start.rows, start.z[:, 0])
    left = max_iter - len(first.trace)
    if left <= 0 or clock.expired:
        return first.active()
    last = run(plan.oracle, faces, 0.5 * tol, left).active()
    return replace(last, trace=first.trace + last.trace)


def _assemble(
    data: _Data,
    problem: LassoProblem,
    plan: Plan,
    solution: Solution,
    beta: float,
    tol: float,
    n_jobs: int | None,
) -> TrainingResult:
    """Network, atoms and certificate in the units of the user."""
    atoms = problem.to_atoms(solution.normals, solution.offsets, solution.rows)
    z, t = problem.to_input(solution.z, solution.t)
    network = reconstruct(z, atoms.normals, atoms.offsets, t, norm=problem.norm, bias=problem.bias)
    certificate = _certify(data, problem, plan, network, solution, beta, tol, n_jobs)
    flat = data.flat and z.shape[1] == 1
    return TrainingResult(
        network=network,
        certificate=certificate,
        atoms=atoms,
        coef=z[:, 0] if flat else z,
        intercept=float(t[0]) if flat else t,
        trace=solution.trace,
        status=solution.status,
        strategy=plan.reason,
        beta=beta,
    )


def _certify(
    data: _Data,
    problem: LassoProblem,
    plan: Plan,
    network: ReLUNetwork,
    solution: Solution,
    beta: float,
    tol: float,
    n_jobs: int | None,
) -> Certificate:
    atoms = plan.oracle.listed(problem.frame) if plan.sampled and isinstance(plan.oracle, ListedOracle) else None

    def prove(dual_point: Floats | None) -> Certificate:
        return certify(
            network, data.X, data.Y, beta=beta, norm=problem.norm, bias=problem.bias, loss=problem.loss_name,
            scope=plan.scope, atoms=atoms, sample_weight=data.weight, tol=tol, dual_point=dual_point, n_jobs=n_jobs,
        )  # fmt: skip

    certificate = prove(None)
    if certificate.holds or solution.v is None:
        return certificate
    # The dual vector of a conic solver is better than the gradient where the loss has kinks or z is inexact.
    offered = prove(problem.to_input_dual(solution.v))
    return offered if offered.gap < certificate.gap else certificate


def beta_max(
    X: ArrayLike,
    y: ArrayLike,
    *,
    norm: Norm = "l2",
    bias: Bias = True,
    loss: str = "squared",
    scope: str = "auto",
    sample_weight: ArrayLike | None = None,
    max_atoms: int = MAX_ATOMS,
    random_state: int | None = None,
    n_jobs: int | None = None,
) -> float:
    """Smallest beta at which the network without neurons is optimal: R(-gradient at the best constant).

    Penalties are usually chosen as fractions of it (MATHS: grids are geometric down from beta_max).

    Parameters
    ----------
    X, y, norm, bias, loss, scope, sample_weight, max_atoms, random_state, n_jobs :
        As in :func:`train`. With scope="dictionary" the maximum is over wedge neurons only.

    Returns
    -------
    float
        In the units of `beta`; 0 if a constant fits perfectly.
    """
    data = _check_data(X, y, sample_weight)
    norm, bias = check_norm(norm), check_bias(bias)
    LOSSES.check(loss)
    problem = make_problem(data.X, data.Y, beta=1.0, norm=norm, bias=bias, loss=loss, sample_weight=data.weight)
    plan = make_plan(
        problem.frame,
        scope=scope,
        max_atoms=check_count("max_atoms", max_atoms),
        random_state=random_state,
        n_jobs=n_jobs,
    )
    if plan.oracle is None:
        return 0.0
    constant = problem.loss.best_constant() if problem.intercept else np.zeros(data.Y.shape[1])
    v = problem.dual_vector(np.zeros_like(data.Y) + constant)
    return plan.oracle.price(v, np.inf, 1).strongest * problem.unit
