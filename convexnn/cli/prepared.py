"""From a file to what is trained on: chosen columns, usable rows, a recipe, a split."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from convexnn._checks import check_real
from convexnn._types import Floats, Ints
from convexnn.cli.models import Recipe, groups_from_words
from convexnn.cli.targets import Target, find_target
from convexnn.data import Table, TableRecipe, open_table
from convexnn.data.entries import Entries, missing
from convexnn.exceptions import DataError, ParameterError

__all__ = [
    "Prepared",
    "column_names",
    "groups_of_numbers",
    "kinds_of_columns",
    "prepare",
    "read_features",
    "read_prepared",
    "saved_groups",
    "target_of",
]


@dataclass(frozen=True)
class Prepared:
    """Numbers to train and to test on.

    Attributes
    ----------
    X, y : arrays (n, d) and (n,) or (n, c)
        Training rows.
    X_test, y_test : arrays
        The others, perhaps none.
    target : Target
    features : list of str
        Columns of the file that are used.
    table : TableRecipe, optional
        How X was made; None if it consists of the columns as they are.
    split : dict, optional
        How the rows were chosen.
    dropped : int
        Rows without target.
    """

    X: Floats
    y: Floats
    X_test: Floats
    y_test: Floats
    target: Target
    features: list[str]
    table: TableRecipe | None
    split: dict[str, Any] | None
    dropped: int


def column_names(option: str, words: str | None) -> list[str] | None:
    """Names separated by commas, quoted where they contain one."""
    if words is None:
        return None
    names = [name.strip() for name in next(csv.reader([words], skipinitialspace=True), []) if name.strip()]
    if not names or len(set(names)) != len(names):
        raise ParameterError(f"{option} {words!r}: expected different column names separated by commas.")
    return names


def kinds_of_columns(words: Sequence[str]) -> dict[str, str]:
    """The kinds of columns from texts such as ``zip=categorical``."""
    found = {}
    for word in words:
        name, sign, kind = word.rpartition("=")
        if not sign or not name:
            raise ParameterError(f"--kind {word!r}: expected COLUMN=KIND, as in zip=categorical.")
        found[name.strip()] = kind.strip()
    return found


def _chosen(table: Table, target: str, features: list[str] | None, drop: list[str] | None) -> list[str]:
    for name in (target, *(features or []), *(drop or [])):
        if name not in table.columns:
            known = ", ".join(repr(column) for column in table.columns)
            raise DataError(f"{table.path} has no column {name!r}; its columns are {known}.")
    if features is not None and target in features:
        raise ParameterError(f"--target {target!r} is also among the features; remove it there.")
    names = [name for name in table.columns if name != target] if features is None else features
    return [name for name in names if name not in (drop or [])]


def _pick(entries: Entries, rows: Ints) -> Entries:
    return entries[rows] if isinstance(entries, np.ndarray) else [entries[k] for k in rows]


def prepare(
    file: Path,
    target: str,
    *,
    features: list[str] | None,
    drop: list[str] | None,
    kinds: dict[str, str],
    raw: bool,
    loss: str | None,
    test_size: float | None,
    seed: int,
) -> Prepared:
    """Read a file for training."""
    table = open_table(file)
    names = _chosen(table, target, features, drop)
    entries: Any = table.columns[target]
    kept = np.flatnonzero(~missing(entries))
    if not len(kept):
        raise DataError(f"{file}: column {target!r} is empty; choose another target.")
    entries = _pick(entries, kept)
    goal = find_target(target, entries, loss)
    y = goal.encode(entries)
    split = None if test_size is None else {"test_size": check_size(test_size), "seed": seed, "rows": len(kept)}
    train, test = split_rows(len(kept), split, goal.codes(entries) if goal.classes else None)
    part = {name: _pick(table.columns[name], kept) for name in names}
    recipe = None
    if raw:
        if kinds:
            raise ParameterError("--kind has no meaning with --raw, which takes columns as numbers; leave one out.")
        X = Table(str(file), part).matrix(names)
    else:
        recipe = TableRecipe(kinds=kinds).fit({name: _pick(column, train) for name, column in part.items()})
        X = recipe.transform(part)
        names = [column.name for column in recipe.columns_]
    dropped = len(table.columns[target]) - len(kept)
    return Prepared(X[train], y[train], X[test], y[test], goal, names, recipe, split, dropped)


def check_size(test_size: float) -> float:
    """A share of rows below one."""
    return check_real("test_size", test_size, low=0.0, high=0.99, strict=True, hint="It is a share of the rows.")


def split_rows(n: int, split: dict[str, Any] | None, codes: Ints | None = None) -> tuple[Ints, Ints]:
    """Rows to train and to test on, in their order; all and none without a split or for another number of rows.

    With labels every class gives its share to the test, rounded down, so that all are trained on.
    """
    if split is None or split["rows"] != n:
        return np.arange(n), np.arange(0)
    order = np.random.default_rng(split["seed"]).permutation(n)
    groups = [order] if codes is None else [order[codes[order] == code] for code in np.unique(codes)]
    test = np.sort(np.concatenate([rows[: int(split["test_size"] * len(rows))] for rows in groups]))
    if not len(test):
        raise DataError(f"--test-size {split['test_size']}: {n} rows leave none to test on; leave it out.")
    return np.setdiff1d(np.arange(n), test), test


def groups_of_numbers(words: str | None, features: list[str], table: TableRecipe | None) -> Any:
    """The value of `interaction_cst`: groups of columns as groups of the numbers that they become."""
    groups = groups_from_words(words, features)
    if not isinstance(groups, list) or table is None:
        return groups
    sizes = [len(column.outputs) for column in table.columns_]
    starts = [sum(sizes[:k]) for k in range(len(sizes))]
    return [[start for k in group for start in range(starts[k], starts[k] + sizes[k])] for group in groups]


def saved_groups(words: str | None, recipe: Recipe, features: list[str] | None) -> Any:
    """The same for a saved model, or for features that were given instead of its own."""
    table = None if recipe.table is None or features is not None else TableRecipe.from_json(json.dumps(recipe.table))
    return groups_of_numbers(words, features or recipe.features, table)


def target_of(recipe: Recipe) -> Target:
    """What a saved model predicts."""
    return Target(recipe.target, recipe.loss, None if recipe.classes is None else tuple(recipe.classes))


def read_features(table: Table, recipe: Recipe, features: list[str] | None) -> Floats:
    """The numbers (n, d) that a saved model takes, from all rows of a table."""
    if recipe.table is None or features is not None:
        return table.matrix(features if features is not None else recipe.features)
    return TableRecipe.from_json(json.dumps(recipe.table)).transform(table)


def read_prepared(
    file: Path, recipe: Recipe, *, target: str | None = None, features: list[str] | None = None
) -> tuple[Floats, Floats, Ints, Ints]:
    """Numbers and targets for a saved model, with the rows that it was trained and tested on.

    The rows of the fit are found again if the file has as many; else all are taken as rows of training.
    """
    table = open_table(file)
    name = target or recipe.target
    if name not in table.columns:
        known = ", ".join(repr(column) for column in table.columns)
        raise DataError(f"{file} has no column {name!r}; its columns are {known}. Give --target.")
    if name in (features or []):
        raise ParameterError(f"--target {name!r} is also among the features; remove it there.")
    kept = np.flatnonzero(~missing(table.columns[name]))
    if not len(kept):
        raise DataError(f"{file}: column {name!r} is empty; choose another target.")
    part = Table(table.path, {column: _pick(entries, kept) for column, entries in table.columns.items()})
    goal, entries = target_of(recipe), part.columns[name]
    X, y = read_features(part, recipe, features), goal.encode(entries)
    return X, y, *split_rows(len(kept), recipe.split, goal.codes(entries) if goal.classes else None)
