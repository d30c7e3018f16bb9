"""Checks of the fields of a certificate that was read from a file."""

from __future__ import annotations

import math
from typing import Any

from convexnn.exceptions import ModelFormatError

__all__ = ["check_fields"]

_NUMBERS = ("primal", "dual", "gap", "relative_gap", "tol", "beta", "response")
_COUNTS = ("n_neurons", "n_samples", "n_atoms")
_TEXTS = ("loss", "fingerprint", "atoms", "note")
_CHOICES: dict[str, tuple[Any, ...]] = {
    "scope": ("network", "dictionary", "searched"),
    "norm": ("l1", "l2"),
    "bias": (True, False, "penalized"),
    "holds": (True, False),
}
_OPTIONAL = ("n_atoms", "atoms")


def check_fields(content: dict[str, Any]) -> None:
    """Types, ranges and the relations between fields.

    Raises
    ------
    ModelFormatError
        Naming the field.
    """
    for name, value in content.items():
        if not (_is_valid(name, value) or (name in _OPTIONAL and value is None)):
            raise ModelFormatError(f"certificate field {name!r} is {value!r}; file damaged or edited.")
    difference = max(0.0, content["primal"] - content["dual"])
    size = max(abs(content["primal"]), abs(content["dual"]))
    if content["gap"] < 0 or abs(content["gap"] - difference) > 1e-12 * size + 1e-300:
        raise ModelFormatError("certificate fields 'primal', 'dual' and 'gap' contradict each other.")
    if content["holds"] and content["relative_gap"] > content["tol"]:
        raise ModelFormatError("certificate fields 'holds', 'relative_gap' and 'tol' contradict each other.")


def _is_valid(name: str, value: Any) -> bool:
    if name in _CHOICES:
        return any(type(value) is type(choice) and value == choice for choice in _CHOICES[name])
    if name in _TEXTS:
        return isinstance(value, str)
    if isinstance(value, bool):
        return False
    if name in _COUNTS:
        return isinstance(value, int) and value >= 0
    return name in _NUMBERS and isinstance(value, (int, float)) and math.isfinite(value)
