"""ConvexReLURegressor behaves as scikit-learn users expect, and says the truth about its fit."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes
from sklearn.exceptions import ConvergenceWarning as SklearnConvergenceWarning, NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import convexnn
from convexnn import ConvexReLURegressor
from convexnn.exceptions import ConvergenceWarning

rng = np.random.default_rng(0)
X = rng.normal(size=(40, 2))
y = np.sin(2 * X[:, 0]) + np.abs(X[:, 1])


@pytest.mark.parametrize("norm", ["l1", "l2"])
@pytest.mark.parametrize("bias", [True, False, "penalized"])
def test_fit_equals_the_function(norm, bias):
    net = ConvexReLURegressor(beta_ratio=0.05, norm=norm, bias=bias).fit(X, y)
    beta = 0.05 * convexnn.beta_max(X, y, norm=norm, bias=bias)
    result = convexnn.train(X, y, beta=beta, norm=norm, bias=bias)
    assert net.beta_ == beta
    np.testing.assert_array_equal(net.predict(X), result.network.predict(X))
    assert net.certificate_ == result.certificate
    objective = net.network_.objective(X, y, beta=beta, norm=norm, bias=bias)
    assert net.objective_ == pytest.approx(objective, rel=1e-13)
    assert net.lower_bound_ <= net.objective_
    assert net.dual_gap_ <= 1e-6
    assert net.certified_


def test_scope_is_that_of_the_function():
    """In three dimensions "dictionary" speaks of wedge neurons; a full bound proves a gap over all networks."""
    data = np.column_stack([X, rng.normal(size=40)])
    beta = 0.1 * convexnn.beta_max(data, y)
    wedges = ConvexReLURegressor(beta=beta, scope="dictionary", tol=1e-3).fit(data, y)
    assert wedges.certificate_.scope == "dictionary"
    proved = ConvexReLURegressor(beta=beta, bound="full", tol=1e-3).fit(data, y)
    assert proved.certificate_.scope == "network"
    assert proved.certified_
    # The best network of wedge neurons is no better than the best of all, up to its gap.
    assert proved.lower_bound_ <= wedges.objective_
    searched = ConvexReLURegressor(beta=beta, max_atoms=1, tol=1e-3, bound="none")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        searched.fit(data, y)
    assert searched.certificate_.scope == "none"
    assert not searched.certified_
    with pytest.raises(ValueError, match="scope='wrong'"):
        ConvexReLURegressor(scope="wrong").fit(X, y)


def test_fitted_attributes_describe_the_network():
    net = ConvexReLURegressor(norm="l1", beta_ratio=0.05).fit(X, y)
    assert net.n_neurons_ == net.network_.n_neurons == len(net.support_) == len(net.atom_coef_)
    assert net.n_iter_ >= 1
    hidden = np.maximum(X @ net.coefs_[0] + net.intercepts_[0], 0)
    np.testing.assert_allclose(hidden @ net.coefs_[1][:, 0] + net.intercepts_[1], net.predict(X), rtol=1e-12)
    for samples, w, b in zip(net.support_, net.coefs_[0].T, net.intercepts_[0]):
        assert len(samples) >= 1
        # The samples of a neuron lie on its hyperplane.
        np.testing.assert_allclose(X[samples] @ w + b, 0, atol=1e-12 * np.abs(w).sum())
    assert "certified" in net.certificate_.summary()
    assert "gap" in net.status_


def test_names_of_columns_are_remembered():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(X, columns=["a", "b"])
    net = ConvexReLURegressor().fit(frame, y)
    assert list(net.feature_names_in_) == ["a", "b"]
    assert net.n_features_in_ == 2
    np.testing.assert_array_equal(net.predict(frame), ConvexReLURegressor().fit(X, y).predict(X))
    with pytest.raises(ValueError, match="feature names"):
        net.predict(frame[["b", "a"]])


def test_several_outputs_and_shapes():
    both = np.column_stack([y, X[:, 0]])
    net = ConvexReLURegressor(norm="l1", beta_ratio=0.03).fit(X, both)
    assert net.predict(X).shape == (40, 2)
    assert net.score(X, both) > 0.8
    column = ConvexReLURegressor(beta_ratio=0.1).fit(X, y[:, None])
    assert column.predict(X).shape == (40, 1)
    flat = ConvexReLURegressor(beta_ratio=0.1).fit(X, y)
    np.testing.assert_array_equal(column.predict(X)[:, 0], flat.predict(X))


@pytest.mark.parametrize("norm", ["l1", "l2"])
def test_weights_equal_repetition_and_removal(norm):
    weight = rng.integers(0, 4, 40)
    whole = ConvexReLURegressor(beta=0.3, norm=norm).fit(X, y, sample_weight=weight)
    repeated = ConvexReLURegressor(beta=0.3, norm=norm).fit(np.repeat(X, weight, 0), np.repeat(y, weight))
    assert whole.objective_ == pytest.approx(repeated.objective_, rel=1e-6)
    np.testing.assert_allclose(whole.predict(X[weight > 0]), repeated.predict(X[weight > 0]), atol=1e-5)
    for samples, w, b in zip(whole.support_, whole.coefs_[0].T, whole.intercepts_[0]):
        # Indices are those of the samples as they were given, removed ones included.
        np.testing.assert_allclose(X[samples] @ w + b, 0, atol=1e-12 * np.abs(w).sum())


def test_a_single_number_as_weight_means_equal_weights():
    once = ConvexReLURegressor(beta=0.6).fit(X, y, sample_weight=2.0)
    np.testing.assert_allclose(once.predict(X), ConvexReLURegressor(beta=0.3).fit(X, y).predict(X), atol=1e-6)


def test_sparse_rows_are_accepted_in_predict():
    from scipy.sparse import csc_array, csr_matrix

    net = ConvexReLURegressor().fit(X, y)
    for rows in (csr_matrix(X), csc_array(X)):
        np.testing.assert_array_equal(net.predict(rows), net.predict(X))


@pytest.mark.parametrize("loss", ["huber(0.5)", "quantile(0.8)"])
def test_robust_losses(loss):
    wild = y + 50.0 * (np.arange(40) == 7)
    net = ConvexReLURegressor(loss=loss, norm="l1", beta_ratio=0.05).fit(X, wild)
    assert net.certified_
    others = np.arange(40) != 7
    if loss.startswith("huber"):
        assert np.abs(net.predict(X) - y)[others].mean() < 0.5
    else:
        assert 0.6 < (wild <= net.predict(X) + 1e-6).mean() < 0.98


def test_constant_target_gives_a_constant():
    net = ConvexReLURegressor().fit(X, np.full(40, 2.5))
    assert net.n_neurons_ == 0
    np.testing.assert_allclose(net.predict(X), 2.5, rtol=1e-15)
    assert net.beta_ == 0.01


def test_an_open_gap_is_warned_about_in_both_dialects():
    with pytest.warns(SklearnConvergenceWarning, match="relative duality gap"):
        net = ConvexReLURegressor(max_iter=1, beta_ratio=1e-3, tol=1e-6).fit(X, y)
    with pytest.warns(ConvergenceWarning):
        ConvexReLURegressor(max_iter=1, beta_ratio=1e-3, tol=1e-6).fit(X, y)
    assert not net.certified_
    assert net.dual_gap_ > 1e-6
    assert np.isfinite(net.predict(X)).all()
    again = convexnn.certify(net.network_, X, y, beta=net.beta_)
    assert again.relative_gap == pytest.approx(net.dual_gap_)


def test_a_closed_gap_is_silent(capsys):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ConvexReLURegressor().fit(X, y)
    assert capsys.readouterr() == ("", "")


def test_verbose_speaks(capsys):
    ConvexReLURegressor(verbose=1).fit(X, y)
    summary = capsys.readouterr().out
    assert "lower" not in summary
    assert "certified to" in summary
    ConvexReLURegressor(verbose=2).fit(X, y)
    assert "round 1: objective" in capsys.readouterr().out


@pytest.mark.parametrize("norm", ["l1", "l2"])
def test_warm_start_goes_on_from_the_last_neurons(norm):
    warm = ConvexReLURegressor(beta_ratio=0.02, norm=norm, warm_start=True).fit(X, y)
    session = warm._session
    warm.set_params(beta_ratio=0.019).fit(X, y)
    assert warm._session is session
    cold = ConvexReLURegressor(beta_ratio=0.019, norm=norm).fit(X, y)
    assert warm.beta_ == cold.beta_
    assert warm.objective_ == pytest.approx(cold.objective_, rel=2e-6)
    assert warm.certified_
    assert warm.n_iter_ < cold.n_iter_
    # Other data or another problem start afresh, and search structures are not pickled.
    warm.set_params(bias=False).fit(X, y)
    assert warm._session is not session
    other = warm.fit(X, 2 * y)._session
    assert other is not warm.fit(X, y)._session
    assert not hasattr(pickle.loads(pickle.dumps(warm)), "_session")
    assert warm.set_params(warm_start=False).fit(X, y)._session is None


def test_sampled_dictionaries_follow_the_seed():
    wide = rng.normal(size=(40, 6))
    options = {"max_atoms": 500, "beta_ratio": 0.1}
    one, same, other = (
        ConvexReLURegressor(random_state=seed, **options).fit(wide, y).predict(wide) for seed in (1, np.int64(1), 2)
    )
    np.testing.assert_array_equal(one, same)
    assert np.abs(one - other).max() > 1e-6
    state = [
        ConvexReLURegressor(random_state=np.random.RandomState(3), **options).fit(wide, y).predict(wide)
        for _ in range(2)
    ]
    np.testing.assert_array_equal(*state)


def test_pickle_clone_and_not_fitted():
    net = ConvexReLURegressor(beta_ratio=0.03, norm="l1")
    with pytest.raises(NotFittedError):
        net.predict(X)
    assert not hasattr(net, "objective_")
    net.fit(X, y)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(net)).predict(X), net.predict(X))
    fresh = clone(net)
    assert fresh.get_params() == net.get_params()
    assert not hasattr(fresh, "network_")
    assert "norm='l1'" in repr(net)
    assert "<div" in net._repr_html_()


def test_pipeline_grid_search_and_routing():
    A, t = load_diabetes(return_X_y=True)
    A, t = A[:120, [2, 8]], t[:120]
    pipe = make_pipeline(StandardScaler(), ConvexReLURegressor(norm="l1"))
    name = pipe.steps[1][0]
    search = GridSearchCV(pipe, {f"{name}__beta_ratio": [0.3, 0.03]}, cv=3)
    search.fit(A, t, **{f"{name}__sample_weight": np.ones(120)})
    assert search.best_score_ > 0.2
    assert cross_val_predict(pipe, A, t, cv=3).shape == (120,)
