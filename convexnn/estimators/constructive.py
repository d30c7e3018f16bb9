"""Constructive networks as a scikit-learn classifier: no training, no hyperparameter to tune."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from convexnn._types import ArrayLike, Floats
from convexnn.constructive.bounds import Bound, bounds
from convexnn.constructive.clamp import clamp_construct
from convexnn.constructive.classes import ClassData, class_data
from convexnn.constructive.deep import deep_construct
from convexnn.constructive.metric import distances_to_targets
from convexnn.constructive.optimum import affine_least_squares
from convexnn.constructive.search import best_truncation
from convexnn.constructive.separable import sequential_construct
from convexnn.constructive.shallow import shallow_affine, shallow_construct
from convexnn.estimators.checks import check_class_data, check_predict_data
from convexnn.exceptions import ConstructionError, ParameterError, RankDeficientMeansError
from convexnn.network import DeepReLUNetwork, ReLUNetwork

__all__ = ["ConstructiveClassifier"]


def _affine(X: ClassData, labels: ArrayLike, _seed: int | None) -> tuple[str, Any]:
    """The affine variant; where the class means are affinely dependent, the affine least-squares network."""
    try:
        return "affine", shallow_affine(X, labels)
    except RankDeficientMeansError:
        return "least squares", affine_least_squares(X, labels)


def _deep(X: ClassData, labels: ArrayLike, _seed: int | None) -> tuple[str, Any]:
    """Simplex coordinates with the paper's axes, then regression coordinates with axes of largest margin."""
    try:
        return "deep", deep_construct(X, labels)
    except ConstructionError:
        return "deep", deep_construct(X, labels, coords="regression", direction="margin", final="affine")


_MAKERS: dict[str, Callable[[ClassData, ArrayLike, int | None], tuple[str, Any]]] = {
    "affine": _affine,
    "shallow": lambda X, labels, seed: ("shallow", shallow_construct(X, labels)),
    "truncation": lambda X, labels, seed: ("truncation", best_truncation(X, labels, random_state=seed)),
    "deep": _deep,
    "clamp": lambda X, labels, seed: ("clamp", clamp_construct(X, labels)),
    "sequential": lambda X, labels, seed: (
        "sequential",
        sequential_construct(X, labels, random_state=0 if seed is None else seed),
    ),
}


class ConstructiveClassifier(ClassifierMixin, BaseEstimator):
    """Classify with a ReLU network that is written down from the class means.

    A sample goes to the class whose target is nearest to the network's output, which is the nearest class
    mean (or apex) in the metric of the construction.

    Parameters
    ----------
    kind : {"affine", "shallow", "truncation", "deep", "clamp", "sequential"}, default="affine"
        - "affine": Q - 1 neurons, class means to targets. If the class means are affinely dependent, the
          affine least-squares network is taken instead, so that this kind exists for all data.
        - "shallow": Theorem 3.1 of arXiv 2309.10370, Q neurons; needs independent class means.
        - "truncation": width Q, found by a search over truncations.
        - "deep": Q layers of width Q, zero cost (arXiv 2309.10639); needs classes that can be cut off
          in simplex coordinates, or by largest margins in those of the affine least-squares fit.
        - "clamp": 2 (Q - 1) neurons, zero cost; needs each class but one separable from the rest.
        - "sequential": Q layers, zero cost; needs an order with each class separable from the later ones.
    random_state : int or None, default=None
        For the searches of "truncation" and "sequential".

    Attributes
    ----------
    classes_ : (Q,) array
    network_ : ReLUNetwork or DeepReLUNetwork
    layers_ : list of (weight, bias) pairs
    construction_ : str
        What was built: `kind`, or "least squares" by the rule above.
    bounds_ : dict of str to Bound
        Every bound of the L2 cost on the training data, with its theorem;
        :func:`convexnn.constructive.bounds` also searches by linear programs.
    cost_ : float
        L2 cost of the network on the training data, root mean square.
    n_features_in_ : int

    Raises
    ------
    ConstructionError
        From ``fit``, if the construction does not exist for the data.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from convexnn import ConstructiveClassifier
    >>> X, y = load_wine(return_X_y=True)
    >>> model = ConstructiveClassifier().fit(X / X.std(axis=0), y)
    >>> model.network_.n_neurons, round(model.score(X / X.std(axis=0), y), 2)
    (2, 0.98)
    """

    _kinds: ClassVar[tuple[str, ...]] = tuple(_MAKERS)

    def __init__(self, kind: str = "affine", *, random_state: int | None = None) -> None:
        self.kind = kind
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike) -> ConstructiveClassifier:
        """Write the network down.

        Parameters
        ----------
        X : (n, d) array
        y : (n,) array of labels
        """
        if self.kind not in self._kinds:
            raise ParameterError(f"kind={self.kind!r} is unknown; choose one of {', '.join(map(repr, self._kinds))}.")
        points, labels = check_class_data(self, X, y)
        check_classification_targets(labels)
        self.classes_, codes = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise ParameterError(f"y has 1 class, {self.classes_[0]!r}; a classifier needs at least two.")
        data = class_data(points, codes)
        self.construction_, built = _MAKERS[self.kind](data, codes, self.random_state)
        network: ReLUNetwork | DeepReLUNetwork = built.network
        self.network_ = network
        deep = DeepReLUNetwork.from_shallow(network) if isinstance(network, ReLUNetwork) else network
        self.layers_ = list(deep.layers)
        errors = network.outputs(points) - np.eye(len(self.classes_))[codes]
        self.cost_ = float(np.sqrt((errors**2).sum(axis=1).mean()))
        self.bounds_: dict[str, Bound] = bounds(data, codes, linear_programs=False)
        return self

    def distances(self, X: ArrayLike) -> Floats:
        """C_j[x] = |f(x) - y_j|, the metric distance of X (n, d), sparse or dense, to each class, shape (n, Q)."""
        check_is_fitted(self, "network_")
        points = check_predict_data(self, X)
        return distances_to_targets(self.network_.outputs(points), np.eye(len(self.classes_)))

    def decision_function(self, X: ArrayLike) -> Floats:
        """How much nearer a class is in the metric: -C_j[x] (n, Q), for two classes C_0[x] - C_1[x] (n,)."""
        costs = self.distances(X)
        return costs[:, 0] - costs[:, 1] if len(self.classes_) == 2 else -costs

    def predict(self, X: ArrayLike) -> np.ndarray[Any, Any]:
        """Class of the nearest target; ties go to the first class."""
        nearest = self.distances(X).argmin(axis=1)
        return np.asarray(self.classes_[nearest])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
