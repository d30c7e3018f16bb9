"""Classification with a ReLU network that is trained to a certified optimum."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets

from convexnn._types import ArrayLike, Bias, Norm
from convexnn.estimators.checks import check_class_data
from convexnn.estimators.decisions import NetworkDecisions
from convexnn.estimators.fitting import ConvexFit, as_weights
from convexnn.estimators.labels import class_loss, class_targets
from convexnn.exceptions import DataError
from convexnn.geometry.interactions import InteractionSpec
from convexnn.training.choice import MAX_PRICED
from convexnn.training.train import MAX_ITER

__all__ = ["ConvexReLUClassifier"]


class ConvexReLUClassifier(ConvexFit, NetworkDecisions, ClassifierMixin, BaseEstimator):
    """Classifier whose training objective is proved to be optimal up to a stated gap.

    Minimises ``loss(f(X); y) + beta/2 * sum_j (||w_j||_p^2 + ||a_j||_p^2)`` over networks of any width; the
    loss is a *sum* over samples. More than two classes give a network with one output per class, whose
    hidden neurons are shared.

    Parameters
    ----------
    beta : float, optional
        Weight decay. By default ``beta_ratio`` times the smallest beta whose network is constant.
    beta_ratio : float, default=1e-2
        Used if `beta` is None.
    norm : {"l2", "l1"}, default="l2"
        Norm of the weights in the penalty; "l1" gives neurons with few inputs.
    bias : {True, False, "penalized"}, default=True
        Free hidden biases and output intercept; none; or hidden biases that count in the norm.
    loss : {"log_loss", "squared_hinge", "hinge", "squared_error"}, default="log_loss"
        "log_loss" is softmax cross-entropy for more than two classes and gives probabilities. The others
        separate each class from the rest.
    scope, interaction_cst, bound, solver, tol, max_iter, time_limit, max_atoms, random_state, n_jobs, verbose, \
warm_start :
        As in :class:`ConvexReLURegressor`.

    Attributes
    ----------
    classes_ : array
        Labels.
    network_, certificate_, beta_, n_neurons_, support_, n_iter_, status_, n_features_in_, feature_names_in_ :
        As in :class:`ConvexReLURegressor`.

    Examples
    --------
    >>> from sklearn.datasets import make_moons
    >>> from convexnn import ConvexReLUClassifier
    >>> X, y = make_moons(60, noise=0.1, random_state=0)
    >>> net = ConvexReLUClassifier().fit(X, y)
    >>> net.score(X, y), net.certified_, net.certificate_.scope
    (1.0, True, 'network')
    """

    def __init__(
        self,
        *,
        beta: float | None = None,
        beta_ratio: float = 1e-2,
        norm: Norm = "l2",
        bias: Bias = True,
        loss: str = "log_loss",
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

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> ConvexReLUClassifier:
        """Train to the optimum.

        Parameters
        ----------
        X : (n, d) array
        y : (n,) array
            Labels of any kind.
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
        points, labels = check_class_data(self, X, y)
        check_classification_targets(labels)
        self.classes_, codes = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise DataError(
                f"y contains one class only ({self.classes_[0]!r}); at least two classes are needed to train a "
                "classifier. Check how the labels were made."
            )
        loss = class_loss(self.loss)
        targets = class_targets(codes, len(self.classes_), loss)
        weight = as_weights(sample_weight, len(points))
        self._train(points, targets, weight, loss, labels=labels, samples=X)
        return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = False
        tags.input_tags.allow_nan = False
        return tags
