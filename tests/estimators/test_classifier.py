"""ConvexReLUClassifier: any labels, probabilities, several classes, and a true certificate."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from sklearn.datasets import load_iris, make_moons
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import StandardScaler

import convexnn
from convexnn import ConvexReLUClassifier, ConvexReLURegressor
from convexnn.exceptions import DataError, ParameterError

X, y = make_moons(60, noise=0.15, random_state=0)
# Two petal measurements, every third flower: three classes of which two overlap.
FLOWERS = StandardScaler().fit_transform(load_iris().data[::3, 2:])
KINDS = load_iris().target_names[load_iris().target[::3]]


def test_pickles_of_the_first_version_have_the_present_name_of_their_loss():
    """Only the parameter: such an estimator still gives probabilities, and can be fitted again."""
    X = np.random.default_rng(0).normal(size=(20, 2))
    net = ConvexReLUClassifier(beta=0.5).fit(X, X[:, 0] > 0)
    state = {**net.__getstate__(), "loss": "logistic"}
    old = ConvexReLUClassifier.__new__(ConvexReLUClassifier)
    old.__setstate__(state)
    assert old.loss == "log_loss"
    np.testing.assert_array_equal(old.predict_proba(X), net.predict_proba(X))
    again = pickle.loads(pickle.dumps(net))
    np.testing.assert_array_equal(again.predict_proba(X), net.predict_proba(X))
    regressor = ConvexReLURegressor.__new__(ConvexReLURegressor)
    regressor.__setstate__({**ConvexReLURegressor().__getstate__(), "loss": "squared"})
    assert regressor.get_params()["loss"] == "squared_error"


@pytest.mark.parametrize("loss", ["log_loss", "squared_hinge", "hinge", "squared_error"])
@pytest.mark.parametrize("norm", ["l1", "l2"])
def test_two_classes_equal_training_on_signs(loss, norm):
    net = ConvexReLUClassifier(loss=loss, norm=norm, beta_ratio=0.02).fit(X, y)
    signs = 2.0 * y - 1
    result = convexnn.train(X, signs, beta=net.beta_, norm=norm, loss=loss)
    assert net.certified_
    assert net.objective_ == pytest.approx(result.certificate.primal, rel=2e-6)
    assert net.score(X, y) > 0.95
    assert net.decision_function(X).shape == (60,)
    np.testing.assert_array_equal(net.predict(X), (net.decision_function(X) > 0).astype(int))


@pytest.mark.parametrize("loss", ["log_loss", "squared_hinge"])
def test_three_classes_share_one_certified_network(loss):
    net = ConvexReLUClassifier(loss=loss, norm="l1", beta_ratio=0.02).fit(FLOWERS, KINDS)
    assert net.certified_
    assert list(net.classes_) == ["setosa", "versicolor", "virginica"]
    assert net.network_.n_outputs == 3
    assert net.score(FLOWERS, KINDS) > 0.93
    assert net.decision_function(FLOWERS).shape == (50, 3)
    assert net.certificate_.loss == loss


def test_probabilities_sum_to_one_and_agree_with_the_decision():
    for data, labels in ((X, y), (FLOWERS, KINDS)):
        net = ConvexReLUClassifier(beta_ratio=0.05).fit(data, labels)
        p = net.predict_proba(data)
        np.testing.assert_allclose(p.sum(axis=1), 1.0, rtol=1e-14)
        np.testing.assert_array_equal(net.classes_[p.argmax(axis=1)], net.predict(data))
        np.testing.assert_allclose(np.exp(net.predict_log_proba(data)), p)
        # With a free intercept the mean probability of a class is its frequency: the optimality condition of t.
        frequency = [(labels == c).mean() for c in net.classes_]
        np.testing.assert_allclose(p.mean(axis=0), frequency, atol=1e-3)


def test_probabilities_exist_for_logistic_loss_only():
    hinge = ConvexReLUClassifier(loss="hinge").fit(X, y)
    assert not hasattr(hinge, "predict_proba")
    assert not hasattr(hinge, "predict_log_proba")


@pytest.mark.parametrize("labels", [np.array(["no", "yes"])[y], y.astype(bool), 10 * y - 3, y.astype(float)])
def test_labels_of_any_kind(labels):
    net = ConvexReLUClassifier(beta_ratio=0.1).fit(X, labels)
    assert net.predict(X).dtype == labels.dtype
    assert (net.predict(X) == labels).mean() > 0.8


def test_weights_remove_and_repeat():
    weight = np.where(np.arange(60) % 3 == 0, 0.0, 1.0 + (np.arange(60) % 2))
    whole = ConvexReLUClassifier(beta=0.5).fit(X, y, sample_weight=weight)
    count = weight.astype(int)
    repeated = ConvexReLUClassifier(beta=0.5).fit(np.repeat(X, count, axis=0), np.repeat(y, count))
    np.testing.assert_array_equal(whole.predict_proba(X), repeated.predict_proba(X))


def test_wrong_input_is_explained():
    with pytest.raises(DataError, match="one class only"):
        ConvexReLUClassifier().fit(X, np.zeros(60))
    with pytest.raises(ParameterError, match="loss='huber' is unknown for classification"):
        ConvexReLUClassifier(loss="huber").fit(X, y)
    with pytest.raises(ValueError, match="Unknown label type"):
        ConvexReLUClassifier().fit(X, X[:, 0])
    with pytest.raises(DataError, match="NaN"):
        ConvexReLUClassifier().fit(np.full((60, 2), np.nan), y)


def test_pickle_and_grid_search():
    net = ConvexReLUClassifier(beta_ratio=0.1).fit(X, y)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(net)).predict_proba(X), net.predict_proba(X))
    search = GridSearchCV(ConvexReLUClassifier(norm="l1"), {"beta_ratio": [0.3, 0.03]}, cv=3).fit(X, y)
    assert search.best_params_ == {"beta_ratio": 0.03}
