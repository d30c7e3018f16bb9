"""What tools of scikit-learn read of estimators: importances, scores, weights of classes, groups, several labels."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn
from sklearn.datasets import make_multilabel_classification
from sklearn.feature_selection import RFE, SelectFromModel
from sklearn.linear_model import QuantileRegressor
from sklearn.metrics import d2_pinball_score, d2_tweedie_score, r2_score
from sklearn.model_selection import GroupKFold, KFold, ShuffleSplit, cross_val_score, cross_validate
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.class_weight import compute_sample_weight

from convexnn import ConvexReLUClassifier, ConvexReLUClassifierCV, ConvexReLURegressor, ConvexReLURegressorCV
from convexnn.exceptions import DataError, ParameterError

rng = np.random.default_rng(0)
X = rng.normal(size=(60, 2))
y = np.abs(X[:, 1]) + 0.05 * rng.normal(size=60)
COUNTS = rng.poisson(np.exp(3 + X[:, 0]))


def test_features_are_selected_by_what_the_network_listens_to():
    """The target depends on the second feature only, whatever the order and scale of the columns."""
    for order, scale in (([0, 1], 1.0), ([1, 0], 1.0), ([0, 1], 1e6)):
        A = X[:, order] * np.array([1.0, scale])
        net = ConvexReLURegressor(beta_ratio=0.05).fit(A, y)
        assert net.feature_importances_.sum() == pytest.approx(1.0)
        right = np.array(order) == 1
        assert not hasattr(net, "coef_")
        np.testing.assert_array_equal(net.feature_importances_ > 0.8, right)
        chosen = RFE(ConvexReLURegressor(beta_ratio=0.05), n_features_to_select=1).fit(A, y)
        np.testing.assert_array_equal(chosen.support_, right)
        assert list(SelectFromModel(ConvexReLURegressor(beta_ratio=0.05)).fit(A, y).get_support()) == list(right)
    constant = ConvexReLURegressor(beta_ratio=1.0).fit(X, np.ones(60))
    np.testing.assert_array_equal(constant.feature_importances_, np.zeros(2))


def test_importances_are_those_of_differences():
    """Partial derivatives against difference quotients at the samples, for two outputs."""
    net = ConvexReLURegressor(beta_ratio=0.05).fit(X, np.column_stack([y, X[:, 0]]))
    step = 1e-7
    slopes = [(net.predict(X + step * axis) - net.predict(X - step * axis)) / (2 * step) for axis in np.eye(2)]
    change = np.linalg.norm(slopes, axis=2).mean(axis=1) * X.std(axis=0)
    np.testing.assert_allclose(net.feature_importances_, change / change.sum(), rtol=0.05)  # samples on kinks


def test_counts_are_predicted_as_means():
    net = ConvexReLURegressor(loss="poisson", beta_ratio=0.01).fit(X, COUNTS)
    np.testing.assert_allclose(net.predict(X), np.exp(net.network_.predict(X)))
    assert net.predict(X).mean() == pytest.approx(COUNTS.mean(), rel=0.05)  # the intercept is free
    assert net.score(X, COUNTS) == pytest.approx(d2_tweedie_score(COUNTS, net.predict(X), power=1))
    weight = rng.random(60)
    expected = d2_tweedie_score(COUNTS, net.predict(X), power=1, sample_weight=weight)
    assert net.score(X, COUNTS, weight) == pytest.approx(expected)
    search = ConvexReLURegressorCV(loss="poisson", beta_ratios=4).fit(X, COUNTS)
    assert search.best_ratio_ < 0.2
    assert search.score(X, COUNTS) > 0.9
    with pytest.raises(DataError, match="counts"):
        net.score(X, COUNTS - 100.0)


def test_exposure_is_a_weight():
    """exp(f) t - y f with exposure t is t times the loss of the rate y / t, so gradients vanish at its optimum."""
    t = rng.uniform(0.5, 4.0, 60)
    net = ConvexReLURegressor(loss="poisson", beta_ratio=1e-4).fit(X, COUNTS / t, sample_weight=t)
    expected = np.exp(net.network_.predict(X)) * t
    assert expected.sum() == pytest.approx(COUNTS.sum(), rel=1e-4)  # of the free intercept


def test_quantiles_are_scored_by_their_loss():
    net = ConvexReLURegressor(loss="quantile(0.9)", beta_ratio=0.1).fit(X, y)
    assert net.score(X, y) == pytest.approx(d2_pinball_score(y, net.predict(X), alpha=0.9))
    search = ConvexReLURegressorCV(loss="quantile(0.9)", beta_ratios=[0.5, 0.1], cv=3).fit(X, y)
    scores = cross_val_score(ConvexReLURegressor(loss="quantile(0.9)", beta_ratio=0.5), X, y, cv=KFold(3))
    np.testing.assert_allclose(search.scores_[0], scores, atol=1e-4)
    line = QuantileRegressor(quantile=0.9, alpha=0).fit(X, y)
    assert net.score(X, y) > d2_pinball_score(y, line.predict(X), alpha=0.9)
    for loss in ("squared_error", "huber"):
        plain = ConvexReLURegressor(loss=loss, beta_ratio=0.1).fit(X, y)
        assert plain.score(X, y) == r2_score(y, plain.predict(X))


def test_class_weight_multiplies_sample_weight():
    labels = np.where(X[:, 0] > 1.0, "rare", "usual")
    extra = rng.uniform(0.5, 2.0, 60)
    for given in ("balanced", {"rare": 3.0, "usual": 0.5}):
        weight = compute_sample_weight(given, labels) * extra
        one = ConvexReLUClassifier(beta=0.1, class_weight=given).fit(X, labels, sample_weight=extra)
        two = ConvexReLUClassifier(beta=0.1).fit(X, labels, sample_weight=weight)
        np.testing.assert_allclose(one.decision_function(X), two.decision_function(X), atol=1e-6)
    search = ConvexReLUClassifierCV(beta_ratios=[0.3, 0.1], class_weight="balanced", cv=3).fit(X, labels)
    assert search.estimator_.class_weight == "balanced"
    with pytest.raises(ParameterError, match="class_weight='evenly'"):
        ConvexReLUClassifier(class_weight="evenly").fit(X, labels)


def test_several_labels_per_sample():
    """Outputs share neurons; each label is decided as by a network of its own where the penalty is weak."""
    A, B = make_multilabel_classification(80, 2, n_classes=3, n_labels=2, random_state=0)
    A = StandardScaler().fit_transform(A)
    net = ConvexReLUClassifier(beta_ratio=0.01).fit(A, B)
    assert net.predict(A).shape == net.predict_proba(A).shape == B.shape
    np.testing.assert_array_equal(net.predict(A), net.predict_proba(A) > 0.5)
    assert set(np.unique(net.predict(A))) <= {0, 1}
    alone = MultiOutputClassifier(ConvexReLUClassifier(beta_ratio=0.01)).fit(A, B)
    assert net.score(A, B) > alone.score(A, B) - 0.1
    assert ConvexReLUClassifierCV(beta_ratios=[0.1, 0.03], cv=3).fit(A, B).predict(A).shape == B.shape
    with pytest.raises(DataError, match="not 0 and 1"):
        ConvexReLUClassifier().fit(A, B + 1)


def test_groups_stay_together():
    """Rows of a group that repeat each other are not in training and test at once."""
    groups = np.repeat(np.arange(12), 5)
    given = ConvexReLURegressorCV(beta_ratios=[0.3, 0.1], cv=GroupKFold(3)).fit(X, y, groups=groups)
    folds = list(GroupKFold(3).split(X, y, groups))
    listed = ConvexReLURegressorCV(beta_ratios=[0.3, 0.1], cv=folds).fit(X, y)
    np.testing.assert_array_equal(given.scores_, listed.scores_)
    assert ConvexReLURegressorCV(beta_ratios=[0.3], bound="none").fit(X, y, groups=groups).scores_.shape == (1, 5)
    with pytest.raises(DataError, match="cannot be split"):
        ConvexReLURegressorCV(beta_ratios=[0.3], cv=GroupKFold(20)).fit(X, y, groups=groups)
    with sklearn.config_context(enable_metadata_routing=True):
        model = ConvexReLURegressorCV(beta_ratios=[0.3], cv=GroupKFold(3)).set_fit_request(groups=True)
        found = cross_validate(
            make_pipeline(StandardScaler(), model), X, y, cv=GroupKFold(2), params={"groups": groups}
        )
    assert np.isfinite(found["test_score"]).all()


def test_one_validation_set_chooses_the_penalty():
    """What early stopping does elsewhere: a tenth of the samples is held out once."""
    split = ShuffleSplit(1, test_size=0.2, random_state=0)
    net = ConvexReLURegressorCV(cv=split, beta_ratios=6).fit(X, y)
    assert net.scores_.shape == (6, 1)
    assert net.best_ratio_ == net.beta_ratios_[net.scores_[:, 0].argmax()]


def test_sorted_rows_are_shuffled_into_folds():
    order = np.argsort(X[:, 1])
    net = ConvexReLURegressorCV(beta_ratios=6).fit(X[order], y[order])
    assert net.score(X, y) > 0.9


@pytest.mark.parametrize("cv", [KFold(15), [(np.arange(20), np.arange(20, 30))]])
def test_a_fold_without_a_class_is_named(cv):
    labels = np.array([0] * 28 + [1] * 2)
    with pytest.raises(DataError, match=r"fold \d+: .*no sample of the class '1'"):
        ConvexReLUClassifierCV(beta_ratios=2, cv=cv).fit(X[:30], labels)


def test_the_course_of_training_and_a_summary():
    net = ConvexReLURegressor(beta_ratio=0.05).fit(X, y)
    assert net.loss_curve_
    assert min(net.loss_curve_) == pytest.approx(net.objective_, rel=1e-4)
    text = net.summary()
    for word in ("neurons", f"{net.n_neurons_}", "lower bound", "loss", "squared_error", net.certificate_.scope):
        assert word in text
    classifier = ConvexReLUClassifierCV(beta_ratios=[0.3, 0.1], cv=3).fit(X, y > 1)
    assert "log_loss" in classifier.summary()
    assert "0.3" in classifier.summary() or "0.1" in classifier.summary()
