"""Regression with a ReLU network that is trained to a certified optimum."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from convexnn._types import ArrayLike, Bias, Norm
from convexnn.estimators.checks import check_fit_data
from convexnn.estimators.fitting import ConvexFit, as_weights
from convexnn.estimators.regression import NetworkRegression
from convexnn.geometry.interactions import InteractionSpec
from convexnn.training.choice import MAX_PRICED
from convexnn.training.train import MAX_ITER

__all__ = ["ConvexReLURegressor"]


class ConvexReLURegressor(ConvexFit, NetworkRegression, BaseEstimator):
    """Two-layer ReLU network whose training objective is proved to be optimal up to a stated gap.

    Minimises ``loss(f(X); y) + beta/2 * sum_j (||w_j||_p^2 + ||a_j||_p^2)`` over networks of any width; the
    loss is a *sum* over samples, for squared error with the factor 1/2, so that `beta` is the same number
    as `alpha` of :class:`sklearn.neural_network.MLPRegressor`. The width is found, not chosen.

    Parameters
    ----------
    beta : float, optional
        Weight decay. By default ``beta_ratio`` times the smallest beta whose network is constant; 0 asks for
        the interpolating network of least norm.
    beta_ratio : float, default=1e-2
        Used if `beta` is None.
    norm : {"l2", "l1"}, default="l2"
        Norm of the hidden weights in the penalty; "l1" gives neurons with few inputs.
    bias : {True, False, "penalized"}, default=True
        Free hidden biases and output intercept; none; or hidden biases that count in the norm.
    loss : str, default="squared_error"
        "squared_error", "huber", "huber(delta)", "quantile", "quantile(level)" or "poisson". For counts predictions
        are means; rates are learnt as ``fit(X, counts / exposure, sample_weight=exposure)``.
    scope : {"network", "dictionary"}, default="network"
        As in :func:`convexnn.train`: all neurons, or those whose hyperplanes pass through samples.
    interaction_cst : {"no_interactions", "pairwise"} or list of groups of features, optional
        Which features a neuron may see together, by index or name, as in scikit-learn's gradient boosting. The network
        is then a sum of functions of one, two or the given features, and exact in any dimension.
    bound : {"none", "quick", "full"}, default="quick"
        How much is spent on a lower bound where neurons are searched.
    solver : str, default="auto"
        Solver of the restricted problems: "native", "clarabel", "scs", "ecos", "piqp" or "cvxpy".
    tol : float, optional
        Relative duality gap for exact methods (1e-6 by default), relative objective still to be gained for searches
        (1e-3 by default).
    max_iter : int, default=1000
        Largest number of rounds.
    time_limit : float, optional
        Seconds from the call of `fit`, kept by everything in it; the best network so far is kept.
    max_atoms : int, default=300000000
        Candidate neurons that may be searched exactly; beyond that the search is heuristic and proves nothing.
    random_state : int, RandomState or None, default=None
        Seed of the heuristic search; exact methods are deterministic.
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
        Objective, lower bound and gap, recomputed from the data after training. If samples are repeated or
        weighted, it is about the distinct ones with their total weights, the same problem.
    beta_ : float
        The penalty that was used.
    n_neurons_ : int
        Width of the network.
    support_ : list of arrays of int
        For each neuron the training samples on its hyperplane.
    feature_importances_ : (d,) array
        Shares of the features in how the output changes around the training samples.
    loss_curve_ : list of float
        Objective after every round.
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

    Notes
    -----
    Training runs on NumPy in float64, also for float32 samples. Tensors of PyTorch, CuPy and JAX are converted; if
    they lie on a GPU and neurons can only be searched, they are searched and moved there. With scikit-learn's
    ``array_api_dispatch`` predictions are computed in the array library and on the device of X, whatever the training
    data were; float32 samples give float32 predictions.

    ``set_callbacks`` takes callbacks of scikit-learn 1.9 or later: a fit is a task, every round of training a
    subtask, and a callback that returns True ends training with the network so far.

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
        loss: str = "squared_error",
        scope: str = "network",
        interaction_cst: InteractionSpec = None,
        bound: str = "quick",
        solver: str = "auto",
        tol: float | None = None,
        max_iter: int = MAX_ITER,
        time_limit: float | None = None,
        max_atoms: int = MAX_PRICED,
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
        self.scope = scope
        self.interaction_cst = interaction_cst
        self.bound = bound
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
        self._flat = targets.ndim == 1
        self._train(points, targets, as_weights(sample_weight, len(points)), self.loss, samples=X)
        return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
