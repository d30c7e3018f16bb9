"""Regression with a deep ReLU network of convex blocks."""

from __future__ import annotations

import numpy as np

from convexnn._types import ArrayLike, Norm
from convexnn.estimators.checks import check_fit_data
from convexnn.estimators.deep_fit import DeepConvexFit
from convexnn.estimators.fitting import as_weights
from convexnn.estimators.regression import NetworkRegression
from convexnn.training.choice import MAX_PRICED
from convexnn.training.train import MAX_ITER

__all__ = ["DeepConvexReLURegressor"]


class DeepConvexReLURegressor(NetworkRegression, DeepConvexFit):
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
    loss : str, default="squared_error"
        As in :class:`ConvexReLURegressor`.
    scope : {"network", "dictionary"}, default="network"
        As in :func:`convexnn.train`: which neurons a block is optimised over.
    fine_tune : int, default=0
        Iterations of L-BFGS over all layers after the blocks; then the last block is trained again. A local method:
        the certificates of earlier blocks are given up (None).
    tol, max_iter, max_atoms, n_jobs :
        As in :class:`ConvexReLURegressor`.
    time_limit : float, optional
        Seconds from the call of `fit`, in equal parts for the blocks, and for fine-tuning.
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
        loss: str = "squared_error",
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
