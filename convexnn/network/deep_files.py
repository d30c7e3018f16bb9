"""Deep networks on disk: safetensors with the tensor names of a PyTorch ``Sequential`` (0.weight, 0.bias, 2.weight).

Loading runs nothing; a checksum in the header tells a damaged or edited file from a whole one.
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
from convexnn.exceptions import DataError, ModelFormatError
from convexnn.network.deep import DeepReLUNetwork
from convexnn.network.tensors import read_tensors

__all__ = ["load_deep_network", "save_deep_network"]

_FORMAT = "convexnn-deep-network"
_VERSION = "1"


def _names(n_layers: int) -> list[tuple[str, str]]:
    # Even numbers: in a Sequential the ramps sit between the linear layers.
    return [(f"{2 * k}.weight", f"{2 * k}.bias") for k in range(n_layers)]


def _digest(tensors: Mapping[str, Floats], n_layers: int) -> str:
    digest = hashlib.sha256()
    for name in (name for pair in _names(n_layers) for name in pair):
        digest.update(json.dumps([name, list(tensors[name].shape)]).encode())
        digest.update(np.ascontiguousarray(tensors[name], dtype="<f8").tobytes())
    return digest.hexdigest()


def save_deep_network(network: DeepReLUNetwork, path: str | PathLike[str]) -> None:
    """Write a deep network to a safetensors file."""
    tensors: dict[str, Floats] = {}
    for (weight, bias), (weight_name, bias_name) in zip(network.layers, _names(network.n_layers)):
        tensors[weight_name], tensors[bias_name] = np.array(weight), np.array(bias)
    header = {
        "format": _FORMAT,
        "version": _VERSION,
        "layers": str(network.n_layers),
        "sha256": _digest(tensors, network.n_layers),
    }
    Path(path).write_bytes(save(tensors, metadata=header))


def load_deep_network(path: str | PathLike[str]) -> DeepReLUNetwork:
    """Read a network written by :func:`save_deep_network`.

    Raises
    ------
    ModelFormatError
        If the file is damaged, edited, of another kind or of an unknown version.
    OSError
        If it cannot be opened.
    """
    place = Path(path)
    header, tensors = read_tensors(place)
    if header.get("format") != _FORMAT or header.get("version") != _VERSION:
        raise ModelFormatError(
            f"{place} has format {header.get('format')!r}, version {header.get('version')!r}; expected "
            f"{_FORMAT!r}, version {_VERSION!r}. Networks with one hidden layer are read by ReLUNetwork.load."
        )
    names = _names(len(tensors) // 2)
    expected = {name for pair in names for name in pair}
    if header.get("layers") != str(len(names)) or set(tensors) != expected:
        raise ModelFormatError(f"{place} has the tensors {sorted(tensors)}, not those of its layers; file damaged.")
    if any(t.dtype != np.float64 for t in tensors.values()) or header.get("sha256") != _digest(tensors, len(names)):
        raise ModelFormatError(f"{place}: the checksum does not match the contents; file damaged or edited.")
    try:
        return DeepReLUNetwork(tuple((tensors[weight], tensors[bias]) for weight, bias in names))
    except DataError as error:
        raise ModelFormatError(f"{place}: {error} The file is damaged or edited.") from error
