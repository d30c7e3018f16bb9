"""Classification with a ReLU network that is trained to a certified optimum."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

from convexnn._types import ArrayLike, Bias, Norm
from convexnn.estimators.checks import check_class_data
from convexnn.estimators.decisions import NetworkDecisions
from convexnn.estimators.fitting import ConvexFit, as_weights
from convexnn.estimators.labels import as_labels, class_loss, class_targets, class_weights, known_labels
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
    class_weight : dict, "balanced" or None, default=None
        Weights of the classes, as in scikit-learn; they multiply `sample_weight`, but `beta_ratio` refers to the
        `beta_max` without them.
    scope, interaction_cst, bound, solver, tol, max_iter, time_limit, max_atoms, random_state, n_jobs, verbose, \
warm_start :
        As in :class:`ConvexReLURegressor`.

    Attributes
    ----------
    classes_ : array
        Labels; with several labels per sample their indices.
    network_, certificate_, beta_, n_neurons_, support_, feature_importances_, loss_curve_, n_iter_, status_, \
n_features_in_, feature_names_in_ :
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
        class_weight: Any = None,
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
        self.class_weight = class_weight

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> ConvexReLUClassifier:
        """Train to the optimum.

        Parameters
        ----------
        X : (n, d) array
        y : (n,) array
            Labels of any kind; or (n, c) of 0 and 1, several labels per sample.
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
        points, labels = check_class_data(self, X, y, multi_output=True)
        loss, labels = class_loss(self.loss), as_labels(labels)
        self._multilabel = labels.ndim == 2
        self.classes_, codes = known_labels(labels)
        if self._multilabel:
            targets, loss = 2.0 * codes - 1.0, "log_loss_multilabel" if loss == "log_loss" else loss
        else:
            targets = class_targets(codes, len(self.classes_), loss)
        weight, classes = as_weights(sample_weight, len(points)), class_weights(self.class_weight, labels)
        self._train(points, targets, weight, loss, labels=labels, samples=X, class_weight=classes)
        return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = False
        tags.classifier_tags.multi_label = True
        return tags
