"""How one column of a table becomes numbers: four kinds, each a value that JSON can hold."""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections import Counter
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

import numpy as np

from convexnn._types import Floats
from convexnn.data.entries import DATE_FORMATS, Entries, as_flags, as_numbers, as_text, days, find_date_format, missing
from convexnn.exceptions import DataError, ModelFormatError, ParameterError

__all__ = ["KINDS", "Column", "column_from_dict", "learn_column"]

_CODE = re.compile(r"0\d+")
# A column of numbers has at most this share of other texts, and more than so many different entries.
_SLIPS, _DIFFERENT = 0.1, 10


def _refuse(name: str, entries: Entries, read: Any, expected: str) -> DataError:
    """The error that names the first entry which `read` does not understand."""
    for row, entry in enumerate(entries):
        values = read([entry])
        if values is None or not (np.isfinite(values[0]) or missing([entry])[0]):
            return DataError(
                f"column {name!r}, data row {row + 1}: {entry!r} is {expected}; "
                "mend the entry, leave it empty, or give the column another kind."
            )
    return DataError(f"column {name!r} is {expected}.")


@dataclass(frozen=True)
class Column(ABC):
    """A column and what becomes of it.

    Attributes
    ----------
    name : str
    """

    kind: ClassVar[str]
    name: str

    @abstractmethod
    def encode(self, entries: Entries) -> Floats:
        """Numbers (n, k) of the entries.

        Raises
        ------
        DataError
            If an entry is not of this kind.
        """

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the k numbers."""
        return (self.name,)

    @abstractmethod
    def describe(self) -> str:
        """The column in a few words."""

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"kind": self.kind, **asdict(self)}


@dataclass(frozen=True)
class _Scaled(Column):
    """One number per entry: (value - centre) / scale, with `fill` for what is missing."""

    fill: float
    centre: float
    scale: float

    def _shrink(self, values: Floats) -> Floats:
        return ((np.where(np.isnan(values), self.fill, values) - self.centre) / self.scale)[:, None]


@dataclass(frozen=True)
class Numeric(_Scaled):
    """A number; what is missing becomes the median of the training data."""

    kind = "numeric"
    decimal: str = "."

    def encode(self, entries: Entries) -> Floats:
        values = as_numbers(entries, self.decimal)
        if values is None or np.isinf(values).any():
            raise _refuse(self.name, entries, lambda some: as_numbers(some, self.decimal), "no finite number")
        return self._shrink(values)

    def describe(self) -> str:
        comma = ", decimal comma" if self.decimal == "," else ""
        return f"(x - {self.centre:.6g}) / {self.scale:.6g}, missing as {self.fill:.6g}{comma}"


@dataclass(frozen=True)
class Boolean(_Scaled):
    """A truth value as 0 or 1; what is missing becomes the share of what is true."""

    kind = "boolean"

    def encode(self, entries: Entries) -> Floats:
        values = as_flags(entries)
        numbers = as_numbers(entries) if values is None else None
        if numbers is not None and np.isin(numbers[~np.isnan(numbers)], (0.0, 1.0)).all():
            values = numbers
        if values is None:
            raise _refuse(self.name, entries, as_flags, "no truth value")
        return self._shrink(values)

    def describe(self) -> str:
        return f"0 or 1, missing as {self.fill:.3g}"


@dataclass(frozen=True)
class Date(_Scaled):
    """Days since the first day of the training data; what is missing becomes the median."""

    kind = "date"
    format: str = "iso"

    def encode(self, entries: Entries) -> Floats:
        values = days(entries, self.format)
        if values is None:
            raise _refuse(self.name, entries, lambda some: days(some, self.format), f"no date as {self.format}")
        return self._shrink(values)

    def describe(self) -> str:
        start = datetime(1970, 1, 1) + timedelta(days=self.centre)
        return f"days from {start:%Y-%m-%d} / {self.scale:.6g}, format {self.format}"


@dataclass(frozen=True)
class Categorical(Column):
    """One number 0 or 1 per level, and one for all others if some were rare; unknown levels count as rare.

    Attributes
    ----------
    levels : tuple of str
        The empty text stands for what is missing.
    rare : bool
        Whether there is a number for other levels.
    """

    kind = "categorical"
    levels: tuple[str, ...]
    rare: bool = False

    def encode(self, entries: Entries) -> Floats:
        place = {level: k for k, level in enumerate(self.levels)}
        found = np.zeros((len(entries), len(self.levels) + self.rare))
        for row, entry in enumerate(entries):
            k = place.get(as_text(entry), len(self.levels))
            if k < found.shape[1]:
                found[row, k] = 1.0
        return found

    @property
    def outputs(self) -> tuple[str, ...]:
        names = [*(level or "(missing)" for level in self.levels), *(["(other)"] if self.rare else [])]
        return tuple(f"{self.name}={name}" for name in names)

    def describe(self) -> str:
        names = ", ".join(level or "(missing)" for level in self.levels[:6])
        more = f", ... ({len(self.levels)} levels)" if len(self.levels) > 6 else ""
        return f"{names}{more}{', others together' if self.rare else ''}"


KINDS: dict[str, type[Any]] = {entry.kind: entry for entry in (Numeric, Categorical, Boolean, Date)}


def column_from_dict(fields: Any) -> Column:
    """A column from what :meth:`Column.to_dict` gave.

    Raises
    ------
    ModelFormatError
        If a field is missing or of another type.
    """
    try:
        values = dict(fields)
        kind = KINDS[values.pop("kind")]
        if kind is Categorical:
            values["levels"] = tuple(map(_text, values["levels"]))
            values["rare"] = bool(values["rare"])
        else:
            for key in ("fill", "centre", "scale"):
                values[key] = _finite(values[key])
            if not values["scale"] > 0 or values.get("decimal", ".") not in (".", ","):
                raise ValueError(f"{values} is no column")
            if values.get("format", "iso") not in DATE_FORMATS:
                raise ValueError(f"the format {values['format']!r} is unknown")
        column: Column = kind(**{**values, "name": _text(values["name"])})
        return column
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ModelFormatError(f"a column of the recipe is damaged ({error!r}); fit the model again.") from error


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not text")
    return value


def _finite(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError(f"{value!r} is no finite number")
    return float(value)


def learn_column(
    name: str, entries: Entries, kind: str | None, *, max_levels: int, min_share: float, scale: bool
) -> Column | str:
    """The column that fits the entries, of the kind asked for or found; or why it says nothing, as text.

    Raises
    ------
    DataError
        If the entries are not of the kind asked for.
    ParameterError
        If the kind is unknown.
    """
    if kind is not None and kind not in KINDS:
        raise ParameterError(f"kind={kind!r} of column {name!r} is unknown; choose one of {', '.join(KINDS)}.")
    if missing(entries).all():
        return "empty"
    for other in (kind,) if kind else _candidates(entries):
        found = _learn_scaled(name, entries, other, scale) if other != "categorical" else None
        if found is not None:
            return found if kind or not _constant(found, entries) else "the same everywhere"
    if kind not in (None, "categorical"):
        raise _refuse(name, entries, lambda some: _read(some, str(kind))[0], f"not of the kind {kind}")
    if kind is None:
        _refuse_few_texts(name, entries)
    return _learn_levels(name, entries, max_levels, min_share, forced=kind is not None)


def _candidates(entries: Entries) -> tuple[str, ...]:
    """Kinds to try in turn; text of digits that begins with zero is a code."""
    codes = any(isinstance(entry, str) and _CODE.fullmatch(entry.strip()) for entry in entries)
    return ("boolean", "date") if codes else ("boolean", "numeric", "date")


def _refuse_few_texts(name: str, entries: Entries) -> None:
    """Raise DataError if nearly all entries are numbers: then the others are slips of the pen."""
    known = [entry for entry, gone in zip(entries, missing(entries)) if not gone]
    wrong = [row for row, entry in enumerate(entries) if as_numbers([entry]) is None]
    if 0 < len(wrong) <= _SLIPS * len(known) and len(set(map(as_text, known))) > _DIFFERENT:
        raise DataError(
            f"column {name!r}, data row {wrong[0] + 1}: {entries[wrong[0]]!r} is no number, but "
            f"{len(known) - len(wrong)} other entries are. Mend the {len(wrong)} entries, leave them empty, or make "
            "the column categorical."
        )


def _read(entries: Entries, kind: str) -> tuple[Floats | None, dict[str, Any]]:
    """Values (n,) of the kind with the options that read them."""
    if kind == "boolean":
        return as_flags(entries), {}
    if kind == "date":
        form = find_date_format(entries, text_numbers=True)
        return (None if form is None else days(entries, form)), {"format": form}
    for decimal in (".", ","):
        values = as_numbers(entries, decimal)
        if values is not None:
            return values, {"decimal": decimal}
    return None, {}


def _learn_scaled(name: str, entries: Entries, kind: str, scale: bool) -> Any:
    values, options = _read(entries, kind)
    if values is None:
        return None
    known = values[~np.isnan(values)]
    if np.isinf(known).any():
        raise _refuse(name, entries, lambda some: _read(some, kind)[0], "no finite number")
    if kind == "boolean":
        return Boolean(name, fill=float(known.mean()), centre=0.0, scale=1.0)
    with np.errstate(over="ignore"):
        width, centre = float(known.std()), float(known.min() if kind == "date" else known.mean())
    if not scale or not math.isfinite(width) or not math.isfinite(centre):
        width, centre = 1.0, 0.0
    # Of a constant column rounding may leave a tiny spread.
    width = width if width > 1e-12 * float(np.abs(known).max()) else 1.0
    return KINDS[kind](name, fill=float(np.median(known)), centre=centre, scale=width, **options)


def _constant(column: Column, entries: Entries) -> bool:
    values = column.encode(entries)
    return bool((values == values[0]).all())


def _learn_levels(
    name: str, entries: Entries, max_levels: int, min_share: float, *, forced: bool
) -> Column | str:
    counts = Counter(map(as_text, entries))
    n = len(entries)
    if len(counts) == 1 and not forced:
        return "the same everywhere"
    if len(counts) > max(max_levels, 0.5 * n) and not forced:
        return f"{len(counts)} different texts in {n} rows"
    least = max(min_share * n, 2.0) if n >= 20 else 1.0
    kept = [level for level, count in counts.most_common(max_levels) if count >= least]
    levels = tuple(sorted(kept))
    return Categorical(name, levels=levels, rare=len(kept) < len(counts))
