"""scikit-learn's own battery for estimators, without expected failures."""

from __future__ import annotations

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from convexnn import ConvexReLURegressor

ESTIMATORS = [
    ConvexReLURegressor(),
    ConvexReLURegressor(norm="l1", beta_ratio=0.1),
    ConvexReLURegressor(norm="l1", bias=False, beta=0.5),
    ConvexReLURegressor(norm="l2", bias="penalized", max_atoms=2000, random_state=1),
]


@parametrize_with_checks(ESTIMATORS)
@pytest.mark.filterwarnings("ignore::convexnn.exceptions.ConvergenceWarning")
def test_scikit_learn_check(estimator, check):
    check(estimator)
