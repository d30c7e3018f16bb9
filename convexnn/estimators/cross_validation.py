"""Choose the penalty by cross-validation, relative to each fold's own beta_max."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from joblib import Parallel, delayed, effective_n_jobs
from sklearn.base import BaseEstimator, ClassifierMixin, is_classifier
from sklearn.metrics import check_scoring
from sklearn.model_selection import GroupKFold, check_cv

from convexnn._checks import check_count, check_time_limit
from convexnn._progress import Clock
from convexnn._types import ArrayLike, Bias, Floats, Norm
from convexnn.estimators.callbacks import CallbackSupport, SearchTask, SubFit, with_callbacks
from convexnn.estimators.checks import check_class_data, check_fit_data
from convexnn.estimators.classifier import ConvexReLUClassifier
from convexnn.estimators.decisions import NetworkDecisions
from convexnn.estimators.fitted import FittedNetwork
from convexnn.estimators.fitting import as_weights
from convexnn.estimators.folds import SHORTEST, best_index, ratio_grid, score_fold, score_table
from convexnn.estimators.interactions import resolve_interactions
from convexnn.estimators.labels import as_labels
from convexnn.estimators.regression import NetworkRegression
from convexnn.estimators.regressor import ConvexReLURegressor
from convexnn.exceptions import DataError
from convexnn.geometry.interactions import InteractionSpec
from convexnn.losses.base import check_weights
from convexnn.training.choice import MAX_PRICED
from convexnn.training.train import MAX_ITER

__all__ = ["ConvexReLUClassifierCV", "ConvexReLURegressorCV"]

# Share of a time limit for all folds, the rest being that of the final fit.
_FOLDS = 0.75
_N_FOLDS = 5
# What the estimator fitted on all data hands on.
_FITTED = (
    "network_", "certificate_", "beta_", "support_", "n_neurons_", "n_iter_", "status_", "feature_importances_",
    "loss_curve_",
)  # fmt: skip


class _RatioSearch(CallbackSupport, FittedNetwork):
    """Cross-validation over `beta_ratios`, then one fit on all data."""

    _base: Any
    # Parameters of the estimator that are handed on as they are.
    _names: tuple[str, ...] = (
        "norm", "bias", "scope", "bound", "solver", "tol", "max_iter", "time_limit", "max_atoms", "random_state",
    )  # fmt: skip
    estimator_: Any

    def __init__(
        self,
        *,
        beta_ratios: int | Sequence[float] | Floats = 10,
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
        patience: int | None = 3,
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
        self.patience = patience

    def _estimator(self, **options: Any) -> Any:
        loss: dict[str, Any] = {} if self.loss is None else {"loss": self.loss}
        if hasattr(self, "n_features_in_"):
            # Folds have no names of features.
            loss["interaction_cst"] = resolve_interactions(self)
        return self._base(**{**{name: getattr(self, name) for name in self._names}, **loss, **options})

    def fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None, groups: ArrayLike | None = None
    ) -> Any:
        """Choose the ratio and fit on all data.

        Parameters
        ----------
        X : (n, d) array
        y : (n,) array
            For regression also (n, c).
        sample_weight : (n,) array, optional
            Used in training and in the scores.
        groups : (n,) array, optional
            Handed to the splitter `cv`, for instance :class:`sklearn.model_selection.GroupKFold`.

        Returns
        -------
        self
        """
        self._search(*self._checked(X, y, sample_weight), groups)
        return self

    def choose(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None, groups: ArrayLike | None = None
    ) -> float:
        """The ratio that :meth:`fit` would take, without its last fit; callbacks see nothing of it."""
        points, labels, weight = self._checked(X, y, sample_weight)
        ratios, folds, scorer = self._plan(points, labels, groups)
        fits = [[SubFit(self)] * len(ratios)] * len(folds)
        return self._rate(points, labels, weight, ratios, folds, scorer, fits)

    def _checked(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None) -> tuple[Floats, Any, Any]:
        if is_classifier(self):
            points, labels = check_class_data(self, X, y, multi_output=True)
            labels = as_labels(labels)
        else:
            points, labels = check_fit_data(self, X, y)
        weight = as_weights(sample_weight, len(points))
        return points, labels, None if weight is None else check_weights(weight, len(points))[:, 0]

    def _plan(self, points: Floats, labels: Any, groups: Any) -> tuple[Floats, list[Any], Any]:
        ratios = ratio_grid(self.beta_ratios, self.smallest_ratio)
        cv = self.cv
        if cv is None and groups is None:
            # Rows of a table are often sorted; folds of neighbours would be worlds apart.
            cv = check_cv(min(_N_FOLDS, len(points)), labels, classifier=is_classifier(self))
            cv.shuffle, cv.random_state = True, 0
        elif cv is None:
            cv = GroupKFold(min(_N_FOLDS, len(np.unique(groups))))
        try:
            folds = list(check_cv(cv, labels, classifier=is_classifier(self)).split(points, labels, groups))
        except ValueError as error:
            raise DataError(f"the data cannot be split for cross-validation: {error}") from error
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
        patience = None if self.patience is None else check_count("patience", self.patience)
        rows = Parallel(n_jobs=self.n_jobs)(
            delayed(score_fold)(
                self._estimator(warm_start=True, n_jobs=inner, bound="none"),
                points, labels, weight, fold, ratios, scorer, each, seconds, number, patience,
            )
            for number, (fold, each) in enumerate(zip(folds, fits))
        )  # fmt: skip
        self.beta_ratios_ = ratios
        self.scores_ = score_table(rows)
        self.best_ratio_ = float(ratios[best_index(self.scores_, self.one_standard_error)])
        return self.best_ratio_

    @with_callbacks
    def _search(self, points: Floats, labels: Any, weight: Floats | None, groups: Any) -> None:
        """Score the folds, fit with the best ratio and set the fitted attributes."""
        ratios, folds, scorer = self._plan(points, labels, groups)
        task = SearchTask(self, points, labels, weight, len(folds), len(ratios))
        clock = Clock(check_time_limit(self.time_limit))
        self._rate(points, labels, weight, ratios, folds, scorer, task.folds)
        task.searched()
        self._flat = labels.ndim == 1
        final = self._estimator(beta_ratio=self.best_ratio_, n_jobs=self.n_jobs, verbose=self.verbose)
        if clock.left is not None:
            final.set_params(time_limit=max(clock.left, SHORTEST))
        with task.refit.of(final, points, labels, weight):
            self.estimator_ = final.fit(points, labels, sample_weight=weight)
        for name in _FITTED:
            setattr(self, name, getattr(self.estimator_, name))
        task.end()

    def __sklearn_tags__(self) -> Any:
        inherited: Any = super()
        tags = inherited.__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = False
        return tags


_DOC = """

    Parameters
    ----------
    beta_ratios : int or array of float, default=10
        Penalties relative to the `beta_max` of the data they are used on, or how many of them.
    smallest_ratio : float, default=1e-3
        Smallest ratio if `beta_ratios` is a number; the grid is geometric from 1.
    cv : int, splitter or iterable, optional
        As in scikit-learn; by default five folds of shuffled samples (of whole groups if `groups` are given). One
        validation set: ``ShuffleSplit(1, test_size=0.1)`` or ``PredefinedSplit``.
    scoring : str or callable, optional
        As in scikit-learn; by default what `score` returns: accuracy, R2, or the share of the loss for counts and
        quantiles.
    one_standard_error : bool, default=False
        Take the largest penalty whose mean score is within one standard error of the best.
    patience : int or None, default=3
        Ratios in turn that bring nothing after which a fold goes no further down; None for all of them. By plain scores
        (minus the mean loss, share of right labels), so that cost does not depend on `scoring`.
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
        nan where a scorer is undefined, or a ratio was not reached (`patience`, `time_limit`) by all folds. If the
        scorer is undefined on every fold (R2 of single samples), minus the mean loss, or the share of right labels.
    best_ratio_ : float
    estimator_ : the estimator fitted on all data
    beta_, network_, certificate_, n_neurons_, support_, feature_importances_, loss_curve_, n_iter_, status_ :
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
    __doc__ = "Certified classification with the penalty chosen by cross-validation." + _DOC.replace(
        "    norm, bias, loss,", "    norm, bias, loss, class_weight,"
    )
    _base = ConvexReLUClassifier
    _names = (*_RatioSearch._names, "class_weight")

    def __init__(
        self,
        *,
        beta_ratios: int | Sequence[float] | Floats = 10,
        smallest_ratio: float = 1e-3,
        cv: Any = None,
        scoring: Any = None,
        one_standard_error: bool = False,
        norm: Norm = "l2",
        bias: Bias = True,
        loss: str | None = None,
        class_weight: Any = None,
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
        patience: int | None = 3,
    ) -> None:
        super().__init__(
            beta_ratios=beta_ratios, smallest_ratio=smallest_ratio, cv=cv, scoring=scoring,
            one_standard_error=one_standard_error, norm=norm, bias=bias, loss=loss, scope=scope,
            interaction_cst=interaction_cst, bound=bound, solver=solver, tol=tol, max_iter=max_iter,
            time_limit=time_limit, max_atoms=max_atoms, random_state=random_state, n_jobs=n_jobs, verbose=verbose,
            patience=patience,
        )  # fmt: skip
        self.class_weight = class_weight

    @property
    def classes_(self) -> Any:
        """Labels."""
        return self.estimator_.classes_

    @property
    def _several(self) -> bool:
        return bool(self.estimator_._multilabel)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
