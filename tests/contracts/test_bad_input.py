"""Unusable input ends in a typed error that says what, got, expected and what to do; odd but usable input
in a correct, certified answer. One table for all public entry points.
"""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import convexnn
from convexnn.exceptions import ConvexNNError, DataError, ParameterError

rng = np.random.default_rng(0)
X = rng.normal(size=(8, 2))
y = rng.normal(size=8)
net = convexnn.ReLUNetwork(np.ones((1, 2)), np.zeros(1), np.ones((1, 1)), np.zeros(1))


def _fit(X, y, **options):
    return convexnn.ConvexReLURegressor(**{"beta": 0.1, **options}).fit(X, y)


ENTRIES = {
    "train": lambda X, y, **o: convexnn.train(X, y, **{"beta": 0.1, **o}),
    "beta_max": convexnn.beta_max,
    "certify": lambda X, y, **o: convexnn.certify(net, X, y, **{"beta": 0.1, **o}),
    "objective": lambda X, y, **o: net.objective(X, y, **{"beta": 0.1, **o}),
    "estimator": _fit,
}
ONLY_X = {
    "dictionary": lambda X: convexnn.dictionary(X),
    "predict": net.predict,
}


def changed(array, index, value):
    out = np.array(array, dtype=type(value) if isinstance(value, complex) else float)
    out[index] = value
    return out


BAD_X = {
    "NaN": (changed(X, (3, 1), np.nan), "NaN"),
    "infinity": (changed(X, (0, 0), np.inf), "inf"),
    "complex": (changed(X, (0, 0), 1j), "[Cc]omplex"),
    "empty": (np.zeros((0, 2)), "empty|minimum of 1|0 sample"),
    "no feature": (np.zeros((8, 0)), "empty|0 feature"),
    "3-D": (np.zeros((8, 2, 2)), "3 dim|dim 3"),
    "1-D": (np.zeros(8), "1 dim|1D array"),
    "text": (np.array([["a", "b"]] * 8), "number|numeric|convert"),
    "ragged": ([[1.0, 2.0], [3.0]] * 4, "number|sequence|inhomogeneous"),
    "None": (None, "number|0 dim|None|dimension|array"),
}
BAD_Y = {
    "NaN": (changed(y, 3, np.nan), "NaN"),
    "infinity": (changed(y, 0, -np.inf), "inf"),
    "complex": (changed(y, 0, 1j), "[Cc]omplex"),
    "too short": (y[:-1], "must match|inconsistent"),
    "too long": (np.append(y, 0), "must match|inconsistent"),
    "empty": (np.zeros(0), "must match|0 sample"),
    "3-D": (np.zeros((8, 1, 1)), "shape|dim 3"),
    "text": (np.array(["a"] * 8), "number|numeric|convert"),
}
BAD_PARAMETERS = {
    "beta negative": {"beta": -1.0},
    "beta NaN": {"beta": np.nan},
    "beta infinite": {"beta": np.inf},
    "beta text": {"beta": "big"},
    "beta flag": {"beta": True},
    "norm": {"norm": "l3"},
    "norm type": {"norm": 2},
    "bias": {"bias": "yes"},
    "bias number": {"bias": 1.5},
    "loss": {"loss": "square"},
    "loss type": {"loss": None},
}
TRAINING_PARAMETERS = {
    "solver": {"solver": "magic"},
    "tol": {"tol": -1e-6},
    "max_iter": {"max_iter": 0},
    "max_iter type": {"max_iter": 2.5},
    "time_limit": {"time_limit": -1.0},
    "max_atoms": {"max_atoms": 0},
    "n_jobs": {"n_jobs": 1.5},
    "n_jobs huge": {"n_jobs": 2**40},
    "n_jobs text": {"n_jobs": "a"},
    "random_state": {"random_state": -1},
}


def raises(error, match, call, *arguments, **options):
    """The error is of this package and long enough to say more than its name."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(error, match=match) as caught:
            call(*arguments, **options)
    assert isinstance(caught.value, ConvexNNError | TypeError)
    assert len(str(caught.value)) > 20


@pytest.mark.parametrize("entry", [*ENTRIES, *ONLY_X])
@pytest.mark.parametrize("case", BAD_X)
def test_bad_samples(entry, case):
    bad, match = BAD_X[case]
    if entry in ONLY_X:
        raises(DataError, match, ONLY_X[entry], bad)
    else:
        raises(DataError, match, ENTRIES[entry], bad, y)


@pytest.mark.parametrize("entry", ENTRIES)
@pytest.mark.parametrize("case", BAD_Y)
def test_bad_targets(entry, case):
    bad, match = BAD_Y[case]
    raises(DataError, match, ENTRIES[entry], X, bad)


@pytest.mark.parametrize(
    ("entry", "name", "value"),
    [
        (entry, name, value)
        for options in BAD_PARAMETERS.values()
        for name, value in options.items()
        for entry in ENTRIES
        if (entry, name) != ("beta_max", "beta")
    ],
)
def test_bad_parameters_are_named_with_their_value(entry, name, value):
    raises(ParameterError, f"{name}={value!r}", ENTRIES[entry], X, y, **{name: value})


@pytest.mark.parametrize("entry", ["train", "estimator"])
@pytest.mark.parametrize("case", TRAINING_PARAMETERS)
def test_bad_training_parameters_are_named_with_their_value(entry, case):
    options = TRAINING_PARAMETERS[case]
    (name, value) = next(iter(options.items()))
    raises(ParameterError, f"{name}={value!r}", ENTRIES[entry], X, y, **options)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"observer": 3}, "observer=3: must be a function"),
        ({"solver_options": 3}, "solver_options=3: must be a dict"),
        ({"solver": "nope", "beta": 0}, "solver='nope' is unknown"),
        ({"loss": "quantile(1)"}, "level=1.0: must lie between 0 and 1"),
        ({"beta": np.float64(-1.0)}, r"beta=-1\.0: must be"),
    ],
)
def test_other_parameters_of_train(options, match):
    raises(ParameterError, match, ENTRIES["train"], X, y, **options)


def test_certify_without_a_network():
    raises(DataError, "network is a NoneType; expected a ReLUNetwork", convexnn.certify, None, X, y, beta=0.1)


DAYS = np.array(["2020-01-01", "NaT", "2020-01-03", "2020-01-04"] * 2, dtype="datetime64[D]")


@pytest.mark.parametrize("entry", ["train", "certify", "estimator"])
def test_what_would_pass_as_numbers_is_refused(entry):
    """Dates have a size that depends on their unit, masks hide values that NumPy would use, None says nothing."""
    call = ENTRIES[entry]
    raises(DataError, "dates .*TableRecipe", call, np.column_stack([DAYS, DAYS]), y)
    raises(DataError, "masked", call, np.ma.masked_array(X, mask=X > 1), y)
    raises(DataError, "masked", call, X, np.ma.masked_array(y, mask=y > 0))
    raises(DataError, "NaN|number", call, np.where(X > 1, None, X), y)
    np.ma.masked_array(X)  # a mask that hides nothing is none
    call(np.ma.masked_array(X), y)
    pd = pytest.importorskip("pandas")
    raises(DataError, "dates", call, pd.DataFrame({"a": X[:, 0], "b": pd.to_datetime(DAYS)}), y)


@pytest.mark.parametrize("labels", [[1, "a"] * 4, [None, "a"] * 4])
def test_labels_of_several_kinds(labels):
    classify = convexnn.ConvexReLUClassifier(beta=0.1).fit
    raises(DataError, "labels of the types", classify, X, np.array(labels, dtype=object))


@pytest.mark.parametrize("entry", ["train", "beta_max", "certify"])
def test_unknown_scope(entry):
    raises(ParameterError, "scope='galaxy' is unknown", ENTRIES[entry], X, y, scope="galaxy")


@pytest.mark.parametrize("ratio", [0, -1, np.nan, "a"])
def test_bad_beta_ratio(ratio):
    raises(ParameterError, "beta_ratio=", _fit, X, y, beta=None, beta_ratio=ratio)


@pytest.mark.parametrize("name", ["norm", "bias", "max_atoms", "max_bytes"])
def test_bad_dictionary_parameters(name):
    raises(ParameterError, f"{name}=-7", convexnn.dictionary, X, **{name: -7})


@pytest.mark.parametrize("entry", ["train", "beta_max", "certify", "objective", "estimator"])
@pytest.mark.parametrize("weight", [np.ones(7), -np.ones(8), np.zeros(8), np.full(8, np.nan)])
def test_bad_sample_weights(entry, weight):
    if entry == "estimator":
        raises(DataError, "sample_weight", convexnn.ConvexReLURegressor(beta=0.1).fit, X, y, sample_weight=weight)
    else:
        raises(DataError, "sample_weight", ENTRIES[entry], X, y, sample_weight=weight)


def test_predict_needs_the_same_features():
    raises(DataError, "3 features", net.predict, np.zeros((4, 3)))
    fitted = _fit(X, y)
    raises(DataError, "3 features", fitted.predict, np.zeros((4, 3)))
    raises(DataError, "NaN", fitted.predict, np.full((4, 2), np.nan))


def test_sparse_samples_are_refused_with_advice():
    sparse = pytest.importorskip("scipy.sparse")
    for call in (ENTRIES["train"], ENTRIES["certify"]):
        raises(DataError, "toarray", call, sparse.csr_array(X), y)
    huge = sparse.csr_array((8, 2**40))
    raises(DataError, "SVD", _fit, huge, y)


def test_estimators_make_sparse_samples_dense():
    sparse = pytest.importorskip("scipy.sparse")
    for kind in (sparse.csr_array, sparse.csc_matrix, sparse.coo_array):
        np.testing.assert_array_equal(_fit(kind(X), y).predict(kind(X)), _fit(X, y).predict(X))


def test_certify_refuses_a_network_of_another_kind():
    raises(DataError, "outputs", convexnn.certify, net, X, np.ones((8, 2)), beta=1.0)
    biased = convexnn.ReLUNetwork(np.ones((1, 2)), np.ones(1), np.ones((1, 1)), np.ones(1))
    raises(ParameterError, "bias=False", convexnn.certify, biased, X, y, beta=1.0, bias=False)


ODD = {
    "one sample": (X[:1], y[:1]),
    "two samples": (X[:2], y[:2]),
    "constant y": (X, np.full(8, 3.25)),
    "zero y": (X, np.zeros(8)),
    "all rows equal": (np.ones((8, 2)), y),
    "zero X": (np.zeros((8, 2)), y),
    "duplicate x, different y": (np.repeat(X[:4], 2, axis=0), y),
    "one feature": (X[:, :1], y),
    "constant feature": (np.column_stack([X[:, 0], np.full(8, 7.0)]), y),
    "collinear": (np.outer(np.arange(8.0), [1.0, 2.0]), y),
    "integer grid": (np.array([[i % 3, i // 3] for i in range(8)], dtype=float), y),
    "huge": (X * 1e120, y * 1e120),
    "tiny": (X * 1e-120, y * 1e-120),
    "integers": ((X * 10).astype(np.int32), (y * 10).astype(np.int8)),
    "flags": (X > 0, y > 0),
    "float32, Fortran order": (np.asfortranarray(X, dtype=np.float32), y.astype(np.float32)),
    "lists": (X.tolist(), y.tolist()),
    "two outputs": (X, np.column_stack([y, -y])),
}


@pytest.mark.parametrize("norm", ["l1", "l2"])
@pytest.mark.parametrize("bias", [True, False, "penalized"])
@pytest.mark.parametrize("case", ODD)
def test_odd_input_has_a_certified_answer(case, norm, bias):
    A, b = ODD[case]
    kind = {"norm": norm, "bias": bias}
    limit = convexnn.beta_max(A, b, **kind)
    assert np.isfinite(limit)
    assert limit >= 0
    beta = 0.05 * limit or 1.0
    result = convexnn.train(A, b, beta=beta, **kind)
    assert result.certificate.holds, result.certificate.summary()
    # Several outputs with l2 are optimal over the dictionary only, and say so.
    scope = result.certificate.scope
    assert scope == "network" or (case == "two outputs" and norm == "l2")
    again = convexnn.certify(result.network, A, b, beta=beta, scope=scope, **kind)
    assert again.holds
    assert again.primal == pytest.approx(result.network.objective(A, b, beta=beta, **kind), rel=1e-9)
    assert convexnn.ConvexReLURegressor(beta=beta, **kind).fit(A, b).certificate_.holds
