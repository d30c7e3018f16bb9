"""The matrix of a dictionary on disk, column after column, so that it may be larger than memory."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from convexnn._types import Floats
from convexnn.exceptions import ModelFormatError
from convexnn.export.array_files import DAMAGED, map_npy, read_npz
from convexnn.export.sources import Source

__all__ = ["MATRICES", "bytes_of_matrix", "open_matrix", "write_matrix"]

MATRICES = {"npy": "matrix.npy", "npz": "matrix.npz", "safetensors": "matrix.safetensors"}
# Columns written at once.
_BLOCK_BYTES = 2**24


def bytes_of_matrix(kind: str, n: int, n_atoms: int) -> int:
    """Room that the matrix needs; an npz is packed from a complete npy, so both exist for a moment."""
    return 8 * n * n_atoms * (2 if kind == "npz" else 1)


def write_matrix(
    folder: Path, kind: str, source: Source, n: int, parts: Sequence[int], check: Callable[[int], None]
) -> str:
    """Write the matrix (n, n_atoms), or go on where an earlier call was interrupted.

    Parameters
    ----------
    folder : path
    kind : "npy", "npz" or "safetensors"
    source : Source
    n : int
        Number of samples.
    parts : sequence of int
        Atoms of each part.
    check : callable
        Called with the number of bytes before they are written.

    Returns
    -------
    str
        Name of the file.
    """
    target, partial = folder / MATRICES[kind], folder / "matrix.partial"
    if target.exists():
        return target.name
    header = _safetensors_header(n, sum(parts)) if kind == "safetensors" else _npy_header(n, sum(parts))
    with partial.open("r+b" if partial.exists() else "w+b") as file:
        done = _whole_columns(file, header, n)
        for part, first in _remaining(parts, done):
            _append(file, source, part, first, parts[part], max(1, _BLOCK_BYTES // (8 * n)), check)
    if kind == "npz":
        check(partial.stat().st_size)
        _pack(partial, target)
        partial.unlink()
    else:
        partial.replace(target)
    return target.name


def _whole_columns(file: io.BufferedRandom, header: bytes, n: int) -> int:
    """How many columns are on disk; the file is cut behind the last whole one."""
    size = file.seek(0, io.SEEK_END)
    if size < len(header):
        file.seek(0)
        file.write(header)
        size = len(header)
    done = (size - len(header)) // (8 * n)
    file.truncate(len(header) + 8 * n * done)
    file.seek(0, io.SEEK_END)
    return int(done)


def _remaining(parts: Sequence[int], done: int) -> list[tuple[int, int]]:
    """Parts that are not complete, each with its first missing atom."""
    ends = np.cumsum(np.asarray(parts, dtype=np.int64)) if len(parts) else np.zeros(0, dtype=np.int64)
    return [(k, max(0, done - int(end) + parts[k])) for k, end in enumerate(ends) if end > done]


def _append(
    file: io.BufferedRandom, source: Source, part: int, first: int, count: int, width: int, check: Callable[[int], None]
) -> None:
    for start in range(first, count, width):
        block = source.columns(part, slice(start, min(start + width, count)))
        content = np.ascontiguousarray(block.T, dtype="<f8")
        check(content.nbytes)
        file.write(content.tobytes())


def _npy_header(n: int, m: int) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": "<f8", "fortran_order": True, "shape": (n, m)})
    return buffer.getvalue()


def _safetensors_header(n: int, m: int) -> bytes:
    """Tensors are stored by rows, so the matrix is stored as its transpose, "columns" (n_atoms, n)."""
    text = json.dumps(
        {
            "__metadata__": {"format": "convexnn-dictionary", "tensor": "row j holds column j of the matrix"},
            "columns": {"dtype": "F64", "shape": [m, n], "data_offsets": [0, 8 * n * m]},
        }
    ).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


def _pack(npy: Path, target: Path) -> None:
    temporary = target.with_suffix(".npz.tmp")
    with zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        # A fixed date, so that the same matrix gives the same file.
        entry = zipfile.ZipInfo("matrix.npy", date_time=(1980, 1, 1, 0, 0, 0))
        with archive.open(entry, "w", force_zip64=True) as out, npy.open("rb") as content:
            while chunk := content.read(_BLOCK_BYTES):
                out.write(chunk)
    temporary.replace(target)


def open_matrix(path: Path, n: int, m: int) -> Floats:
    """The matrix (n, m): a read-only memory map of ``.npy`` and ``.safetensors``, an array from ``.npz``.

    Raises
    ------
    ModelFormatError
        If the file is damaged or has another shape.
    """
    try:
        matrix = _open(path, n, m)
    except DAMAGED as error:
        raise ModelFormatError(f"{path} is not a matrix of a dictionary ({error}); export again.") from error
    if matrix.shape != (n, m) or matrix.dtype != np.float64:
        raise ModelFormatError(f"{path} is {matrix.dtype} of shape {matrix.shape}; expected float64 ({n}, {m}).")
    return matrix


def _open(path: Path, n: int, m: int) -> Floats:
    if path.suffix == ".npz":
        return np.asarray(read_npz(path, "matrix"))
    if path.suffix == ".npy":
        return np.asarray(map_npy(path))
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
    if path.stat().st_size != 8 + length + 8 * n * m:
        raise ValueError(f"{path.stat().st_size} bytes do not hold {m} columns of {n}")
    return np.asarray(np.memmap(path, dtype="<f8", mode="r", offset=8 + length, shape=(m, n)).T)
