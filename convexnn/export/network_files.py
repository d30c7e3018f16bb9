"""One function for every network file: the suffix says which.

A format is one entry of ``FORMATS``: how to write a model, how to read a network, and how to read its notes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from convexnn.exceptions import ParameterError
from convexnn.export.models import as_deep, as_simple, find_network, make_notes
from convexnn.export.onnx_files import load_onnx, onnx_notes, save_onnx
from convexnn.export.text import to_text
from convexnn.export.torch_modules import load_torch, save_torch, torch_notes
from convexnn.network import DeepReLUNetwork, ReLUNetwork
from convexnn.network.io import read_network_file, write_network_file

__all__ = [
    "FORMATS",
    "NetworkFormat",
    "export_network",
    "import_network",
    "load_safetensors",
    "network_notes",
    "safetensors_notes",
    "save_safetensors",
]

Place = str | PathLike[str]


def save_safetensors(
    model: Any, path: Place, *, dtype: str = "float64", metadata: Mapping[str, str] | None = None
) -> None:
    """Write a network of any depth with its certificate, in double precision; ``save`` of a network writes the same.

    Parameters
    ----------
    model : ReLUNetwork, DeepReLUNetwork, TrainingResult or fitted estimator
    path : path
    dtype : "float64"
    metadata : dict of str to str, optional
        Notes to add.
    """
    _check_double(dtype, "safetensors")
    network = as_deep(find_network(model))
    notes = make_notes(model)
    del notes["layers"]  # part of the format itself
    write_network_file(path, network.layers, network.activation, {**notes, **(metadata or {})})


def load_safetensors(path: Place) -> ReLUNetwork | DeepReLUNetwork:
    """Read a file of :func:`save_safetensors` or of the method ``save`` of a network.

    Raises
    ------
    ModelFormatError
        If it is damaged, edited, or of another kind.
    """
    return as_simple(DeepReLUNetwork.load(path))


def safetensors_notes(path: Place) -> dict[str, str]:
    """The notes of the file, among them "certificate" as JSON; the checksum is verified."""
    stored = read_network_file(path)
    return {**stored.notes, "layers": json.dumps(stored.sizes)}


def _save_text(model: Any, path: Place, *, dtype: str, metadata: Mapping[str, str] | None) -> None:
    _check_double(dtype, "text")
    notes = "".join(f"{name}: {text}\n" for name, text in (metadata or {}).items())
    Path(path).write_text(to_text(model) + notes, encoding="utf-8")


def _refuse_text(path: Place) -> Any:
    raise ParameterError(f"{path}: text is for reading; import .onnx, .pt or .safetensors.")


def _check_double(dtype: str, kind: str) -> None:
    if dtype != "float64":
        raise ParameterError(f"dtype={dtype!r}: {kind} files are written in float64 only.")


@dataclass(frozen=True)
class NetworkFormat:
    """A file format of networks.

    Attributes
    ----------
    save : callable (model, path, *, dtype, metadata)
    load : callable (path) -> ReLUNetwork or DeepReLUNetwork
    notes : callable (path) -> dict of str to str
    """

    save: Callable[..., None]
    load: Callable[[Place], ReLUNetwork | DeepReLUNetwork]
    notes: Callable[[Place], dict[str, str]]


_TORCH = NetworkFormat(save_torch, load_torch, torch_notes)
# By suffix; a new format is added here.
FORMATS = {
    ".onnx": NetworkFormat(save_onnx, load_onnx, onnx_notes),
    ".pt": _TORCH,
    ".pth": _TORCH,
    ".safetensors": NetworkFormat(save_safetensors, load_safetensors, safetensors_notes),
    ".txt": NetworkFormat(_save_text, _refuse_text, _refuse_text),
}


def _format(path: Place) -> NetworkFormat:
    suffix = Path(path).suffix.lower()
    if suffix not in FORMATS:
        raise ParameterError(f"{path}: suffix {suffix!r} is unknown; choose one of {', '.join(FORMATS)}.")
    return FORMATS[suffix]


def export_network(
    model: Any, path: Place, *, dtype: str = "float64", metadata: Mapping[str, str] | None = None
) -> None:
    """Write a network to the file format that the suffix names.

    Parameters
    ----------
    model : ReLUNetwork, DeepReLUNetwork, TrainingResult or fitted estimator
    path : path
        ``.onnx``, ``.pt``/``.pth`` (PyTorch), ``.safetensors``, or ``.txt`` to read.
    dtype : "float64" or "float32"
        Precision of ``.onnx`` and ``.pt``; safetensors are always exact.
    metadata : dict of str to str, optional
        Notes beside the release and the certificate.

    Raises
    ------
    ParameterError
        If the suffix or `dtype` is unknown, or the model has no network.
    SolverUnavailableError
        If the format needs a package that is not installed.
    """
    _format(path).save(model, path, dtype=dtype, metadata=metadata)


def import_network(path: Place) -> ReLUNetwork | DeepReLUNetwork:
    """Read a network from ``.onnx``, ``.pt``, ``.pth`` or ``.safetensors``; nothing in the file is executed.

    Raises
    ------
    ModelFormatError
        If the file is damaged or holds another kind of network.
    """
    return _format(path).load(path)


def network_notes(path: Place) -> dict[str, str]:
    """The notes in a network file; "certificate" can be read by ``Certificate.from_json``."""
    return _format(path).notes(path)
