"""ConstructiveClassifier: scikit-learn's own checks, the metric reading, and typed errors where a kind "
"does not exist."""

import numpy as np
import pytest
import reference_constructive as ref
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from convexnn import ConstructiveClassifier
from convexnn.exceptions import ConstructionError, ParameterError
from convexnn.network import DeepReLUNetwork

KINDS = ("affine", "shallow", "truncation", "deep", "clamp", "sequential")


@parametrize_with_checks([ConstructiveClassifier(), ConstructiveClassifier("truncation", random_state=0)])
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("q", [2, 4])
def test_every_kind_fits_clusters_and_reads_the_metric(kind, q):
    X, codes, _ = ref.clusters(q, 0.05, seed=q)
    names = np.array(["d", "a", "c", "b"])[codes]
    model = ConstructiveClassifier(kind, random_state=0).fit(X, names)
    assert model.classes_.tolist() == sorted(set(names))
    assert model.score(X, names) == 1.0
    assert model.construction_ == kind
    outputs = DeepReLUNetwork(tuple(model.layers_)).predict(X)
    np.testing.assert_allclose(outputs, model.network_.predict(X), atol=1e-13)
    eye = np.eye(q)
    costs = np.array([np.linalg.norm(outputs - t, axis=1) for t in eye]).T
    np.testing.assert_allclose(model.distances(X), costs, atol=1e-12)
    scores = model.decision_function(X)
    if q == 2:
        np.testing.assert_allclose(scores, costs[:, 0] - costs[:, 1], atol=1e-12)
        np.testing.assert_array_equal(model.predict(X), model.classes_[(scores > 0).astype(int)])
    else:
        np.testing.assert_allclose(scores, -costs, atol=1e-12)
    wanted = np.searchsorted(model.classes_, names)
    assert model.cost_ == pytest.approx(ref.cost(outputs, wanted, eye), abs=1e-12)
    if kind in ("deep", "clamp", "sequential"):
        assert model.cost_ < 1e-9
    assert model.bounds_["shallow"].theorem.startswith("Theorem 3.1")


def test_affinely_dependent_means_fall_back_to_least_squares():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], 10)
    X = (y + 0.1 * rng.normal(size=30))[:, None]
    model = ConstructiveClassifier().fit(X, y)
    assert model.construction_ == "least squares"
    features = np.hstack([X, np.ones((30, 1))])
    assert model.cost_ == pytest.approx(ref.least_squares_cost(features, y, np.eye(3), False), rel=1e-9)
    assert model.bounds_["affine"].value == pytest.approx(model.cost_, rel=1e-9)
    assert model.bounds_["shallow"].value is None


@pytest.mark.parametrize("kind", ["deep", "clamp", "sequential"])
def test_kinds_that_do_not_exist_for_the_data_say_so(kind):
    X, y = np.random.default_rng(0).normal(size=(60, 2)), np.arange(60) % 3
    with pytest.raises(ConstructionError):
        ConstructiveClassifier(kind).fit(X, y)


def test_unknown_kind_and_single_class_are_refused():
    X, y, _ = ref.clusters(3, 0.1, seed=0)
    with pytest.raises(ParameterError, match="kind="):
        ConstructiveClassifier("magic").fit(X, y)
    with pytest.raises(ParameterError, match="1 class"):
        ConstructiveClassifier().fit(X, np.zeros(len(X)))


def test_works_in_pipelines_searches_and_cross_validation():
    X, y = load_iris(return_X_y=True)
    pipeline = make_pipeline(StandardScaler(), ConstructiveClassifier())
    assert cross_val_score(pipeline, X, y, cv=3).mean() > 0.65
    search = GridSearchCV(ConstructiveClassifier(random_state=0), {"kind": ["affine", "truncation"]}, cv=3).fit(X, y)
    assert search.best_params_["kind"] == "truncation"
    assert clone(search.best_estimator_).get_params()["kind"] == "truncation"


def test_refitting_replaces_everything():
    X, y, _ = ref.clusters(3, 0.05, seed=0)
    model = ConstructiveClassifier().fit(X, y)
    old = model.bounds_["shallow"].value
    model.fit(2 * X + np.arange(3) * 0.1 + 0.3 * np.random.default_rng(0).normal(size=X.shape), y)
    assert model.bounds_["shallow"].value != old
