"""Reading safetensors files: named tensors and a header of text; nothing in the file is executed."""

from __future__ import annotations

from pathlib import Path

from safetensors import SafetensorError, safe_open

from convexnn._types import Floats
from convexnn.exceptions import ModelFormatError

__all__ = ["read_tensors"]


def read_tensors(path: Path) -> tuple[dict[str, str], dict[str, Floats]]:
    """Header and tensors of a file.

    Raises
    ------
    ModelFormatError
        If it is no safetensors file.
    OSError
        If it cannot be opened.
    """
    with path.open("rb"):
        pass  # A missing file is the caller's error, not a damaged model.
    try:
        with safe_open(path, framework="numpy") as file:
            header = dict(file.metadata() or {})
            return header, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    except (SafetensorError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise ModelFormatError(f"{path} is not a safetensors file ({error}); damaged or of another kind.") from error
