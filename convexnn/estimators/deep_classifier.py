"""Classification with a deep ReLU network of convex blocks."""

from __future__ import annotations

import numpy as np
from sklearn.base import ClassifierMixin

from convexnn._types import ArrayLike, Norm
from convexnn.estimators.checks import check_class_data
from convexnn.estimators.decisions import NetworkDecisions
from convexnn.estimators.deep_fit import DeepConvexFit
from convexnn.estimators.fitting import as_weights
from convexnn.estimators.labels import as_labels, class_loss, class_targets, known_labels
from convexnn.training.choice import MAX_PRICED
from convexnn.training.train import MAX_ITER

__all__ = ["DeepConvexReLUClassifier"]


class DeepConvexReLUClassifier(NetworkDecisions, ClassifierMixin, DeepConvexFit):
    """Deep ReLU network for classification whose blocks are convex problems with a certificate each.

    Parameters
    ----------
    n_blocks, width, beta, beta_ratio, norm, bias, scope, fine_tune, tol, max_iter, time_limit :
        As in :class:`DeepConvexReLURegressor`.
    max_atoms, random_state, n_jobs :
        As in :class:`DeepConvexReLURegressor`.
    loss : {"log_loss", "squared_hinge", "hinge", "squared_error"}, default="log_loss"
        As in :class:`ConvexReLUClassifier`.

    Attributes
    ----------
    classes_ : array
        Labels.
    network_, certificates_, betas_, objective_, n_iter_, n_features_in_, feature_names_in_ :
        As in :class:`DeepConvexReLURegressor`.

    Examples
    --------
    >>> from sklearn.datasets import make_moons
    >>> from convexnn import DeepConvexReLUClassifier
    >>> X, y = make_moons(60, noise=0.1, random_state=0)
    >>> net = DeepConvexReLUClassifier(max_iter=5).fit(X, y)
    >>> net.score(X, y)
    1.0
    """

    def __init__(
        self,
        *,
        n_blocks: int = 2,
        width: int | None = 100,
        beta: float | None = None,
        beta_ratio: float = 1e-2,
        norm: Norm = "l2",
        bias: bool = True,
        loss: str = "log_loss",
        scope: str = "network",
        fine_tune: int = 0,
        tol: float | None = None,
        max_iter: int = MAX_ITER,
        time_limit: float | None = None,
        max_atoms: int = MAX_PRICED,
        random_state: int | np.random.RandomState | None = None,
        n_jobs: int | None = None,
    ) -> None:
        super().__init__(
            n_blocks=n_blocks, width=width, beta=beta, beta_ratio=beta_ratio, norm=norm, bias=bias, loss=loss,
            scope=scope, fine_tune=fine_tune, tol=tol, max_iter=max_iter, time_limit=time_limit, max_atoms=max_atoms,
            random_state=random_state, n_jobs=n_jobs,
        )  # fmt: skip

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> DeepConvexReLUClassifier:
        """Train block by block.

        Parameters
        ----------
        X : (n, d) array
        y : (n,) array
            Labels of any kind.
        sample_weight : (n,) array, optional
            Weight 2 equals repetition, 0 removal.

        Raises
        ------
        DataError, ParameterError
            If data or parameters are not usable; both are ValueErrors.

        Warns
        -----
        GapWarning
            If the gap of the last block is above `tol`.
        """
        points, labels = check_class_data(self, X, y)
        labels = as_labels(labels)
        self.classes_, codes = known_labels(labels)
        loss = class_loss(self.loss)
        targets = class_targets(codes, len(self.classes_), loss)
        self._train(points, targets, as_weights(sample_weight, len(points)), loss, labels=labels)
        return self
