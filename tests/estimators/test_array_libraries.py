"""Predictions stay in the array library, on the device and in the precision of the samples."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys

import numpy as np
import pytest
from sklearn.datasets import load_iris

from convexnn import (
    ConvexReLUClassifier,
    ConvexReLUClassifierCV,
    ConvexReLURegressor,
    ConvexReLURegressorCV,
    DeepConvexReLURegressor,
)

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
