"""Terms of additive networks against their definition: they add up, and pairs carry no main effects."""

from __future__ import annotations

import numpy as np
import pytest

import convexnn as cnn
from convexnn.exceptions import DataError, ParameterError
from convexnn.refine import additive_terms
from convexnn.refine.terms import _mean_hinge

rng = np.random.default_rng(0)


def random_network(d, m, seed, scale=1.0):
    r = np.random.default_rng(seed)
    W = np.zeros((m, d))
    for row in W:
        some = r.choice(d, size=r.integers(0, 3), replace=False)
        row[some] = r.standard_normal(len(some)) * scale
    return cnn.ReLUNetwork(W, r.standard_normal(m), r.standard_normal((m, 2)), r.standard_normal(2))


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize("output", [0, 1])
def test_terms_add_up_to_the_prediction(scale, output):
    """To 1e-12 of what is added, on the samples and elsewhere."""
    X = np.round(rng.standard_normal((50, 5)), 1)
    for seed in range(10):
        network = random_network(5, 12, seed, scale)
        terms = additive_terms(network, X, output=output)
        for points in (X, 3.0 * rng.standard_normal((20, 5))):
            values = terms.contributions(points)
            total = terms.constant + values.sum(axis=1)
            size = np.abs(values).sum(axis=1) + np.abs(terms.constant) + np.abs(network.outputs(points)).max()
            assert (np.abs(total - network.outputs(points)[:, output]) <= 1e-12 * size).all()
        local = terms.explain_local(X[3])
        assert local.constant + local.contributions.sum() == pytest.approx(local.prediction, rel=1e-11)
        assert "prediction" in local.table()


def test_pairs_carry_no_main_effect():
    """The mean of f_jk over the samples of either feature is zero wherever the other stands; so is that of f_j."""
    X = rng.standard_normal((40, 4))
    weight = rng.uniform(0.5, 2.0, 40)
    terms = additive_terms(random_network(4, 15, 3), X, sample_weight=weight)
    share = weight / weight.sum()
    for term in terms.features:
        if len(term) == 1:
            assert abs(share @ terms.shape(term[0], X[:, term[0]])) < 1e-12
            continue
        surface = terms.surface(*term, X[:, term[0]], X[:, term[1]])
        np.testing.assert_allclose(surface @ share, 0.0, atol=1e-12)
        np.testing.assert_allclose(share @ surface, 0.0, atol=1e-12)
        np.testing.assert_allclose(np.diag(surface), terms._pair(term, X), atol=1e-12)


def test_means_of_hinges_are_means():
    """By running sums as by the definition, with ties."""
    moves, share = np.round(rng.standard_normal(30), 1), rng.random(30)
    start = np.concatenate([-moves, rng.standard_normal(20) * 3])
    direct = (np.maximum(start[:, None] + moves, 0.0) * share).sum(axis=1)
    np.testing.assert_allclose(_mean_hinge(start, moves, share), direct, atol=1e-13)


def test_importances_and_kinks():
    """The importance of a term is its standard deviation; kinks are those of the neurons of one feature."""
    network = cnn.ReLUNetwork([[2.0, 0.0], [-1.0, 0.0], [0.0, 1.0]], [1.0, 3.0, 0.0], [[1.0], [1.0], [0.5]], [0.0])
    X = rng.standard_normal((100, 2))
    terms = additive_terms(network, X, feature_names=["age", "dose"])
    np.testing.assert_allclose(terms.kinks("age"), [-0.5, 3.0])
    assert terms.names == ("age", "dose")
    assert terms.importances[1] == pytest.approx(0.5 * np.maximum(X[:, 1], 0).std())
    np.testing.assert_allclose(terms.shape("dose", [0.0, 2.0]) @ [-1.0, 1.0], 1.0)


def test_a_fitted_model_is_its_terms():
    """Of an estimator, with the names that it has seen."""
    pandas = pytest.importorskip("pandas")
    X = pandas.DataFrame(rng.standard_normal((60, 3)), columns=["a", "b", "c"])
    y = np.abs(X["a"]) + X["b"] * X["c"]
    model = cnn.ConvexReLURegressor(beta_ratio=0.03, interaction_cst="pairwise").fit(X, y)
    terms = additive_terms(model, X.to_numpy())
    assert terms.feature_names == ("a", "b", "c")
    total = terms.constant + terms.contributions(X.to_numpy()).sum(axis=1)
    np.testing.assert_allclose(total, model.predict(X), atol=1e-12)


def test_what_is_no_sum_is_refused():
    network = cnn.ReLUNetwork(np.ones((1, 3)), [0.0], [[1.0]])
    X = np.zeros((4, 3))
    with pytest.raises(ParameterError, match="3 features"):
        additive_terms(network, X)
    with pytest.raises(DataError, match="feature_names"):
        additive_terms(random_network(3, 2, 0), X, feature_names=["a", "a", "b"])
    with pytest.raises(ParameterError, match="output"):
        additive_terms(random_network(3, 2, 0), X, output=5)
    with pytest.raises(ParameterError, match="unknown"):
        additive_terms(random_network(3, 2, 0), X).shape("z", [0.0])
