"""Samples and targets from files: by column name, exact, with errors that name row and column."""

from __future__ import annotations

import numpy as np
import pytest

from convexnn.data import open_table, read_table
from convexnn.exceptions import DataError


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("a,y,b,word\n1,10,0.1,u\n2,20,1e-300,v\n")
    return path


def test_columns_by_name(path):
    """Features come in the order asked for, numbers exactly as written."""
    X, y = read_table(path, "y", ["b", "a"])
    np.testing.assert_array_equal(X, [[0.1, 1.0], [1e-300, 2.0]])
    np.testing.assert_array_equal(y, [10.0, 20.0])


def test_all_other_columns_are_features_by_default(path):
    """Without a list all columns but the target are read, so text among them is an error."""
    with pytest.raises(DataError, match="column 'word', data row 1: 'u' is not a finite number"):
        read_table(path, "y")
    path.write_text("a,y,b\n1,2,3\n")
    X, y = read_table(path, "y")
    np.testing.assert_array_equal(X, [[1.0, 3.0]])
    assert y.tolist() == [2.0]


@pytest.mark.parametrize(
    ("target", "features", "message"),
    [
        ("z", ["a"], "no column 'z'; its columns are 'a', 'y', 'b', 'word'"),
        ("y", ["a", "c"], "no column 'c'"),
        ("y", ["y"], "both target and feature"),
        ("y", [], "at least one feature"),
    ],
)
def test_wrong_names(path, target, features, message):
    """Names that do not fit are explained."""
    with pytest.raises(DataError, match=message):
        read_table(path, target, features)


def test_parquet_gives_the_same(tmp_path, path):
    """A Parquet file with the same columns reads the same."""
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    parquet.write_table(pa.table({"a": [1, 2], "y": [10.0, 20.0], "b": [0.1, 1e-300]}), tmp_path / "a.parquet")
    X, y = read_table(tmp_path / "a.parquet", "y")
    X_csv, y_csv = read_table(path, "y", ["a", "b"])
    np.testing.assert_array_equal(X, X_csv)
    np.testing.assert_array_equal(y, y_csv)


def test_parquet_without_pyarrow(tmp_path, monkeypatch):
    """Without pyarrow the error names what to install."""
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    (tmp_path / "a.parquet").write_bytes(b"")
    with pytest.raises(DataError, match=r"convexnn\[export\]"):
        open_table(tmp_path / "a.parquet")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("a,y\n", "no data rows"),
        ("a,a\n1,2\n", "column names"),
        ("a,y\n1,2\n1\n", "data row 2: 1 entries, the header has 2"),
        ("a,y\n1,\n", "column 'y', data row 1: ''"),
        ("a,y\n1,inf\n", "column 'y', data row 1: 'inf'"),
    ],
)
def test_unusable_files(tmp_path, text, message):
    """What is wrong with a file is said with its place."""
    path = tmp_path / "b.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=message):
        read_table(path, "y", ["a"])


def test_binary_file(tmp_path):
    """A file that is no text is told apart."""
    (tmp_path / "b.csv").write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(DataError, match="not a text table"):
        read_table(tmp_path / "b.csv", "y")
