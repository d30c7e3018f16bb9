"""Networks on disk: safetensors, so that loading a file runs nothing.

The header carries sizes, a version and a SHA-256 of tensors and notes, so a damaged file is told from a whole one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from os import PathLike
from pathlib import Path

import numpy as np
from safetensors.numpy import save

from convexnn._types import Floats
from convexnn.exceptions import DataError, ModelFormatError, ParameterError
from convexnn.network.relu import ReLUNetwork
from convexnn.network.tensors import read_tensors

__all__ = ["load_network", "read_metadata", "save_network"]

_FORMAT = "convexnn-network"
_VERSION = "1"
_TENSORS = ("hidden_weights", "hidden_biases", "output_weights", "intercept")
_SIZES = ("m", "d", "c")
_RESERVED = ("format", "version", *_SIZES, "sha256")


def _digest(tensors: Mapping[str, Floats], notes: Mapping[str, str]) -> str:
    digest = hashlib.sha256(json.dumps(dict(notes), sort_keys=True).encode())
    for name in _TENSORS:
        digest.update(repr(tensors[name].shape).encode())
        digest.update(np.ascontiguousarray(tensors[name], dtype="<f8").tobytes())
    return digest.hexdigest()


def save_network(network: ReLUNetwork, path: str | PathLike[str], metadata: Mapping[str, str] | None = None) -> None:
    """Write a network to a safetensors file.

    Parameters
    ----------
    network : ReLUNetwork
    path : path
    metadata : dict of str to str, optional
        Notes kept in the header, for instance ``{"certificate": certificate.to_json()}``.

    Raises
    ------
    ParameterError
        If a note is not text, or its name is one of the header's own.
    """
    notes = dict(metadata or {})
    for name, text in notes.items():
        if not isinstance(name, str) or not isinstance(text, str):
            raise ParameterError(f"metadata[{name!r}] is {type(text).__name__}; names and notes must be text.")
        if name in _RESERVED:
            raise ParameterError(f"metadata[{name!r}]: the names {', '.join(_RESERVED)} are taken; choose another.")
    tensors = {name: np.array(getattr(network, name)) for name in _TENSORS}
    sizes = dict(zip(_SIZES, (network.n_neurons, network.n_features, network.n_outputs)))
    header = {
        **notes,
        "format": _FORMAT,
        "version": _VERSION,
        **{name: str(size) for name, size in sizes.items()},
        "sha256": _digest(tensors, notes),
    }
    Path(path).write_bytes(save(tensors, metadata=header))


def load_network(path: str | PathLike[str]) -> ReLUNetwork:
    """Read a network written by :func:`save_network`.

    Raises
    ------
    ModelFormatError
        If the file is damaged, edited, of another kind or of an unknown version.
    OSError
        If it cannot be opened.
    """
    return _read(Path(path))[0]


def read_metadata(path: str | PathLike[str]) -> dict[str, str]:
    """The notes of a network file, after the same checks as :func:`load_network`."""
    return _read(Path(path))[1]


def _read(path: Path) -> tuple[ReLUNetwork, dict[str, str]]:
    header, tensors = read_tensors(path)
    _check_header(path, header, tensors)
    try:
        network = ReLUNetwork(**tensors)
    except DataError as error:
        raise ModelFormatError(f"{path}: {error} The file is damaged or edited.") from error
    return network, {name: text for name, text in header.items() if name not in _RESERVED}


def _check_header(path: Path, header: dict[str, str], tensors: dict[str, Floats]) -> None:
    """Kind, version, names, types, shapes and checksum, in the order in which they explain most."""
    if header.get("format") != _FORMAT:
        raise ModelFormatError(f"{path} is not a network of convexnn: its format is {header.get('format')!r}.")
    if header.get("version") != _VERSION:
        raise ModelFormatError(
            f"{path} has version {header.get('version')!r}; this release reads {_VERSION!r}. Update convexnn."
        )
    if set(tensors) != set(_TENSORS):
        raise ModelFormatError(f"{path} has the tensors {sorted(tensors)}; expected {sorted(_TENSORS)}.")
    if not all(header.get(name, "").isascii() and header.get(name, "").isdigit() for name in _SIZES):
        raise ModelFormatError(f"{path}: the sizes {', '.join(_SIZES)} in the header are not counts; file edited.")
    m, d, c = (int(header[name][:18]) for name in _SIZES)
    for name, shape in zip(_TENSORS, ((m, d), (m,), (m, c), (c,))):
        if tensors[name].dtype != np.float64 or tensors[name].shape != shape:
            raise ModelFormatError(
                f"{path}: tensor {name} is {tensors[name].dtype} of shape {tensors[name].shape}, but the header "
                f"says float64 of shape {shape}; file damaged or edited."
            )
    notes = {name: text for name, text in header.items() if name not in _RESERVED}
    if header.get("sha256") != _digest(tensors, notes):
        raise ModelFormatError(f"{path}: the checksum does not match the contents; file damaged or edited.")
