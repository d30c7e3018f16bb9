"""Network files of version 0.1, which had three layouts: two layers, deep networks, and exported deep networks."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping

import numpy as np

from convexnn._types import Floats
from convexnn.exceptions import ModelFormatError

__all__ = ["FORMATS_1", "read_version_1"]

Layers = tuple[tuple[Floats, Floats], ...]

_SHALLOW = ("hidden_weights", "hidden_biases", "output_weights", "intercept")
# Values of "format" and "version" in the header.
FORMATS_1 = (("convexnn-network", "1"), ("convexnn-deep-network", "1"), ("convexnn-deep-network", None))


def read_version_1(header: Mapping[str, str], tensors: Mapping[str, Floats]) -> tuple[Layers, dict[str, str]]:
    """Layers and notes, after a check of names and checksum.

    Raises
    ------
    ModelFormatError
        If the file is damaged or edited.
    """
    if header["format"] == "convexnn-network":
        return _shallow(header, tensors)
    return _saved_deep(header, tensors) if "version" in header else _exported_deep(header, tensors)


def _shallow(header: Mapping[str, str], tensors: Mapping[str, Floats]) -> tuple[Layers, dict[str, str]]:
    """Neurons by rows: w_j (m, d), b_j (m,), a_j (m, c), t (c,)."""
    _check_names(tensors, _SHALLOW)
    notes = _without(header, "format", "version", "m", "d", "c", "sha256")
    sizes = tensors["hidden_weights"].shape + tensors["output_weights"].shape[1:]
    _check_digest(header, [_sorted(notes), *(part for name in _SHALLOW for part in _array(tensors[name]))])
    if [header.get(name) for name in ("m", "d", "c")] != [str(size) for size in sizes]:
        raise ModelFormatError("the sizes m, d, c in the header are not those of the tensors; file edited.")
    layers = (
        (tensors["hidden_weights"], tensors["hidden_biases"]),
        (np.ascontiguousarray(tensors["output_weights"].T), tensors["intercept"]),
    )
    return layers, notes


def _saved_deep(header: Mapping[str, str], tensors: Mapping[str, Floats]) -> tuple[Layers, dict[str, str]]:
    pairs = [(f"{2 * k}.weight", f"{2 * k}.bias") for k in range(len(tensors) // 2)]
    names = [name for pair in pairs for name in pair]
    _check_names(tensors, names)
    parts: list[bytes] = []
    for name in names:
        parts += [json.dumps([name, list(tensors[name].shape)]).encode(), _bytes(tensors[name])]
    _check_digest(header, parts)
    if header.get("layers") != str(len(pairs)):
        raise ModelFormatError(f"the header says {header.get('layers')} layers, but there are {len(pairs)}.")
    return tuple((tensors[weight], tensors[bias]) for weight, bias in pairs), {}


def _exported_deep(header: Mapping[str, str], tensors: Mapping[str, Floats]) -> tuple[Layers, dict[str, str]]:
    pairs = [(f"weight_{k}", f"bias_{k}") for k in range(len(tensors) // 2)]
    _check_names(tensors, [name for pair in pairs for name in pair])
    notes = _without(header, "format", "sha256")
    parts = [_sorted(notes)]
    for name in sorted(tensors):
        parts += [f"{name}{tensors[name].dtype}{tensors[name].shape}".encode(), _bytes(tensors[name])]
    _check_digest(header, parts)
    return tuple((tensors[weight], tensors[bias]) for weight, bias in pairs), notes


def _without(header: Mapping[str, str], *names: str) -> dict[str, str]:
    return {name: text for name, text in header.items() if name not in names}


def _sorted(notes: Mapping[str, str]) -> bytes:
    return json.dumps(dict(notes), sort_keys=True).encode()


def _bytes(array: Floats) -> bytes:
    return np.ascontiguousarray(array, dtype="<f8").tobytes()


def _array(array: Floats) -> tuple[bytes, bytes]:
    return repr(array.shape).encode(), _bytes(array)


def _check_names(tensors: Mapping[str, Floats], expected: Iterable[str]) -> None:
    if set(tensors) != set(expected) or any(array.dtype != np.float64 for array in tensors.values()):
        raise ModelFormatError(
            f"the tensors {sorted(tensors)} are not those of a network in float64; file damaged or edited."
        )


def _check_digest(header: Mapping[str, str], parts: Iterable[bytes]) -> None:
    if header.get("sha256") != hashlib.sha256(b"".join(parts)).hexdigest():
        raise ModelFormatError("the checksum does not match the contents; file damaged or edited.")
