"""Predictions stay in the array library, on the device and in the precision of the samples."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys

import numpy as np
import pytest
from array_api_compat import device
from devices import ELSEWHERE, example
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
from convexnn._arrays import Device, is_foreign

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
@pytest.mark.parametrize("max_atoms", [10**6, 1000], ids=["exact", "searched"])
def test_train_takes_tensors_with_the_same_bits(library, max_atoms):
    xp = pytest.importorskip(library, reason=f"{library} is not installed")
    rng = np.random.default_rng(0)
    A = rng.standard_normal((60, 3))
    b = np.abs(A[:, 0]) + 0.1 * rng.standard_normal(60)
    w = rng.integers(1, 3, 60).astype(float)
    options = {"beta": 1.0, "max_iter": 5, "max_atoms": max_atoms}
    found = convexnn.train(*map(xp.asarray, (A, b)), sample_weight=xp.asarray(w), **options)
    plain = convexnn.train(A, b, sample_weight=w, **options)
    np.testing.assert_array_equal(found.network.hidden_weights, plain.network.hidden_weights)
    np.testing.assert_array_equal(found.network.predict(xp.asarray(A)), plain.network.predict(A))
    assert found.certificate == plain.certificate


@pytest.mark.parametrize("name", ["torch", "jax", *ELSEWHERE])
@pytest.mark.parametrize("far", [0, 10**9])
def test_train_searches_on_the_device_of_the_samples(monkeypatch, name, far):
    """A device whose arrays NumPy cannot read, as those of a GPU; neurons move there if there are enough of them."""
    monkeypatch.setattr("convexnn.restricted.problem.MIN_DEVICE_WORK", far)
    if name not in ELSEWHERE:  # the same as if it were one
        monkeypatch.setattr("convexnn._arrays.on_accelerator", is_foreign)
    device = Device(example(name))
    rng = np.random.default_rng(0)
    A = rng.standard_normal((60, 8))
    b = np.abs(A[:, 0]) + 0.1 * rng.standard_normal(60)
    there = [device.send(part) for part in (A, b)]
    if name in ELSEWHERE:
        with pytest.raises((RuntimeError, TypeError)):
            np.asarray(there[0])
    options = {"beta": 2.0, "max_iter": 10, "max_atoms": 1000, "bound": "none"}
    found, plain = convexnn.train(*there, **options), convexnn.train(A, b, **options)
    assert found.certificate.scope == "none"
    assert found.certificate.primal == pytest.approx(plain.certificate.primal, rel=1e-3)
    assert convexnn.beta_max(*there, max_atoms=1000) == pytest.approx(convexnn.beta_max(A, b, max_atoms=1000), rel=1e-9)
    np.testing.assert_array_equal(found.network.predict(there[0]), found.network.predict(A))


def test_fit_takes_tensors():
    torch = pytest.importorskip("torch", reason="torch is not installed")
    A = torch.tensor(X, dtype=torch.float32, requires_grad=True)
    weight = torch.ones(len(X))
    single = X.astype(np.float32)
    for estimator, target in (
        (ConvexReLURegressor(**SHORT), y.astype(float)),
        (ConvexReLUClassifier(**SHORT), y),
        (ConvexReLURegressorCV(beta_ratios=(0.1,), cv=2, **SHORT), y.astype(float)),
        (DeepConvexReLURegressor(n_blocks=1, **SHORT), y.astype(float)),
    ):
        plain = clone(estimator).fit(single, target, sample_weight=np.ones(len(X)))
        found = estimator.fit(A, torch.tensor(target), sample_weight=weight)
        np.testing.assert_array_equal(found.predict(A), plain.predict(single))
    features = WedgeFeatures(random_state=0).fit(A)
    np.testing.assert_array_equal(features.transform(A), WedgeFeatures(random_state=0).fit(single).transform(single))


def test_searching_estimators_search_where_the_samples_are(monkeypatch):
    xp = pytest.importorskip("array_api_strict", reason="array_api_strict is not installed")
    places = []

    keep = Device.keep

    def watched(self, points, *precision):
        placed = keep(self, points, *precision)
        places.append(device(placed))
        return placed

    monkeypatch.setattr(Device, "keep", watched)
    A, there = np.random.default_rng(0).standard_normal((40, 8)), xp.Device("device1")
    net = ConvexReLURegressor(max_iter=3, max_atoms=1000, bound="none").fit(xp.asarray(A, device=there), A[:, 0])
    assert net.certificate_.scope == "none"
    assert places == [there]
    assert isinstance(net.predict(xp.asarray(A, device=there)), np.ndarray)


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


def test_sparse_rows_need_no_dense_copy_of_all(monkeypatch):
    """Five rows at a time; the widest block that a network ever sees is that."""
    fitted = ConvexReLURegressor(**SHORT).fit(X, y)
    seen, outputs = [], type(fitted.network_).outputs
    monkeypatch.setattr("convexnn.estimators.outputs._DENSE", 5 * X.shape[1])
    monkeypatch.setattr(type(fitted.network_), "outputs", lambda net, A: seen.append(len(A)) or outputs(net, A))
    np.testing.assert_allclose(fitted.predict(sparse.csr_array(X)), fitted.predict(X), rtol=1e-12)
    assert seen[:-1] == [5] * (len(X) // 5)
