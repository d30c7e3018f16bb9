"""Small data sets that come with the package, each with a card that says where it is from."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

import numpy as np

from convexnn._types import Floats
from convexnn.exceptions import DataError, ParameterError

__all__ = ["BundledData", "bundled_names", "load_bundled"]


@dataclass(frozen=True)
class BundledData:
    """A data set with its card.

    Attributes
    ----------
    name : str
    X : (n, d) array
    y : (n,) array
    feature_names : tuple of str
    target_name : str
    card : str
        Title, source, licence, shape and checksum, as Markdown.
    """

    name: str
    X: Floats
    y: Floats
    feature_names: tuple[str, ...]
    target_name: str
    card: str


def _folder() -> Traversable:
    """Where the files are: inside an installed package, or beside it in a checkout."""
    installed = resources.files("convexnn").joinpath("_datasets")
    checkout = Path(__file__).resolve().parents[2] / "datasets"
    for folder in (checkout, installed):
        if folder.joinpath("spiral.md").is_file():
            return folder
    raise DataError(f"the bundled data sets are neither in {installed} nor in {checkout}; reinstall convexnn.")


def bundled_names() -> list[str]:
    """Names that :func:`load_bundled` knows."""
    return sorted(entry.name[:-4] for entry in _folder().iterdir() if entry.name.endswith(".csv"))


def load_bundled(name: str) -> BundledData:
    """Load a data set that comes with the package; nothing is downloaded.

    Parameters
    ----------
    name : str
        "spiral": two arms in the plane, labels -1 and +1. "wave1d": a noisy wave of one feature.

    Returns
    -------
    BundledData

    Raises
    ------
    ParameterError
        If the name is unknown.
    DataError
        If a file does not have the checksum of its card.
    """
    folder, known = _folder(), bundled_names()
    if name not in known:
        choices = ", ".join(map(repr, known))
        raise ParameterError(f"name={name!r} is no bundled data set; choose one of {choices}.")
    content = folder.joinpath(f"{name}.csv").read_bytes()
    card = folder.joinpath(f"{name}.md").read_text(encoding="utf-8")
    found = hashlib.sha256(content).hexdigest()
    stated = re.search(r"[0-9a-f]{64}", card)
    if stated is None or stated.group() != found:
        raise DataError(f"{name}.csv does not have the SHA-256 of its card, but {found}; reinstall convexnn.")
    header, *lines = content.decode("utf-8").splitlines()
    names = header.split(",")
    table = np.array([[float(entry) for entry in line.split(",")] for line in lines])
    return BundledData(
        name=name,
        X=np.ascontiguousarray(table[:, :-1]),
        y=np.ascontiguousarray(table[:, -1]),
        feature_names=tuple(names[:-1]),
        target_name=names[-1],
        card=card,
    )
