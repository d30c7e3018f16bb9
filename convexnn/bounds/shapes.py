"""From what is known of the moments of a piece to its multipliers for any dual vector."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from convexnn._types import Floats
from convexnn.bounds.moment_problem import MomentProblem
from convexnn.bounds.multipliers import PieceMultipliers
from convexnn.bounds.pieces import Piece
from convexnn.bounds.repair import best_multipliers

__all__ = ["Found", "Shape", "completed", "found_with"]

# Range of the curvature over the largest entry of the dual vector.
_FLATTEST, _STEEPEST = 1e-12, 1e12


@dataclass(frozen=True)
class Shape:
    """Multipliers of a piece that do not depend on the size of the dual vector.

    Attributes
    ----------
    steepness : (n,) array
        Curvature over the entry of the dual vector, 2 sqrt(A / q) for weight A and second moment q of a sample.
    kappa, slope : (n,) array
        As in :class:`convexnn.bounds.multipliers.PieceMultipliers`.
    omega, k : float
        Where the search for the best ones starts.
    """

    steepness: Floats
    kappa: Floats
    slope: Floats
    omega: float
    k: float


def completed(rows: Floats, piece: Piece, V: Floats, shape: Shape, *, bias: bool) -> tuple[PieceMultipliers, float]:
    """Multipliers for V = sign v with the best omega and k, and the bound of the response in floating point.

    Parameters
    ----------
    rows : (n, q) array
        With a last column of ones if `bias`.
    """
    size = float(np.abs(V).max(initial=0.0)) + 1e-300
    curvature = np.clip(shape.steepness * np.abs(V), _FLATTEST * size, _STEEPEST * size)
    up, down = piece.mid & (V > 0), piece.mid & (V < 0)
    linear = np.where(piece.always, 2.0 * V, np.where(up, V, 0.0))
    linear[down] = (V * (1.0 + shape.kappa * piece.tilt + (1.0 - shape.kappa) * shape.slope))[down]
    square = np.where(up, 0.25 * curvature, np.where(down, 2.0 * V * shape.kappa * piece.width, 0.0))
    constant = float(np.sum(np.square(V[up]) / curvature[up]))
    ends = (piece.lower, piece.upper) if bias else None
    start = (shape.omega, shape.k if bias else 0.0)
    omega, k, rest = best_multipliers((rows.T * square) @ rows, 0.5 * (rows.T @ linear), ends, start)
    made = PieceMultipliers(piece.sign, piece.lower, piece.upper, curvature, shape.kappa, shape.slope, omega, k)
    return made, 0.5 * (constant + rest)


@dataclass(frozen=True)
class Found:
    """A dual vector (n, c), multipliers, bound and shape of every piece, weights (S,), and the value reached."""

    v: Floats
    pieces: list[tuple[int, PieceMultipliers]]
    responses: Floats
    shapes: list[Shape]
    weights: Floats
    value: float

    def at(self, problem: MomentProblem, v: Floats) -> Found:
        """The same shapes for another dual vector."""
        return found_with(problem, v, self.shapes, self.weights, self.value)


def found_with(problem: MomentProblem, v: Floats, shapes: list[Shape], weights: Floats, value: float) -> Found:
    """Multipliers of all pieces for the dual vector near v that the loss allows."""
    v = problem.loss.nearest_dual(v, centred=problem.bias)
    made = [
        completed(problem.maps.rows, piece, piece.sign * v[:, piece.output], shape, bias=problem.bias)
        for piece, shape in zip(problem.pieces, shapes)
    ]
    pieces = [(piece.output, each) for piece, (each, _) in zip(problem.pieces, made)]
    return Found(v, pieces, np.array([bound for _, bound in made]), shapes, weights, value)
