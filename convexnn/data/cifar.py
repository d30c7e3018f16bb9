"""CIFAR-10, downloaded once from its authors and read without pickle."""

from __future__ import annotations

import hashlib
import os
import tarfile
import urllib.request
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convexnn.exceptions import DataError, ParameterError

__all__ = ["CIFAR10_CLASSES", "load_cifar10"]

CIFAR10_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")

_URL = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"
# As published on the page of the data set.
_MD5 = "c32a1d4ab5d03f1284b67883e8d87530"
_RECORD = 1 + 3 * 32 * 32
_TRAIN = tuple(f"data_batch_{k}.bin" for k in range(1, 6))
_TEST = ("test_batch.bin",)

Bytes = NDArray[np.uint8]


def load_cifar10(
    *, classes: Sequence[str] | None = None, data_home: str | PathLike[str] | None = None, download: bool = True
) -> tuple[Bytes, NDArray[np.int64], Bytes, NDArray[np.int64]]:
    """Images of CIFAR-10 (Krizhevsky 2009), all ten classes or some.

    Parameters
    ----------
    classes : sequence of str, optional
        Names from `CIFAR10_CLASSES`; labels are positions in this sequence.
    data_home : path, optional
        Folder of the archive (162 MB), by default ``$CONVEXNN_DATA`` or ``~/.cache/convexnn``.
    download : bool
        Whether to fetch the archive if it is not there.

    Returns
    -------
    X_train (n, 32, 32, 3) uint8, y_train (n,), X_test, y_test

    Raises
    ------
    ParameterError
        If a class is unknown.
    DataError
        If the archive is absent and may not be fetched, or is damaged.
    """
    wanted = list(CIFAR10_CLASSES if classes is None else classes)
    if unknown := [name for name in wanted if name not in CIFAR10_CLASSES]:
        raise ParameterError(f"classes has {unknown[0]!r}; choose from {', '.join(CIFAR10_CLASSES)}.")
    home = data_home if data_home is not None else os.environ.get("CONVEXNN_DATA", Path.home() / ".cache" / "convexnn")
    archive = Path(home) / "cifar-10-binary.tar.gz"
    if not archive.exists():
        if not download:
            raise DataError(f"{archive} is absent; allow the download, or put the binary version of CIFAR-10 there.")
        _fetch(archive)
    codes = [CIFAR10_CLASSES.index(name) for name in wanted]
    X_train, y_train = _read(archive, _TRAIN, codes)
    X_test, y_test = _read(archive, _TEST, codes)
    return X_train, y_train, X_test, y_test


def _fetch(archive: Path) -> None:
    """Download next to the final place and move there only what has the published checksum."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    part = archive.with_suffix(".part")
    try:
        urllib.request.urlretrieve(_URL, part)
    except OSError as error:
        raise DataError(f"{_URL} could not be fetched ({error}); fetch it by hand into {archive.parent}.") from error
    with part.open("rb") as file:
        found = hashlib.file_digest(file, "md5").hexdigest()
    if found != _MD5:
        part.unlink()
        raise DataError(f"{_URL} has the MD5 sum {found}, but {_MD5} is published; try again later.")
    part.replace(archive)


def _read(archive: Path, names: tuple[str, ...], codes: list[int]) -> tuple[Bytes, NDArray[np.int64]]:
    images, labels = [], []
    try:
        with tarfile.open(archive, "r:gz") as tar:
            members: dict[str, Any] = {Path(member.name).name: member for member in tar.getmembers()}
            for name in names:
                stream = tar.extractfile(members[name])
                if stream is None:
                    raise KeyError(name)
                records = np.frombuffer(stream.read(), dtype=np.uint8).reshape(-1, _RECORD)
                labels.append(records[:, 0])
                images.append(records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))
    except (tarfile.TarError, KeyError, ValueError, EOFError) as error:
        raise DataError(f"{archive} is not the binary CIFAR-10 archive ({error}); remove it and try again.") from error
    X, y = np.concatenate(images), np.concatenate(labels)
    position = np.full(256, -1, dtype=np.int64)
    position[codes] = np.arange(len(codes))
    keep = position[y] >= 0
    return np.ascontiguousarray(X[keep]), position[y[keep]]
