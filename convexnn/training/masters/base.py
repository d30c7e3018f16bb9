"""The interface between the generation loop and the solvers of the restricted problem."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from convexnn._types import Floats, Ints

__all__ = ["Master", "MasterState"]


@dataclass(frozen=True)
class MasterState:
    """A solution of the restricted problem.

    Attributes
    ----------
    z : (m, c) array
        Coefficients of the working set, zero for inactive atoms.
    t : (c,) array
        Intercept.
    f : (n, c) array
        Outputs on the samples.
    v : (n, c) array, optional
        Dual vector of the solver; without it, minus the gradient of the loss at f is the dual vector.
    """

    z: Floats
    t: Floats
    f: Floats
    v: Floats | None = None


class Master(Protocol):
    """Solves the restricted problem, warm started from its last solution."""

    def add(self, columns: Floats) -> None:
        """Append atoms, given as the rows of an array (k, n)."""
        ...

    def solve(self, beta: float) -> MasterState:
        """Minimise over the coefficients of all atoms added so far."""
        ...

    def compact(self, slack: float) -> Ints:
        """Forget inactive atoms whose response is below slack * beta; indices of those kept."""
        ...
