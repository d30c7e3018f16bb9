"""The preparation of tables: every kind against numbers worked out by hand or by scikit-learn, and JSON."""

from __future__ import annotations

import json
from datetime import date, datetime

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from convexnn import ConvexReLURegressor
from convexnn.data import Table, TableRecipe
from convexnn.exceptions import DataError, ModelFormatError, ParameterError

rng = np.random.default_rng(0)


@parametrize_with_checks([TableRecipe()])
def test_scikit_learn_check(estimator, check):
    check(estimator)


def test_numbers_are_filled_and_scaled():
    """As the scaler of scikit-learn does it, with the median where nothing is known."""
    values = rng.lognormal(size=30)
    got = TableRecipe().fit_transform({"a": list(values)})
    np.testing.assert_allclose(got, StandardScaler().fit_transform(values[:, None]), rtol=1e-12)
    recipe = TableRecipe(scale=False).fit({"a": [1.0, None, 3.0, "n/a", 5.0, float("nan")]})
    assert recipe.transform({"a": [None, 7.0]}).tolist() == [[3.0], [7.0]]


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        (["1,5", "2", "-3,25"], [1.5, 2.0, -3.25]),
        (["1.234,5", "2", "0,5"], [1234.5, 2.0, 0.5]),
        (["1,234,567", "2", "0.5"], [1234567.0, 2.0, 0.5]),
        ([" 1e3 ", "+2", ".5"], [1000.0, 2.0, 0.5]),
    ],
)
def test_numbers_as_people_write_them(entries, expected):
    assert TableRecipe(scale=False).fit_transform({"a": entries})[:, 0].tolist() == expected


def test_levels_are_those_of_scikit_learn():
    """One number per level; what is missing is a level if it was one in training."""
    entries = list(rng.choice(["x", "y", "z"], size=40))
    got = TableRecipe().fit_transform({"a": entries})
    np.testing.assert_array_equal(got, OneHotEncoder(sparse_output=False).fit_transform(np.array(entries)[:, None]))
    recipe = TableRecipe().fit({"a": ["u", None, "v", "u"]})
    assert recipe.get_feature_names_out().tolist() == ["a=(missing)", "a=u", "a=v"]
    assert recipe.transform({"a": ["w", "", "v"]}).tolist() == [[0, 0, 0], [1, 0, 0], [0, 0, 1]]


def test_rare_and_unknown_levels_are_together():
    entries = ["x"] * 60 + ["y"] * 39 + ["once"]
    recipe = TableRecipe().fit({"a": entries})
    assert recipe.get_feature_names_out().tolist() == ["a=x", "a=y", "a=(other)"]
    assert recipe.transform({"a": ["once", "never", "y"]}).tolist() == [[0, 0, 1], [0, 0, 1], [0, 1, 0]]
    many = [str(k) for k in range(50)] * 4
    kept = TableRecipe(max_levels=7, kinds={"a": "categorical"}).fit({"a": many})
    assert len(kept.get_feature_names_out()) == 8


@pytest.mark.parametrize(
    "entries",
    [
        ["2024-01-31", "2024-03-01", None],
        ["31.01.2024", "01.03.2024", ""],
        ["31/01/2024", "01/03/2024", "n/a"],
        [date(2024, 1, 31), date(2024, 3, 1), None],
        [datetime(2024, 1, 31), "2024-03-01T00:00:00", None],
        ["2024-01-31T01:00:00+01:00", "2024-03-01 00:00", None],
        np.array(["2024-01-31", "2024-03-01", "NaT"], dtype="datetime64[ns]"),
    ],
)
def test_days(entries):
    """January has 31 days and February of 2024 has 29; what is missing becomes the median."""
    assert TableRecipe(scale=False).fit_transform({"a": entries})[:, 0].tolist() == [19753.0, 19783.0, 19768.0]
    assert TableRecipe().fit({"a": entries}).transform({"a": entries})[0, 0] == 0.0


def test_truth_values():
    for entries in ([True, False, None], ["yes", "No", ""], ["T", "f", "NA"]):
        recipe = TableRecipe().fit({"a": entries})
        assert recipe.columns_[0].kind == "boolean"
        assert recipe.transform({"a": entries})[:, 0].tolist() == [1.0, 0.0, 0.5]
    assert recipe.transform({"a": [1, 0]})[:, 0].tolist() == [1.0, 0.0]
    with pytest.raises(DataError, match="data row 2: 'perhaps' is no truth value"):
        recipe.transform({"a": ["yes", "perhaps"]})


def test_what_says_nothing_is_left_out_with_a_reason():
    n = 30
    table = {
        "": list(range(n)), "id": list(range(100, 100 + n)), "same": ["u"] * n, "one": [1.0] * n, "none": [None] * n,
        "text": [f"sentence {k}" for k in range(n)], "row": list(rng.normal(size=n)), "zip": ["01", "10", "02"] * 10,
    }  # fmt: skip
    recipe = TableRecipe().fit(table)
    assert recipe.dropped_ == {
        "": "counts the rows", "id": "counts the rows", "same": "the same everywhere", "one": "the same everywhere",
        "none": "empty", "text": "30 different texts in 30 rows",
    }  # fmt: skip
    assert [(column.name, column.kind) for column in recipe.columns_] == [("row", "numeric"), ("zip", "categorical")]
    assert all(name in recipe.summary() for name in ("row", "zip", "text", "30 different texts"))
    forced = TableRecipe(kinds={"id": "numeric", "zip": "numeric"}, drop=["row"]).fit(table)
    assert [(column.name, column.kind) for column in forced.columns_] == [("id", "numeric"), ("zip", "numeric")]


@pytest.mark.parametrize(
    ("table", "options", "error", "message"),
    [
        ({"a": [*range(20), "12O"]}, {}, DataError, "data row 21: '12O' is no number, but 20 other entries are"),
        ({"a": [1.0, float("inf")]}, {}, DataError, "data row 2: inf is no finite number"),
        ({"a": [1, 2]}, {"kinds": {"a": "date"}}, DataError, "not of the kind date"),
        ({"a": [1, 2]}, {"kinds": {"a": "number"}}, ParameterError, "choose one of numeric, categorical"),
        ({"a": [1, 2]}, {"kinds": {"b": "date"}}, ParameterError, "no column 'b'"),
        ({"a": [1, 2]}, {"drop": ["b"]}, ParameterError, "no column 'b'"),
        ({"a": [1, 1]}, {}, DataError, "no column says anything"),
        ({"a": []}, {}, DataError, "empty"),
        ({"a": [1, 2], "b": [1]}, {}, DataError, "differ in length"),
        ({1: [1, 2]}, {}, DataError, "expected different texts"),
        ({"a": [1, 2]}, {"max_levels": 0}, ParameterError, "max_levels=0"),
        ({"a": [1, 2]}, {"min_share": 2}, ParameterError, "min_share=2"),
    ],
)
def test_what_cannot_be_used_is_refused(table, options, error, message):
    with pytest.raises(error, match=message):
        TableRecipe(**options).fit(table)


def test_columns_are_found_by_name():
    """In any order, with others beside them, and from every kind of frame."""
    pd, pa = pytest.importorskip("pandas"), pytest.importorskip("pyarrow")
    table = {"a": [1.0, 2.0, 4.0], "b": ["u", "v", "u"], "c": [True, None, False]}
    recipe = TableRecipe().fit(table)
    expected = recipe.transform(table)
    frame = pd.DataFrame(table)
    turned = frame[["c", "b", "a"]].assign(d=1)
    for other in (frame, turned, frame.convert_dtypes(), pa.table(table), Table("t", table)):
        np.testing.assert_array_equal(recipe.transform(other), expected)
        refitted = TableRecipe().fit(other)
        order = [list(refitted.get_feature_names_out()).index(name) for name in recipe.get_feature_names_out()]
        np.testing.assert_array_equal(refitted.transform(table)[:, order], expected)
    with pytest.raises(DataError, match="no column 'b'"):
        recipe.transform(frame[["a", "c"]])
    nullable = pd.DataFrame({"a": pd.array([1, None, 4], dtype="Int64"), "b": pd.Categorical(["u", None, "u"])})
    assert TableRecipe(scale=False).fit_transform(nullable).tolist() == [[1, 0, 1], [2.5, 1, 0], [4, 0, 1]]


def test_json_gives_the_same_recipe():
    table = {
        "a": ["1,5", None, "3,5"], "b": ["u", "", "v"], "c": ["yes", "no", None], "d": ["1.2.2024", "3.2.2024", ""],
    }  # fmt: skip
    recipe = TableRecipe().fit(table)
    again = TableRecipe.from_json(recipe.to_json())
    np.testing.assert_array_equal(again.transform(table), recipe.transform(table))
    assert again.to_json() == recipe.to_json()


def test_damaged_json_is_refused():
    """Whatever single field is changed or gone, either the recipe is refused, or it is one."""
    text = TableRecipe().fit({"a": [1.0, 2.0], "b": ["u", "v"], "d": ["2024-01-01", "2024-01-02"]}).to_json()
    content = json.loads(text)
    for k, column in enumerate(content["columns"]):
        for field in column:
            for value in (None, [], {}, "x", -1.0, 10**400, "gone"):
                other = json.loads(text)
                if value == "gone":
                    del other["columns"][k][field]
                else:
                    other["columns"][k][field] = value
                try:
                    assert TableRecipe.from_json(json.dumps(other)).columns_
                except ModelFormatError:
                    continue
    for broken in ("", "[]", "{}", text[:-9], text.replace('"version": 1', '"version": 2'), "[" * 10_000):
        with pytest.raises(ModelFormatError):
            TableRecipe.from_json(broken)


def test_in_a_pipeline():
    """A frame goes in, a certified network comes out, and rows with gaps are predicted."""
    n = 40
    table = {"x": list(rng.normal(size=n)), "town": list(rng.choice(["Ulm", "Bern"], size=n))}
    y = np.abs(table["x"]) + np.array(table["town"] == np.array("Ulm"))
    model = make_pipeline(TableRecipe(), ConvexReLURegressor(beta_ratio=0.05)).fit(table, y)
    assert model[-1].certified_
    assert np.isfinite(model.predict({"x": [None, 1.0], "town": ["Rom", None]})).all()
