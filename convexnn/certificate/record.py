"""The certificate: what was proved about a network, as a value that can be kept and checked again."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass, fields
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from convexnn._tables import html_table
from convexnn._types import Bias, Floats, Norm
from convexnn.certificate.fields import parse_certificate
from convexnn.certificate.files import read_certificate, tensor_digest, write_certificate
from convexnn.certificate.packing import pack_multipliers, unpack_multipliers
from convexnn.geometry.interactions import describe_interactions

if TYPE_CHECKING:
    from convexnn.bounds.multipliers import PieceMultipliers

__all__ = ["Certificate", "Method", "Scope", "data_fingerprint"]

_FORMAT = "convexnn-certificate"
_VERSION = 2
Scope: TypeAlias = Literal["network", "dictionary", "none"]
Method: TypeAlias = Literal["exact", "branch", "moments", "none"]


def data_fingerprint(X: Floats, y: Floats, sample_weight: Floats | None = None) -> str:
    """SHA-256 of samples, targets and weights as little-endian doubles, with their shapes."""
    digest = hashlib.sha256()
    for array in (X, y) if sample_weight is None else (X, y, sample_weight):
        # Adding zero turns -0.0, which equals 0.0, into the same bytes.
        canonical = np.ascontiguousarray(array + 0.0, dtype="<f8")
        digest.update(repr(canonical.shape).encode())
        digest.update(canonical.tobytes())
    return digest.hexdigest()


@dataclass(frozen=True, eq=False)
class Certificate:
    """A lower bound on the objective, how far a network is above it, and the vector that proves it.

    All numbers are computed in double precision, so what is proved is proved up to its rounding.

    Attributes
    ----------
    scope : "network", "dictionary" or "none"
        Which networks the bound speaks of: all two-layer ReLU networks of any width; those whose neurons
        are atoms of the dictionary; or none, as nothing could be proved. Then `dual`, `gap`, `relative_gap` and
        `response` are nan, `holds` is False and there is no dual point.
    primal : float
        Objective of the network, loss plus ``beta * sum ||w_j|| ||a_j||``. Infinite if ``beta=0`` and the network
        does not interpolate.
    dual : float
        Lower bound.
    gap, relative_gap : float
        ``max(0, primal - dual)``, and its share of the larger of the two.
    holds : bool
        Whether something is proved and the relative gap is at most `tol`.
    tol, beta, norm, bias, loss :
        The problem.
    response : float
        Largest response of a neuron to `dual_point`, or an upper bound on it.
    n_neurons, n_samples : int
        Samples of weight zero are counted.
    fingerprint : str
        SHA-256 of the data as they were given, see :func:`data_fingerprint`.
    n_atoms : int, optional
        Number of atoms if they were passed in; None if all wedge neurons (or all neurons) were examined.
    atoms : str, optional
        SHA-256 of those atoms.
    note : str
        A sentence on how the largest response was bounded, or on why nothing is proved.
    method : "exact", "branch", "moments" or "none"
        How the largest response was bounded: by visiting all neurons that count, by branch and bound, or by moments.
    activation_slope : float
        Slope of the inactive side of the activation; 0.0 is ReLU.
    interaction_cst : None, "no_interactions", "pairwise" or tuple of tuple of int
        Which features a neuron may see together; None: all. The bound then speaks of networks of this kind alone.
    dual_point : (n,) or (n, c) array, optional
        The vector v, in units of the loss per output, from which the bound follows: divided by
        ``max(1, response / beta)`` it is feasible. Zero at samples of weight zero.
    multipliers : tuple of tuple of PieceMultipliers, optional
        With method "moments", for each output those of its pieces, from which `response` follows; over the samples of
        positive weight.
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
    method: Method = "exact"
    activation_slope: float = 0.0
    interaction_cst: str | tuple[tuple[int, ...], ...] | None = None
    dual_point: Floats | None = None
    multipliers: tuple[tuple[PieceMultipliers, ...], ...] | None = None

    def __eq__(self, other: object) -> bool:
        """Equal if every claim is, bit by bit; the vectors that prove them may differ, or one may be missing."""
        return isinstance(other, Certificate) and self._claims() == other._claims()

    def __hash__(self) -> int:
        return hash(tuple(self._claims().items()))

    def summary(self) -> str:
        """What is proved, in words, and nothing more."""
        text = (
            f"The {self.n_neurons} neurons reach an objective of {self.primal:.10g} (loss {self.loss!r}, "
            f"beta={self.beta:.6g}, norm {self.norm!r}, bias={self.bias!r}, {self.n_samples} samples)"
        )
        if self.scope == "none":
            return f"{text}. Nothing is proved: better networks may or may not exist. {self.note}".rstrip()
        kind = describe_interactions(self.interaction_cst)
        networks = f"no two-layer ReLU network of this kind{kind}, of any width,"
        if self.scope == "dictionary":
            networks = f"no network made of wedge neurons of these samples{kind}"
            if self.n_atoms is not None:
                networks = f"no network made of the {self.n_atoms} given atoms"
        verdict = "certified" if self.holds else "not certified"
        words = ""
        if self.scope == "network" and not self.holds and 0 < self.relative_gap <= 1:
            better = f"can be more than {_percent_above(self.relative_gap)} % better in this objective"
            words = f"No ReLU network of any width{kind} {better}. "
        return (
            f"{text}; {networks} is below {self.dual:.10g}. Relative gap {self.relative_gap:.2g}: "
            f"{verdict} to {self.tol:.1g}. {words}{self.note}"
        ).rstrip()

    def rows(self) -> dict[str, Any]:
        """What a summary lists: the problem, the objective, and what is proved of it."""
        proof = {"lower bound": self.dual, "relative gap": self.relative_gap} if self.scope != "none" else {}
        return {
            "samples": self.n_samples,
            "loss": self.loss,
            "penalty": f"beta {self.beta:.6g}, norm {self.norm}, bias {self.bias}",
            "neurons": self.n_neurons,
            "objective": self.primal,
            **proof,
            "scope": f"{self.scope}{describe_interactions(self.interaction_cst)}",
            "certified": f"{'yes' if self.holds else 'no'}, to a gap of {self.tol:.1g}",
            **({"note": self.note} if self.note else {}),
        }

    def _repr_html_(self) -> str:
        return html_table("Certificate", self.rows())

    def to_json(self) -> str:
        """The certificate as JSON text, with shape and SHA-256 of the dual point but without the vector itself.

        Numbers that are not finite are null.
        """
        vectors = {name: tensor_digest(vector) for name, vector in self._vectors().items()}
        text = {"format": _FORMAT, "version": _VERSION, **self._claims(), "vectors": vectors}
        return json.dumps(text, indent=1, allow_nan=False)

    def _vectors(self) -> dict[str, Floats]:
        """What proves the claims, as it stands in the second file."""
        found = {} if self.dual_point is None else {"dual_point": _as_columns(self.dual_point)}
        return found if self.multipliers is None else {**found, **pack_multipliers(self.multipliers)}

    def _claims(self) -> dict[str, Any]:
        """All fields but the vectors, as they stand in the file."""
        names = [field.name for field in fields(self) if field.name not in ("dual_point", "multipliers")]
        content = {name: getattr(self, name) for name in names}
        return {
            name: None if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in content.items()
        }

    @classmethod
    def from_json(cls, text: str) -> Certificate:
        """Read what :meth:`to_json` wrote, or a certificate of version 0.1; there is no dual point in it.

        Raises
        ------
        ModelFormatError
            If a field is missing, unknown, of another type, or contradicts another.
        """
        return cls(**parse_certificate(text)[0])

    def save(self, path: str | PathLike[str]) -> None:
        """Write the certificate to a JSON file, and its dual point beside it.

        ``certificate.json`` goes with ``certificate.safetensors``, any other ``name.json`` with
        ``name.certificate.safetensors``, so that the file of a network ``name.safetensors`` is left alone. Without a
        dual point there is no second file.
        """
        write_certificate(path, self.to_json(), self._vectors())

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Certificate:
        """Read a certificate written by :meth:`save`, or by version 0.1.

        Raises
        ------
        ModelFormatError
            If a file is damaged, edited, missing beside the other, of another kind or of an unknown version.
        """
        content, vectors = read_certificate(path)
        point = vectors.get("dual_point")
        return cls(
            **content,
            dual_point=None if point is None else as_given(point),
            multipliers=unpack_multipliers(vectors),
        )


def _percent_above(share: float) -> str:
    """A share as percent, rounded up to two digits."""
    digits = 1 - math.floor(math.log10(100.0 * share))
    return f"{math.ceil(100.0 * share * 10.0**digits - 1e-9) / 10.0**digits:.{max(digits, 0)}f}"


def _as_columns(point: Floats) -> Floats:
    return np.ascontiguousarray(point.reshape(len(point), -1))


def as_given(point: Floats) -> Floats:
    """A dual point (n, c) as a certificate holds it: flat if there is one output, and not to be written to."""
    out = np.array(point[:, 0] if point.shape[1] == 1 else point, dtype=np.float64)
    out.setflags(write=False)
    return out
