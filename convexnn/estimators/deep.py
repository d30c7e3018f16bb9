"""Deep ReLU networks by convex blocks, as scikit-learn users meet them."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets

from convexnn._types import ArrayLike, Floats, Norm
from convexnn.certificate import Certificate
from convexnn.estimators.callbacks import HAS_CALLBACKS, CallbackSupport, FitTask, with_callbacks
from convexnn.estimators.checks import check_class_data, check_fit_data
from convexnn.estimators.decisions import NetworkDecisions
from convexnn.estimators.fitting import as_weights
from convexnn.estimators.labels import class_loss, class_targets
from convexnn.estimators.regression import NetworkRegression
from convexnn.estimators.samples import merge_samples
from convexnn.estimators.warnings import GapWarning
from convexnn.exceptions import DataError
from convexnn.network import DeepReLUNetwork
from convexnn.refine import train_layerwise
from convexnn.training.strategy import MAX_ATOMS
from convexnn.training.train import MAX_ITER

__all__ = ["DeepConvexReLUClassifier", "DeepConvexReLURegressor"]


class _DeepConvexFit(CallbackSupport, BaseEstimator):
    """Parameters, training and the network of both estimators."""

    network_: DeepReLUNetwork
    certificates_: tuple[Certificate | None, ...]
    betas_: tuple[float, ...]
    objective_: float

    def __init__(
        self,
        *,
        n_blocks: int = 2,
        width: int | None = 100,
        beta: float | None = None,
        beta_ratio: float = 1e-2,
        norm: Norm = "l2",
        bias: bool = True,
        loss: str = "",
        scope: str = "auto",
        fine_tune: int = 0,
        tol: float = 1e-6,
        max_iter: int = MAX_ITER,
        time_limit: float | None = None,
        max_atoms: int = MAX_ATOMS,
        random_state: int | np.random.RandomState | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.n_blocks = n_blocks
        self.width = width
        self.beta = beta
        self.beta_ratio = beta_ratio
        self.norm = norm
        self.bias = bias
        self.loss = loss
        self.scope = scope
        self.fine_tune = fine_tune
        self.tol = tol
        self.max_iter = max_iter
        self.time_limit = time_limit
        self.max_atoms = max_atoms
        self.random_state = random_state
        self.n_jobs = n_jobs

    @with_callbacks
    def _train(self, X: Floats, y: Floats, weight: Floats | None, loss: str, *, labels: Any = None) -> None:
        """Train on checked data and set the fitted attributes; `labels` are the targets as callbacks see them."""
        seed = self.random_state
        if seed is not None and not isinstance(seed, (int, np.integer)):
            seed = int(check_random_state(seed).randint(2**31 - 1))
        task = FitTask(self, X, y if labels is None else labels, weight, None)
        X, y, weight, _ = merge_samples(X, y, weight)
        found = train_layerwise(
            X, y, n_blocks=self.n_blocks, width=self.width, beta=self.beta, beta_ratio=self.beta_ratio,
            norm=self.norm, bias=self.bias, loss=loss, scope=self.scope, fine_tune=self.fine_tune, tol=self.tol,
            max_iter=self.max_iter, time_limit=self.time_limit, max_atoms=self.max_atoms, random_state=seed,
            n_jobs=self.n_jobs, sample_weight=weight, observer=task.observer(None), clock=task,
        )  # fmt: skip
        self.network_ = found.network
        self.certificates_ = found.certificates
        self.betas_ = found.betas
        self.objective_ = found.objective
        last = found.certificates[-1]
        assert last is not None
        self.n_iter_ = len(found.certificates)
        if not last.holds:
            message = f"last block: relative gap {last.relative_gap:.1e} > tol={self.tol:g} (scope {last.scope!r})."
            if task.stopped:
                message += " Stopped by a callback."
            # scikit-learn's callbacks wrap one more call around _train.
            warnings.warn(message, GapWarning, stacklevel=4 if HAS_CALLBACKS else 3)
        task.end()

    @property
    def coefs_(self) -> list[Floats]:
        """Weights of the layers, (in, out) each, as in scikit-learn's MLPs."""
        return [weight.T for weight, _ in self.network_.layers]

    @property
    def intercepts_(self) -> list[Floats]:
        """Biases of the layers, as in scikit-learn's MLPs."""
        return [bias for _, bias in self.network_.layers]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = False
        tags.input_tags.allow_nan = False
        return tags


class DeepConvexReLURegressor(NetworkRegression, _DeepConvexFit):
    """Deep ReLU network for regression whose blocks are convex problems with a certificate each.

    Block k is a two-layer network from the activations of block k - 1 to the targets, trained to optimality within
    the scope of its certificate; its hidden layer is kept, its outputs are used in the last block only. Nothing is
    claimed of the network as a whole.

    Parameters
    ----------
    n_blocks : int, default=2
        Number of hidden layers; 1 is :class:`ConvexReLURegressor`.
    width : int or None, default=100
        Largest number of neurons kept of a block that is not the last.
    beta : float, optional
        Weight decay of every block; by default `beta_ratio` times the block's own beta_max. The loss is a sum.
    beta_ratio : float, default=1e-2
    norm : {"l2", "l1"}, default="l2"
    bias : bool, default=True
        Whether biases are free, or absent.
    loss : str, default="squared"
        As in :class:`ConvexReLURegressor`.
    scope : {"auto", "dictionary", "network", "searched"}, default="auto"
        As in :func:`convexnn.train`: which neurons a block is optimised over.
    fine_tune : int, default=0
        Iterations of L-BFGS over all layers after the blocks; then the last block is trained again. A local method:
        the certificates of earlier blocks are given up (None).
    tol, max_iter, max_atoms, n_jobs :
        As in :class:`ConvexReLURegressor`.
    time_limit : float, optional
        Seconds for each block, and for fine-tuning.
    random_state : int, RandomState or None, default=None
        Seed of searches.

    Attributes
    ----------
    network_ : DeepReLUNetwork
    certificates_ : tuple of Certificate or None
        One per block, about that block on its inputs.
    betas_ : tuple of float
    objective_ : float
        Of the last block on its inputs.
    n_iter_ : int
        Number of blocks.
    n_features_in_, feature_names_in_ :
        As usual.

    Notes
    -----
    ``set_callbacks`` takes callbacks of scikit-learn 1.9 or later: a fit is a task, every round of every block a
    subtask, and a callback that returns True makes the block that is being trained the last.

    Examples
    --------
    >>> import numpy as np
    >>> from convexnn import DeepConvexReLURegressor
    >>> x = np.linspace(-1, 1, 21)[:, None]
    >>> net = DeepConvexReLURegressor(beta=0.01).fit(x, np.abs(np.abs(x[:, 0]) - 0.5))
    >>> net.certificates_[0].scope, net.certificates_[0].holds
    ('network', True)
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
        loss: str = "squared",
        scope: str = "auto",
        fine_tune: int = 0,
        tol: float = 1e-6,
        max_iter: int = MAX_ITER,
        time_limit: float | None = None,
        max_atoms: int = MAX_ATOMS,
        random_state: int | np.random.RandomState | None = None,
        n_jobs: int | None = None,
    ) -> None:
        super().__init__(
            n_blocks=n_blocks, width=width, beta=beta, beta_ratio=beta_ratio, norm=norm, bias=bias, loss=loss,
            scope=scope, fine_tune=fine_tune, tol=tol, max_iter=max_iter, time_limit=time_limit, max_atoms=max_atoms,
            random_state=random_state, n_jobs=n_jobs,
        )  # fmt: skip

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> DeepConvexReLURegressor:
        """Train block by block.

        Parameters
        ----------
        X : (n, d) array
        y : (n,) or (n, c) array
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
        points, targets = check_fit_data(self, X, y)
        self._flat = targets.ndim == 1
        self._train(points, targets, as_weights(sample_weight, len(points)), self.loss)
        return self


class DeepConvexReLUClassifier(NetworkDecisions, ClassifierMixin, _DeepConvexFit):
    """Deep ReLU network for classification whose blocks are convex problems with a certificate each.

    Parameters
    ----------
    n_blocks, width, beta, beta_ratio, norm, bias, scope, fine_tune, tol, max_iter, time_limit :
        As in :class:`DeepConvexReLURegressor`.
    max_atoms, random_state, n_jobs :
        As in :class:`DeepConvexReLURegressor`.
    loss : {"logistic", "squared_hinge", "hinge", "squared"}, default="logistic"
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
        loss: str = "logistic",
        scope: str = "auto",
        fine_tune: int = 0,
        tol: float = 1e-6,
        max_iter: int = MAX_ITER,
        time_limit: float | None = None,
        max_atoms: int = MAX_ATOMS,
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
        check_classification_targets(labels)
        self.classes_, codes = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise DataError(
                f"y contains one class only ({self.classes_[0]!r}); at least two classes are needed to train a "
                "classifier. Check how the labels were made."
            )
        loss = class_loss(self.loss, len(self.classes_))
        targets = class_targets(codes, len(self.classes_), loss)
        self._train(points, targets, as_weights(sample_weight, len(points)), loss, labels=labels)
        return self
