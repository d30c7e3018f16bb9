"""Tables on disk: CSV and Parquet in, CSV out."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from convexnn._types import Floats
from convexnn.data import Table
from convexnn.data import open_table as read_table

__all__ = ["Table", "read_table", "write_columns"]


def write_columns(path: Path, names: Sequence[str], values: Floats) -> None:
    """Write the columns of a matrix (n, k) as CSV with 17 digits, so that they are read back exactly."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        writer.writerows([[repr(float(entry)) for entry in row] for row in values])
