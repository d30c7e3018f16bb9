"""Tables of atoms, one file per part: Parquet for programs, JSON lines for everything else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from convexnn.dictionaries import Atoms
from convexnn.exceptions import ModelFormatError, SolverUnavailableError

__all__ = ["TABLES", "bytes_per_atom", "describe_columns", "part_name", "read_part", "write_part"]

TABLES = {"parquet": ".parquet", "json": ".jsonl"}


def part_name(number: int, table: str) -> str:
    """File name of a part; names sort in the order of the atoms."""
    return f"part-{number:06d}{TABLES[table]}"


def bytes_per_atom(table: str, n_features: int, n_generators: int) -> int:
    """Room that one atom needs at most, apart from a few bytes per part."""
    if table == "parquet":
        return 8 * (n_features + 1) + 4 * n_generators + 3
    return 26 * (n_features + 1) + 12 * n_generators + 60


def describe_columns(n_features: int, n_generators: int) -> list[dict[str, str]]:
    """Name, type and meaning of the columns, for the manifest."""
    normals = [(f"normal_{k}", "double", f"entry {k} of the unit normal u") for k in range(n_features)]
    rows = [
        (f"generator_{k}", "int32", "row on the hyperplane: a sample if below n_samples, else n_samples + axis")
        for k in range(n_generators)
    ]
    offset = ("offset", "double", "c in (x.u + c)_+")
    side = ("orientation", "int8", "+1 as the cross product of the generators points, -1 reversed")
    return [dict(zip(("name", "type", "meaning"), entry)) for entry in (*normals, offset, *rows, side)]


def _parquet() -> tuple[Any, Any]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise SolverUnavailableError(
            "Parquet tables need pyarrow; install convexnn[export], or use table='json'."
        ) from error
    return pyarrow, parquet


def write_part(path: Path, atoms: Atoms, notes: Mapping[str, str]) -> None:
    """Write atoms to a file; it appears under its name only when it is whole."""
    temporary = path.with_suffix(path.suffix + ".tmp")
    if path.suffix == TABLES["json"]:
        _write_lines(temporary, atoms)
    else:
        arrow, parquet = _parquet()
        columns = {f"normal_{k}": column for k, column in enumerate(np.asfortranarray(atoms.normals).T)}
        columns["offset"] = atoms.offsets
        rows = np.asfortranarray(atoms.generators.astype(np.int32))
        columns |= {f"generator_{k}": column for k, column in enumerate(rows.T)}
        columns["orientation"] = atoms.orientation.astype(np.int8)
        table = arrow.table(columns).replace_schema_metadata(dict(notes))
        # Doubles of a cross product have no structure that a dictionary or a compressor could use.
        codes = [name for name in columns if name.startswith(("generator", "orientation"))]
        options = {"compression": "none", "write_page_checksum": True}
        parquet.write_table(table, temporary, use_dictionary=codes, **options)
    temporary.replace(path)


def _write_lines(path: Path, atoms: Atoms) -> None:
    rows = zip(atoms.normals.tolist(), atoms.offsets.tolist(), atoms.generators.tolist(), atoms.orientation.tolist())
    names = ("normal", "offset", "generators", "orientation")
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(dict(zip(names, row))) + "\n" for row in rows)


def read_part(path: Path) -> Atoms:
    """Read what :func:`write_part` wrote, bit for bit.

    Raises
    ------
    ModelFormatError
        If the file is damaged.
    """
    try:
        return _read_lines(path) if path.suffix == TABLES["json"] else _read_parquet(path)
    except SolverUnavailableError:
        raise
    except (OSError, ValueError, KeyError, TypeError) as error:  # errors of arrow are among these
        raise ModelFormatError(f"{path} is not a table of atoms ({error}); export again.") from error


def _read_parquet(path: Path) -> Atoms:
    table = _parquet()[1].read_table(path, page_checksum_verification=True)

    def columns(stem: str, dtype: type) -> Any:
        found = [name for name in table.column_names if name.startswith(stem)]
        out = np.empty((table.num_rows, len(found)), dtype=dtype)
        for k, name in enumerate(found):
            out[:, k] = table.column(name).to_numpy()
        return out

    return Atoms(
        columns("normal_", np.float64),
        np.array(table.column("offset").to_numpy()),
        columns("generator_", np.int64),
        table.column("orientation").to_numpy().astype(np.int64),
    )


def _read_lines(path: Path) -> Atoms:
    with path.open(encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    sizes = (len(rows[0]["normal"]), len(rows[0]["generators"])) if rows else (0, 0)
    return Atoms(
        np.array([row["normal"] for row in rows], dtype=np.float64).reshape(len(rows), sizes[0]),
        np.array([row["offset"] for row in rows], dtype=np.float64),
        np.array([row["generators"] for row in rows], dtype=np.int64).reshape(len(rows), sizes[1]),
        np.array([row["orientation"] for row in rows], dtype=np.int64),
    )
