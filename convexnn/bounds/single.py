"""The best shape of one piece for a dual vector that is given: what pieces need whose response is still too large."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from convexnn._types import Floats
from convexnn.bounds.moment_problem import MomentProblem

__all__ = ["LinearLoss", "alone"]


@dataclass(frozen=True)
class LinearLoss:
    """Minus the product of outputs and a vector: its least value over moments of weight one is minus the response.

    Attributes
    ----------
    y : (n, 1) array
        The vector.
    """

    y: Floats
    separable: bool = True

    def value(self, f: Floats) -> float:
        return -float(np.sum(self.y * f))

    def gradient(self, f: Floats) -> Floats:
        return -self.y

    def curvature(self, f: Floats) -> Floats:
        return np.zeros_like(f)

    def best_constant(self) -> Floats:
        return np.zeros(1)

    def nearest_dual(self, v: Floats, *, centred: bool) -> Floats:
        return v


def alone(problem: MomentProblem, s: int, V: Floats, bound: float) -> MomentProblem:
    """The problem of piece s with the vector V = sign v, at a penalty that its response does not exceed.

    With the barrier its least value is at a positive weight, and moments over weight are those of the response.
    """
    piece = problem.pieces[s]
    ours = type(piece)(0, 1, piece.lower, piece.upper, piece.reach)
    return MomentProblem(problem.maps, LinearLoss(V[:, None]), np.array([bound]), problem.bias, (ours,))
