"""Regression with a ReLU network that is trained to a certified optimum."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from convexnn._checks import check_count, check_real
from convexnn._progress import Clock
from convexnn._types import ArrayLike, Bias, Floats, Ints, Norm
from convexnn.certificate.record import data_fingerprint
from convexnn.estimators.checks import check_fit_data, check_predict_data
from convexnn.estimators.fitted import FittedNetwork
from convexnn.estimators.progress import fit_observer
from convexnn.estimators.warnings import GapWarning
from convexnn.training import TrainingResult
from convexnn.training.session import Session
from convexnn.training.strategy import MAX_ATOMS
from convexnn.training.train import MAX_ITER

__all__ = ["ConvexReLURegressor"]


class ConvexReLURegressor(FittedNetwork, RegressorMixin, BaseEstimator):
    """Two-layer ReLU network whose training objective is proved to be optimal up to a stated gap.

    Minimises ``loss(f(X); y) + beta/2 * sum_j (||w_j||_p^2 + ||a_j||_p^2)`` over networks of any width; the
    loss is a *sum* over samples, for squared error with the factor 1/2, so that `beta` is the same number
    as `alpha` of :class:`sklearn.neural_network.MLPRegressor`. The width is found, not chosen.

    Parameters
    ----------
    beta : float, optional
        Weight decay. By default ``beta_ratio`` times the smallest beta whose network is constant.
    beta_ratio : float, default=1e-2
        Used if `beta` is None.
    norm : {"l2", "l1"}, default="l2"
        Norm of the hidden weights in the penalty; "l1" gives neurons with few inputs.
    bias : {True, False, "penalized"}, default=True
        Free hidden biases and output intercept; none; or hidden biases that count in the norm.
    loss : str, default="squared"
        "squared", "huber", "huber(delta)", "quantile", "quantile(level)" or "poisson".
    solver : str, default="auto"
        Solver of the restricted problems: "native", "clarabel", "scs", "ecos", "piqp" or "cvxpy".
    tol : float, default=1e-6
        Relative duality gap to reach.
    max_iter : int, default=1000
        Largest number of rounds.
    time_limit : float, optional
        Seconds after which the best network so far is kept.
    max_atoms : int, default=300000000
        Candidate neurons that may be searched exactly; a larger dictionary is sampled.
    random_state : int, RandomState or None, default=None
        Seed of sampled dictionaries; exact methods are deterministic.
    n_jobs : int, optional
        Threads (None or -1: all processors); the result does not depend on it.
    verbose : int, default=0
        1: a summary on standard output, 2: one line per round as well.
    warm_start : bool, default=False
        Start from the neurons of the last fit if data and parameters are the same but for `beta`,
        `beta_ratio`, `tol`, `max_iter` and `time_limit`. The optimum does not depend on it.

    Attributes
    ----------
    network_ : ReLUNetwork
        The trained network.
    certificate_ : Certificate
        Objective, lower bound and gap, recomputed from the data after training.
    beta_ : float
        The penalty that was used.
    n_neurons_ : int
        Width of the network.
    support_ : list of arrays of int
        For each neuron the training samples on its hyperplane.
    n_iter_ : int
        Rounds of training.
    status_ : str
        Why training stopped, in one sentence.
    n_features_in_ : int
    feature_names_in_ : array of str
        Only if X had column names.

    See Also
    --------
    convexnn.train : The same as a function.

    Examples
    --------
    >>> import numpy as np
    >>> from convexnn import ConvexReLURegressor
    >>> X = np.linspace(-1, 1, 21)[:, None]
    >>> net = ConvexReLURegressor(beta=0.01).fit(X, np.abs(X[:, 0]))
    >>> net.n_neurons_, net.certified_
    (2, True)
    """

    def __init__(
        self,
        *,
        beta: float | None = None,
        beta_ratio: float = 1e-2,
        norm: Norm = "l2",
        bias: Bias = True,
        loss: str = "squared",
        solver: str = "auto",
        tol: float = 1e-6,
        max_iter: int = MAX_ITER,
        time_limit: float | None = None,
        max_atoms: int = MAX_ATOMS,
        random_state: int | np.random.RandomState | None = None,
        n_jobs: int | None = None,
        verbose: int = 0,
        warm_start: bool = False,
    ) -> None:
        self.beta = beta
        self.beta_ratio = beta_ratio
        self.norm = norm
        self.bias = bias
        self.loss = loss
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter
        self.time_limit = time_limit
        self.max_atoms = max_atoms
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.warm_start = warm_start

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> ConvexReLURegressor:
        """Train to the optimum.

        Parameters
        ----------
        X : (n, d) array
        y : (n,) or (n, c) array
        sample_weight : (n,) array, optional
            Weight 2 equals repetition, 0 removal.

        Returns
        -------
        self

        Raises
        ------
        DataError, ParameterError
            If data or parameters are not usable; both are ValueErrors.

        Warns
        -----
        GapWarning
            If the gap is above `tol`; the network is usable and the gap is true.
        """
        points, targets = check_fit_data(self, X, y)
        weight = _uniform_or_array(sample_weight, len(points))
        limits = self._limits()
        session = self._start(points, targets, weight)
        result = session.solve(self._penalty(session), observer=fit_observer(self.verbose), **limits)
        self._keep(result, targets.ndim == 1, weight)
        return self

    def predict(self, X: ArrayLike) -> Floats:
        """Output of the network at X (n, d), sparse or dense: (n,), or (n, c) if y had two dimensions."""
        check_is_fitted(self)
        f = self.network_.outputs(check_predict_data(self, X))
        return f[:, 0] if self._flat else f

    def _seed(self) -> int | None:
        if self.random_state is None or isinstance(self.random_state, (int, np.integer)):
            return None if self.random_state is None else int(self.random_state)
        return int(check_random_state(self.random_state).randint(2**31 - 1))

    def _limits(self) -> dict[str, Any]:
        limit = self.time_limit
        if limit is not None:
            limit = check_real("time_limit", limit, low=0.0, strict=True, hint="It counts seconds.")
        return {
            "tol": check_real("tol", self.tol, low=0.0),
            "max_iter": check_count("max_iter", self.max_iter),
            "clock": Clock(limit),
        }

    def _start(self, X: Floats, y: Floats, weight: Floats | None) -> Session:
        """The session of the last fit if `warm_start` and nothing but penalty and limits changed, or a new one."""
        options: dict[str, Any] = {
            "norm": self.norm, "bias": self.bias, "loss": self.loss, "solver": self.solver,
            "max_atoms": self.max_atoms, "random_state": self._seed(), "n_jobs": self.n_jobs,
        }  # fmt: skip
        if not self.warm_start:
            self._session = None
            return Session(X, y, sample_weight=weight, **options)
        key = (data_fingerprint(X, y, weight), tuple(options.items()))
        kept = getattr(self, "_session", None)
        if kept is None or kept[0] != key:
            kept = key, Session(X, y, sample_weight=weight, **options)
            self._session = kept
        return kept[1]

    def _penalty(self, session: Session) -> float:
        if self.beta is not None:
            return check_real("beta", self.beta, low=0.0, strict=True, hint="Or leave it out and set beta_ratio.")
        ratio = check_real("beta_ratio", self.beta_ratio, low=0.0, strict=True, hint="It is a share of beta_max.")
        # A constant target has beta_max = 0: every beta > 0 gives the same constant network.
        return ratio * (session.beta_max() or 1.0)

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        # Search structures are large and hold compiled objects; a pickled estimator starts afresh.
        state.pop("_session", None)
        return state

    def _keep(self, result: TrainingResult, flat: bool, weight: Floats | None) -> None:
        seen: Ints = np.arange(result.certificate.n_samples) if weight is None else np.flatnonzero(weight > 0)
        self.network_ = result.network
        self.certificate_ = result.certificate
        self.atoms_ = result.atoms
        self.beta_ = result.beta
        self.support_ = [seen[list(rows)] for rows in result.support]
        self.n_neurons_ = result.network.n_neurons
        self.n_iter_ = max(1, result.n_iter)
        self.status_ = result.status.value
        self.coef_ = result.coef
        self._flat = flat
        if self.verbose:
            print(result.certificate.summary())
        if not result.certificate.holds:
            warnings.warn(
                f"relative duality gap {result.certificate.relative_gap:.1e} > tol={self.tol:g}. {self.status_}",
                GapWarning,
                stacklevel=3,
            )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.single_output = True
        tags.target_tags.multi_output = True
        tags.input_tags.sparse = False
        tags.input_tags.allow_nan = False
        return tags


def _uniform_or_array(sample_weight: ArrayLike | None, n: int) -> Floats | None:
    """Weights (n,) as an array; a number stands for the same weight everywhere."""
    if sample_weight is None:
        return None
    weight = np.asarray(sample_weight)
    return np.full(n, weight) if weight.ndim == 0 else weight
