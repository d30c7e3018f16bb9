"""What a restricted solver is: it solves the problem over a fixed set of neurons, and declares what it serves."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from convexnn._progress import UNLIMITED, Clock
from convexnn._types import Floats, Ints
from convexnn.network.neurons import NeuronSet
from convexnn.restricted.problem import LassoProblem

__all__ = ["ColumnSolver", "RestrictedSolver", "RestrictedState"]


@dataclass(frozen=True)
class RestrictedState:
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

    @property
    def n_active(self) -> int:
        """Number of atoms with a coefficient."""
        return int((self.z != 0).any(axis=1).sum())


class RestrictedSolver(ABC):
    """Solves the problem over a working set of neurons, warm started from its last solution."""

    @classmethod
    @abstractmethod
    def serves(cls, problem: LassoProblem) -> bool:
        """Whether the method applies to the penalty, the loss and the outputs of a problem."""

    @property
    @abstractmethod
    def working(self) -> NeuronSet:
        """The neurons it knows, in the order of the coefficients."""

    @abstractmethod
    def add(self, found: NeuronSet) -> None:
        """Append neurons to the working set."""

    @abstractmethod
    def solve(self, beta: float, *, clock: Clock = UNLIMITED, accuracy: float = 0.0) -> RestrictedState:
        """Minimise over the working set.

        Parameters
        ----------
        beta : float
        clock : Clock
            When it expires, a long solve returns the coefficients that it has.
        accuracy : float
            Relative error of the objective that is good enough; 0 asks for all digits.
        """

    def drop_inactive(self, slack: float) -> None:  # noqa: B027 (keeping everything is a valid choice)
        """Forget inactive neurons whose response is below slack * beta; nothing by default."""


class ColumnSolver(RestrictedSolver):
    """Base of solvers whose neurons are fixed columns (x_i.u_j + c_j)_+.

    Parameters
    ----------
    problem : LassoProblem
    """

    def __init__(self, problem: LassoProblem) -> None:
        self.problem = problem
        self._working = NeuronSet.empty(problem.frame.rank, problem.frame.subset_size)

    @property
    def working(self) -> NeuronSet:
        return self._working

    def add(self, found: NeuronSet) -> None:
        self._working = self._working.joined(found)
        columns = self.problem.frame.columns(found.normals, found.offsets)
        self.add_columns(np.ascontiguousarray(columns.T))

    @abstractmethod
    def add_columns(self, columns: Floats) -> None:
        """Append neurons given by their responses, the rows of an array (k, n)."""

    def start(self, z: Floats, *, clock: Clock = UNLIMITED) -> None:
        """Start from coefficients (m, c) of the working set, if the method can and the time suffices."""

    def _keep(self, which: Ints) -> None:
        """Forget all neurons but these."""
        self._working = self._working.select(which)
