"""Certificates on disk: JSON for what is claimed, safetensors beside it for the vectors that prove it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from convexnn._types import Floats
from convexnn.certificate.fields import MAX_TEXT, Shapes, parse_certificate
from convexnn.exceptions import ModelFormatError

__all__ = ["read_certificate", "tensor_digest", "vectors_path", "write_certificate"]

# Bytes of a safetensors file besides its numbers.
_HEADER = 65_536
_NOTES = {"format": "convexnn-certificate", "version": "2"}


def vectors_path(path: str | PathLike[str]) -> Path:
    """Where the vectors of a certificate lie: beside it, and never where a network of the same name would lie."""
    place = Path(path)
    stem = place.stem
    return place.with_name(f"{stem}.safetensors" if stem == "certificate" else f"{stem}.certificate.safetensors")


def tensor_digest(tensor: Floats) -> dict[str, Any]:
    """Shape and SHA-256 of the little-endian doubles of a tensor, row by row."""
    canonical = np.ascontiguousarray(tensor, dtype="<f8")
    return {"shape": list(canonical.shape), "sha256": hashlib.sha256(canonical.tobytes()).hexdigest()}


def write_certificate(path: str | PathLike[str], text: str, vectors: Mapping[str, Floats]) -> None:
    """Write both files; the JSON last, because it names the checksums of the other."""
    if vectors:
        tensors = {name: np.array(vector, dtype=np.float64, order="C") for name, vector in vectors.items()}
        _write(vectors_path(path), save(tensors, metadata=_NOTES))
    _write(Path(path), (text + "\n").encode())


def _write(path: Path, data: bytes) -> None:
    """Write a file whole or not at all: a full disk leaves what was there before."""
    part = path.with_name(f"{path.name}.part")
    try:
        part.write_bytes(data)
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise


def read_certificate(path: str | PathLike[str]) -> tuple[dict[str, Any], dict[str, Floats]]:
    """Fields and vectors of a certificate.

    Raises
    ------
    ModelFormatError
        If a file is damaged, edited, missing beside the other or of another kind.
    OSError
        If the JSON file cannot be opened.
    """
    place = Path(path)
    try:
        if (size := place.stat().st_size) > MAX_TEXT:
            raise ModelFormatError(f"the file has {size:,} bytes; a certificate has at most {MAX_TEXT:,}.")
        try:
            text = place.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise ModelFormatError(f"it is not text ({error}); a certificate is JSON.") from error
        fields, shapes = parse_certificate(text)
        return fields, _read_vectors(vectors_path(place), shapes) if shapes else {}
    except ModelFormatError as error:
        raise ModelFormatError(f"{place}: {error}") from error


def _read_vectors(path: Path, shapes: Shapes) -> dict[str, Floats]:
    """The vectors that a certificate names, of the shapes and with the checksums that it gives."""
    if not path.is_file():
        raise ModelFormatError(f"the vectors of the proof are missing: {path.name} belongs beside it; copy both files.")
    expected = sum(8 * int(np.prod(shape, dtype=object)) for shape, _ in shapes.values())
    if not expected <= (size := path.stat().st_size) <= expected + _HEADER:
        raise ModelFormatError(f"{path.name} has {size:,} bytes; its vectors need {expected:,}. File damaged.")
    try:
        tensors = load(path.read_bytes())
    except (SafetensorError, KeyError, ValueError, TypeError, AttributeError, OverflowError) as error:
        raise ModelFormatError(f"{path.name} is not a safetensors file ({error}); file damaged.") from error
    if set(tensors) != set(shapes):
        raise ModelFormatError(f"{path.name} has the vectors {sorted(tensors)}; expected {sorted(shapes)}.")
    for name, (shape, digest) in shapes.items():
        tensor = tensors[name]
        if tensor.dtype != np.float64 or tensor.shape != shape or not np.isfinite(tensor).all():
            raise ModelFormatError(f"{path.name}: {name} is {tensor.dtype} {tensor.shape}; expected finite {shape}.")
        if tensor_digest(tensor)["sha256"] != digest:
            raise ModelFormatError(f"{path.name}: {name} has another checksum than the certificate says.")
    return tensors
