"""Predictions stay in the array library, on the device and in the precision of the samples."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_iris

import convexnn
from convexnn import (
    ConstructiveClassifier,
    ConvexReLUClassifier,
    ConvexReLUClassifierCV,
    ConvexReLURegressor,
    ConvexReLURegressorCV,
    DeepConvexReLUClassifier,
    DeepConvexReLURegressor,
    WedgeFeatures,
)
from convexnn._arrays import like

X, y = load_iris(return_X_y=True)
X = X[::3, 2:]
y = y[::3]
SHORT = {"tol": 1e-3, "max_iter": 20}

# scikit-learn dispatches only if SciPy was imported with SCIPY_ARRAY_API set, so this runs in a process of its own.
DISPATCH = """
import sys
import numpy as np
import sklearn
from importlib import import_module
from sklearn.datasets import load_iris
from convexnn import (
    ConvexReLUClassifier, ConvexReLUClassifierCV, ConvexReLURegressor, ConvexReLURegressorCV,
    DeepConvexReLUClassifier, DeepConvexReLURegressor,
)
from convexnn.exceptions import DataError

library = sys.argv[1]
xp = import_module(library)
X, y = load_iris(return_X_y=True)
X, y = X[::3, 2:], y[::3]
options = {"tol": 1e-3, "max_iter": 20}
grid = {"beta_ratios": (0.1,), "cv": 2, **options}
fitted = [
    ConvexReLURegressor(**options).fit(X, y),
    ConvexReLURegressor(**options).fit(X, np.column_stack([y, X[:, 0]])),
    ConvexReLURegressorCV(**grid).fit(X, y),
    ConvexReLUClassifier(**options).fit(X, y),
    ConvexReLUClassifier(**options).fit(X, np.array(["no", "yes"])[(y > 0).astype(int)]),
    ConvexReLUClassifierCV(**grid).fit(X, y > 1),
    DeepConvexReLURegressor(**options).fit(X, y),
    DeepConvexReLUClassifier(n_blocks=1, **options).fit(X, y),
]
for estimator in fitted:
    for method in ("predict", "decision_function", "predict_proba", "predict_log_proba"):
        if not hasattr(estimator, method):
            continue
        expected = getattr(estimator, method)(X)
        for dtype, rtol in ((xp.float64, 1e-10), (xp.float32, 1e-4)):
            with sklearn.config_context(array_api_dispatch=True):
                found = getattr(estimator, method)(xp.asarray(X, dtype=dtype))
            if expected.dtype.kind == "U":
                assert isinstance(found, np.ndarray)
            else:
                assert type(found) is type(xp.asarray(X)), (estimator, method, type(found))
            if expected.dtype.kind == "f":
                assert found.dtype == dtype or method == "predict" and "Classifier" in type(estimator).__name__
                np.testing.assert_allclose(np.asarray(found), expected, rtol=rtol, atol=10 * rtol)
            else:
                np.testing.assert_array_equal(np.asarray(found), expected)
with sklearn.config_context(array_api_dispatch=True):
    try:
        fitted[0].predict(xp.ones((2, 5)))
    except DataError as error:
        assert "5 features" in str(error)
    else:
        raise AssertionError("a wrong number of features was accepted")
print("same library")
"""


@pytest.mark.parametrize("library", ["torch", "array_api_strict"])
def test_dispatch_keeps_library_and_precision(library):
    if importlib.util.find_spec(library) is None:
        pytest.skip(f"{library} is not installed")
    environment = os.environ | {"SCIPY_ARRAY_API": "1"}
    run = subprocess.run(
        [sys.executable, "-P", "-W", "ignore", "-c", DISPATCH, library], env=environment, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == "same library"


@pytest.mark.parametrize("estimator", [ConvexReLURegressor(**SHORT), DeepConvexReLURegressor(n_blocks=1, **SHORT)])
def test_single_precision_samples_give_single_precision_outputs(estimator):
    estimator.fit(X, y)
    single = estimator.predict(X.astype(np.float32))
    assert single.dtype == np.float32
    assert estimator.predict(X).dtype == np.float64
    # Only the result is rounded, the sums are not.
    np.testing.assert_array_equal(single, estimator.predict(X.astype(np.float32).astype(np.float64)).astype(np.float32))


def test_single_precision_in_cross_validated_estimators_and_probabilities():
    search = ConvexReLURegressorCV(beta_ratios=(0.1,), cv=2, **SHORT).fit(X, y)
    assert search.predict(X.astype(np.float32)).dtype == np.float32
    labels = ConvexReLUClassifierCV(beta_ratios=(0.1,), cv=2, **SHORT).fit(X, y)
    assert labels.decision_function(X.astype(np.float32)).dtype == np.float32
    assert labels.predict_proba(X.astype(np.float32)).dtype == np.float32
    two = ConvexReLUClassifier(**SHORT).fit(X, y > 0)
    assert two.predict_proba(X.astype(np.float32)).dtype == np.float32
    np.testing.assert_array_equal(two.predict(X.astype(np.float32)), two.predict(X))


@pytest.mark.parametrize("library", ["torch", "array_api_strict"])
def test_train_takes_tensors_and_searches_where_they_are(library):
    """Tensors give the network that arrays give: to rounding where the method is exact, near it where it searches."""
    xp = pytest.importorskip(library, reason=f"{library} is not installed")
    rng = np.random.default_rng(0)
    A = rng.standard_normal((60, 8))
    b = np.abs(A[:, 0]) + 0.1 * rng.standard_normal(60)
    exact = convexnn.train(xp.asarray(A[:, :2].copy()), xp.asarray(b), beta=0.5, sample_weight=xp.asarray(np.ones(60)))
    expected = convexnn.train(A[:, :2], b, beta=0.5)
    np.testing.assert_array_equal(exact.network.hidden_weights, expected.network.hidden_weights)
    np.testing.assert_array_equal(exact.network.predict(xp.asarray(A[:, :2].copy())), exact.network.predict(A[:, :2]))
    found = convexnn.train(xp.asarray(A), xp.asarray(b), beta=2.0, max_iter=10, max_atoms=1000)
    plain = convexnn.train(A, b, beta=2.0, max_iter=10, max_atoms=1000)
    assert found.certificate.scope == "searched"
    assert found.certificate.primal == pytest.approx(plain.certificate.primal, rel=1e-3)
    assert found.certificate.primal == pytest.approx(found.network.objective(A, b, beta=2.0), rel=1e-12)


def test_fit_takes_tensors():
    torch = pytest.importorskip("torch", reason="torch is not installed")
    A = torch.tensor(X, dtype=torch.float32, requires_grad=True)
    weight = torch.ones(len(X))
    single = X.astype(np.float32)
    for estimator, target in (
        (ConvexReLURegressor(**SHORT), y.astype(float)),
        (ConvexReLUClassifier(**SHORT), y),
        (ConvexReLURegressorCV(beta_ratios=(0.1,), cv=2, **SHORT), y.astype(float)),
    ):
        plain = clone(estimator).fit(single, target, sample_weight=np.ones(len(X)))
        found = estimator.fit(A, torch.tensor(target), sample_weight=weight)
        np.testing.assert_array_equal(found.predict(A), plain.predict(single))
    features = WedgeFeatures(random_state=0).fit(A)
    np.testing.assert_array_equal(features.transform(A), WedgeFeatures(random_state=0).fit(single).transform(single))


def test_searching_estimators_search_where_the_samples_are(monkeypatch):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    seen = []
    monkeypatch.setattr(
        "convexnn.training.strategy.like", lambda samples, points: seen.append(type(samples)) or like(samples, points)
    )
    A = np.random.default_rng(0).standard_normal((40, 8))
    net = ConvexReLURegressor(max_iter=3, max_atoms=1000, tol=1.0).fit(torch.tensor(A), torch.tensor(A[:, 0]))
    assert net.certificate_.scope == "searched"
    assert seen == [torch.Tensor]


def test_single_precision_data_are_computed_in_double():
    """The gap of float32 data is that of the same numbers in float64, to the last bit."""
    A, b = X.astype(np.float32), y.astype(np.float32)
    wide = A.astype(float), b.astype(float)
    single, double = (convexnn.train(*data, beta=0.1, tol=1e-10) for data in ((A, b), wide))
    assert single.certificate == double.certificate
    assert single.certificate.relative_gap <= 1e-10
    assert convexnn.certificate.verify(single.certificate, single.network, A, b).gap == double.certificate.gap
    fits = ConvexReLURegressor(beta=0.1).fit(A, b), ConvexReLURegressor(beta=0.1).fit(*wide)
    assert fits[0].certificate_ == fits[1].certificate_


ESTIMATORS = [
    ConvexReLURegressor(**SHORT),
    ConvexReLUClassifier(**SHORT),
    ConvexReLURegressorCV(beta_ratios=(0.1,), cv=2, **SHORT),
    ConvexReLUClassifierCV(beta_ratios=(0.1,), cv=2, **SHORT),
    DeepConvexReLURegressor(**SHORT),
    DeepConvexReLUClassifier(n_blocks=1, **SHORT),
    ConstructiveClassifier(),
    WedgeFeatures(random_state=0),
]


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: type(e).__name__)
@pytest.mark.parametrize("kind", ["csr_array", "csc_matrix", "coo_array"])
def test_sparse_rows_are_predicted_like_dense_ones(estimator, kind):
    fitted = clone(estimator).fit(X, y)
    thin = np.where(X > 1.5, X, 0.0)
    rows = getattr(sparse, kind)(thin)
    methods = ("predict", "transform", "decision_function", "predict_proba", "distances")
    present = [name for name in methods if hasattr(fitted, name)]
    assert present
    for name in present:
        np.testing.assert_array_equal(getattr(fitted, name)(rows), getattr(fitted, name)(thin))
    if "predict" in present:
        assert fitted.score(rows, y) == fitted.score(thin, y)
