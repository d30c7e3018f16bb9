"""Cross-validation: one limit for all of it, scores that are undefined, weights that do not fit."""

from __future__ import annotations

import time

import numpy as np
import pytest
from sklearn.model_selection import KFold, LeaveOneOut

from convexnn import ConvexReLUClassifierCV, ConvexReLURegressorCV
from convexnn.estimators.folds import best_index, score_table, spanning_order
from convexnn.exceptions import DataError

rng = np.random.default_rng(0)


def test_undefined_scores_do_not_choose_the_constant_network():
    """R2 of a single sample is nan; the loss of that sample is not."""
    x = np.arange(8.0)[:, None]
    y = np.abs(x[:, 0] - 3)
    for cv in (None, LeaveOneOut(), KFold(8)):
        net = ConvexReLURegressorCV(cv=cv, beta_ratios=5).fit(x, y)
        assert net.n_neurons_ > 0
        assert net.best_ratio_ < 1.0
        one = ConvexReLURegressorCV(cv=cv, beta_ratios=5, one_standard_error=True).fit(x, y)
        assert one.best_ratio_ >= net.best_ratio_


def test_undefined_folds_say_nothing():
    """A fold without a score is left out for every ratio; a ratio that a fold did not reach is not chosen."""
    scores = np.array([[0.1, np.nan, 0.2], [0.5, np.nan, 0.4], [0.9, np.nan, np.nan]])
    assert best_index(scores, False) == 1
    assert best_index(scores, True) in (0, 1)
    nan = np.nan
    reached = np.array([0.1, 0.2, nan]), np.array([1.0, 2.0, nan])
    undefined = np.array([nan, nan, nan]), np.array([3.0, nan, nan])
    np.testing.assert_array_equal(score_table([reached, undefined]), [[0.1, nan], [nan, nan], [nan, nan]])
    np.testing.assert_array_equal(score_table([undefined, undefined])[0], [3.0, 3.0])
    with pytest.raises(DataError, match="finite score"):
        score_table([(np.array([nan]), np.array([nan]))])


def test_any_beginning_of_the_order_spans_the_grid():
    for count in (1, 2, 7, 20):
        order = spanning_order(count)
        assert sorted(order) == list(range(count))
    assert spanning_order(20)[:3] == [10, 15, 5]


def test_the_limit_is_that_of_the_whole_fit():
    """Far more fits than the time allows: what was scored decides, and the final fit has its share."""
    X = rng.standard_normal((300, 12))
    y = np.abs(X[:, 0]) + np.sin(X[:, 1]) + 0.1 * rng.standard_normal(300)
    began = time.perf_counter()
    net = ConvexReLURegressorCV(beta_ratios=40, smallest_ratio=1e-4, time_limit=2.0).fit(X, y)
    assert time.perf_counter() - began < 20.0  # without a limit it takes minutes
    assert net.n_neurons_ > 0
    assert net.scores_.shape == (40, 5)
    assert np.isfinite(net.scores_).any()


@pytest.mark.parametrize("weight", [np.ones(7), np.ones((20, 2)), -np.ones(20), np.full(20, np.nan)])
def test_weights_that_do_not_fit_are_refused_before_any_fit(weight):
    X, labels = rng.standard_normal((20, 2)), np.arange(20) % 2
    with pytest.raises(DataError, match="sample_weight"):
        ConvexReLUClassifierCV(beta_ratios=3).fit(X, labels, sample_weight=weight)
