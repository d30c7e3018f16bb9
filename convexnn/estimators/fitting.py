"""What every convex estimator does in fit: penalty, session, warm start, fitted attributes, the warning."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from convexnn._arrays import to_numpy
from convexnn._checks import check_count, check_real, check_time_limit, check_tol
from convexnn._progress import Clock
from convexnn._types import ArrayLike, Bias, Floats, Ints, Norm
from convexnn.certificate.merge import merge_samples
from convexnn.certificate.record import data_fingerprint
from convexnn.dictionaries import Atoms
from convexnn.estimators.callbacks import HAS_CALLBACKS, CallbackSupport, FitTask, with_callbacks
from convexnn.estimators.fitted import FittedNetwork
from convexnn.estimators.importances import feature_importances
from convexnn.estimators.interactions import resolve_interactions
from convexnn.estimators.progress import fit_observer
from convexnn.estimators.warnings import ConstantModelWarning, GapWarning
from convexnn.losses.base import check_weights
from convexnn.training import TrainingResult
from convexnn.training.driver import Driver

__all__ = ["ConvexFit", "as_weights"]

# Share of a time limit that the largest useful penalty may take.
_PENALTY = 0.2


class ConvexFit(CallbackSupport, FittedNetwork):
    """Training of an estimator whose constructor stores the parameters below."""

    beta: float | None
    beta_ratio: float
    norm: Norm
    bias: Bias
    scope: str
    interaction_cst: Any
    bound: str
    solver: str
    tol: float | None
    max_iter: int
    time_limit: float | None
    max_atoms: int
    random_state: Any
    n_jobs: int | None
    verbose: int
    warm_start: bool

    atoms_: Atoms
    beta_: float
    support_: list[Ints]
    n_neurons_: int
    n_iter_: int
    status_: str
    loss_curve_: list[float]
    atom_coef_: Floats

    @with_callbacks
    def _train(
        self, X: Floats, y: Floats, weight: Floats | None, loss: str, *, labels: Any = None, samples: Any = None,
        class_weight: Floats | None = None,
    ) -> None:  # fmt: skip
        """Train on checked data and set the fitted attributes.

        `labels` are the targets as callbacks see them, `samples` is X as the user gave it: on a GPU
        searches run there. Weights (n,) of classes multiply those of the samples, but not the scale of the penalty:
        that a class counts for little shall not weaken the penalty.
        """
        tol, max_iter = check_tol(self.tol), check_count("max_iter", self.max_iter)
        task = FitTask(self, X, y if labels is None else labels, weight, self._limit())
        scale = None
        if class_weight is not None:
            if self.beta is None:
                rows, targets, plain, _ = merge_samples(X, y, weight)
                scale = Driver(rows, targets, sample_weight=plain, **self._options(loss))
            weight = class_weight if weight is None else class_weight * check_weights(weight, len(X))[:, 0]
        X, y, weight, index = merge_samples(X, y, weight)
        driver = self._start(X, y, weight, loss, samples)
        result = driver.solve(
            self._penalty(driver if scale is None else scale, task),
            tol=tol,
            max_iter=max_iter,
            clock=task,
            observer=task.observer(fit_observer(self.verbose)),
        )
        stopped = task.stopped and not result.certificate.holds
        self.feature_importances_ = feature_importances(result.network, X)
        self._keep(result, index, "Stopped by a callback." if stopped else result.status.value)
        task.end()

    def _limit(self) -> float | None:
        return check_time_limit(self.time_limit)

    def _seed(self) -> int | None:
        if self.random_state is None or isinstance(self.random_state, (int, np.integer)):
            return None if self.random_state is None else int(self.random_state)
        return int(check_random_state(self.random_state).randint(2**31 - 1))

    def _options(self, loss: str) -> dict[str, Any]:
        return {
            "norm": self.norm, "bias": self.bias, "loss": loss, "scope": self.scope, "bound": self.bound,
            "solver": self.solver, "max_atoms": self.max_atoms, "random_state": self._seed(), "n_jobs": self.n_jobs,
            "interaction_cst": resolve_interactions(self),
        }  # fmt: skip

    def _start(self, X: Floats, y: Floats, weight: Floats | None, loss: str, samples: Any) -> Driver:
        """The session of the last fit if `warm_start` and nothing but penalty and limits changed, or a new one."""
        options = self._options(loss)
        if not self.warm_start:
            self._session = None
            return Driver(X, y, sample_weight=weight, backend=samples, **options)
        key = (data_fingerprint(X, y, weight), tuple(options.items()))
        kept = getattr(self, "_session", None)
        if kept is None or kept[0] != key:
            kept = key, Driver(X, y, sample_weight=weight, backend=samples, **options)
            self._session = kept
        return kept[1]

    def _penalty(self, driver: Driver, clock: Clock) -> float:
        if self.beta is not None:
            return check_real("beta", self.beta, low=0.0, hint="Or leave it out and set beta_ratio.")
        ratio = check_real("beta_ratio", self.beta_ratio, low=0.0, strict=True, hint="It is a share of beta_max.")
        # A constant target has beta_max = 0: every beta > 0 gives the same constant network.
        return ratio * (driver.beta_max(clock.part(_PENALTY)) or 1.0)

    def _keep(self, result: TrainingResult, index: Ints, status: str) -> None:
        self.network_ = result.network
        self.certificate_ = result.certificate
        self.atoms_ = result.atoms
        self.beta_ = result.beta
        self.support_ = [index[list(rows)] for rows in result.support]
        self.n_neurons_ = result.network.n_neurons
        self.n_iter_ = max(1, result.n_iter)
        self.status_ = status
        # Not coef_, which tools of scikit-learn take for one number per feature.
        self.atom_coef_ = result.coef
        self.loss_curve_ = [state.primal for state in result.trace]
        if self.verbose:
            print(result.certificate.summary())
        # scikit-learn's callbacks wrap one more call around _train.
        level = 5 if HAS_CALLBACKS else 4
        if self.tol is not None and not result.certificate.holds:
            gap = result.certificate.relative_gap
            proved = f"relative duality gap {gap:.1e} > tol" if np.isfinite(gap) else "nothing is proved for tol"
            warnings.warn(f"{proved}={self.tol:g}. {self.status_}", GapWarning, stacklevel=level)
        if not result.network.n_neurons and not result.certificate.holds:
            message = f"the model is constant: no neuron was found or is worth its penalty. {self.status_}"
            warnings.warn(message, ConstantModelWarning, stacklevel=level)

    def __getstate__(self) -> dict[str, Any]:
        inherited: Any = super().__getstate__()
        state: dict[str, Any] = dict(inherited)
        # Search structures are large and hold compiled objects; a pickled estimator starts afresh.
        state.pop("_session", None)
        return state


def as_weights(sample_weight: ArrayLike | None, n: int) -> Floats | None:
    """Weights (n,) as an array; a number stands for the same weight everywhere."""
    if sample_weight is None:
        return None
    weight = np.asarray(to_numpy(sample_weight))
    return np.full(n, weight) if weight.ndim == 0 else weight
