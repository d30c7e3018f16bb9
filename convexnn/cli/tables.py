"""Predictions on disk: CSV that is read back bit for bit."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from convexnn._types import Floats

__all__ = ["write_columns"]


def write_columns(path: Path, names: Sequence[str], values: Floats) -> None:
    """Write the columns of a matrix (n, k) as CSV; shortest digits that give the same doubles."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        writer.writerows([[repr(float(entry)) for entry in row] for row in values])
