"""scikit-learn's own battery for estimators, without expected failures.

`max_atoms` and `max_iter` keep the checks with many features short: what they ask of an estimator does not
need a closed gap.
"""

from __future__ import annotations

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from convexnn import (
    AdditiveReLUClassifier,
    AdditiveReLURegressor,
    ConvexReLUClassifier,
    ConvexReLUClassifierCV,
    ConvexReLURegressor,
    ConvexReLURegressorCV,
    WedgeFeatures,
)

SHORT = {"max_atoms": 200_000, "max_iter": 2, "beta_ratio": 0.1}
GRID = {"max_atoms": 100_000, "beta_ratios": (0.3,), "cv": 2}
ESTIMATORS = [
    ConvexReLURegressor(**SHORT),
    ConvexReLURegressor(**SHORT, norm="l1", bias=False, beta=0.5),
    ConvexReLURegressor(**SHORT, norm="l1", loss="huber(0.5)"),
    ConvexReLURegressor(**SHORT, bias="penalized", random_state=1),
    ConvexReLUClassifier(**SHORT).set_params(max_iter=8),
    ConvexReLUClassifier(**SHORT, norm="l1", loss="squared_hinge").set_params(max_iter=8),
    AdditiveReLURegressor(beta_ratio=0.1, max_iter=2),
    AdditiveReLUClassifier(beta_ratio=0.1, max_iter=8),
    ConvexReLURegressorCV(**GRID, max_iter=1),
    ConvexReLUClassifierCV(**GRID, max_iter=8),
    WedgeFeatures(n_components=100, random_state=0),
    WedgeFeatures(n_components=100, norm="l1", bias=False, random_state=0),
]


@parametrize_with_checks(ESTIMATORS)
@pytest.mark.filterwarnings("ignore::convexnn.exceptions.ConvergenceWarning")
def test_scikit_learn_check(estimator, check):
    check(estimator)
