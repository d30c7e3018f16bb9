"""interaction_cst of estimators, paths and commands: the same groups by index and by name."""

from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import convexnn as cnn
from convexnn import AdditiveReLUClassifier, AdditiveReLURegressor, ConvexReLUClassifier, ConvexReLURegressor
from convexnn.cli import main
from convexnn.cli.tables import write_columns
from convexnn.estimators import ConvexReLUClassifierCV, ConvexReLURegressorCV
from convexnn.exceptions import ParameterError
from convexnn.refine import additive_terms

rng = np.random.default_rng(0)
X = rng.standard_normal((60, 4))
y = np.abs(X[:, 0]) + X[:, 1] * X[:, 2] + 0.1 * rng.standard_normal(60)
NAMES = ["a", "b", "c", "d"]


class Named:
    """A table with named columns, as scikit-learn sees data frames."""

    def __new__(cls):
        pandas = pytest.importorskip("pandas")
        return pandas.DataFrame(X, columns=NAMES)


def sees(model):
    return (model.network_.hidden_weights != 0).sum(axis=1).max(initial=0)


def test_regressor_and_classifier_see_what_they_may():
    model = ConvexReLURegressor(beta_ratio=0.1, interaction_cst="pairwise").fit(X, y)
    assert sees(model) == 2
    assert model.certified_
    assert model.certificate_.interaction_cst == "pairwise"
    assert clone(model).get_params()["interaction_cst"] == "pairwise"
    labels = ConvexReLUClassifier(beta_ratio=0.1, interaction_cst="no_interactions").fit(X, y > 0.5)
    assert sees(labels) == 1
    assert labels.certified_


def test_names_are_indices():
    """Groups by name give the same network as groups by index; unknown names are refused."""
    frame = Named()
    by_name = ConvexReLURegressor(beta_ratio=0.1, interaction_cst=[["b", "c"], ["a"], ["d"]]).fit(frame, y)
    by_index = ConvexReLURegressor(beta_ratio=0.1, interaction_cst=[[1, 2], [0], [3]]).fit(X, y)
    np.testing.assert_array_equal(by_name.network_.hidden_weights, by_index.network_.hidden_weights)
    with pytest.raises(ParameterError, match="'z'"):
        ConvexReLURegressor(interaction_cst=[["a", "z"]]).fit(frame, y)
    with pytest.raises(ParameterError, match="no names"):
        ConvexReLURegressor(interaction_cst=[["a", "b"]]).fit(X, y)


@pytest.mark.parametrize("kind", [ConvexReLURegressorCV, ConvexReLUClassifierCV])
def test_cross_validation_knows_names(kind):
    targets = y if kind is ConvexReLURegressorCV else (y > 0.5).astype(int)
    model = kind(beta_ratios=[0.3, 0.1], cv=3, interaction_cst=[["a"], ["b", "c"], ["d"]]).fit(Named(), targets)
    assert model.certificate_.interaction_cst == ((0,), (1, 2), (3,))
    assert sees(model) <= 2


def test_warm_starts_end_at_the_same_optimum():
    model = ConvexReLURegressor(beta_ratio=0.3, interaction_cst="pairwise", warm_start=True).fit(X, y)
    model.set_params(beta_ratio=0.05).fit(X, y)
    cold = ConvexReLURegressor(beta_ratio=0.05, interaction_cst="pairwise").fit(X, y)
    assert model.objective_ == pytest.approx(cold.objective_, rel=2e-6)


def test_pipelines_and_paths():
    model = make_pipeline(StandardScaler(), ConvexReLURegressor(beta_ratio=0.1, interaction_cst="pairwise")).fit(X, y)
    assert model[-1].certified_
    path = cnn.solve_path(X, y, n_betas=4, ratio=0.05, interaction_cst="pairwise")
    assert (path.gaps <= 1e-6).all()
    assert path.beta_max == pytest.approx(cnn.beta_max(X, y, interaction_cst="pairwise"))
    for result in path:
        cold = cnn.train(X, y, beta=result.beta, interaction_cst="pairwise")
        assert result.certificate.primal == pytest.approx(cold.certificate.primal, rel=2e-6)


def test_commands(tmp_path):
    """fit writes what certify needs; groups are named by columns."""
    write_columns(tmp_path / "data.csv", [*NAMES, "t"], np.column_stack([X, y]))
    for words, spec in (("pairwise", "pairwise"), ("b,c;a;d", [[0], [1, 2], [3]])):
        columns = ["--target", "t", "--features", "a,b,c,d", "--beta-ratio", "0.1", "--json", "--quiet"]
        folder = str(tmp_path / "model")
        run = CliRunner().invoke(
            main, ["fit", str(tmp_path / "data.csv"), *columns, "--interaction-cst", words, "--out", folder]
        )
        assert run.exit_code == 0, run.output
        saved = json.loads((tmp_path / "model" / "certificate.json").read_text())
        assert saved["interaction_cst"] == spec
        again = CliRunner().invoke(main, ["certify", folder, str(tmp_path / "data.csv"), "--json"])
        assert again.exit_code == 0, again.output
        assert json.loads(again.stdout)["lower_bound"] == pytest.approx(saved["dual"])
    wrong = CliRunner().invoke(main, ["fit", str(tmp_path / "data.csv"), *columns, "--interaction-cst", "a,z"])
    assert wrong.exit_code != 0
    assert "'z'" in wrong.output


def test_additive_estimators_explain_themselves():
    """Terms add up to the decision function; groups of three features are refused."""
    model = AdditiveReLURegressor().fit(X, y)
    total = model.terms_.constant + model.terms_.contributions(X).sum(axis=1)
    np.testing.assert_allclose(total, model.predict(X), atol=1e-12)
    assert model.explain_local(X[0]).prediction == pytest.approx(model.predict(X[:1])[0], abs=1e-12)
    assert model.importances_.shape == (len(model.terms_.names),)
    labels = AdditiveReLUClassifier(interaction_cst="no_interactions").fit(X, y > 0.5)
    total = labels.terms_.constant + labels.terms_.contributions(X).sum(axis=1)
    np.testing.assert_allclose(total, labels.decision_function(X), atol=1e-12)
    several = AdditiveReLUClassifier(beta_ratio=0.2, interaction_cst="no_interactions")
    several.fit(X, np.digitize(y, [0.5, 1.0]))
    assert len(several.terms_) == 3
    assert len(several.explain_local(X[0])) == 3
    with pytest.raises(ParameterError, match="group"):
        AdditiveReLURegressor(interaction_cst=[[0, 1, 2]]).fit(X, y)


def test_additive_estimators_are_estimators_of_scikit_learn():
    """Parameters, clones and pickles, and weights as repetition."""
    import pickle

    model = AdditiveReLURegressor(beta=1.0, tol=1e-6).fit(X, y, sample_weight=np.repeat([1.0, 2.0], 30))
    assert clone(model).get_params() == model.get_params()
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    repeated = AdditiveReLURegressor(beta=1.0, tol=1e-6).fit(np.vstack([X, X[30:]]), np.append(y, y[30:]))
    np.testing.assert_allclose(repeated.predict(X), model.predict(X), atol=1e-12)
    np.testing.assert_allclose(repeated.terms_.constant, model.terms_.constant, atol=1e-12)


def test_terms_before_a_scaler():
    """Terms in the units of the samples before they were scaled are the same function."""
    Z = X * [1.0, 100.0, 1e-3, 5.0] + [3.0, 0.0, -2.0, 10.0]
    scaler = StandardScaler().fit(Z)
    model = ConvexReLURegressor(beta_ratio=0.05, interaction_cst="pairwise").fit(scaler.transform(Z), y)
    terms = additive_terms(model, Z, scaler=scaler)
    total = terms.constant + terms.contributions(Z).sum(axis=1)
    np.testing.assert_allclose(total, model.predict(scaler.transform(Z)), atol=1e-11)
