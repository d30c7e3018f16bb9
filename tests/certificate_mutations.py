"""Forged certificates: every field and every vector changed, files damaged and swapped, checksums recomputed.

A forgery may be accepted only if what it claims is true: by the second checker, its bound is at most the exact one
that follows from the vector it carries, for the problem it states.
"""

from __future__ import annotations

import hashlib
import json
import struct
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load, save

from convexnn import ReLUNetwork, verify
from convexnn.exceptions import ConvexNNError

NOTES = {"format": "convexnn-certificate", "version": "2"}


@dataclass(frozen=True)
class Proved:
    """A case, its network, and the bytes of its certificate's two files."""

    case: Any
    network: ReLUNetwork
    text: str
    vectors: bytes

    @classmethod
    def of(cls, case, result, folder: Path) -> Proved:
        result.certificate.save(folder / "certificate.json")
        return cls(case, result.network, (folder / "certificate.json").read_text(),
                   (folder / "certificate.safetensors").read_bytes())  # fmt: skip

    def point(self, vectors: bytes | None = None):
        return load(self.vectors if vectors is None else vectors)["dual_point"]


def flipped(data: bytes, rng) -> bytes:
    """One bit turned over."""
    changed = bytearray(data)
    changed[rng.integers(len(changed))] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def another_number(value: float, rng) -> float:
    """A number near or far, greater or smaller, or one bit away."""
    kind = rng.integers(6)
    if kind == 0:
        bits = struct.unpack("<q", struct.pack("<d", value))[0] ^ (1 << int(rng.integers(63)))
        return struct.unpack("<d", struct.pack("<q", bits))[0]
    if kind == 1:
        return float(np.nextafter(value, np.inf))
    size = 10.0 ** rng.uniform(-16, 2)
    return [value * (1 + size), value * (1 - size), value + size, value / 2][kind - 2]


def another_value(name: str, value: Any, rng) -> Any:
    """A value that the field could have, or could not."""
    choices = {
        "scope": ["network", "dictionary", "none"], "method": ["exact", "branch", "moments", "none"],
        "norm": ["l1", "l2"], "bias": [True, False, "penalized"], "holds": [True, False],
        "loss": ["squared_error", "hinge", "quantile(0.4)", "huber(2.0)", "log_loss", "interpolation", "poisson"],
        "version": [1, 2, 3], "n_atoms": [3], "atoms": ["0" * 64], "fingerprint": ["0" * 64],
        "activation_slope": [0.1], "interaction_cst": ["pairwise"], "note": ["proved by an oracle", ""],
    }  # fmt: skip
    if name in choices:
        return choices[name][rng.integers(len(choices[name]))]
    if isinstance(value, float):
        return another_number(value, rng)
    if isinstance(value, int):
        return value + int(rng.choice([-1, 1, 10**6]))
    return [None, "x", 0.0, [], {}, 10**400][rng.integers(6)]


def consistent(content: dict[str, Any]) -> dict[str, Any]:
    """Gap, share and verdict made to fit to the numbers that are claimed."""
    primal, dual = content["primal"], content["dual"]
    if not isinstance(primal, float) or not isinstance(dual, float):
        return content
    size = max(abs(primal), abs(dual))
    gap = max(0.0, primal - dual)
    relative = gap / size if size > 0 else 0.0
    return {**content, "gap": gap, "relative_gap": relative, "holds": relative <= content["tol"]}


def changed_point(v, rng):
    """Other vectors: entries changed, scaled, shifted, noisy, or made up."""
    kind, v = rng.integers(6), v.copy()
    if kind == 0:
        place = tuple(rng.integers(k) for k in v.shape)
        v[place] = another_number(float(v[place]), rng)
        return v
    size = 10.0 ** rng.uniform(-16, 1)
    if kind == 5:
        return np.zeros_like(v)
    return [v * (1 + size), v + size, v + size * rng.standard_normal(v.shape), v[::-1]][kind - 1]


def bold(content: dict[str, Any], rng) -> dict[str, Any]:
    """A bound that is a little or much too good, stated without contradiction."""
    top = content["dual"] + (content["primal"] - content["dual"] + content["primal"]) * 10.0 ** rng.uniform(-16, 0)
    return consistent({**content, "dual": float(top)})


def forge(proved: Proved, other: Proved, rng) -> tuple[str, bytes]:
    """The two files of a forgery."""
    content, vectors = json.loads(proved.text), proved.vectors
    kind = rng.integers(9)
    if kind == 0:
        raw = flipped(proved.text.encode(), rng)
        return raw.decode("utf-8", errors="replace"), vectors
    if kind == 1:
        return proved.text, flipped(vectors, rng)
    if kind == 2:
        return (proved.text, other.vectors) if rng.random() < 0.5 else (other.text, vectors)
    if kind == 3:
        content = bold(content, rng)
    if kind in (4, 5, 6):
        for _ in range(int(rng.integers(1, 3))):
            name = list(content)[rng.integers(len(content))]
            content[name] = another_value(name, content[name], rng)
        if kind == 6:
            content = consistent(content)
    if kind in (7, 8):
        point = np.ascontiguousarray(changed_point(proved.point(), rng))
        vectors = save({"dual_point": point}, metadata=NOTES)
        content["vectors"] = {
            "dual_point": {"shape": list(point.shape), "sha256": hashlib.sha256(point.tobytes()).hexdigest()}
        }
        if kind == 8:
            content = bold(content, rng)
    return json.dumps(content), vectors


def accepted(proved: Proved, text: str, vectors: bytes, folder: Path) -> bool:
    """Whether `verify` confirms these files; it may refuse them only with an error of the package."""
    (folder / "certificate.json").write_text(text, encoding="utf-8")
    (folder / "certificate.safetensors").write_bytes(vectors)
    try:
        verify(folder / "certificate.json", proved.network, proved.case.X, proved.case.y,
               sample_weight=proved.case.weight, max_work=10**7)  # fmt: skip
    except (ConvexNNError, FileNotFoundError):
        return False
    return True


def rows(array):
    """Rows of fractions."""
    array = np.asarray(array, dtype=float)
    return [[Fraction(float(a)) for a in row] for row in (array[:, None] if array.ndim == 1 else array)]


def is_true(decide, proved: Proved, text: str, vectors: bytes, *, honest: bool = False) -> bool:
    """Whether the bound that is claimed follows from the vector that is given, or the honest one, in rationals.

    A damaged vector may be repaired in more than one way, so a bound that it seems not to give may be true all the
    same; where responses are small differences of large sums that is felt in the thirteenth digit.
    """
    claim = json.loads(text)
    if claim["scope"] == "none" or claim["dual"] == 0:
        return True
    before = json.loads(proved.text)
    problem = ("scope", "beta", "norm", "bias", "loss")
    if not honest and all(claim[name] == before[name] for name in problem) and claim["dual"] <= before["dual"]:
        return True  # it says less than was proved, which the second checker has confirmed before
    network, case = proved.network, proved.case
    claim["dual"] *= 1 - 1e-12
    parts = (rows(network.hidden_weights), [a for (a,) in rows(network.hidden_biases)],
             rows(network.output_weights), [a for (a,) in rows(network.intercept)])  # fmt: skip
    weight = None if case.weight is None else [Fraction(float(a)) for a in case.weight]
    for point in (proved.point(vectors if claim.get("vectors") else None), proved.point()):
        found = decide(parts, claim, rows(point), rows(case.X), rows(case.y), weight)
        if not found["decided"] or found["true"]:
            return found["decided"]
    return False
