"""The interface between the generation loop and the solvers of the restricted problem."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from convexnn._progress import Clock
from convexnn._types import Floats, Ints
from convexnn.oracles.base import Candidates
from convexnn.restricted.problem import LassoProblem

__all__ = ["ColumnSolver", "RestrictedSolver", "RestrictedState", "WorkingSet"]

# Unit neurons whose cosine and offset agree up to this are the same.
_SAME = 1e-15


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


class WorkingSet:
    """The atoms a master knows, in its order: unit normals, offsets and rows in working coordinates."""

    def __init__(self, rank: int, width: int) -> None:
        self.normals: Floats = np.zeros((0, rank))
        self.offsets: Floats = np.zeros(0)
        self.rows: Ints = np.zeros((0, width), dtype=np.int64)

    def __len__(self) -> int:
        return len(self.offsets)

    def add(self, found: Candidates) -> None:
        self.normals = np.concatenate([self.normals, found.normals])
        self.offsets = np.concatenate([self.offsets, found.offsets])
        self.rows = np.concatenate([self.rows, found.rows])

    def keep(self, which: Ints) -> None:
        self.normals, self.offsets, self.rows = self.normals[which], self.offsets[which], self.rows[which]

    def unknown(self, found: Candidates) -> Candidates:
        """Candidates that are not in the set: a master has priced its own atoms to full accuracy."""
        if not len(found) or not len(self):
            return found
        order = np.argsort(self.offsets)
        offsets = self.offsets[order]
        begin = np.searchsorted(offsets, found.offsets - _SAME, side="left")
        many = np.searchsorted(offsets, found.offsets + _SAME, side="right") - begin
        theirs = np.repeat(np.arange(len(found)), many)
        mine = order[np.arange(len(theirs)) + np.repeat(begin + many - np.cumsum(many), many)]
        u, w = self.normals[mine], found.normals[theirs]
        lengths = np.sqrt((u * u).sum(axis=1)) * np.sqrt((w * w).sum(axis=1))
        known = np.zeros(len(found), dtype=bool)
        known[theirs[(u * w).sum(axis=1) >= (1.0 - _SAME) * lengths]] = True
        return found.select(~known)


class RestrictedSolver(Protocol):
    """Solves the restricted problem, warm started from its last solution."""

    @property
    def working(self) -> WorkingSet:
        """The atoms it knows, in the order of the coefficients."""
        ...

    def add(self, found: Candidates) -> None:
        """Append atoms to the working set."""
        ...

    def solve(self, beta: float) -> RestrictedState:
        """Minimise over the coefficients of the working set."""
        ...

    def drop_inactive(self, slack: float) -> None:
        """Forget inactive atoms whose response is below slack * beta."""
        ...


class ColumnSolver(ABC):
    """Base of masters whose atoms are fixed columns (x_i.u_j + c_j)_+."""

    def __init__(self, problem: LassoProblem) -> None:
        self.problem = problem
        self.working = WorkingSet(problem.frame.rank, max(problem.frame.subset_size, 1))
        self.clock: Clock | None = None
        """If set, a long solve ends early when its time is over, with the coefficients it has."""
        self.inaccuracy = 0.0
        """Relative error of the objective that is good enough; iterative masters stop earlier for it."""

    @property
    def _expired(self) -> bool:
        return self.clock is not None and self.clock.expired

    def add(self, found: Candidates) -> None:
        self.working.add(found)
        columns = self.problem.frame.columns(found.normals, found.offsets)
        self.add_columns(np.ascontiguousarray(columns.T))

    @abstractmethod
    def add_columns(self, columns: Floats) -> None:
        """Append atoms given by their responses, the rows of an array (k, n)."""

    def start(self, z: Floats) -> None:  # noqa: B027 (starting from scratch is a valid choice)
        """Start from coefficients (m, c) of the working set, if the method can."""

    @abstractmethod
    def solve(self, beta: float) -> RestrictedState:
        """Minimise over the coefficients of the working set."""

    def drop_inactive(self, slack: float) -> None:  # noqa: B027 (keeping everything is a valid choice)
        """Forget inactive atoms whose response is below slack * beta; nothing by default."""
