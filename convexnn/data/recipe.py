"""Preparation of tables: numbers are filled and scaled, texts become levels, dates days; a recipe that JSON holds."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from convexnn._arrays import to_numpy
from convexnn._checks import check_count, check_real
from convexnn._types import Floats
from convexnn.data.columns import Column, column_from_dict, learn_column
from convexnn.data.entries import Entries, as_numbers
from convexnn.data.tables import columns_of
from convexnn.exceptions import DataError, ModelFormatError, ParameterError

__all__ = ["TableRecipe"]

_VERSION = 1
# Names of columns that count rows if their entries do.
_INDEX = ("", "index", "id", "row", "unnamed: 0")


class TableRecipe(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """From the columns of a messy table to numbers, the same way in training and ever after.

    Each column has a kind, found from its entries unless it is given: "numeric" (missing entries become the median;
    mean 0, spread 1), "categorical" (one number 0 or 1 per level, rare and unknown levels together), "boolean" or
    "date" (days since the first one). Columns that say nothing are left out: constant ones, empty ones, counters of
    rows, texts that are different nearly everywhere; :meth:`summary` shows what was found.

    Parameters
    ----------
    kinds : dict of str to str, optional
        Kinds of some columns by name, as "categorical" for a number that is a code.
    drop : sequence of str
        Columns to leave out.
    scale : bool, default=True
        Whether numbers and days are centred and divided by their spread.
    max_levels : int, default=20
        Largest number of levels of a column that are kept apart.
    min_share : float, default=0.01
        Share of the rows below which a level is rare; with 20 rows or more, a level that occurs once always is.

    Attributes
    ----------
    columns_ : tuple of Column
        What becomes of every column that is used.
    dropped_ : dict of str to str
        Columns that are not used, and why.
    feature_names_in_ : array of str
        Only if the table had names.
    n_features_in_ : int

    Notes
    -----
    Data frames of pandas, polars and Arrow, dicts of columns and :class:`Table` come with names; then
    :meth:`transform` takes the columns by name, in any order, and ignores others. Arrays have the names x0, x1, ...

    Examples
    --------
    >>> from convexnn.data import TableRecipe
    >>> table = {"size": [50, None, 70], "town": ["Ulm", "Bern", "Ulm"]}
    >>> recipe = TableRecipe(scale=False).fit(table)
    >>> recipe.transform(table).tolist()
    [[50.0, 0.0, 1.0], [60.0, 1.0, 0.0], [70.0, 0.0, 1.0]]
    """

    def __init__(
        self,
        *,
        kinds: Mapping[str, str] | None = None,
        drop: Sequence[str] = (),
        scale: bool = True,
        max_levels: int = 20,
        min_share: float = 0.01,
    ) -> None:
        self.kinds = kinds
        self.drop = drop
        self.scale = scale
        self.max_levels = max_levels
        self.min_share = min_share

    def fit(self, X: Any, y: Any = None) -> TableRecipe:
        """Find the kind of every column; `y` is ignored.

        Raises
        ------
        DataError
            If X is no table, an entry is infinite or not of the kind asked for, or no column says anything.
        ParameterError
            If a name in `kinds` or `drop` is no column.
        """
        options: dict[str, Any] = {
            "max_levels": check_count("max_levels", self.max_levels),
            "min_share": check_real("min_share", self.min_share, low=0.0, high=1.0),
            "scale": bool(self.scale),
        }
        table, kinds = self._table(X, reset=True), dict(self.kinds or {})
        for name in (*kinds, *self.drop):
            if name not in table:
                raise ParameterError(f"there is no column {name!r}; the columns are {list(table)[:20]}.")
        found: list[Column] = []
        self.dropped_: dict[str, str] = {}
        for name, entries in table.items():
            kind = kinds.get(name)
            if name in self.drop:
                self.dropped_[name] = "asked for"
            elif kind is None and _counts_rows(name, entries):
                self.dropped_[name] = "counts the rows"
            elif isinstance(column := learn_column(name, entries, kind, **options), Column):
                found.append(column)
            else:
                self.dropped_[name] = column
        if not found:
            rows = len(next(iter(table.values())))
            raise DataError(
                f"no column says anything (n_samples = {rows}): {self.dropped_}. Pass others, or set their kinds."
            )
        self.columns_ = tuple(found)
        return self

    def transform(self, X: Any) -> Floats:
        """Numbers (n, k) of the rows of a table.

        Raises
        ------
        DataError
            If a column is missing, or an entry is not of its kind.
        """
        check_is_fitted(self)
        table = self._table(X, reset=False)
        for column in self.columns_:
            if column.name not in table:
                raise DataError(f"there is no column {column.name!r}; the columns are {list(table)[:20]}.")
        return np.ascontiguousarray(np.hstack([column.encode(table[column.name]) for column in self.columns_]))

    def _table(self, X: Any, *, reset: bool) -> dict[str, Entries]:
        table = columns_of(X)
        if table is not None:
            if not table or not len(next(iter(table.values()))):
                raise DataError("the table is empty; at least one row and one column are needed.")
            if reset:
                self.feature_names_in_ = np.array(list(table), dtype=object)
                self.n_features_in_ = len(table)
            return table
        try:
            array = validate_data(self, to_numpy(X), reset=reset, dtype=None, ensure_all_finite="allow-nan")
        except (ValueError, TypeError) as error:
            if isinstance(error, TypeError) and not hasattr(X, "toarray"):
                raise
            raise DataError(f"{error} A table has rows and columns of numbers, texts or dates.") from error
        return {f"x{k}": list(entries) if array.dtype == object else entries for k, entries in enumerate(array.T)}

    def get_feature_names_out(self, input_features: Any = None) -> Any:
        """Name of every number: that of its column, for levels ``column=level``."""
        check_is_fitted(self)
        return np.array([name for column in self.columns_ for name in column.outputs], dtype=object)

    def summary(self) -> str:
        """A line per column: its kind, and what becomes of it."""
        check_is_fitted(self)
        rows = [(column.name, column.kind, column.describe()) for column in self.columns_]
        rows += [(name or "(no name)", "left out", why) for name, why in self.dropped_.items()]
        wide = [max(len(row[k]) for row in rows) for k in (0, 1)]
        return "\n".join(f"{name:<{wide[0]}}  {kind:<{wide[1]}}  {text}" for name, kind, text in rows)

    def to_json(self) -> str:
        """The fitted recipe as text."""
        check_is_fitted(self)
        content = {
            "version": _VERSION,
            "columns": [column.to_dict() for column in self.columns_],
            "dropped": self.dropped_,
        }
        return json.dumps(content, indent=2, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> TableRecipe:
        """The recipe that :meth:`to_json` wrote.

        Raises
        ------
        ModelFormatError
            If it is damaged or of a later version.
        """
        try:
            content = json.loads(text)
            version, dropped = content["version"], content["dropped"]
            if version != _VERSION:
                raise ModelFormatError(f"the recipe has version {version!r}; this release reads {_VERSION}.")
            columns = tuple(map(column_from_dict, content["columns"]))
            dropped = {str(name): str(why) for name, why in dropped.items()}
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
            if isinstance(error, ModelFormatError):
                raise
            raise ModelFormatError(f"the recipe is damaged ({error!r}); fit the model again.") from error
        if not columns or len({column.name for column in columns}) < len(columns):
            raise ModelFormatError("the recipe has no columns, or one twice; fit the model again.")
        found = cls()
        found.columns_, found.dropped_ = columns, dropped
        names = [*(column.name for column in columns), *dropped]
        found.feature_names_in_, found.n_features_in_ = np.array(names, dtype=object), len(names)
        return found

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        tags.transformer_tags.preserves_dtype = []
        return tags


def _counts_rows(name: str, entries: Entries) -> bool:
    """Whether a column is an index that a program wrote beside the data."""
    if name.startswith("__index_level_"):
        return True
    if name.strip().lower() not in _INDEX or len(entries) < 3:
        return False
    numbers = as_numbers(entries)
    if numbers is None:
        return not name and len(set(map(str, entries))) == len(entries)
    return bool((numbers == np.floor(numbers)).all()) and len(np.unique(numbers)) == len(numbers)
