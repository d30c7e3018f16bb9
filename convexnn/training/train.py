"""The public functions: train a network, and the penalty at which it becomes zero."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from convexnn._checks import check_count, check_real
from convexnn._progress import Clock, Observer
from convexnn._types import ArrayLike, Bias, Norm
from convexnn.training.result import TrainingResult
from convexnn.training.session import Session
from convexnn.training.strategy import MAX_ATOMS

__all__ = ["MAX_ITER", "beta_max", "train"]

MAX_ITER = 1000


def train(
    X: ArrayLike,
    y: ArrayLike,
    *,
    beta: float,
    norm: Norm = "l2",
    bias: Bias = True,
    loss: str = "squared_error",
    scope: str = "auto",
    solver: str = "auto",
    solver_options: Mapping[str, Any] | None = None,
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
        Samples in rows. Tensors of PyTorch, CuPy and JAX are converted. If X lies on a GPU and neurons can only be
        searched (scope "searched"), they are searched and moved there.
    y : (n,) or (n, c) array
        Targets.
    beta : float
        Weight decay: the coefficient of half the squared weights; the loss is a sum over samples, the
        squared loss has a factor 1/2. The same number as `alpha` of scikit-learn's MLPs. 0 asks for the
        interpolation f(X) = y of least norm (Corollary 8).
    norm : "l2" or "l1"
        Norm of the hidden weights in the penalty; "l1" gives neurons with few inputs.
    bias : True, False or "penalized"
        Free hidden biases and output intercept; none; or hidden biases that count in the norm, no intercept.
    loss : str
        A name in `convexnn.losses.LOSSES`.
    scope : "auto", "dictionary" or "network"
        Optimise over wedge neurons only (the Lasso of the paper), or over every neuron. "auto" takes
        "network" where an exact method is known: l1 always; l2 up to rank 2 with free biases, 3 without.
        Asked for beyond that, up to rank 6 with free biases and 7 without, neurons are searched and the gap over
        all networks is bounded by branch and bound; if the bound is of no use the certificate has the scope "none".
    solver : "auto", "native", "clarabel", "scs", "ecos", "piqp" or "cvxpy"
        Solver of the restricted problems. The certificate does not depend on what it reports.
    solver_options : mapping, optional
        Options of a conic solver, as CVXPY takes them.
    tol : float
        Relative duality gap at which training stops.
    max_iter : int
        Largest number of rounds.
    time_limit : float, optional
        Seconds after which the best network so far is returned with its true gap. Where neurons are searched, the last
        15 % go to dropping neurons that are hardly needed, which may cost 3e-4 of the objective, or a fifth of `tol` if
        that is more.
    max_atoms : int
        Atoms that may be searched exactly; a larger dictionary is sampled, and the result says so.
    random_state : int, optional
        Seed of the sampling; exact methods are deterministic.
    observer : callable, optional
        Called with a `Progress` after every round.
    sample_weight : (n,) array, optional
        Weight 2 equals repetition, 0 removal.
    n_jobs : int, optional
        Threads of exact methods, workers of joblib that share a search; results do not depend on their number.

    Returns
    -------
    TrainingResult

    Raises
    ------
    DataError, ParameterError
        If an argument is not usable.
    DictionarySizeError
        If scope="network" is demanded beyond `max_atoms` and beyond the ranks of branch and bound.
    SolverUnavailableError
        If `solver` is not installed.
    InfeasibleError
        If beta is 0 and no network interpolates.
    """
    beta = check_real("beta", beta, low=0.0, hint="Try beta_max(X, y) * 1e-2 as a start.")
    tol = check_real("tol", tol, low=0.0)
    max_iter = check_count("max_iter", max_iter)
    if time_limit is not None:
        time_limit = check_real("time_limit", time_limit, low=0.0, strict=True)
    clock = Clock(time_limit)
    session = Session(
        X, y, norm=norm, bias=bias, loss=loss, scope=scope, solver=solver, solver_options=solver_options,
        max_atoms=max_atoms, random_state=random_state, sample_weight=sample_weight, n_jobs=n_jobs,
    )  # fmt: skip
    return session.solve(beta, tol=tol, max_iter=max_iter, clock=clock, observer=observer)


def beta_max(
    X: ArrayLike,
    y: ArrayLike,
    *,
    norm: Norm = "l2",
    bias: Bias = True,
    loss: str = "squared_error",
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
    session = Session(
        X, y, norm=norm, bias=bias, loss=loss, scope=scope, max_atoms=max_atoms,
        random_state=random_state, sample_weight=sample_weight, n_jobs=n_jobs,
    )  # fmt: skip
    return session.beta_max()
