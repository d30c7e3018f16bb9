"""scikit-learn's own battery for estimators, without expected failures.

`max_atoms` keeps the checks on iris (four features, 40 million candidates) short: these then run on sampled
dictionaries, all smaller data on exact ones.
"""

from __future__ import annotations

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from convexnn import ConvexReLURegressor

ESTIMATORS = [
    ConvexReLURegressor(max_atoms=100_000),
    ConvexReLURegressor(max_atoms=100_000, norm="l1", beta_ratio=0.1),
    ConvexReLURegressor(max_atoms=100_000, norm="l1", bias=False, beta=0.5),
    ConvexReLURegressor(max_atoms=2_000, norm="l2", bias="penalized", random_state=1),
    ConvexReLURegressor(max_atoms=10_000, norm="l1", loss="huber(0.5)", beta_ratio=0.1),
]


@parametrize_with_checks(ESTIMATORS)
@pytest.mark.filterwarnings("ignore::convexnn.exceptions.ConvergenceWarning")
def test_scikit_learn_check(estimator, check):
    check(estimator)
