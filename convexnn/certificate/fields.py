"""What a certificate's JSON may contain: types, ranges, and relations between fields.

The text comes from anywhere. It is data only: nothing in it is executed, names no other file, or sets the size of
anything that is allocated.
"""

from __future__ import annotations

import json
import math
import re
from itertools import pairwise
from typing import Any

from convexnn.certificate.packing import PIECES, SAMPLES
from convexnn.exceptions import ModelFormatError, ParameterError
from convexnn.losses.registry import LOSSES, current_name

__all__ = ["MAX_TEXT", "Shapes", "parse_certificate"]

# Characters of a whole certificate, and of one text in it.
MAX_TEXT, _LONGEST = 1_000_000, 10_000
_FORMAT, _VERSION = "convexnn-certificate", 2
_COUNT_LIMIT = 2**53
# Share of the objective by which bounds of version 0.1 are lowered.
_SAFE = 1e-9
_NUMBERS = ("primal", "dual", "gap", "relative_gap", "response")
_COUNTS = ("n_neurons", "n_samples", "n_atoms")
_CHOICES: dict[str, tuple[Any, ...]] = {
    "scope": ("network", "dictionary", "none"),
    "method": ("exact", "branch", "moments", "none"),
    "norm": ("l1", "l2"),
    "bias": (True, False, "penalized"),
    "holds": (True, False),
    "activation_slope": (0.0,),
}
_NAMES = (
    *_NUMBERS, *_COUNTS, *_CHOICES, "tol", "beta", "loss", "fingerprint", "atoms", "note", "interaction_cst",
)  # fmt: skip
_SHA = re.compile(r"[0-9a-f]{64}")
# Names of vectors, each with its shape and the SHA-256 of its bytes.
Shapes = dict[str, tuple[tuple[int, ...], str]]
# Which vectors there can be together.
_VECTORS: tuple[set[str], ...] = (set(), {"dual_point"}, {"dual_point", PIECES, SAMPLES})


def parse_certificate(text: str) -> tuple[dict[str, Any], Shapes]:
    """Fields of a certificate in JSON, of this version or of 0.1, and what it says of its vectors.

    Raises
    ------
    ModelFormatError
        Naming the field or the version.
    """
    content = _parse(text)
    if content.pop("format", None) != _FORMAT:
        raise ModelFormatError(f"this is not a certificate: field 'format' is not {_FORMAT!r}.")
    version = content.pop("version", None)
    if type(version) is not int or version not in (1, _VERSION):
        raise ModelFormatError(f"certificate version {version!r} is unknown; this release reads 1 and {_VERSION}.")
    if version == 1:
        content = _from_version_1(content)
    vectors = content.pop("vectors", None)
    if set(_NAMES) != set(content):
        odd = ", ".join(sorted(set(_NAMES) ^ set(content))[:10])
        raise ModelFormatError(f"the certificate lacks or adds the fields {odd}; file damaged or edited.")
    for name, value in content.items():
        if not _is_valid(name, value):
            raise ModelFormatError(f"certificate field {name!r} is {_shown(value)}; file damaged or edited.")
    fields = _with_numbers(content)
    if isinstance(fields["interaction_cst"], list):
        fields["interaction_cst"] = tuple(map(tuple, fields["interaction_cst"]))
    _check_relations(fields)
    if version == 1 and fields["scope"] != "none":
        fields = _rounded(fields)
    return fields, _check_vectors(vectors, fields)


def _parse(text: str) -> dict[str, Any]:
    if len(text) > MAX_TEXT:
        raise ModelFormatError(f"the certificate has {len(text):,} characters; at most {MAX_TEXT:,} are read.")
    try:
        content = json.loads(text, object_pairs_hook=_once, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise ModelFormatError(f"the certificate is not JSON ({str(error)[:200]}); the file is damaged.") from error
    if not isinstance(content, dict):
        raise ModelFormatError("this is not a certificate: field 'format' is missing.")
    return content


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose names are all different."""
    content = dict(pairs)
    if len(content) < len(pairs):
        raise ModelFormatError("the certificate has a field twice; file damaged or edited.")
    return content


def _refuse(constant: str) -> float:
    raise ModelFormatError(f"the certificate contains {constant}, which is no JSON; file damaged or edited.")


def _from_version_1(content: dict[str, Any]) -> dict[str, Any]:
    """The fields of a certificate of 0.1 as they are now: what a search had found is no proof."""
    content = {"note": "", **content}
    if added := {"method", "activation_slope", "interaction_cst", "vectors"} & set(content):
        raise ModelFormatError(f"the certificate adds the fields {', '.join(sorted(added))} to version 1.")
    if content.get("scope") == "none":
        raise ModelFormatError("certificate field 'scope' is 'none' in version 1; file damaged or edited.")
    _check_version_1(content)
    if isinstance(content.get("loss"), str):
        content["loss"] = current_name(content["loss"])
    note = content.get("note")
    method = "branch" if isinstance(note, str) and note.startswith("Branch and bound over") else "exact"
    tol, share = content.get("tol"), content.get("relative_gap")
    doubted = _is_number(tol) and content.get("holds") is False and share is not None and share <= tol
    if content.get("scope") == "searched" or doubted:
        nothing = dict.fromkeys(("dual", "gap", "relative_gap", "response"))
        said = "Version 0.1 had searched, which proves nothing."
        if doubted:
            said = "Version 0.1 computed the same number in two ways, which disagreed."
        content = {**content, **nothing, "scope": "none", "holds": False, "note": said}
        method = "none"
    return {**content, "method": method, "activation_slope": 0.0, "interaction_cst": None, "vectors": {}}


def _rounded(fields: dict[str, Any]) -> dict[str, Any]:
    """Numbers of version 0.1, which did not round to the safe side, with a bound lower by more than that matters."""
    primal = fields["primal"]
    size = max(primal, fields["dual"])
    dual = fields["dual"] - _SAFE * size
    gap = max(0.0, primal - dual)
    relative = min(1.0, fields["relative_gap"] + _SAFE) if gap > 0 else 0.0
    return {**fields, "dual": dual, "gap": gap, "relative_gap": relative, "holds": relative <= fields["tol"]}


def _check_version_1(content: dict[str, Any]) -> None:
    """In 0.1 every number was finite."""
    for name in _NUMBERS:
        if name in content and not _is_number(content[name]):
            raise ModelFormatError(f"certificate field {name!r} is {_shown(content[name])}; file damaged or edited.")
    if type(content.get("holds", True)) is not bool:
        raise ModelFormatError(f"certificate field 'holds' is {_shown(content['holds'])}; file damaged or edited.")


def _shown(value: Any) -> str:
    # A number of ten thousand digits cannot even be printed.
    return "a very long number" if type(value) is int and abs(value) > _COUNT_LIMIT else repr(value)[:100]


def _is_number(value: Any) -> bool:
    if type(value) is int:
        return abs(value) <= _COUNT_LIMIT
    return type(value) is float and math.isfinite(value)


def _is_valid(name: str, value: Any) -> bool:
    if name in _CHOICES:
        return any(type(value) is type(choice) and value == choice for choice in _CHOICES[name])
    if name in _COUNTS:
        return (type(value) is int and 0 <= value <= _COUNT_LIMIT) or (name == "n_atoms" and value is None)
    if name in _NUMBERS:
        return value is None or (_is_number(value) and (name == "dual" or value >= 0))
    if name in ("tol", "beta"):
        return _is_number(value) and value >= 0
    if name == "loss":
        return isinstance(value, str) and len(value) <= 100 and _is_loss(value)
    if name == "interaction_cst":
        return value is None or value in ("no_interactions", "pairwise") or _is_groups(value)
    if name == "note":
        # It is printed: no control characters, which a terminal would obey.
        return isinstance(value, str) and len(value) <= _LONGEST and value.isprintable()
    optional = name == "atoms" and value is None
    return optional or (isinstance(value, str) and _SHA.fullmatch(value) is not None)


def _is_groups(value: Any) -> bool:
    """Whether it is a list of at least two increasing lists of features, in increasing order."""
    if not isinstance(value, list) or len(value) < 2:
        return False
    for group in value:
        if not isinstance(group, list) or not group or not all(type(k) is int and 0 <= k < _COUNT_LIMIT for k in group):
            return False
        if any(first >= second for first, second in pairwise(group)):
            return False
    return all(first < second for first, second in pairwise(value))


def _is_loss(name: str) -> bool:
    try:
        LOSSES.check(name)
    except ParameterError:
        return name == "interpolation"
    return True


def _with_numbers(content: dict[str, Any]) -> dict[str, Any]:
    """Null as the number it stands for: not a number where nothing is proved, else infinity."""
    absent = math.nan if content["scope"] == "none" else math.inf
    numbers = {name: absent if content[name] is None else float(content[name]) for name in _NUMBERS}
    if content["primal"] is None:
        numbers["primal"] = math.inf
    reals = {name: float(content[name]) for name in ("tol", "beta")}
    return {**content, **numbers, **reals}


def _check_relations(fields: dict[str, Any]) -> None:
    """Contradictions between fields."""
    if (fields["n_atoms"] is None) != (fields["atoms"] is None):
        raise ModelFormatError("certificate fields 'n_atoms' and 'atoms' contradict each other.")
    if (fields["beta"] == 0) != (fields["loss"] == "interpolation"):
        raise ModelFormatError("certificate fields 'beta' and 'loss' contradict each other.")
    claims = ("dual", "gap", "relative_gap", "response")
    if fields["scope"] == "none" or fields["method"] == "none":
        if fields["scope"] != fields["method"] or fields["holds"] or any(fields[k] == fields[k] for k in claims):
            raise ModelFormatError(
                "certificate fields 'scope', 'method', 'holds', 'dual', 'gap', 'relative_gap' and 'response' "
                "contradict each other: nothing is proved, so nothing may be claimed."
            )
        return
    primal, dual, gap = fields["primal"], fields["dual"], fields["gap"]
    if not math.isfinite(dual) or not math.isfinite(fields["response"]):
        raise ModelFormatError("certificate field 'dual' or 'response' is not finite; file damaged or edited.")
    difference, size = max(0.0, primal - dual), max(abs(primal), abs(dual))
    if primal < math.inf:
        share = difference / size if size > 0 else 0.0
        # Near an optimum of zero rounding errors set the size, so the share may be smaller than that of the numbers.
        wrong = abs(gap - difference) > 1e-12 * size + 1e-300 or fields["relative_gap"] > share * (1 + 1e-9) + 1e-12
    else:
        wrong = gap < math.inf or fields["relative_gap"] < math.inf
    if wrong:
        raise ModelFormatError(
            "certificate fields 'primal', 'dual', 'gap' and 'relative_gap' contradict each other."
        )
    if fields["holds"] != (fields["relative_gap"] <= fields["tol"]):
        raise ModelFormatError("certificate fields 'holds', 'relative_gap' and 'tol' contradict each other.")


def _check_vectors(vectors: Any, fields: dict[str, Any]) -> Shapes:
    """Shape and checksum of every vector that the certificate names."""
    if not isinstance(vectors, dict) or set(vectors) not in _VECTORS:
        raise ModelFormatError(f"certificate field 'vectors' is {_shown(vectors)}; file damaged or edited.")
    if vectors and fields["scope"] == "none":
        raise ModelFormatError("certificate fields 'scope' and 'vectors' contradict each other.")
    found: Shapes = {}
    for name, entry in vectors.items():
        if not isinstance(entry, dict) or set(entry) != {"shape", "sha256"}:
            raise ModelFormatError(f"certificate field 'vectors' has {name!r} without shape and sha256.")
        shape, digest = entry["shape"], entry["sha256"]
        sizes = isinstance(shape, list) and len(shape) == 2 and all(type(k) is int for k in shape)
        if not sizes or not all(1 <= k <= _COUNT_LIMIT for k in shape) or not _fits(name, shape, fields):
            raise ModelFormatError(f"certificate field 'vectors' gives {name!r} the shape {_shown(shape)}.")
        if not isinstance(digest, str) or _SHA.fullmatch(digest) is None:
            raise ModelFormatError(f"certificate field 'vectors' gives {name!r} no SHA-256.")
        found[name] = ((shape[0], shape[1]), digest)
    if SAMPLES in found and found[SAMPLES][0][0] != 3 * found[PIECES][0][0]:
        raise ModelFormatError("certificate field 'vectors' has tables of multipliers that do not belong together.")
    return found


def _fits(name: str, shape: list[int], fields: dict[str, Any]) -> bool:
    """Whether a vector of this name can have this shape."""
    if name == PIECES:
        return shape[1] == 6
    return shape[1] <= fields["n_samples"] if name == SAMPLES else bool(shape[0] == fields["n_samples"])
