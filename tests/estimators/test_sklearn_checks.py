"""scikit-learn's own battery for estimators, without expected failures.

`max_atoms` and `max_iter` keep the checks with many features short: these search for a few rounds only, all
data with few features are solved exactly.
"""

from __future__ import annotations

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from convexnn import ConvexReLUClassifier, ConvexReLURegressor

SHORT = {"max_atoms": 50_000, "max_iter": 12}
ESTIMATORS = [
    ConvexReLURegressor(**SHORT),
    ConvexReLURegressor(**SHORT, norm="l1", bias=False, beta=0.5),
    ConvexReLURegressor(**SHORT, norm="l1", loss="huber(0.5)", beta_ratio=0.1),
    ConvexReLURegressor(**SHORT, bias="penalized", random_state=1),
    ConvexReLUClassifier(**SHORT),
    ConvexReLUClassifier(**SHORT, norm="l1", loss="squared_hinge", beta_ratio=0.1),
]


@parametrize_with_checks(ESTIMATORS)
@pytest.mark.filterwarnings("ignore::convexnn.exceptions.ConvergenceWarning")
def test_scikit_learn_check(estimator, check):
    check(estimator)
