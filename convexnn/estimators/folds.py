"""Folds of a cross-validation over penalties: their scores, and which penalty these choose."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.exceptions import UndefinedMetricWarning

from convexnn._checks import check_count, check_real
from convexnn._progress import Clock
from convexnn._types import Floats
from convexnn.estimators.callbacks import SubFit
from convexnn.estimators.outputs import network_outputs
from convexnn.estimators.scores import mean_loss
from convexnn.estimators.warnings import ConstantModelWarning, GapWarning
from convexnn.exceptions import DataError, ParameterError

__all__ = ["SHORTEST", "best_index", "ratio_grid", "score_fold", "score_table", "spanning_order"]

# Seconds that a fit gets at least.
SHORTEST = 1e-3
# Share of what is left to a fold that one fit may take.
_FIT = 0.5


def ratio_grid(beta_ratios: int | Sequence[float] | Floats, smallest: float) -> Floats:
    """Decreasing ratios: as given, or geometric from 1 to `smallest`."""
    if isinstance(beta_ratios, (int, np.integer)) and not isinstance(beta_ratios, bool):
        smallest = check_real("smallest_ratio", smallest, low=0.0, high=1.0, strict=True)
        return np.geomspace(1.0, smallest, check_count("beta_ratios", beta_ratios))
    ratios = np.sort(np.asarray(beta_ratios, dtype=np.float64))[::-1]
    if ratios.ndim != 1 or not len(ratios) or not np.isfinite(ratios).all() or ratios[-1] <= 0:
        raise ParameterError(f"beta_ratios={beta_ratios!r}: must be a count, or finite numbers > 0.")
    return ratios


def score_fold(
    estimator: Any,
    X: Any,
    y: Any,
    weight: Floats | None,
    fold: tuple[Any, Any],
    ratios: Floats,
    scorer: Any,
    fits: list[SubFit],
    seconds: float | None,
    number: int,
    patience: int | None,
) -> tuple[Floats, Floats]:
    """Test scores (k,) of a fold along the ratios, each fit started from the last, and plain ones for undefined ones.

    With a limit the ratios come in an order that spans the grid soon, without one in their own until `patience` of them
    in turn are no better than one before; those that are not reached keep nan.
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
        for done, k in enumerate(spanning_order(len(ratios)) if seconds is not None else range(len(ratios))):
            if (clock.expired and done) or (seconds is None and _is_over(plain[:done], patience)):
                break
            if clock.left is not None:
                estimator.set_params(time_limit=max(_FIT * clock.left, SHORTEST))
            ratio, fit = ratios[k], fits[k]
            try:
                with fit.of(estimator, X[train], y[train], inner):
                    estimator.set_params(beta_ratio=float(ratio)).fit(X[train], y[train], **parts[0])
                scores[k] = scorer(estimator, X[test], y[test], **parts[1])
                plain[k] = _plain_score(estimator, X[test], y[test], **parts[1])
            except ValueError as error:
                raise _of_fold(error, number, y[train], y) from error
    return scores, plain


def _is_over(scores: Floats, patience: int | None) -> bool:
    """Whether the last scores are no better than the best before them, which is better than that of a constant."""
    if patience is None or len(scores) <= patience:
        return False
    best = scores[:-patience].max()
    return bool(best > scores[0] and scores[-patience:].max() <= best)


def spanning_order(count: int) -> list[int]:
    """The indices 0..count-1, one in the middle first, then those between: any beginning spans the grid."""
    found, gaps = [], [(0, count)]
    while gaps:
        low, high = gaps.pop(0)
        if low < high:
            middle = (low + high) // 2
            found.append(middle)
            gaps += [(middle + 1, high), (low, middle)]
    return found


def _of_fold(error: ValueError, number: int, train: Any, y: Any) -> ValueError:
    """The error with the fold where it happened, and the classes that are missing there; of parameters as it is."""
    if isinstance(error, ParameterError):
        return error
    lost = sorted(set(map(str, np.ravel(y))) - set(map(str, np.ravel(train)))) if y.dtype.kind in "OUSbi" else []
    reason = f" Its training part has no sample of the class {lost[0]!r}." if 0 < len(lost) < 20 else ""
    remedy = "Pass a `cv` whose folds have samples of all kinds, or fewer folds."
    return DataError(f"fold {number}: {error}{reason} {remedy}")


def _plain_score(estimator: Any, X: Any, y: Any, sample_weight: Floats | None = None) -> float:
    """Share of right labels, or minus the mean loss: defined for a single sample, too."""
    if is_classifier(estimator):
        right = (estimator.predict(X) == y).reshape(len(X), -1).all(axis=1)
        return float(np.average(right, weights=sample_weight))
    weight = np.ones(len(X)) if sample_weight is None else sample_weight
    return -mean_loss(estimator.loss, network_outputs(estimator, X), y, weight) if weight.any() else 0.0


def score_table(rows: list[tuple[Floats, Floats]]) -> Floats:
    """Scores (k, n_folds) of the ratios that every fold has reached, nan for the others.

    Where a scorer is undefined on some folds (R2 of a single sample), these say nothing of any ratio; where it is on
    all, plain scores are taken.
    """
    reached = np.isfinite([plain for _, plain in rows]).all(axis=0)
    for which in (0, 1):
        found = np.where(reached, [row[which] for row in rows], np.nan).T
        if np.isfinite(found).any():
            return found
    raise DataError("no fold has a finite score, not even a mean loss; targets or predictions are too large.")


def best_index(scores: Floats, one_standard_error: bool) -> int:
    """Index of the best mean score, or of the largest penalty within one standard error of it."""
    scores = scores[:, np.isfinite(scores).any(axis=0)]  # folds on which the scorer is defined
    mean = np.where(np.isfinite(scores).all(axis=1), scores.mean(axis=1), -np.inf)
    best = int(mean.argmax())
    if not one_standard_error:
        return best
    error = scores[best].std(ddof=1) / np.sqrt(scores.shape[1]) if scores.shape[1] > 1 else 0.0
    return int(np.flatnonzero(mean >= mean[best] - error)[0])
