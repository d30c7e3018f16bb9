"""Arrays from files of strangers: what a header declares is compared with the size of the file before use."""

from __future__ import annotations

import math
import zipfile
from pathlib import Path
from tokenize import TokenError
from typing import IO, Any

import numpy as np

__all__ = ["DAMAGED", "check_npz", "map_npy", "read_npy", "read_npz"]

# What NumPy and zipfile raise for files that are no arrays; MemoryError is no longer among them.
DAMAGED = (OSError, ValueError, KeyError, EOFError, SyntaxError, TokenError, zipfile.BadZipFile, NotImplementedError)

# DEFLATE packs at most 1032 bytes into one.
_MOST_PACKED = 1032


def _check_npy(file: IO[bytes], size: int) -> None:
    """Raise ValueError unless an npy file of `size` bytes can hold the array that its header declares."""
    version = np.lib.format.read_magic(file)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"npy version {version} is not 1.0 or 2.0")
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(file)
    if dtype.hasobject:
        raise ValueError("the array holds objects, not numbers")
    held, needed = size - file.tell(), dtype.itemsize * math.prod(shape)
    if min(shape, default=0) < 0 or needed != held:
        raise ValueError(f"shape {shape} of {dtype} needs {needed} bytes, but the file holds {held}")


def read_npy(path: Path) -> Any:
    """The array of an ``.npy`` file.

    Raises
    ------
    OSError, ValueError, EOFError, SyntaxError, TokenError
        If it is damaged, holds objects, or declares another size than it has.
    """
    with path.open("rb") as file:
        _check_npy(file, path.stat().st_size)
    return np.load(path, allow_pickle=False)


def map_npy(path: Path) -> Any:
    """The same as a read-only memory map."""
    with path.open("rb") as file:
        _check_npy(file, path.stat().st_size)
    return np.load(path, mmap_mode="r", allow_pickle=False)


def check_npz(path: Path) -> None:
    """Raise ValueError or BadZipFile unless every array of an ``.npz`` file has the size that it declares."""
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            most = _MOST_PACKED * entry.compress_size if entry.compress_type else entry.compress_size
            if entry.file_size > most or entry.compress_size > path.stat().st_size:
                raise ValueError(f"{entry.filename} declares {entry.file_size} bytes in {entry.compress_size}")
            with archive.open(entry) as file:
                _check_npy(file, entry.file_size)


def read_npz(path: Path, name: str) -> Any:
    """One array of an ``.npz`` file, after :func:`check_npz`."""
    check_npz(path)
    with np.load(path, allow_pickle=False) as archive:
        return np.asarray(archive[name])
