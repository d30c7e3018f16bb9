"""Dictionaries as folders: streamed in parts, resumed after an interruption, refused before the disk fills."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from convexnn import __version__
from convexnn._checks import check_bias, check_count, check_norm, check_points
from convexnn._types import ArrayLike, Bias, Norm
from convexnn.dictionaries import Atoms
from convexnn.exceptions import DataError, DictionarySizeError, ParameterError
from convexnn.export.atom_tables import TABLES, bytes_per_atom, describe_columns, part_name, read_part, write_part
from convexnn.export.coefficients import find_atoms, sparse_coefficients
from convexnn.export.matrix_files import MATRICES, bytes_of_matrix, write_matrix
from convexnn.export.saved import FORMAT, MANIFEST, VERSION, SavedDictionary, load_dictionary, read_manifest
from convexnn.export.sources import AllWedges, GivenAtoms, Source

__all__ = ["export_dictionary"]

# Free space that is left to others.
RESERVE = 2**28
BLOCK = 131_072


def export_dictionary(
    X: ArrayLike,
    folder: str | PathLike[str],
    *,
    norm: Norm = "l2",
    bias: Bias = True,
    atoms: Atoms | None = None,
    result: Any = None,
    table: str = "parquet",
    matrix: str | None = None,
    block: int = BLOCK,
    reserve: int = RESERVE,
    observer: Callable[[int, int], None] | None = None,
) -> SavedDictionary:
    """Write the dictionary of a data set to a folder, part by part.

    Memory is bounded by one part, whatever the size. Called again after an interruption, with the same
    arguments, it continues and ends with the same files. The layout is described in ``dictionary.json``.

    Parameters
    ----------
    X : (n, d) array
    folder : path
        Made if needed; may hold nothing but an earlier export of the same dictionary.
    norm, bias :
        Which dictionary, as in :func:`convexnn.dictionary`.
    atoms : Atoms, optional
        Atoms to write in place of all wedges, for instance ``sampled_dictionary(X, size=1000).atoms()``.
    result : TrainingResult, optional
        Its coefficients are stored as a sparse matrix. Its neurons must be among the atoms.
    table : "parquet" or "json"
        Format of the atoms: Parquet, or JSON lines.
    matrix : "npy", "npz" or "safetensors", optional
        Also write the responses of all atoms to all samples, 8 n bytes per atom.
    block : int
        Subsets of samples per part.
    reserve : int
        Bytes of the disk that stay free.
    observer : callable, optional
        Called with (parts written, parts in all).

    Returns
    -------
    SavedDictionary

    Raises
    ------
    DataError
        If X is not a finite table, or a neuron of `result` is not in the dictionary.
    DictionarySizeError
        If the disk has not enough room; checked before anything is written and again at every part.
    ParameterError
        If the folder holds something else.
    SolverUnavailableError
        If Parquet is asked for without pyarrow.
    """
    points, block = check_points(X), check_count("block", block)
    norm, bias = check_norm(norm), check_bias(bias)
    _check_choice("table", table, TABLES)
    if matrix is not None:
        _check_choice("matrix", matrix, MATRICES)
    source: Source = AllWedges(points, norm, bias, block) if atoms is None else GivenAtoms(points, atoms, block)
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    manifest = _describe(source, points.shape, norm, bias, table, matrix, block)
    if _same_and_complete(place, manifest):
        return _with_coefficients(load_dictionary(place), result)
    _check_room(place, source, points.shape, table, matrix, reserve)
    np.save(place / "samples.npy", points, allow_pickle=False)
    _write_manifest(place, manifest)

    def check(needed: int) -> None:
        _refuse_full_disk(place, needed, reserve)

    counts = _write_table(place, source, table, manifest, check, observer)
    name = None if matrix is None else write_matrix(place, matrix, source, len(points), counts, check)
    for left in place.rglob("*.tmp"):
        left.unlink()
    manifest |= {"complete": True, "n_atoms": sum(counts), "parts": counts, "matrix_file": name}
    _write_manifest(place, manifest)
    return _with_coefficients(load_dictionary(place), result)


def _check_choice(name: str, value: str, known: dict[str, str]) -> None:
    if value not in known:
        raise ParameterError(f"{name}={value!r} is unknown; choose one of {', '.join(map(repr, known))}.")


def _describe(
    source: Source, shape: tuple[int, ...], norm: Norm, bias: Bias, table: str, matrix: str | None, block: int
) -> dict[str, Any]:
    """The manifest; everything up to `fingerprint` identifies the export."""
    n, d = shape
    return {
        "format": FORMAT,
        "version": VERSION,
        "kind": source.kind,
        "norm": norm,
        "bias": bias,
        "n_samples": n,
        "n_features": d,
        "table": table,
        "matrix": matrix,
        "block": block,
        "fingerprint": source.fingerprint(),
        "convexnn": __version__,
        "columns": describe_columns(d, source.n_generators),
        "complete": False,
    }


def _same_and_complete(folder: Path, manifest: dict[str, Any]) -> bool:
    """Whether the folder holds this export already; an error if it holds another one."""
    if not (folder / MANIFEST).exists():
        strangers = [entry.name for entry in folder.iterdir() if entry.name not in ("samples.npy", MANIFEST + ".tmp")]
        if strangers:
            raise ParameterError(f"{folder} is not empty ({strangers[0]}); choose a new folder.")
        return False
    found = read_manifest(folder)
    for name in list(manifest)[: list(manifest).index("fingerprint") + 1]:
        if found.get(name) != manifest[name]:
            raise ParameterError(
                f"{folder} holds the export of another dictionary: {name} is {found.get(name)!r}, not "
                f"{manifest[name]!r}. Choose a new folder."
            )
    return bool(found["complete"])


def _check_room(
    folder: Path, source: Source, shape: tuple[int, ...], table: str, matrix: str | None, reserve: int
) -> None:
    n, d = shape
    needed = source.most_atoms * bytes_per_atom(table, d, source.n_generators) + 8 * n * d
    if matrix is not None:
        needed += bytes_of_matrix(matrix, n, source.most_atoms)
    written = sum(entry.stat().st_size for entry in folder.rglob("*") if entry.is_file())
    _refuse_full_disk(folder, max(0, needed - written), reserve)


def _refuse_full_disk(folder: Path, needed: int, reserve: int) -> None:
    free = shutil.disk_usage(folder).free - reserve
    if needed > free:
        raise DictionarySizeError(
            f"the dictionary needs up to {needed:,} more bytes in {folder}, but {max(0, free):,} are free beside the "
            f"reserve of {reserve:,}. Make room, leave out the matrix, or use fewer samples.",
            count=needed,
            budget=max(0, free),
        )


def _write_table(
    folder: Path,
    source: Source,
    table: str,
    manifest: dict[str, Any],
    check: Callable[[int], None],
    observer: Callable[[int, int], None] | None,
) -> list[int]:
    """Write the parts that are missing; the number of atoms of each."""
    (folder / "atoms").mkdir(exist_ok=True)
    notes = {name: str(manifest[name]) for name in ("format", "norm", "bias", "n_samples", "fingerprint")}
    per_atom = bytes_per_atom(table, manifest["n_features"], source.n_generators)
    counts = []
    for k in range(source.n_parts):
        path = folder / "atoms" / part_name(k, table)
        if path.exists():
            counts.append(_count_rows(path))
        else:
            atoms = source.atoms(k)
            check(len(atoms) * per_atom)
            write_part(path, atoms, notes)
            counts.append(len(atoms))
        if observer is not None:
            observer(k + 1, source.n_parts)
    return counts


def _count_rows(path: Path) -> int:
    if path.suffix == TABLES["parquet"]:
        from pyarrow import parquet

        return int(parquet.read_metadata(path).num_rows)
    with path.open("rb") as file:
        return sum(1 for _ in file)


def _write_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    temporary = folder / (MANIFEST + ".tmp")
    temporary.write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    temporary.replace(folder / MANIFEST)


def _with_coefficients(saved: SavedDictionary, result: Any) -> SavedDictionary:
    """Store the coefficients of a training result beside the atoms."""
    if result is None:
        return saved
    if not isinstance(getattr(result, "atoms", None), Atoms):
        raise DataError(f"result is {type(result).__name__}; expected what convexnn.train returns.")
    from scipy.sparse import save_npz

    place = find_atoms(result.atoms, (read_part(path) for path in saved.part_paths))
    temporary = saved.folder / "coefficients.tmp.npz"
    save_npz(temporary, sparse_coefficients(place, result.coef, saved.n_atoms))
    temporary.replace(saved.folder / "coefficients.npz")
    return saved
