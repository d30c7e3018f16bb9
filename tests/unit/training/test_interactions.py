"""Networks whose neurons see one group of features, against programs that list every neuron of the class."""

from __future__ import annotations

import numpy as np
import pytest
from reference_groups import groups_of, patterns_optimum, union_optimum

import convexnn as cnn
from convexnn.exceptions import DictionarySizeError, ModelFormatError, ParameterError
from convexnn.geometry.interactions import check_interactions

KINDS = ("normal", "integers", "duplicates", "constant", "scales", "equal", "far")


def make_data(kind, n, d, seed, loss="squared_error"):
    """Samples with ties, repetitions, constants or columns of very different size, and targets for the loss."""
    rng = np.random.default_rng([seed, n, d])
    X = rng.standard_normal((n, d))
    if kind == "integers":
        X = rng.integers(-2, 3, size=(n, d)).astype(float)
    elif kind == "duplicates":
        X = X[rng.integers(0, n // 2, size=n)]
    elif kind == "constant":
        X[:, 0] = 3.0
    elif kind == "scales":
        X = X * 10.0 ** rng.integers(-4, 5, size=d)
    elif kind == "equal":
        X[:, -1] = -2.0 * X[:, 0] + 1.0
    elif kind == "far":
        X = X + 1e4
    f = np.abs(X[:, -1] - X[0, -1]) / (np.ptp(X[:, -1]) + 1e-9) + np.tanh(X[:, d // 2] / (np.abs(X).max() + 1e-9))
    y = f + 0.3 * rng.standard_normal(n)
    if loss == "log_loss":
        return X, np.where(y > np.median(y), 1.0, -1.0)
    return X, rng.poisson(np.exp(np.clip(y, -1, 1))).astype(float) if loss == "poisson" else y


def close(result, optimum, rtol=1e-6):
    """Primal above, and dual below, a reference that is itself accurate to rtol."""
    size = max(abs(optimum), 1e-9)
    assert result.certificate.scope == "network"
    assert result.certificate.primal == pytest.approx(optimum, rel=rtol, abs=1e-9)
    assert result.certificate.dual <= optimum + rtol * size


@pytest.mark.parametrize("loss", ["squared_error", "log_loss", "huber", "poisson"])
@pytest.mark.parametrize("kind", KINDS)
def test_additive_networks_are_optimal(kind, loss):
    """One feature per neuron: the Lasso over all hinges of all features (l2), by CVXPY."""
    X, y = make_data(kind, 17, 4, 1, loss)
    weight = np.random.default_rng(0).uniform(0.5, 2.0, len(X)) if kind in ("normal", "integers") else None
    top = cnn.beta_max(X, y, loss=loss, interaction_cst="no_interactions", sample_weight=weight)
    for share in (0.5, 0.05):
        result = cnn.train(
            X, y, beta=share * top, loss=loss, interaction_cst="no_interactions", sample_weight=weight, tol=1e-8
        )
        groups = groups_of("no_interactions", X.shape[1])
        optimum = union_optimum(X, y, share * top, groups, norm="l2", bias=True, loss=loss, weight=weight)
        close(result, optimum)
        assert ((result.network.hidden_weights != 0).sum(axis=1) <= 1).all()


@pytest.mark.parametrize("bias", [True, False, "penalized"])
@pytest.mark.parametrize("cst", ["no_interactions", "pairwise", [[0, 1, 2]], [[0, 3], [2], [1, 3]]])
@pytest.mark.parametrize("kind", ["normal", "integers", "scales"])
def test_l1_networks_are_optimal(kind, cst, bias):
    """Every group under l1: the Lasso over the union of the dictionaries, by CVXPY."""
    X, y = make_data(kind, 8, 4, 2)
    top = cnn.beta_max(X, y, norm="l1", bias=bias, interaction_cst=cst)
    result = cnn.train(X, y, beta=0.1 * top, norm="l1", bias=bias, interaction_cst=cst, tol=1e-8)
    close(result, union_optimum(X, y, 0.1 * top, groups_of(cst, 4), norm="l1", bias=bias, loss="squared_error"))


@pytest.mark.parametrize("bias", [True, False, "penalized"])
@pytest.mark.parametrize(("cst", "n"), [("no_interactions", 9), ("pairwise", 8), ([[0, 1], [1, 2]], 9)])
@pytest.mark.parametrize("kind", ["normal", "integers", "scales", "constant"])
def test_l2_networks_are_optimal(kind, cst, n, bias):
    """Every group under l2: the convex program over the activation patterns of all groups, by CVXPY."""
    X, y = make_data(kind, n, 3, 3)
    if kind == "scales":
        X = X / np.abs(X).max(axis=0) * [1.0, 1e-3, 10.0]
    top = cnn.beta_max(X, y, bias=bias, interaction_cst=cst)
    result = cnn.train(X, y, beta=0.05 * top, bias=bias, interaction_cst=cst, tol=1e-8)
    rng = np.random.default_rng(0)
    close(result, patterns_optimum(X, y, 0.05 * top, groups_of(cst, 3), bias, rng), rtol=2e-6)


@pytest.mark.parametrize("loss", ["log_loss", "huber"])
def test_pairs_of_features_with_other_losses(loss):
    """Pairs under l2, weighted: the program over patterns."""
    X, y = make_data("normal", 8, 3, 5, loss)
    weight = np.random.default_rng(1).uniform(0.5, 2.0, len(X))
    top = cnn.beta_max(X, y, loss=loss, interaction_cst="pairwise", sample_weight=weight)
    result = cnn.train(X, y, beta=0.1 * top, loss=loss, interaction_cst="pairwise", sample_weight=weight, tol=1e-8)
    optimum = patterns_optimum(
        X, y, 0.1 * top, groups_of("pairwise", 3), True, np.random.default_rng(0), loss=loss, weight=weight
    )
    close(result, optimum, rtol=2e-6)


def test_a_penalty_above_beta_max_leaves_a_constant():
    """beta_max is the largest response of the class: a little above it no neuron is left, a little below there is."""
    X, y = make_data("normal", 60, 5, 4)
    for cst in ("no_interactions", "pairwise"):
        top = cnn.beta_max(X, y, interaction_cst=cst)
        assert cnn.train(X, y, beta=1.001 * top, interaction_cst=cst).network.n_neurons == 0
        assert cnn.train(X, y, beta=0.99 * top, interaction_cst=cst).network.n_neurons > 0


@pytest.mark.parametrize("n_outputs", [2, 3])
def test_several_outputs_share_neurons_of_the_class(n_outputs):
    """Pairs with several outputs: certified, and no neuron sees three features."""
    X, y = make_data("normal", 40, 4, 6)
    Y = np.column_stack([y, np.sin(X).sum(axis=1), X[:, 0] * X[:, 1]])[:, :n_outputs]
    top = cnn.beta_max(X, Y, interaction_cst="pairwise")
    result = cnn.train(X, Y, beta=0.2 * top, interaction_cst="pairwise", tol=1e-3)
    assert result.certificate.scope == "network"
    assert result.certificate.relative_gap < 1e-2
    assert ((result.network.hidden_weights != 0).sum(axis=1) <= 2).all()


def test_losses_with_kinks_use_wedges():
    """Where neurons cannot move the certificate speaks of the wedges of the groups, and holds."""
    X, y = make_data("normal", 25, 3, 7)
    top = cnn.beta_max(X, y, loss="quantile", interaction_cst="pairwise")
    result = cnn.train(X, y, loss="quantile", beta=0.2 * top, interaction_cst="pairwise")
    assert result.certificate.scope == "dictionary"
    assert result.certificate.holds
    assert result.certificate.interaction_cst == "pairwise"


def test_wedges_of_groups_are_a_scope_of_their_own():
    """scope="dictionary" is the Lasso over the wedges of the groups, also of three features with free biases."""
    X, y = make_data("normal", 9, 4, 8)
    cst = [[0, 1, 2], [2, 3]]
    result = cnn.train(X, y, beta=0.3, scope="dictionary", interaction_cst=cst, tol=1e-8)
    optimum = union_optimum(X, y, 0.3, cst, norm="l2", bias=True, loss="squared_error")
    assert result.certificate.primal == pytest.approx(optimum, rel=1e-6)
    assert result.certificate.scope == "dictionary"
    assert result.certificate.holds


def test_interpolation_of_least_norm():
    """beta=0 over single features: the limit of small penalties."""
    X, y = make_data("normal", 12, 3, 9)
    result = cnn.train(X, y, beta=0, interaction_cst="no_interactions")
    small = cnn.train(X, y, beta=1e-6, interaction_cst="no_interactions")
    assert result.certificate.holds
    assert result.certificate.primal == pytest.approx(small.network.penalty(), rel=1e-3)


def test_no_rival_of_the_class_is_below_the_bound():
    """Random networks of the class, and its own neurons moved about: none is below the certified bound."""
    rng = np.random.default_rng(0)
    X, y = make_data("normal", 30, 5, 10)
    for cst in ("no_interactions", "pairwise"):
        beta = 0.05 * cnn.beta_max(X, y, interaction_cst=cst)
        result = cnn.train(X, y, beta=beta, interaction_cst=cst)
        own, bound = result.network, result.certificate.dual
        groups = groups_of(cst, 5)
        for trial in range(200):
            if trial % 2:
                mask = own.hidden_weights != 0
                W = own.hidden_weights * (1 + 1e-4 * rng.standard_normal(mask.shape))
                network = cnn.ReLUNetwork(W, own.hidden_biases, own.output_weights, own.intercept)
            else:
                W = np.zeros((8, 5))
                for row in W:
                    row[list(groups[rng.integers(len(groups))])] = 1.0
                W = W * rng.standard_normal(W.shape) * 0.5
                network = cnn.ReLUNetwork(W, rng.standard_normal(8), 0.3 * rng.standard_normal((8, 1)), [y.mean()])
            assert network.objective(X, y, beta=beta) >= bound


def test_the_response_of_the_certificate_is_that_of_the_class():
    """No sampled neuron of the class responds more than the certificate says, and one nearly does."""
    rng = np.random.default_rng(0)
    X, y = make_data("normal", 150, 4, 11)
    result = cnn.train(X, y, beta=1.0, interaction_cst="pairwise")
    v, best = result.dual_point, 0.0
    for group in groups_of("pairwise", 4):
        points = X[:, list(group)]
        u = rng.standard_normal((20_000, 2))
        u /= np.linalg.norm(u, axis=1)[:, None]
        c = -np.einsum("ij,ij->i", u, points[rng.integers(len(points), size=len(u))])
        best = max(best, float(np.abs(v @ np.maximum(points @ u.T + c, 0.0)).max()))
    assert best <= result.certificate.response
    assert best >= 0.999 * result.certificate.response


def test_certificates_name_the_class_and_are_verified(tmp_path):
    """A certificate of the class survives its file, is confirmed, and says what it speaks of; other classes differ."""
    X, y = make_data("normal", 30, 4, 12)
    for cst, words in (("no_interactions", "one feature"), ("pairwise", "two features"), ([[0, 1], [2, 3]], "groups")):
        result = cnn.train(X, y, beta=0.5, interaction_cst=cst)
        assert words in result.certificate.summary()
        result.certificate.save(tmp_path / "one.json")
        loaded = cnn.Certificate.load(tmp_path / "one.json")
        assert loaded == result.certificate
        assert cnn.verify(loaded, result.network, X, y).relative_gap == pytest.approx(
            result.certificate.relative_gap, abs=1e-9
        )
    pairs = cnn.train(X, y, beta=0.5, interaction_cst="pairwise")
    import dataclasses

    lie = dataclasses.replace(cnn.train(X, y, beta=0.5, interaction_cst="no_interactions").certificate)
    lie = dataclasses.replace(lie, interaction_cst="pairwise")
    with pytest.raises(ModelFormatError, match=r"dual|response|gap"):
        cnn.verify(lie, cnn.train(X, y, beta=0.5, interaction_cst="no_interactions").network, X, y)
    with pytest.raises(ParameterError, match="neurons"):
        cnn.certify(pairs.network, X, y, beta=0.5, interaction_cst="no_interactions")


def test_groups_in_one_form():
    """Names and lists mean the same groups; one group of all features is no restriction."""
    assert check_interactions(None, 3) is None
    assert check_interactions("pairwise", 2) is None
    assert check_interactions("no_interactions", 1) is None
    assert check_interactions([[2, 0], [1, 0], [2, 1]], 3).spec == "pairwise"
    assert check_interactions([[0], [2], [1], [1]], 3).spec == "no_interactions"
    assert check_interactions([{0, 1}], 5).groups == ((0, 1), (2, 3, 4))
    assert check_interactions([[0, 1, 2], [1, 2], [3]], 4).groups == ((0, 1, 2), (3,))
    for wrong in ("all", 3, [], [[]], [[0, 9]], [[0.5]], [[True]], [["a"]]):
        with pytest.raises(ParameterError, match="interaction_cst"):
            check_interactions(wrong, 4)


def test_what_has_no_exact_method_is_refused():
    """Three features with free biases, and more atoms than allowed; without biases three are exact."""
    X, y = make_data("normal", 12, 4, 13)
    with pytest.raises(ParameterError, match="rank 3"):
        cnn.train(X, y, beta=0.1, interaction_cst=[[0, 1, 2]])
    with pytest.raises(DictionarySizeError, match="max_atoms"):
        cnn.train(X, y, beta=0.1, interaction_cst="pairwise", max_atoms=10)
    assert cnn.train(X, y, beta=0.1, bias=False, interaction_cst=[[0, 1, 2]]).certificate.scope == "network"


def test_features_that_no_neuron_responds_to():
    """Constant columns only: a constant network."""
    X = np.ones((6, 3))
    result = cnn.train(X, np.arange(6.0), beta=0.1, interaction_cst="no_interactions")
    assert result.network.n_neurons == 0
    assert result.certificate.holds
