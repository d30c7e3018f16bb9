"""Tables from files: CSV by the standard library, Parquet if pyarrow is installed."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np

from convexnn._types import Floats
from convexnn.exceptions import DataError

__all__ = ["Table", "open_table", "read_table"]

_PARQUET = (".parquet", ".pq")


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
            If a column is missing, or an entry is not a finite number; row and column are named.
        """
        if not len(names):
            raise DataError(f"no columns of {self.path} were asked for; name at least one feature.")
        return np.column_stack([self._numbers(name) for name in names])

    def _numbers(self, name: str) -> Floats:
        if name not in self.columns:
            known = ", ".join(repr(column) for column in self.columns)
            raise DataError(f"{self.path} has no column {name!r}; its columns are {known}.")
        entries = self.columns[name]
        try:
            out = np.array([float(entry) for entry in entries])  # type: ignore[arg-type]
        except (TypeError, ValueError):
            out = np.array([_number_or_nan(entry) for entry in entries])
        if not np.isfinite(out).all():
            row = int(np.flatnonzero(~np.isfinite(out))[0])
            raise DataError(
                f"{self.path}, column {name!r}, data row {row + 1}: {entries[row]!r} is not a finite number; "
                "remove or fill the row, or choose other columns."
            )
        return out


def _number_or_nan(entry: object) -> float:
    try:
        return float(entry)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return float("nan")


def open_table(path: str | PathLike[str]) -> Table:
    """Read a CSV file with a header line, or a Parquet file (by its suffix), as it is.

    Raises
    ------
    DataError
        If the file is empty, has no header, a row of another length, or cannot be decoded.
    """
    path = Path(path)
    table = _open_parquet(path) if path.suffix.lower() in _PARQUET else _open_csv(path)
    if not table.columns or not len(next(iter(table.columns.values()))):
        raise DataError(f"{path} has no data rows; expected a header line and at least one row.")
    return table


def read_table(path: str | PathLike[str], target: str, features: Sequence[str] | None = None) -> tuple[Floats, Floats]:
    """Read samples and targets from a CSV or Parquet file.

    Parameters
    ----------
    path : path
        CSV with a header line (comma, semicolon or tab), or ``.parquet``.
    target : str
        Name of the column of targets.
    features : sequence of str, optional
        Names of the columns of samples, in the order wanted; all other columns by default.

    Returns
    -------
    X : (n, d) array
    y : (n,) array

    Raises
    ------
    DataError
        If the file is not a table, a column is missing, or an entry is not a finite number; row and column
        are named.
    """
    table = open_table(path)
    y = table.matrix([target])[:, 0]
    chosen = [name for name in table.columns if name != target] if features is None else list(features)
    if target in chosen:
        raise DataError(f"column {target!r} is both target and feature; leave it out of the features.")
    return table.matrix(chosen), y


def _open_csv(path: Path) -> Table:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            header_line = file.readline()
            file.seek(0)
            rows = [row for row in csv.reader(file, delimiter=_delimiter(header_line)) if row]
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


def _delimiter(header_line: str) -> str:
    """The most frequent of comma, semicolon and tab in the header line."""
    return max(",;\t", key=header_line.count)


def _open_parquet(path: Path) -> Table:
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
