"""Tables are read exactly, and what is wrong with a file is said with its place."""

from __future__ import annotations

import numpy as np
import pytest

from convexnn.cli.tables import read_table, write_columns
from convexnn.exceptions import DataError


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_with_any_usual_delimiter(tmp_path, delimiter):
    path = tmp_path / "a.csv"
    path.write_text(
        "\ufeff" + "\n".join(delimiter.join(row) for row in [["a", " b"], ["1", "x"], ["2.5", "y"]]) + "\n\n"
    )
    table = read_table(path)
    np.testing.assert_array_equal(table.matrix(["a"]), [[1.0], [2.5]])
    assert list(table.columns) == ["a", "b"]


def test_written_columns_are_read_back_bit_for_bit(tmp_path):
    values = np.random.default_rng(0).normal(size=(7, 2)) * 10.0 ** np.array([-200, 200])
    write_columns(tmp_path / "a.csv", ["p", "q"], values)
    np.testing.assert_array_equal(read_table(tmp_path / "a.csv").matrix(["p", "q"]), values)


def test_parquet(tmp_path):
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    parquet.write_table(pa.table({"a": [1, 2], "b": [0.5, None]}), tmp_path / "a.parquet")
    table = read_table(tmp_path / "a.parquet")
    np.testing.assert_array_equal(table.matrix(["a"]), [[1.0], [2.0]])
    with pytest.raises(DataError, match="column 'b', data row 2: None"):
        table.matrix(["b"])
    (tmp_path / "b.parquet").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="not a Parquet file"):
        read_table(tmp_path / "b.parquet")


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "is empty"),
        ("a,b\n", "no data rows"),
        ("a,a\n1,2\n", "column names"),
        ("a,\n1,2\n", "column names"),
        ("a,b\n1\n", "data row 1: 1 entries, the header has 2"),
    ],
)
def test_unusable_csv_is_explained(tmp_path, text, match):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(DataError, match=match):
        read_table(tmp_path / "a.csv")


@pytest.mark.parametrize("entry", ["x", "", "nan", "inf"])
def test_entries_that_are_no_numbers_are_named(tmp_path, entry):
    (tmp_path / "a.csv").write_text(f"a,b\n1,2\n3,{entry}\n")
    with pytest.raises(DataError, match="column 'b', data row 2"):
        read_table(tmp_path / "a.csv").matrix(["a", "b"])


def test_missing_column_and_binary_file(tmp_path):
    (tmp_path / "a.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="no column 'c'; its columns are 'a', 'b'"):
        read_table(tmp_path / "a.csv").matrix(["c"])
    (tmp_path / "b.csv").write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(DataError, match="not a text table"):
        read_table(tmp_path / "b.csv")
