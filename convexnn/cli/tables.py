"""Tables on disk: CSV and Parquet in, CSV out."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from convexnn._types import Floats
from convexnn.exceptions import DataError

__all__ = ["Table", "read_table", "write_columns"]


@dataclass(frozen=True)
class Table:
    """Columns of text or numbers with their names.

    Attributes
    ----------
    path : str
        Where it came from, for messages.
    columns : dict of str to sequence
        Entries by column name.
    """

    path: str
    columns: dict[str, Sequence[object]]

    def matrix(self, names: Sequence[str]) -> Floats:
        """The named columns as numbers, shape (rows, len(names)).

        Raises
        ------
        DataError
            If a column is missing, or an entry is not a finite number; the entry is named.
        """
        return np.column_stack([self._numbers(name) for name in names])

    def _numbers(self, name: str) -> Floats:
        if name not in self.columns:
            known = ", ".join(repr(column) for column in self.columns)
            raise DataError(f"{self.path} has no column {name!r}; its columns are {known}.")
        out = np.empty(len(self.columns[name]))
        for row, entry in enumerate(self.columns[name]):
            try:
                out[row] = float(entry)  # type: ignore[arg-type]
            except (TypeError, ValueError):
                out[row] = np.nan
            if not np.isfinite(out[row]):
                raise DataError(
                    f"{self.path}, column {name!r}, data row {row + 1}: {entry!r} is not a finite number; "
                    "remove or fill the row, or choose other columns."
                )
        return out


def read_table(path: Path) -> Table:
    """Read a CSV file with a header line, or a Parquet file (by its suffix).

    Raises
    ------
    DataError
        If the file is empty, has no header, a row of another length, or cannot be decoded.
    """
    table = _read_parquet(path) if path.suffix.lower() in (".parquet", ".pq") else _read_csv(path)
    if not table.columns or not len(next(iter(table.columns.values()))):
        raise DataError(f"{path} has no data rows; expected a header line and at least one row.")
    return table


def _read_csv(path: Path) -> Table:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            sample = file.read(65_536)
            file.seek(0)
            rows = [row for row in csv.reader(file, delimiter=_delimiter(sample)) if row]
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} is not a text table ({error}); expected UTF-8 CSV, or .parquet.") from error
    if not rows:
        raise DataError(f"{path} is empty; expected a header line and at least one row.")
    header = [name.strip() for name in rows[0]]
    if len(set(header)) != len(header) or "" in header:
        raise DataError(f"{path}: column names must be present and different; the first line is {header}.")
    for number, row in enumerate(rows[1:], start=1):
        if len(row) != len(header):
            raise DataError(f"{path}, data row {number}: {len(row)} entries, the header has {len(header)}.")
    columns = zip(*rows[1:]) if len(rows) > 1 else ([] for _ in header)
    return Table(str(path), {name: list(column) for name, column in zip(header, columns)})


def _delimiter(sample: str) -> str:
    """The most frequent of comma, semicolon and tab in the header line."""
    header = sample.split("\n", 1)[0]
    return max(",;\t", key=header.count)


def _read_parquet(path: Path) -> Table:
    try:
        from pyarrow import ArrowException, parquet
    except ImportError as error:
        raise DataError(
            f"{path} is a Parquet file, which needs pyarrow; install convexnn[export] or convert it to CSV."
        ) from error
    try:
        table = parquet.read_table(path)
    except (ArrowException, OSError) as error:
        raise DataError(f"{path} is not a Parquet file ({error}).") from error
    return Table(str(path), {name: table.column(name).to_pylist() for name in table.column_names})


def write_columns(path: Path, names: Sequence[str], values: Floats) -> None:
    """Write the columns of a matrix (n, k) as CSV with 17 digits, so that they are read back exactly."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        writer.writerows([[repr(float(entry)) for entry in row] for row in values])
