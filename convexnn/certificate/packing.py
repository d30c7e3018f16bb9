"""Multipliers of moment bounds as two tables, the form in which they lie in a file beside the dual point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from convexnn._types import Floats
from convexnn.exceptions import ModelFormatError

if TYPE_CHECKING:
    from convexnn.bounds.multipliers import PieceMultipliers

__all__ = ["PIECES", "SAMPLES", "pack_multipliers", "unpack_multipliers"]

# Names of the tables: a row (output, sign, lower, upper, omega, k) for each piece, and three rows for each piece,
# curvature, kappa and slope, over the samples of positive weight.
PIECES, SAMPLES = "multipliers.pieces", "multipliers.samples"


def pack_multipliers(multipliers: Sequence[Sequence[PieceMultipliers]]) -> dict[str, Floats]:
    """The tables (S, 6) and (3 S, n) of S pieces; no table if there is no piece."""
    rows = [
        (float(output), float(piece.sign), piece.lower, piece.upper, piece.omega, piece.k)
        for output, pieces in enumerate(multipliers)
        for piece in pieces
    ]
    if not rows:
        return {}
    vectors = [
        vector for pieces in multipliers for piece in pieces for vector in (piece.curvature, piece.kappa, piece.slope)
    ]
    return {PIECES: np.array(rows), SAMPLES: np.array(vectors)}


def unpack_multipliers(vectors: Mapping[str, Floats]) -> tuple[tuple[PieceMultipliers, ...], ...] | None:
    """For each output the pieces of the two tables; None if there are none.

    Raises
    ------
    ModelFormatError
        If the tables do not belong together. Whether the numbers prove anything is decided elsewhere.
    """
    if PIECES not in vectors:
        return None
    from convexnn.bounds.multipliers import PieceMultipliers

    rows, samples = vectors[PIECES], vectors[SAMPLES]
    outputs = rows[:, 0]
    whole = (outputs == np.round(outputs)).all() and outputs.min() >= 0 and outputs.max() < len(rows)
    if not whole or not np.isin(rows[:, 1], (-1.0, 1.0)).all():
        raise ModelFormatError(f"{PIECES} names an output or a sign that does not exist; file damaged or edited.")
    found: list[list[PieceMultipliers]] = [[] for _ in range(int(outputs.max()) + 1)]
    for (output, sign, lower, upper, omega, k), (curvature, kappa, slope) in zip(
        rows.tolist(), samples.reshape(len(rows), 3, -1), strict=True
    ):
        piece = PieceMultipliers(int(sign), lower, upper, curvature, kappa, slope, omega, k)
        found[int(output)].append(piece)
    return tuple(tuple(pieces) for pieces in found)
