"""Choose the penalty by cross-validation, relative to each fold's own beta_max."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from joblib import Parallel, delayed, effective_n_jobs
from sklearn.base import BaseEstimator, ClassifierMixin, is_classifier
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.metrics import check_scoring
from sklearn.model_selection import check_cv

from convexnn._checks import check_count, check_real, check_time_limit
from convexnn._progress import Clock
from convexnn._types import ArrayLike, Bias, Floats, Norm
from convexnn.estimators.callbacks import CallbackSupport, SearchTask, SubFit, with_callbacks
from convexnn.estimators.checks import check_class_data, check_fit_data
from convexnn.estimators.classifier import ConvexReLUClassifier
from convexnn.estimators.decisions import NetworkDecisions
from convexnn.estimators.fitted import FittedNetwork
from convexnn.estimators.fitting import as_weights
from convexnn.estimators.interactions import resolve_interactions
from convexnn.estimators.regression import NetworkRegression
from convexnn.estimators.regressor import ConvexReLURegressor
from convexnn.estimators.warnings import ConstantModelWarning, GapWarning
from convexnn.exceptions import DataError, ParameterError
from convexnn.geometry.interactions import InteractionSpec
from convexnn.losses.base import check_weights
from convexnn.training.choice import MAX_PRICED
from convexnn.training.train import MAX_ITER

__all__ = ["ConvexReLUClassifierCV", "ConvexReLURegressorCV"]

# Share of a time limit for all folds, the rest being that of the final fit, and the least that a fit gets.
_FOLDS, _SHORTEST = 0.75, 1e-3
# Share of what is left to a fold that one fit may take.
_FIT = 0.5


def _ratios(beta_ratios: int | Sequence[float] | Floats, smallest: float) -> Floats:
    """Decreasing ratios: as given, or geometric from 1 to `smallest`."""
    if isinstance(beta_ratios, (int, np.integer)) and not isinstance(beta_ratios, bool):
        smallest = check_real("smallest_ratio", smallest, low=0.0, high=1.0, strict=True)
        return np.geomspace(1.0, smallest, check_count("beta_ratios", beta_ratios))
    ratios = np.sort(np.asarray(beta_ratios, dtype=np.float64))[::-1]
    if ratios.ndim != 1 or not len(ratios) or not np.isfinite(ratios).all() or ratios[-1] <= 0:
        raise ParameterError(f"beta_ratios={beta_ratios!r}: must be a count, or finite numbers > 0.")
    return ratios


def _score_fold(
    estimator: Any,
    X: Any,
    y: Any,
    weight: Floats | None,
    fold: tuple[Any, Any],
    ratios: Floats,
    scorer: Any,
    fits: list[SubFit],
    seconds: float | None,
) -> tuple[Floats, Floats]:
    """Test scores (k,) of a fold along the ratios, each fit started from the last, and plain ones for undefined ones.

    With a limit the ratios come in an order that spans the grid soon; those that are not reached keep nan.
    """
    train, test = fold
    inner = None if weight is None else weight[train]
    parts = [{} if weight is None else {"sample_weight": weight[rows]} for rows in (train, test)]
    scores, plain = np.full(len(ratios), np.nan), np.full(len(ratios), np.nan)
    clock = Clock(seconds)
    with warnings.catch_warnings():
        # Only the final fit reports its gap.
        warnings.simplefilter("ignore", GapWarning)
        warnings.simplefilter("ignore", ConstantModelWarning)
        warnings.simplefilter("ignore", UndefinedMetricWarning)
        for done, k in enumerate(_order(len(ratios)) if seconds is not None else range(len(ratios))):
            if clock.expired and done:
                break
            if clock.left is not None:
                estimator.set_params(time_limit=max(_FIT * clock.left, _SHORTEST))
            ratio, fit = ratios[k], fits[k]
            with fit.of(estimator, X[train], y[train], inner):
                estimator.set_params(beta_ratio=float(ratio)).fit(X[train], y[train], **parts[0])
            scores[k] = scorer(estimator, X[test], y[test], **parts[1])
            plain[k] = _plain_score(estimator, X[test], y[test], **parts[1])
    return scores, plain


def _order(count: int) -> list[int]:
    """The indices 0..count-1, one in the middle first, then those between: any beginning spans the grid."""
    found, gaps = [], [(0, count)]
    while gaps:
        low, high = gaps.pop(0)
        if low < high:
            middle = (low + high) // 2
            found.append(middle)
            gaps += [(middle + 1, high), (low, middle)]
    return found


def _plain_score(estimator: Any, X: Any, y: Any, sample_weight: Floats | None = None) -> float:
    """Share of right labels, or minus the mean squared error: defined for a single sample, too."""
    found = estimator.predict(X)
    if is_classifier(estimator):
        return float(np.average(found == y, weights=sample_weight))
    errors = np.square(found - y).reshape(len(X), -1).sum(axis=1)
    return -float(np.average(errors, weights=sample_weight))


def _table(rows: list[tuple[Floats, Floats]]) -> Floats:
    """Scores (k, n_folds) of the ratios that every fold has reached, nan for the others.

    Where a scorer is undefined on some folds (R2 of a single sample), these say nothing of any ratio; where it is on
    all, plain scores are taken.
    """
    reached = np.isfinite([plain for _, plain in rows]).all(axis=0)
    for which in (0, 1):
        found = np.where(reached, [row[which] for row in rows], np.nan).T
        if np.isfinite(found).any():
            return found
    raise DataError("no fold has a finite score, not even a mean squared error; targets or predictions are too large.")


class _RatioSearch(CallbackSupport, FittedNetwork):
    """Cross-validation over `beta_ratios`, then one fit on all data."""

    _base: Any
    estimator_: Any

    def __init__(
        self,
        *,
        beta_ratios: int | Sequence[float] | Floats = 20,
        smallest_ratio: float = 1e-3,
        cv: Any = None,
        scoring: Any = None,
        one_standard_error: bool = False,
        norm: Norm = "l2",
        bias: Bias = True,
        loss: str | None = None,
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
    ) -> None:
        self.beta_ratios = beta_ratios
        self.smallest_ratio = smallest_ratio
        self.cv = cv
        self.scoring = scoring
        self.one_standard_error = one_standard_error
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

    def _estimator(self, **options: Any) -> Any:
        names = (
            "norm", "bias", "scope", "bound", "solver", "tol", "max_iter", "time_limit", "max_atoms", "random_state",
        )  # fmt: skip
        loss: dict[str, Any] = {} if self.loss is None else {"loss": self.loss}
        if hasattr(self, "n_features_in_"):
            # Folds have no names of features.
            loss["interaction_cst"] = resolve_interactions(self)
        return self._base(**{**{name: getattr(self, name) for name in names}, **loss, **options})

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Any:
        """Choose the ratio and fit on all data.

        Parameters
        ----------
        X : (n, d) array
        y : (n,) array
            For regression also (n, c).
        sample_weight : (n,) array, optional
            Used in training and in the scores.

        Returns
        -------
        self
        """
        self._search(*self._checked(X, y, sample_weight))
        return self

    def choose(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """The ratio that :meth:`fit` would take, without its last fit; callbacks see nothing of it."""
        points, labels, weight = self._checked(X, y, sample_weight)
        ratios, folds, scorer = self._plan(points, labels)
        fits = [[SubFit(self)] * len(ratios)] * len(folds)
        return self._rate(points, labels, weight, ratios, folds, scorer, fits)

    def _checked(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None) -> tuple[Floats, Any, Any]:
        check = check_class_data if is_classifier(self) else check_fit_data
        points, labels = check(self, X, y)
        weight = as_weights(sample_weight, len(points))
        return points, labels, None if weight is None else check_weights(weight, len(points))[:, 0]

    def _plan(self, points: Floats, labels: Any) -> tuple[Floats, list[Any], Any]:
        ratios = _ratios(self.beta_ratios, self.smallest_ratio)
        folds = list(check_cv(self.cv, labels, classifier=is_classifier(self)).split(points, labels))
        return ratios, folds, check_scoring(self._estimator(), scoring=self.scoring)

    def _rate(
        self, points: Floats, labels: Any, weight: Floats | None, ratios: Floats, folds: list[Any], scorer: Any,
        fits: list[list[SubFit]],
    ) -> float:  # fmt: skip
        """Score every ratio on every fold, and say which is best."""
        # Kernels of one fold are serial where folds run side by side.
        inner = 1 if effective_n_jobs(self.n_jobs) > 1 else self.n_jobs
        limit = check_time_limit(self.time_limit)
        workers = min(effective_n_jobs(self.n_jobs), len(folds))
        seconds = None if limit is None else _FOLDS * limit * workers / len(folds)
        rows = Parallel(n_jobs=self.n_jobs)(
            delayed(_score_fold)(
                self._estimator(warm_start=True, n_jobs=inner, bound="none"),
                points, labels, weight, fold, ratios, scorer, each, seconds,
            )
            for fold, each in zip(folds, fits)
        )  # fmt: skip
        self.beta_ratios_ = ratios
        self.scores_ = _table(rows)
        self.best_ratio_ = float(ratios[_choose(self.scores_, self.one_standard_error)])
        return self.best_ratio_

    @with_callbacks
    def _search(self, points: Floats, labels: Any, weight: Floats | None) -> None:
        """Score the folds, fit with the best ratio and set the fitted attributes."""
        ratios, folds, scorer = self._plan(points, labels)
        task = SearchTask(self, points, labels, weight, len(folds), len(ratios))
        clock = Clock(check_time_limit(self.time_limit))
        self._rate(points, labels, weight, ratios, folds, scorer, task.folds)
        task.searched()
        self._flat = labels.ndim == 1
        final = self._estimator(beta_ratio=self.best_ratio_, n_jobs=self.n_jobs, verbose=self.verbose)
        if clock.left is not None:
            final.set_params(time_limit=max(clock.left, _SHORTEST))
        with task.refit.of(final, points, labels, weight):
            self.estimator_ = final.fit(points, labels, sample_weight=weight)
        for name in ("network_", "certificate_", "beta_", "support_", "n_neurons_", "n_iter_", "status_"):
            setattr(self, name, getattr(self.estimator_, name))
        task.end()

    def __sklearn_tags__(self) -> Any:
        inherited: Any = super()
        tags = inherited.__sklearn_tags__()
        tags.input_tags.sparse = False
        tags.input_tags.allow_nan = False
        return tags


def _choose(scores: Floats, one_standard_error: bool) -> int:
    """Index of the best mean score, or of the largest penalty within one standard error of it."""
    scores = scores[:, np.isfinite(scores).any(axis=0)]  # folds on which the scorer is defined
    mean = np.where(np.isfinite(scores).all(axis=1), scores.mean(axis=1), -np.inf)
    best = int(mean.argmax())
    if not one_standard_error:
        return best
    error = scores[best].std(ddof=1) / np.sqrt(scores.shape[1]) if scores.shape[1] > 1 else 0.0
    return int(np.flatnonzero(mean >= mean[best] - error)[0])


_DOC = """

    Parameters
    ----------
    beta_ratios : int or array of float, default=20
        Penalties relative to the `beta_max` of the data they are used on, or how many of them.
    smallest_ratio : float, default=1e-3
        Smallest ratio if `beta_ratios` is a number; the grid is geometric from 1.
    cv : int, splitter or iterable, optional
        As in scikit-learn.
    scoring : str or callable, optional
        As in scikit-learn.
    one_standard_error : bool, default=False
        Take the largest penalty whose mean score is within one standard error of the best.
    n_jobs : int, optional
        Folds computed side by side (joblib); the result does not depend on it.
    time_limit : float, optional
        Seconds from the call of `fit`: three quarters for the folds, in equal parts, the rest for the final fit. Small
        ratios that a fold does not reach in time are not chosen.
    norm, bias, loss, scope, interaction_cst, bound, solver, tol, max_iter, max_atoms, random_state, verbose :
        As in the estimator without CV.

    Attributes
    ----------
    beta_ratios_ : (k,) array
        Decreasing.
    scores_ : (k, n_folds) array
        nan where a scorer is undefined, or the time was over. If the scorer is undefined on every fold (R2 of single
        samples), minus the mean squared error, or the share of right labels.
    best_ratio_ : float
    estimator_ : the estimator fitted on all data
    beta_, network_, certificate_, n_neurons_, support_, n_iter_, status_ :
        Of `estimator_`.

    Notes
    -----
    ``set_callbacks`` takes callbacks of scikit-learn 1.9 or later. The tasks are those of
    :class:`sklearn.model_selection.GridSearchCV`: "search" with a subtask for every fold and ratio, then the refit;
    callbacks that propagate see the rounds of each fit and may stop it. Folds can be shared with the machines of a
    cluster: ``joblib.parallel_config(backend="dask")``.
    """


class ConvexReLURegressorCV(_RatioSearch, NetworkRegression, BaseEstimator):
    __doc__ = "Certified regression with the penalty chosen by cross-validation." + _DOC
    _base = ConvexReLURegressor


class ConvexReLUClassifierCV(_RatioSearch, NetworkDecisions, ClassifierMixin, BaseEstimator):
    __doc__ = "Certified classification with the penalty chosen by cross-validation." + _DOC
    _base = ConvexReLUClassifier

    @property
    def classes_(self) -> Any:
        """Labels."""
        return self.estimator_.classes_
