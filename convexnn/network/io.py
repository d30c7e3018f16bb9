"""Network files: one safetensors format for every depth, so that loading runs nothing.

Layer k of a network has the tensors ``{2k}.weight`` (out, in) and ``{2k}.bias`` (out,), float64, the names of PyTorch's
``Sequential(Linear, ReLU, Linear, ...)``. The header is text: ``format``, ``version``, ``layers`` (the sizes [d, m_1,
..., c]), ``slope`` (of the activation's inactive side), notes of the writer, and ``sha256`` of all the rest. Files of
version 0.1 are read too.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from convexnn._types import Floats
from convexnn.exceptions import ModelFormatError, ParameterError
from convexnn.network.activation import RELU, Activation
from convexnn.network.io_version_1 import FORMATS_1, read_version_1

__all__ = ["StoredNetwork", "read_network_file", "write_network_file"]

Layer = tuple[Floats, Floats]

_FORMAT = "convexnn-network"
_VERSION = "2"
_RESERVED = ("format", "version", "layers", "slope", "sha256")


@dataclass(frozen=True)
class StoredNetwork:
    """What a network file holds.

    Attributes
    ----------
    layers : tuple of (weight (out, in), bias (out,)) pairs
        Finite float64 arrays whose shapes fit each other, from the input to the output.
    activation : Activation
        Of the hidden neurons.
    notes : dict of str to str
        What the writer added, for instance the certificate as JSON.
    """

    layers: tuple[Layer, ...]
    activation: Activation = RELU
    notes: dict[str, str] = field(default_factory=dict)

    @property
    def sizes(self) -> list[int]:
        """Number of inputs, of neurons of each hidden layer, and of outputs."""
        return [self.layers[0][0].shape[1], *(len(bias) for _, bias in self.layers)]


def write_network_file(
    path: str | PathLike[str],
    layers: Sequence[Layer],
    activation: Activation = RELU,
    notes: Mapping[str, str] | None = None,
) -> None:
    """Write a network.

    Parameters
    ----------
    path : path
    layers : sequence of (weight (out, in), bias (out,)) pairs
        From the input to the output.
    activation : Activation
    notes : dict of str to str, optional
        Kept in the header, for instance ``{"certificate": certificate.to_json()}``.

    Raises
    ------
    ParameterError
        If a note is not text, or its name is one of the header's own.
    """
    for name, text in (notes or {}).items():
        if not isinstance(name, str) or not isinstance(text, str):
            raise ParameterError(f"metadata[{name!r}] is {type(text).__name__}; names and notes must be text.")
        if name in _RESERVED:
            raise ParameterError(f"metadata[{name!r}]: the names {', '.join(_RESERVED)} are taken; choose another.")
    stored = StoredNetwork(tuple(layers), activation, dict(notes or {}))
    header = {
        **stored.notes,
        "format": _FORMAT,
        "version": _VERSION,
        "layers": json.dumps(stored.sizes),
        "slope": repr(activation.slope),
    }
    tensors = _named(stored.layers)
    header["sha256"] = _digest(header, tensors)
    Path(path).write_bytes(save(tensors, metadata=header))


def read_network_file(path: str | PathLike[str]) -> StoredNetwork:
    """Read a network of any depth, of this version or of 0.1.

    Raises
    ------
    ModelFormatError
        If the file is damaged, edited, of another kind or of an unknown version.
    OSError
        If it cannot be opened.
    """
    place = Path(path)
    header, tensors = _open(place)
    kind, version = header.get("format"), header.get("version")
    try:
        if (kind, version) in FORMATS_1:
            layers, notes = read_version_1(header, tensors)
            stored = StoredNetwork(layers, RELU, notes)
        elif kind != _FORMAT:
            raise ModelFormatError(f"this is not a network of convexnn: its format is {kind!r}.")
        elif version != _VERSION:
            raise ModelFormatError(f"version {version!r} is unknown; this release reads 1 and {_VERSION}.")
        else:
            stored = _stored(header, tensors)
        _check_layers(stored.layers)
    except (ModelFormatError, ParameterError) as error:
        raise ModelFormatError(f"{place}: {error}") from error
    return stored


def _open(path: Path) -> tuple[dict[str, str], dict[str, Floats]]:
    """Header and tensors; the sizes that a header declares are checked against that of the file before anything."""
    with path.open("rb"):
        pass  # A missing file is the caller's error, not a damaged model.
    try:
        with safe_open(path, framework="numpy") as file:
            header = dict(file.metadata() or {})
            return header, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    except (SafetensorError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise ModelFormatError(f"{path} is not a safetensors file ({error}); damaged or of another kind.") from error


def _named(layers: Sequence[Layer]) -> dict[str, Floats]:
    tensors = {}
    for k, (weight, bias) in enumerate(layers):
        # Even numbers: in a Sequential the activations stand between the linear layers.
        tensors[f"{2 * k}.weight"] = np.array(weight, dtype=np.float64, order="C")
        tensors[f"{2 * k}.bias"] = np.array(bias, dtype=np.float64)
    return tensors


def _digest(header: Mapping[str, str], tensors: Mapping[str, Floats]) -> str:
    rest = {name: text for name, text in header.items() if name != "sha256"}
    digest = hashlib.sha256(json.dumps(rest, sort_keys=True).encode())
    for name in sorted(tensors):
        digest.update(f"{name}{tensors[name].dtype}{tensors[name].shape}".encode())
        digest.update(np.ascontiguousarray(tensors[name]).tobytes())
    return digest.hexdigest()


def _stored(header: dict[str, str], tensors: dict[str, Floats]) -> StoredNetwork:
    if header.get("sha256") != _digest(header, tensors):
        raise ModelFormatError("the checksum does not match the contents; file damaged or edited.")
    names = [(f"{2 * k}.weight", f"{2 * k}.bias") for k in range(len(tensors) // 2)]
    if not names or set(tensors) != {name for pair in names for name in pair}:
        raise ModelFormatError(f"the tensors {sorted(tensors)} are not a weight and a bias of each layer.")
    try:
        activation = Activation(float(header["slope"]))
    except (KeyError, ValueError) as error:
        raise ModelFormatError(f"the slope {header.get('slope')!r} in the header is not a number.") from error
    notes = {name: text for name, text in header.items() if name not in _RESERVED}
    stored = StoredNetwork(tuple((tensors[weight], tensors[bias]) for weight, bias in names), activation, notes)
    _check_layers(stored.layers)
    if header.get("layers") != json.dumps(stored.sizes):
        raise ModelFormatError(f"the header says layers {header.get('layers')}, but the tensors have {stored.sizes}.")
    return stored


def _check_layers(layers: Sequence[Layer]) -> None:
    before: int | None = None
    for k, (weight, bias) in enumerate(layers):
        if weight.dtype != np.float64 or bias.dtype != np.float64:
            raise ModelFormatError(f"layer {k} is {weight.dtype} and {bias.dtype}; expected float64.")
        if weight.ndim != 2 or bias.shape != weight.shape[:1] or before not in (None, weight.shape[1]):
            raise ModelFormatError(
                f"layer {k} has weight {weight.shape} and bias {bias.shape}, after a layer of {before} outputs; "
                "the shapes do not belong together, the file is damaged or edited."
            )
        if not (np.isfinite(weight).all() and np.isfinite(bias).all()):
            raise ModelFormatError(f"layer {k} contains NaN or infinity; the file is damaged or edited.")
        before = weight.shape[0]
