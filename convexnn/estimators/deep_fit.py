"""What both deep estimators share: parameters, training by convex blocks, and the network."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state

from convexnn._types import Floats, Norm
from convexnn.certificate import Certificate
from convexnn.certificate.merge import merge_samples
from convexnn.estimators.callbacks import HAS_CALLBACKS, CallbackSupport, FitTask, with_callbacks
from convexnn.estimators.warnings import GapWarning
from convexnn.network import DeepReLUNetwork
from convexnn.refine import train_layerwise
from convexnn.training.choice import MAX_PRICED
from convexnn.training.train import MAX_ITER

__all__ = ["DeepConvexFit"]


class DeepConvexFit(CallbackSupport, BaseEstimator):
    """Parameters, training and the network of both estimators."""

    network_: DeepReLUNetwork
    certificates_: tuple[Certificate | None, ...]
    betas_: tuple[float, ...]
    objective_: float
    loss: Any

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
        scope: str = "network",
        fine_tune: int = 0,
        tol: float | None = None,
        max_iter: int = MAX_ITER,
        time_limit: float | None = None,
        max_atoms: int = MAX_PRICED,
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
        if self.tol is not None and not last.holds:
            proved = f"relative gap {last.relative_gap:.1e}" if np.isfinite(last.relative_gap) else "nothing is proved"
            message = f"last block: {proved}, tol={self.tol:g} (scope {last.scope!r})."
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
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = False
        return tags
