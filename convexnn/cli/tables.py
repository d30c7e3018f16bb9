"""Predictions on disk: CSV that is read back bit for bit."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from convexnn._types import Floats

__all__ = ["csv_text", "write_columns"]


def csv_text(columns: Mapping[str, Sequence[Any]]) -> str:
    """Columns as CSV; shortest digits that give the same doubles."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(
        [repr(entry) if isinstance(entry, float) else entry for entry in row] for row in zip(*columns.values())
    )
    return file.getvalue()


def write_columns(path: Path, names: Sequence[str], values: Floats) -> None:
    """Write the columns of a matrix (n, k) as CSV."""
    path.write_text(csv_text({name: column.tolist() for name, column in zip(names, values.T)}), encoding="utf-8")
