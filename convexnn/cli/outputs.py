"""What commands write: places are checked before the work, and files appear whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from convexnn.exceptions import ParameterError

__all__ = ["check_file", "check_folder", "new_file", "new_files"]


def check_file(path: Path) -> None:
    """Raise unless a file can be written there.

    Raises
    ------
    ParameterError
        If the path is a folder, or its folder does not exist or is not writable.
    """
    if path.is_dir():
        raise ParameterError(f"{path} is a folder; give the name of a file to write.")
    folder = path.parent
    if not folder.is_dir():
        raise ParameterError(f"the folder {folder} does not exist; make it, or write elsewhere.")
    _check_writable(path if path.exists() else folder)


def check_folder(path: Path) -> None:
    """Raise unless a folder is or can be made there.

    Raises
    ------
    ParameterError
        If a file is in the way, or the nearest folder that exists is not writable.
    """
    there = path
    while not there.exists() and there != there.parent:
        there = there.parent
    if not there.is_dir():
        raise ParameterError(f"{there} is a file, but a folder is to be written at {path}; remove it or use --out.")
    _check_writable(there)


def _check_writable(path: Path) -> None:
    if not os.access(path, os.W_OK):
        raise ParameterError(f"{path} cannot be written to; change its permissions, or write elsewhere.")


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """A place to write a file to, which takes its name if the block ends well; else what was there stays."""
    if path.exists() and not path.is_file():  # a device or a pipe
        yield path
        return
    with new_files(path.parent) as folder:
        yield folder / path.name


@contextmanager
def new_files(folder: Path) -> Iterator[Path]:
    """A folder to write files to, which move to `folder` if the block ends well; else what was there stays."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".writing-") as place:
        yield Path(place)
        for file in sorted(Path(place).iterdir()):
            os.replace(file, folder / file.name)
