"""Networks of any depth as safetensors; two layers use the format of the package's own network files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from convexnn.exceptions import DataError, ModelFormatError
from convexnn.export.models import find_network, make_notes
from convexnn.network import DeepReLUNetwork, ReLUNetwork
from convexnn.network.files import load_network, read_metadata, save_network

__all__ = ["load_safetensors", "safetensors_notes", "save_safetensors"]

_FORMAT = "convexnn-deep-network"


def save_safetensors(model: Any, path: str | PathLike[str], *, metadata: Mapping[str, str] | None = None) -> None:
    """Write a network with its certificate, in double precision.

    Parameters
    ----------
    model : ReLUNetwork, DeepReLUNetwork, TrainingResult or fitted estimator
    path : path
    metadata : dict of str to str, optional
        Notes to add.
    """
    network, notes = find_network(model), make_notes(model, metadata)
    if isinstance(network, ReLUNetwork):
        save_network(network, path, notes)
        return
    tensors = {}
    for k, (weight, bias) in enumerate(network.layers):
        tensors[f"weight_{k}"], tensors[f"bias_{k}"] = np.array(weight), np.array(bias)
    header = {**notes, "format": _FORMAT, "sha256": _digest(tensors, notes)}
    Path(path).write_bytes(save(tensors, metadata=header))


def load_safetensors(path: str | PathLike[str]) -> ReLUNetwork | DeepReLUNetwork:
    """Read a file of :func:`save_safetensors` or of ``ReLUNetwork.save``.

    Raises
    ------
    ModelFormatError
        If it is damaged, edited, or of another kind.
    """
    tensors, header = _open(path)
    return load_network(path) if header.get("format") != _FORMAT else _check(path, tensors, header)


def safetensors_notes(path: str | PathLike[str]) -> dict[str, str]:
    """The notes of the file, among them "certificate" as JSON; the checksum is verified."""
    tensors, header = _open(path)
    if header.get("format") != _FORMAT:
        return read_metadata(path)
    _check(path, tensors, header)
    return {name: text for name, text in header.items() if name not in ("format", "sha256")}


def _open(path: str | PathLike[str]) -> tuple[dict[str, Any], dict[str, str]]:
    with Path(path).open("rb"):
        pass  # A missing file is the caller's error, not a damaged model.
    try:
        with safe_open(path, framework="numpy") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, dict(file.metadata() or {})  # noqa: SIM118
    except (SafetensorError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise ModelFormatError(f"{path} is not a safetensors file ({error}); damaged or of another kind.") from error


def _check(path: str | PathLike[str], tensors: dict[str, Any], header: dict[str, str]) -> DeepReLUNetwork:
    notes = {name: text for name, text in header.items() if name not in ("format", "sha256")}
    if header.get("sha256") != _digest(tensors, notes):
        raise ModelFormatError(f"{path}: the checksum does not match the contents; file damaged or edited.")
    try:
        pairs = [(tensors[f"weight_{k}"], tensors[f"bias_{k}"]) for k in range(len(tensors) // 2)]
        return DeepReLUNetwork(tuple(pairs))
    except (KeyError, DataError) as error:
        raise ModelFormatError(f"{path}: {error} The file is damaged or edited.") from error


def _digest(tensors: Mapping[str, Any], notes: Mapping[str, str]) -> str:
    digest = hashlib.sha256(json.dumps(dict(notes), sort_keys=True).encode())
    for name in sorted(tensors):
        digest.update(f"{name}{tensors[name].dtype}{tensors[name].shape}".encode())
        digest.update(np.ascontiguousarray(tensors[name]).tobytes())
    return digest.hexdigest()
