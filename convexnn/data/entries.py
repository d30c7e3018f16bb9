"""Entries of messy tables: what is missing, what is a number, a truth value, a day or a label."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from convexnn._types import Bools, Floats

__all__ = [
    "DATE_FORMATS",
    "Entries",
    "as_flags",
    "as_numbers",
    "as_text",
    "days",
    "find_date_format",
    "is_missing",
    "missing",
]

# The entries of one column: a list of anything, or an array of numbers or dates.
Entries: TypeAlias = Sequence[Any] | NDArray[Any]

# What programs write where nothing is known, in lower case.
_NOTHING = frozenset({"", "na", "n/a", "nan", "null", "?", "#n/a", "<na>", "nat", "-", "."})
_TRUE, _FALSE = frozenset({"true", "yes", "y", "t"}), frozenset({"false", "no", "n", "f"})
# 1,234,567.8
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?")
# "iso" is YYYY-MM-DD with or without a time; a column has one format, the first that reads all its entries.
DATE_FORMATS = ("iso", "%Y/%m/%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%d %b %Y", "%b %d, %Y", "%Y%m%d")
_DAY, _EPOCH = 86_400.0, datetime(1970, 1, 1)


def is_missing(entry: Any) -> bool:
    """Whether an entry says that nothing is known: None, NaN, NaT, pandas.NA, a masked entry, or a word for it."""
    if isinstance(entry, str):
        text = entry.strip()
        # Python writes None; "none" may be a level.
        return text.lower() in _NOTHING or text == "None"
    if entry is None or entry is np.ma.masked or type(entry).__name__ in ("NAType", "NaTType"):
        return True
    if isinstance(entry, (np.datetime64, np.timedelta64)):
        return bool(np.isnat(entry))
    return isinstance(entry, (float, np.floating)) and bool(np.isnan(entry))


def missing(entries: Entries) -> Bools:
    """For each entry whether it is missing, shape (n,)."""
    if isinstance(entries, np.ndarray) and entries.dtype.kind in "fiu":
        return np.isnan(entries) if entries.dtype.kind == "f" else np.zeros(len(entries), bool)
    return np.fromiter((is_missing(entry) for entry in entries), bool, len(entries))


def as_numbers(entries: Entries, decimal: str = ".") -> Floats | None:
    """The entries as numbers (n,), nan where missing; None if one is something else (dates and truth values are).

    Parameters
    ----------
    entries : sequence
    decimal : "." or ","
        The decimal sign of text; with a point, commas may stand between groups of three digits.
    """
    if isinstance(entries, np.ndarray) and entries.dtype.kind in "fiu":
        return entries.astype(np.float64)
    found = np.empty(len(entries))
    for k, entry in enumerate(entries):
        value = _number(entry, decimal)
        if value is None:
            return None
        found[k] = value
    return found


def _number(entry: Any, decimal: str) -> float | None:
    if isinstance(entry, (bool, np.bool_, date, datetime, np.datetime64, complex)):
        return math.nan if is_missing(entry) else None
    if isinstance(entry, str) and "_" in entry:
        return None
    if isinstance(entry, str) and "," in entry:
        text = entry.strip()
        if decimal == ",":
            entry = text.replace(".", "").replace(",", ".")
        elif _THOUSANDS.fullmatch(text):
            entry = text.replace(",", "")
    try:
        return float(entry)
    except (TypeError, ValueError, OverflowError):
        return math.nan if is_missing(entry) else None


def as_text(entry: Any) -> str:
    """An entry as the name of a level: text without blanks around it, 3.0 as "3", what is missing as ""."""
    if is_missing(entry):
        return ""
    if isinstance(entry, (float, np.floating)) and float(entry).is_integer():
        return str(int(entry))
    return str(entry).strip()


def as_flags(entries: Entries) -> Floats | None:
    """Truth values as 0 and 1 (n,), nan where missing; None if one entry is none (numbers 0 and 1 are not)."""
    if isinstance(entries, np.ndarray) and entries.dtype.kind in "fiu":
        return None
    found = np.empty(len(entries))
    for k, entry in enumerate(entries):
        word = entry.strip().lower() if isinstance(entry, str) else entry
        if isinstance(word, (bool, np.bool_)):
            found[k] = float(word)
        elif isinstance(word, str) and word in _TRUE | _FALSE:
            found[k] = float(word in _TRUE)
        elif is_missing(entry):
            found[k] = math.nan
        else:
            return None
    return found


def days(entries: Entries, form: str) -> Floats | None:
    """Days since the beginning of 1970 (n,), nan where missing; None if an entry is no date of this format.

    Times of day are fractions; times with a zone are brought to UTC.
    """
    if isinstance(entries, np.ndarray) and entries.dtype.kind == "M":
        found = entries.astype("datetime64[us]")
        return np.where(np.isnat(found), np.nan, found.astype(np.int64) / (_DAY * 1e6))
    out = np.empty(len(entries))
    for k, entry in enumerate(entries):
        value = math.nan if is_missing(entry) else _day(entry, form)
        if value is None:
            return None
        out[k] = value
    return out


def _day(entry: Any, form: str) -> float | None:
    if isinstance(entry, np.datetime64):
        entry = entry.astype("datetime64[us]").item()
    if isinstance(entry, str):
        text = entry.strip()
        # A number alone is no date, unless the format says so.
        if form == "iso" and not (len(text) >= 10 and text[4:5] == "-"):
            return None
        try:
            entry = datetime.fromisoformat(text) if form == "iso" else datetime.strptime(text, form)
        except ValueError:
            return None
    if isinstance(entry, date) and not isinstance(entry, datetime):
        entry = datetime(entry.year, entry.month, entry.day)
    if not isinstance(entry, datetime):
        return None
    if entry.tzinfo is not None:
        entry = entry.astimezone(UTC).replace(tzinfo=None)
    return float((entry - _EPOCH).total_seconds() / _DAY)


def find_date_format(entries: Entries, *, text_numbers: bool = False) -> str | None:
    """The first of :data:`DATE_FORMATS` that reads all entries, at least one of them present; None if none does.

    Parameters
    ----------
    entries : sequence
    text_numbers : bool
        Whether eight digits may be a date, too.
    """
    if isinstance(entries, np.ndarray) and entries.dtype.kind in "fiu":
        return None
    for form in DATE_FORMATS if text_numbers else DATE_FORMATS[:-1]:
        found = days(entries[:50], form)
        if found is not None and (found := days(entries, form)) is not None and np.isfinite(found).any():
            return form
    return None
