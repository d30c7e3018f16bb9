"""One function for every network file: the suffix says which."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from convexnn.exceptions import ParameterError
from convexnn.export.deep_files import load_safetensors, safetensors_notes, save_safetensors
from convexnn.export.onnx_files import load_onnx, onnx_notes, save_onnx
from convexnn.export.text import to_text
from convexnn.export.torch_modules import load_torch, save_torch, torch_notes
from convexnn.network import DeepReLUNetwork, ReLUNetwork

__all__ = ["export_network", "import_network", "network_notes"]

_SUFFIXES = {".onnx": "onnx", ".pt": "torch", ".pth": "torch", ".safetensors": "safetensors", ".txt": "text"}


def _kind(path: str | PathLike[str]) -> str:
    suffix = Path(path).suffix.lower()
    if suffix not in _SUFFIXES:
        raise ParameterError(f"{path}: suffix {suffix!r} is unknown; choose one of {', '.join(_SUFFIXES)}.")
    return _SUFFIXES[suffix]


def export_network(
    model: Any, path: str | PathLike[str], *, dtype: str = "float64", metadata: Mapping[str, str] | None = None
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
    kind = _kind(path)
    if kind == "onnx":
        save_onnx(model, path, dtype=dtype, metadata=metadata)
    elif kind == "torch":
        save_torch(model, path, dtype=dtype, metadata=metadata)
    elif dtype != "float64":
        raise ParameterError(f"dtype={dtype!r}: {kind} files are written in float64 only.")
    elif kind == "safetensors":
        save_safetensors(model, path, metadata=metadata)
    else:
        Path(path).write_text(to_text(model), encoding="utf-8")


def import_network(path: str | PathLike[str]) -> ReLUNetwork | DeepReLUNetwork:
    """Read a network from ``.onnx``, ``.pt``, ``.pth`` or ``.safetensors``; nothing in the file is executed.

    Raises
    ------
    ModelFormatError
        If the file is damaged or holds another kind of network.
    """
    kind = _kind(path)
    if kind == "text":
        raise ParameterError(f"{path}: text is for reading; import .onnx, .pt or .safetensors.")
    return {"onnx": load_onnx, "torch": load_torch, "safetensors": load_safetensors}[kind](path)


def network_notes(path: str | PathLike[str]) -> dict[str, str]:
    """The notes in a network file; "certificate" can be read by ``Certificate.from_json``."""
    kind = _kind(path)
    if kind == "text":
        raise ParameterError(f"{path}: text files carry their notes in the text.")
    return {"onnx": onnx_notes, "torch": torch_notes, "safetensors": safetensors_notes}[kind](path)
