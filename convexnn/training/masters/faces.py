"""The exact l2 problem over all neurons: a master whose neurons move inside the faces of the arrangement.

While a neuron keeps its activation pattern and the samples on its hyperplane (its face), its response is linear
in its weights: with penalty ||u||_2 that is a convex problem, solved by Newton's method. A neuron that meets a
further sample stops there, on a smaller face. New faces come from the oracle, so there are finitely many.
Adding fixed unit vectors instead (as in Frank-Wolfe) converges only sublinearly.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

from convexnn._types import Floats, Ints
from convexnn.oracles.candidates import Candidates
from convexnn.training.masters.base import MasterState, WorkingSet
from convexnn.training.masters.face import Face, FaceBlocks, make_face, shrink_face
from convexnn.training.newton import Event, block_norms, minimise
from convexnn.training.problem import LassoProblem

__all__ = ["AmplitudeMaster", "FaceMaster"]

# Vanished and blocked neurons that one solve may handle; each makes the working set smaller.
_MAX_EVENTS = 2000


class AmplitudeMaster(Protocol):
    """What solves for the lengths of fixed neurons."""

    def add_columns(self, columns: Floats) -> None:
        """Append neurons given by their responses, the rows of an array (k, n)."""
        ...

    def warm(self, z: Floats) -> None:
        """Start from these lengths."""
        ...

    def solve(self, beta: float) -> MasterState:
        """Best lengths."""
        ...


class FaceMaster:
    """One output, smooth loss, l2 norm: amplitudes by a master for fixed neurons, then directions by Newton.

    Parameters
    ----------
    problem : LassoProblem
    amplitudes : callable
        Makes a master for fixed neurons, with a method ``warm``.
    """

    def __init__(self, problem: LassoProblem, amplitudes: Callable[[LassoProblem], AmplitudeMaster]) -> None:
        self._problem, self._make = problem, amplitudes
        self._faces: list[Face] = []
        self._units: list[Floats] = []  # unit vector of the neuron in its face
        self._z: list[float] = []  # signed length

    @property
    def working(self) -> WorkingSet:
        """The neurons where they stand now."""
        frame = self._problem.frame
        working = WorkingSet(frame.rank, max(frame.subset_size, 1))
        if self._faces:
            normals = np.stack([f.basis @ u for f, u in zip(self._faces, self._units)])
            offsets = -np.array([float(n @ f.pivot) for f, n in zip(self._faces, normals)])
            width = working.rows.shape[1]
            rows = np.full((len(normals), width), -1, dtype=np.int64)
            for k, face in enumerate(self._faces):
                rows[k, : min(width, len(face.tight))] = sorted(face.tight)[:width]
            working.normals, working.offsets, working.rows = normals, offsets, rows
        return working

    def start(self, normals: Floats, rows: Ints, z: Floats) -> None:
        """Begin with unit neurons (m, r) of signed length z (m,)."""
        self._append(normals, rows)
        self._z[-len(z) :] = [float(length) for length in z]

    def add(self, found: Candidates) -> None:
        """Append candidates with length zero."""
        self._append(found.normals, found.rows)

    def _append(self, normals: Floats, rows_of: Ints) -> None:
        frame = self._problem.frame
        for normal, rows in zip(normals, rows_of):
            face, a = make_face(frame.points, frame.affine, tuple(int(i) for i in rows if i >= 0), normal)
            self._faces.append(face)
            self._units.append(a / np.linalg.norm(a))
            self._z.append(0.0)

    def tidy(self, slack: float) -> None:
        """Every solve forgets the neurons that it does not use."""

    def solve(self, beta: float) -> MasterState:
        problem = self._problem.with_working_beta(beta)
        state = self._amplitudes(problem)
        t = state.t
        for _ in range(_MAX_EVENTS):
            if not self._faces:
                break
            blocks = FaceBlocks(self._faces, [float(np.sign(z)) for z in self._z])
            a = np.concatenate([abs(z) * u for z, u in zip(self._z, self._units)])
            moved = minimise(blocks, problem.loss, beta, a, t, intercept=problem.intercept)
            t = moved.t
            self._store(moved.a, blocks.starts)
            if moved.event is Event.CONVERGED:
                break
            if moved.event is Event.UNFINISHED:
                continue
            if moved.event is Event.VANISHED or self._faces[moved.block].size == 1:
                self._keep([k for k in range(len(self._faces)) if k != moved.block])
            else:
                self._snap(moved.block, blocks.row)
        return self._state(t)

    def _amplitudes(self, problem: LassoProblem) -> MasterState:
        """Best lengths of the neurons as they stand; those without one are forgotten."""
        master = self._make(problem)
        if self._faces:
            columns = [np.where(f.mask, f.projected @ u, 0.0) for f, u in zip(self._faces, self._units)]
            master.add_columns(np.stack(columns))
            master.warm(np.array(self._z))
        state = master.solve(problem.beta)
        self._z = [float(z) for z in state.z[:, 0]]
        self._keep([k for k, z in enumerate(self._z) if z != 0.0])
        self._merge()
        return state

    def _merge(self) -> None:
        """Add up neurons of the same face and sign: the same function, and the penalty never grows."""
        seen: dict[tuple[tuple[int, ...], bytes, bool], int] = {}
        keep: list[int] = []
        for k, (face, z) in enumerate(zip(self._faces, self._z)):
            key = (*face.key, z > 0)
            if key in seen and face.size > 1:
                i = seen[key]
                both = abs(self._z[i]) * (self._faces[i].basis @ self._units[i]) + abs(z) * (
                    face.basis @ self._units[k]
                )
                a = self._faces[i].basis.T @ both
                length = float(np.linalg.norm(a))
                self._units[i], self._z[i] = a / length, float(np.copysign(length, z))
            else:
                seen[key] = k
                keep.append(k)
        self._keep(keep)

    def _keep(self, which: list[int]) -> None:
        self._faces = [self._faces[k] for k in which]
        self._units = [self._units[k] for k in which]
        self._z = [self._z[k] for k in which]

    def _store(self, a: Floats, starts: Ints) -> None:
        lengths = block_norms(a, starts)
        for k, length in enumerate(lengths):
            if length > 0:
                self._units[k] = a[starts[k] : starts[k + 1]] / length
            self._z[k] = float(np.copysign(length, self._z[k]))

    def _snap(self, k: int, row: int) -> None:
        frame, length = self._problem.frame, abs(self._z[k])
        face, a = shrink_face(frame.points, frame.affine, self._faces[k], row, length * self._units[k])
        self._faces[k] = face
        self._units[k] = a / np.linalg.norm(a)
        self._z[k] = float(np.copysign(np.linalg.norm(a), self._z[k]))

    def _state(self, t: Floats) -> MasterState:
        n = self._problem.frame.n
        f = np.zeros((n, 1)) + t
        for face, u, z in zip(self._faces, self._units, self._z):
            f[:, 0] += z * np.where(face.mask, face.projected @ u, 0.0)
        return MasterState(np.array(self._z, dtype=np.float64).reshape(-1, 1), t, f)
