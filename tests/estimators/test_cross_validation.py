"""Penalties chosen by cross-validation, relative to each fold; paths; wedge features."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import make_moons
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold, cross_val_score
from sklearn.pipeline import make_pipeline

import convexnn
from convexnn import (
    ConvexReLUClassifierCV,
    ConvexReLURegressor,
    ConvexReLURegressorCV,
    WedgeFeatures,
    convex_relu_path,
)
from convexnn.estimators import GapWarning
from convexnn.estimators.folds import best_index
from convexnn.exceptions import DataError, ParameterError

rng = np.random.default_rng(0)
X = rng.normal(size=(45, 2))
y = np.sin(2 * X[:, 0]) + 0.1 * rng.normal(size=45)
RATIOS = [0.3, 0.1, 0.03]


def test_scores_equal_those_of_separate_fits():
    folds = KFold(3, shuffle=True, random_state=0)
    search = ConvexReLURegressorCV(beta_ratios=RATIOS, cv=folds, norm="l1").fit(X, y)
    for ratio, scores in zip(RATIOS, search.scores_):
        single = ConvexReLURegressor(norm="l1", beta_ratio=ratio)
        # Solutions of gap 1e-6 differ by about its root in their outputs.
        np.testing.assert_allclose(scores, cross_val_score(single, X, y, cv=folds), atol=5e-3)
    assert search.best_ratio_ == RATIOS[int(search.scores_.mean(axis=1).argmax())]
    final = ConvexReLURegressor(norm="l1", beta_ratio=search.best_ratio_).fit(X, y)
    assert search.beta_ == final.beta_
    np.testing.assert_array_equal(search.predict(X), final.predict(X))
    assert search.certified_
    assert search.n_neurons_ == final.n_neurons_


def test_folds_side_by_side_give_the_same():
    one, two = (ConvexReLURegressorCV(beta_ratios=4, smallest_ratio=0.01, cv=3, n_jobs=n).fit(X, y) for n in (1, 2))
    np.testing.assert_array_equal(one.scores_, two.scores_)
    np.testing.assert_allclose(one.beta_ratios_, np.geomspace(1, 0.01, 4))


def test_classifier_with_labels_weights_and_one_standard_error():
    A, b = make_moons(60, noise=0.25, random_state=0)
    labels = np.array(["out", "in"])[b]
    search = ConvexReLUClassifierCV(beta_ratios=RATIOS, cv=3, one_standard_error=True)
    search.fit(A, labels, sample_weight=np.ones(60))
    assert list(search.classes_) == ["in", "out"]
    assert search.score(A, labels) > 0.8
    assert search.predict_proba(A).shape == (60, 2)
    assert search.decision_function(A).shape == (60,)
    assert not hasattr(clone(search).set_params(loss="hinge"), "predict_proba")


def test_one_standard_error_prefers_the_larger_penalty():
    scores = np.array([[0.1, 0.1], [0.70, 0.86], [0.75, 0.87]])
    assert best_index(scores, False) == 2
    assert best_index(scores, True) == 1
    assert best_index(scores[:, :1], True) == 2


@pytest.mark.parametrize("ratios", [0, -1, [], [0.1, -0.1], [np.nan], "many"])
def test_bad_ratios(ratios):
    with pytest.raises((ParameterError, ValueError)):
        ConvexReLURegressorCV(beta_ratios=ratios).fit(X, y)


def test_bad_data_are_explained():
    with pytest.raises(DataError, match="NaN"):
        ConvexReLURegressorCV().fit(np.full((9, 2), np.nan), np.ones(9))
    fitted = ConvexReLURegressorCV(beta_ratios=[0.3], cv=2).fit(X, y)
    with pytest.raises(DataError, match="3 features"):
        fitted.predict(np.ones((4, 3)))


def test_several_outputs_share_one_penalty():
    Y = np.column_stack([y, X[:, 0]])
    folds = KFold(3, shuffle=True, random_state=0)
    search = ConvexReLURegressorCV(beta_ratios=RATIOS[:2], cv=folds, tol=1e-4, bias=False).fit(X, Y)
    assert search.predict(X).shape == (45, 2)
    single = ConvexReLURegressor(beta_ratio=search.best_ratio_, tol=1e-4, bias=False).fit(X, Y)
    np.testing.assert_array_equal(search.predict(X), single.predict(X))
    scores = cross_val_score(single, X, Y, cv=folds)
    np.testing.assert_allclose(search.scores_[RATIOS.index(search.best_ratio_)], scores, atol=2e-2)


def test_time_limit_holds_for_every_fit():
    search = ConvexReLURegressorCV(beta_ratios=[1e-3], cv=2, tol=1e-12, time_limit=1e-9)
    with pytest.warns(GapWarning, match="time_limit"):
        search.fit(X, y)
    assert search.scores_.shape == (1, 2)
    assert not search.certified_
    with pytest.raises(ParameterError, match="time_limit"):
        ConvexReLURegressorCV(beta_ratios=[0.3], cv=2, time_limit=-1).fit(X, y)


def test_path_in_the_order_of_lasso_path():
    betas, networks, gaps = convex_relu_path(X, y, n_betas=5, ratio=0.01)
    assert (np.diff(betas) < 0).all()
    assert (gaps <= 1e-6).all()
    assert networks[0].n_neurons == 0
    for beta, network in zip(betas, networks):
        assert convexnn.certify(network, X, y, beta=beta).holds
    *same, rounds = convex_relu_path(X, y, n_betas=5, ratio=0.01, return_n_iter=True)
    np.testing.assert_array_equal(same[0], betas)
    assert len(rounds) == 5


@pytest.mark.parametrize("norm", ["l1", "l2"])
def test_wedge_features_are_the_dictionary(norm):
    features = WedgeFeatures(n_components=10**5, norm=norm).fit(X[:12])
    expected = convexnn.dictionary(X[:12], norm=norm).matrix()
    ours = features.transform(X[:12])
    assert ours.shape == expected.shape
    order, wanted = (np.lexsort(np.round(m, 9)) for m in (ours, expected))
    np.testing.assert_allclose(ours[:, order], expected[:, wanted], atol=1e-9)
    names = features.get_feature_names_out()
    assert len(set(names)) == len(names) == ours.shape[1]
    assert any("x0" in name for name in names) == (norm == "l1")


def test_wedge_features_in_a_pipeline_with_names():
    pytest.importorskip("pandas")
    features = WedgeFeatures(n_components=200, random_state=0).set_output(transform="pandas")
    table = features.fit_transform(X)
    assert list(table.columns) == list(features.get_feature_names_out())
    assert table.shape == (45, 200)
    model = make_pipeline(WedgeFeatures(n_components=200, random_state=0), Ridge(1e-2)).fit(X, y)
    assert model.score(X, y) > 0.8
    with pytest.raises(ParameterError, match="n_components=0"):
        WedgeFeatures(n_components=0).fit(X)
    with pytest.raises(DataError, match="NaN"):
        WedgeFeatures().fit([[np.nan]])


def test_scope_reaches_the_fits():
    """Wedges of a sample of the dictionary instead of a search: the certificate says so."""
    net = ConvexReLURegressorCV(beta_ratios=RATIOS, scope="dictionary", cv=2).fit(X, y)
    assert net.estimator_.scope == "dictionary"
    assert net.certificate_.scope == "dictionary"
