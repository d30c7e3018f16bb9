"""The certificate: what was proved about a network, as a value that can be kept and checked again."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from os import PathLike
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np

from convexnn._types import Bias, Floats, Norm
from convexnn.certificate.fields import check_fields
from convexnn.exceptions import ModelFormatError
from convexnn.losses.registry import current_name

__all__ = ["Certificate", "Scope", "data_fingerprint"]

_FORMAT = "convexnn-certificate"
_VERSION = 1
Scope: TypeAlias = Literal["network", "dictionary", "searched"]


def data_fingerprint(X: Floats, y: Floats, sample_weight: Floats | None = None) -> str:
    """SHA-256 of samples, targets and weights as little-endian doubles, with their shapes."""
    digest = hashlib.sha256()
    for array in (X, y) if sample_weight is None else (X, y, sample_weight):
        # Adding zero turns -0.0, which equals 0.0, into the same bytes.
        canonical = np.ascontiguousarray(array + 0.0, dtype="<f8")
        digest.update(repr(canonical.shape).encode())
        digest.update(canonical.tobytes())
    return digest.hexdigest()


@dataclass(frozen=True)
class Certificate:
    """A lower bound on the objective, and how far a network is above it.

    All numbers are computed in double precision, so what is proved is proved up to its rounding.

    Attributes
    ----------
    scope : "network", "dictionary" or "searched"
        Which networks the bound speaks of: all two-layer ReLU networks of any width; those whose neurons
        are atoms of the dictionary; or none for certain, as only some neurons were tried.
    primal : float
        Objective of the network, loss plus ``beta * sum ||w_j|| ||a_j||``.
    dual : float
        Lower bound.
    gap, relative_gap : float
        ``max(0, primal - dual)``, and its share of the larger of the two.
    holds : bool
        Whether the relative gap is at most `tol` and all checks on the way agreed.
    tol, beta, norm, bias, loss :
        The problem.
    response : float
        Largest response of a neuron to the unscaled dual vector, or an upper bound on it.
    n_neurons, n_samples : int
    fingerprint : str
        SHA-256 of the data.
    n_atoms : int, optional
        Number of atoms if they were passed in; None if all wedge neurons (or all neurons) were examined.
    atoms : str, optional
        SHA-256 of those atoms.
    note : str
        A sentence on how the largest response was bounded, where that was by branch and bound.
    """

    scope: Scope
    primal: float
    dual: float
    gap: float
    relative_gap: float
    holds: bool
    tol: float
    beta: float
    norm: Norm
    bias: Bias
    loss: str
    response: float
    n_neurons: int
    n_samples: int
    fingerprint: str
    n_atoms: int | None = None
    atoms: str | None = None
    note: str = ""

    def summary(self) -> str:
        """What is proved, in words, and nothing more."""
        networks = {
            "network": "no two-layer ReLU network of this kind, of any width,",
            "dictionary": "no network made of wedge neurons of these samples",
            "searched": "no network made of the neurons that were tried",
        }[self.scope]
        if self.n_atoms is not None and self.scope == "dictionary":
            networks = f"no network made of the {self.n_atoms} given atoms"
        text = (
            f"The {self.n_neurons} neurons reach an objective of {self.primal:.10g} (loss {self.loss!r}, "
            f"beta={self.beta:.6g}, norm {self.norm!r}, bias={self.bias!r}, {self.n_samples} samples); "
            f"{networks} is below {self.dual:.10g}. Relative gap {self.relative_gap:.2g}: "
        )
        if self.scope == "searched":
            text += "not a proof, since neurons that respond more may exist."
        elif self.holds:
            text += f"certified to {self.tol:.1g}."
        else:
            text += f"not certified to {self.tol:.1g}."
        return f"{text} {self.note}".rstrip()

    def to_json(self) -> str:
        """The certificate as JSON text."""
        return json.dumps({"format": _FORMAT, "version": _VERSION, **asdict(self)}, indent=1, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Certificate:
        """Read what :meth:`to_json` wrote.

        Raises
        ------
        ModelFormatError
            If a field is missing, unknown, of another type, or contradicts another.
        """
        try:
            content = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ModelFormatError(f"the certificate is not JSON ({error}); the file is damaged.") from error
        if not isinstance(content, dict) or content.pop("format", None) != _FORMAT:
            raise ModelFormatError(f"this is not a certificate: field 'format' is not {_FORMAT!r}.")
        if (version := content.pop("version", None)) != _VERSION:
            raise ModelFormatError(f"certificate version {version!r} is unknown; version {_VERSION} is expected.")
        content.setdefault("note", "")  # files of earlier releases have none
        names = {field.name for field in fields(cls)}
        if names != set(content):
            odd = ", ".join(sorted(names ^ set(content)))
            raise ModelFormatError(f"the certificate lacks or adds the fields {odd}; file damaged or edited.")
        check_fields(content)
        content["loss"] = current_name(content["loss"])
        return cls(**content)

    def save(self, path: str | PathLike[str]) -> None:
        """Write the certificate to a JSON file."""
        Path(path).write_text(self.to_json() + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Certificate:
        """Read a certificate written by :meth:`save`.

        Raises
        ------
        ModelFormatError
            If the file is damaged, edited or of another kind.
        """
        try:
            text = Path(path).read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise ModelFormatError(f"{path} is not text ({error}); a certificate is JSON.") from error
        return cls.from_json(text)
