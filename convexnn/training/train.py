"""The public functions: train a network, and the penalty at which it becomes zero."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from convexnn._checks import check_count, check_real, check_time_limit, check_tol
from convexnn._progress import Clock, Observer
from convexnn._types import ArrayLike, Bias, Norm
from convexnn.geometry.interactions import InteractionSpec
from convexnn.search.parameters import SearchParams
from convexnn.training.choice import MAX_PRICED
from convexnn.training.driver import Driver
from convexnn.training.parameters import ExactParams
from convexnn.training.result import TrainingResult

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
    scope: str = "network",
    solver: str = "auto",
    solver_options: Mapping[str, Any] | None = None,
    tol: float | None = None,
    max_iter: int = MAX_ITER,
    time_limit: float | None = None,
    max_atoms: int = MAX_PRICED,
    random_state: int | None = None,
    observer: Observer | None = None,
    sample_weight: ArrayLike | None = None,
    n_jobs: int | None = None,
    bound: str = "quick",
    search: SearchParams | None = None,
    exact: ExactParams | None = None,
    interaction_cst: InteractionSpec = None,
) -> TrainingResult:
    """Train a two-layer ReLU network to a certified optimum.

    Minimises  loss(f(X); y) + beta/2 sum_j (||w_j||_p^2 + ||a_j||_p^2)  through its Lasso reformulation over
    hyperplanes through samples (arXiv 2309.16512, Theorems 1-7), without seeds and learning rates.

    Parameters
    ----------
    X : (n, d) array
        Samples in rows. Tensors of PyTorch, CuPy and JAX are converted. If X lies on a GPU and neurons can only be
        searched, they are searched and moved there.
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
    scope : "network" or "dictionary"
        Optimise over every neuron, or over wedge neurons only (the Lasso of the paper). All neurons are searched
        exactly for l1, and for l2 up to rank 2 with free biases, 3 without, while `max_atoms` allows; elsewhere they
        are found by a search, and nothing is proved unless `bound` proves it.
    solver : "auto", "native", "clarabel", "scs", "ecos", "piqp" or "cvxpy"
        Solver of the restricted problems. The certificate does not depend on what it reports.
    solver_options : mapping, optional
        Options of a conic solver, as CVXPY takes them.
    tol : float, optional
        How far to go: the relative duality gap for exact methods (1e-6 by default), the relative objective that is
        still to be gained for searches (1e-3 by default). A looser one costs less.
    max_iter : int
        Largest number of rounds.
    time_limit : float, optional
        Seconds from the call, kept by everything, after which the best network so far is returned with its true gap.
        It only ever stops work that would be done without it. Where neurons are searched, the last 15 % go to dropping
        neurons that are hardly needed, which may cost 3e-4 of the objective, or a fifth of `tol` if that is more.
    max_atoms : int
        Atoms that one exact answer may visit; beyond it neurons are searched (scope "network") or the dictionary is
        sampled (scope "dictionary").
    random_state : int, optional
        Seed of the sampling; exact methods are deterministic.
    observer : callable, optional
        Called with a `Progress` after every round.
    sample_weight : (n,) array, optional
        Weight 2 equals repetition, 0 removal.
    n_jobs : int, optional
        Threads of exact methods, workers of joblib that share a search; results do not depend on their number.
    bound : "none", "quick" or "full"
        How much is spent on a lower bound where no exact method ends training: nothing; little; or all that is known.
    search, exact : SearchParams, ExactParams, optional
        How searches, and how exact methods spend their work.
    interaction_cst : None, "no_interactions", "pairwise" or list of groups of feature indices
        Which features a neuron may see together, as in scikit-learn's gradient boosting: all; one; at most two; those
        of one group, where features in no group form one more. The network is then a sum of functions of the groups,
        and the optimum over these networks is exact in any dimension: groups of one or two features with free biases,
        up to three without, and with norm="l1" all whose atoms `max_atoms` allows. The certificate speaks of networks
        of this kind.

    Returns
    -------
    TrainingResult

    Raises
    ------
    DataError, ParameterError
        If an argument is not usable.
    DictionarySizeError
        If the groups of `interaction_cst` have more atoms than `max_atoms`.
    SolverUnavailableError
        If `solver` is not installed.
    InfeasibleError
        If beta is 0 and no network interpolates.
    """
    beta = check_real("beta", beta, low=0.0, hint="Try beta_max(X, y) * 1e-2 as a start.")
    tol = check_tol(tol)
    max_iter = check_count("max_iter", max_iter)
    clock = Clock(check_time_limit(time_limit))
    driver = Driver(
        X, y, norm=norm, bias=bias, loss=loss, scope=scope, solver=solver, solver_options=solver_options,
        max_atoms=max_atoms, random_state=random_state, sample_weight=sample_weight, n_jobs=n_jobs, bound=bound,
        search=search, exact=exact, interaction_cst=interaction_cst,
    )  # fmt: skip
    return driver.solve(beta, tol=tol, max_iter=max_iter, clock=clock, observer=observer)


def beta_max(
    X: ArrayLike,
    y: ArrayLike,
    *,
    norm: Norm = "l2",
    bias: Bias = True,
    loss: str = "squared_error",
    scope: str = "network",
    sample_weight: ArrayLike | None = None,
    max_atoms: int = MAX_PRICED,
    random_state: int | None = None,
    n_jobs: int | None = None,
    time_limit: float | None = None,
    interaction_cst: InteractionSpec = None,
) -> float:
    """Smallest beta at which the network without neurons is optimal: R(-gradient at the best constant).

    Penalties are usually chosen as fractions of it (MATHS: grids are geometric down from beta_max).

    Parameters
    ----------
    X, y, norm, bias, loss, scope, sample_weight, max_atoms, random_state, n_jobs, interaction_cst :
        As in :func:`train`. With scope="dictionary" the maximum is over wedge neurons only.
    time_limit : float, optional
        Seconds, after which the largest response so far is returned. Where one exact answer would take longer, the
        largest response of all neurons that a search finds is returned, which hardly depends on the machine.

    Returns
    -------
    float
        In the units of `beta`; 0 if a constant fits perfectly.
    """
    clock = Clock(check_time_limit(time_limit))
    driver = Driver(
        X, y, norm=norm, bias=bias, loss=loss, scope=scope, max_atoms=max_atoms,
        random_state=random_state, sample_weight=sample_weight, n_jobs=n_jobs, interaction_cst=interaction_cst,
    )  # fmt: skip
    return driver.beta_max(clock)
