"""Samples and targets from files: by column name, exact, with errors that name row and column."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zipfile
from datetime import datetime

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
        ("1.5,2\n1,2\n", "no column names"),
        ("a,y\n1,2_0\n", "column 'y', data row 1: '2_0'"),
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
    (tmp_path / "b.csv").write_bytes(b"\xff\x00\x00\x81")
    with pytest.raises(DataError, match="not a text table"):
        read_table(tmp_path / "b.csv", "y")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", b"\xef\xbb\xbfa;y\n0,5;1\n\n1,5;2\n"),
        ("a.csv", b"sep=;\r\na;y\r\n0,5;1\r\n1,5;2\r\n"),
        ("a.tsv", b"a\ty\n0.5\t1\n1.5\t2\n"),
        ("a.txt", b"a  y\n0.5 1\n 1.5   2\n"),
        ("a.psv", b"a|y\n0.5|1\n1.5|2\n"),
        ("a.csv", "a;y\n0,5;1\n1,5;2\n".encode("utf-16")),
        ("a.csv", b"a,y,\n0.5,1,\n1.5,2,\n"),
        ("a.csv", b'"a","y"\n"r1",0.5,1\n"r2",1.5,2\n'),
        ("a.csv.gz", gzip.compress(b"a,y\n0.5,1\n1.5,2\n", mtime=0)),
        ("a.csv.bz2", bz2.compress(b"a,y\n0.5,1\n1.5,2\n")),
        ("a.csv.xz", lzma.compress(b"a,y\n0.5,1\n1.5,2\n")),
    ],
)
def test_dialects(tmp_path, name, content):
    """The same two columns in every dialect."""
    (tmp_path / name).write_bytes(content)
    X, y = read_table(tmp_path / name, "y", ["a"])
    np.testing.assert_array_equal(X, [[0.5], [1.5]])
    np.testing.assert_array_equal(y, [1.0, 2.0])


def test_zip_and_names(tmp_path):
    """A zip archive of one table; names that come twice, and accents of an old code page."""
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("inner.csv", "Größe,y,y,\n1,2,3,4\n".encode("cp1252"))
    assert list(open_table(tmp_path / "a.zip").columns) == ["Größe", "y", "y.1", ""]
    with zipfile.ZipFile(tmp_path / "a.zip", "a") as archive:
        archive.writestr("other.csv", "a\n1\n")
    with pytest.raises(DataError, match="holds 2 files"):
        open_table(tmp_path / "a.zip")


@pytest.mark.parametrize("suffix", [".gz", ".zip", ".xz", ".bz2"])
def test_files_that_cannot_be_unpacked(tmp_path, suffix):
    """A wrong suffix is said to be one."""
    (tmp_path / f"a{suffix}").write_bytes(b"a,y\n1,2\n")
    with pytest.raises(DataError, match="cannot be unpacked"):
        open_table(tmp_path / f"a{suffix}")


def test_excel(tmp_path):
    """The first sheet, with numbers, dates and empty cells as they are."""
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in ([], ["a", "day", None], [1.5, datetime(2024, 1, 2), None], [None, datetime(2024, 1, 3), None]):
        book.active.append(row)
    book.save(tmp_path / "a.xlsx")
    assert open_table(tmp_path / "a.xlsx").columns == {
        "a": [1.5, None], "day": [datetime(2024, 1, 2), datetime(2024, 1, 3)],
    }  # fmt: skip
    (tmp_path / "b.xlsx").write_bytes(b"a")
    with pytest.raises(DataError, match="not an Excel file"):
        open_table(tmp_path / "b.xlsx")


def test_excel_without_openpyxl(tmp_path, monkeypatch):
    """Without openpyxl the error names what to install."""
    monkeypatch.setitem(__import__("sys").modules, "openpyxl", None)
    (tmp_path / "a.xlsx").write_bytes(b"")
    with pytest.raises(DataError, match=r"convexnn\[export\]"):
        open_table(tmp_path / "a.xlsx")
