"""Tables by the names of their columns, from files and data frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from convexnn._types import Floats
from convexnn.data.entries import Entries, as_numbers
from convexnn.data.readers import read_columns
from convexnn.exceptions import DataError

__all__ = ["Table", "columns_of", "open_table", "read_table"]


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
    columns: Mapping[str, Entries]

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
        found = [numbers for decimal in ".," if (numbers := as_numbers(entries, decimal)) is not None]
        out = found[0] if found else np.concatenate([_one_number(entry) for entry in entries])
        if not np.isfinite(out).all():
            row = int(np.flatnonzero(~np.isfinite(out))[0])
            raise DataError(
                f"{self.path}, column {name!r}, data row {row + 1}: {entries[row]!r} is not a finite number; "
                "remove or fill the row, or choose other columns."
            )
        return out


def _one_number(entry: object) -> Floats:
    found = as_numbers([entry])
    return np.full(1, np.nan) if found is None else found


def open_table(path: str | PathLike[str]) -> Table:
    """Read a table as it is: CSV with a header line, also compressed, Parquet or Excel (by the suffix).

    Separators (comma, semicolon, tab, bar, blanks) and encodings are found; repeated names become ``a, a.1``.

    Raises
    ------
    DataError
        If the file is empty, has no header, a row of another length, or cannot be decoded.
    """
    path = Path(path)
    table = Table(str(path), read_columns(path))
    if not table.columns or not len(next(iter(table.columns.values()))):
        raise DataError(f"{path} has no data rows; expected a header line and at least one row.")
    return table


def columns_of(data: Any) -> dict[str, Entries] | None:
    """The columns of a table or data frame (pandas, polars, Arrow, a dict of lists); None if it has no names.

    Raises
    ------
    DataError
        If a name is not text or repeated, columns differ in length, or the frame has yet to be collected.
    """
    if isinstance(data, Table):
        return dict(data.columns)
    if hasattr(data, "collect") and hasattr(data, "collect_schema") and not hasattr(data, "to_numpy"):
        raise DataError(f"a {type(data).__name__} has no data yet; call collect() first.")
    if isinstance(data, dict):
        names, column = list(data), data.__getitem__
    elif hasattr(data, "column_names") and hasattr(data, "column"):
        names, column = list(data.column_names), data.column
    elif hasattr(data, "columns") and hasattr(data, "iloc"):
        names, column = list(data.columns), _by_position(data)
    elif hasattr(data, "columns") and hasattr(data, "get_column"):
        names, column = list(data.columns), data.get_column
    else:
        return None
    if not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
        raise DataError(f"the names of columns are {names[:8]}; expected different texts. Rename them first.")
    found = {name: _entries(column(name)) for name in names}
    if len({len(entries) for entries in found.values()}) > 1:
        raise DataError(f"columns differ in length: { {name: len(entries) for name, entries in found.items()} }.")
    return found


def _by_position(frame: Any) -> Any:
    return lambda name: frame.iloc[:, list(frame.columns).index(name)]


def _entries(column: Any) -> Entries:
    """A column as an array of numbers or dates where it is one, else as a list."""
    if isinstance(getattr(column, "dtype", None), np.dtype) and column.dtype.kind in "fiuM":
        return np.asarray(column)
    for name in ("to_pylist", "to_list", "tolist"):
        if hasattr(column, name):
            return list(getattr(column, name)())
    return list(column)


def read_table(path: str | PathLike[str], target: str, features: Sequence[str] | None = None) -> tuple[Floats, Floats]:
    """Read samples and targets from a CSV or Parquet file.

    Parameters
    ----------
    path : path
        As in :func:`open_table`.
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
