"""Files of tables as columns: CSV of any dialect, compressed or not, Parquet and Excel."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

from convexnn.exceptions import DataError

__all__ = ["read_columns"]

Columns = dict[str, Sequence[object]]

_UNPACK: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.decompress,
    ".bz2": bz2.decompress,
    ".xz": lzma.decompress,
}
_SEPARATORS = ",;\t|"
# Rows by which a dialect is told.
_LOOK = 20
# What is no text although it can be decoded somehow.
_MAGIC = {
    b"PAR1": "Parquet; give it the suffix .parquet",
    b"PK\x03\x04": "a zip archive; give it the suffix .zip or .xlsx",
    b"\x1f\x8b": "compressed; give it the suffix .gz",
    b"\xd0\xcf\x11\xe0": "an old Excel file; save it as .xlsx or CSV",
    b"%PDF": "a PDF; a table is expected",
    b"<htm": "a web page; a table is expected",
    b"<!DO": "a web page; a table is expected",
}


def read_columns(path: Path) -> Columns:
    """The columns of a file, as text (CSV) or with the types of the file.

    Raises
    ------
    DataError
        If the file is no table, or a package that reads it is missing.
    """
    suffix = path.suffix.lower()
    if suffix in (".parquet", ".pq"):
        return _parquet(path)
    if suffix in (".xlsx", ".xlsm"):
        return _from_rows(path, _excel_rows(path))
    return _from_rows(path, _text_rows(path, _decode(path, _content(path, suffix))))


def _content(path: Path, suffix: str) -> bytes:
    content = path.read_bytes()
    try:
        if suffix == ".zip":
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                members = [item for item in archive.namelist() if not item.endswith("/") and "__MACOSX" not in item]
                if len(members) != 1:
                    raise DataError(f"{path} holds {len(members)} files; expected one table. Unpack it first.")
                return archive.read(members[0])
        return _UNPACK[suffix](content) if suffix in _UNPACK else content
    except (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, RuntimeError) as error:
        raise DataError(f"{path} cannot be unpacked ({error}); damaged, or of another kind than {suffix}.") from error


def _decode(path: Path, content: bytes) -> str:
    for magic, what in _MAGIC.items():
        if content[:4] == magic or content.startswith(magic):
            raise DataError(f"{path} is not a text table, but {what}.")
    wide = content[:2] in (b"\xff\xfe", b"\xfe\xff")
    # Western Europe's code page reads what is no UTF-8: accents of old spreadsheets.
    for encoding in ("utf-16",) if wide else ("utf-8-sig", "cp1252"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError as error:
            problem = str(error)
            continue
        if "\0" not in text:
            return text
        problem = "it has bytes of value zero"
    raise DataError(f"{path} is not a text table ({problem}); expected CSV, .parquet or .xlsx.")


def _text_rows(path: Path, text: str) -> list[list[object]]:
    lines = list(io.StringIO(text, newline=""))
    stated = lines.pop(0).strip()[4:5] if lines and lines[0].lower().startswith("sep=") else ""  # by spreadsheets
    lines = lines if any(line.strip() for line in lines) else []
    separator = stated or _separator([line for line in lines[: 10 * _LOOK] if line.strip()][:_LOOK])
    if separator == " ":
        return [list(line.split()) for line in lines if line.strip()]
    try:
        return [list(row) for row in csv.reader(lines, delimiter=separator) if any(entry.strip() for entry in row)]
    except csv.Error as error:
        raise DataError(f"{path} is not a text table ({error}); expected CSV, .parquet or .xlsx.") from error


def _separator(lines: list[str]) -> str:
    """The sign that cuts the first lines into most columns, equally many in each if one does; blanks at the last."""
    best = (0, 1, ",")
    for sign in _SEPARATORS:
        sizes = [len(row) for row in csv.reader(lines, delimiter=sign)]
        if sizes and sizes[0] > 1:
            even = len(set(sizes[1:])) < 2 and abs(sizes[-1] - sizes[0]) < 2
            best = max(best, (1 + even, sizes[0], sign), key=lambda entry: entry[:2])
    words = {len(line.split()) for line in lines}
    if not best[0] and len(words) == 1 and words != {1} and not any('"' in line for line in lines):
        return " "
    return best[2]


def _from_rows(path: Path, rows: list[list[object]]) -> Columns:
    if not rows:
        raise DataError(f"{path} is empty; expected a header line and at least one row.")
    header, body = ["" if name is None else str(name).strip() for name in rows[0]], rows[1:]
    if body and all(len(row) == len(header) + 1 for row in body):
        # R leaves the head of row names out; other programs end every line but the first with a separator.
        last = all(row[-1] in ("", None) for row in body)
        body, header = ([row[:-1] for row in body], header) if last else (body, ["", *header])
    for number, row in enumerate(body, start=1):
        if len(row) != len(header):
            raise DataError(
                f"{path}, data row {number}: {len(row)} entries, the header has {len(header)}. "
                "Quote entries that contain the separator."
            )
    _check_header(path, header)
    columns = zip(*body) if body else ([] for _ in header)
    return {name: list(column) for name, column in zip(_different(header), columns)}


def _check_header(path: Path, header: list[str]) -> None:
    """Refuse a first row of data; numbers that count columns are names as programs give them."""
    names = [name for name in header if name]
    try:
        numbers = [float(name) for name in names]
    except ValueError:
        return
    start = numbers[0] if numbers else 0.0
    if not names or start not in (0.0, 1.0) or numbers != [start + k for k in range(len(numbers))]:
        raise DataError(f"{path}: the first line, {header[:6]}, has no column names; add a line with one per column.")


def _different(header: list[str]) -> list[str]:
    """Names as pandas makes them: a, a.1, a.2 for repeated ones; one column may be without a name."""
    found: list[str] = []
    for name in header:
        base, k = name or ("" if header.count("") == 1 else "column"), 0
        while (base if k == 0 else f"{base}.{k}") in found:
            k += 1
        found.append(base if k == 0 else f"{base}.{k}")
    return found


def _parquet(path: Path) -> Columns:
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
    return {name: table.column(name).to_pylist() for name in table.column_names}


def _excel_rows(path: Path) -> list[list[object]]:
    try:
        from openpyxl import load_workbook
    except ImportError as error:
        raise DataError(
            f"{path} is an Excel file, which needs openpyxl; install convexnn[export] or save it as CSV."
        ) from error
    try:
        book = load_workbook(path, read_only=True, data_only=True)
    except Exception as error:  # openpyxl raises errors of zip, XML and its own
        raise DataError(f"{path} is not an Excel file ({error}).") from error
    try:
        rows = [list(row) for row in book.worksheets[0].iter_rows(values_only=True)]
    finally:
        book.close()
    rows = [row for row in rows if any(entry not in (None, "") for entry in row)]
    width = max((k + 1 for row in rows for k, entry in enumerate(row) if entry not in (None, "")), default=0)
    return [(row + [None] * width)[:width] for row in rows]
