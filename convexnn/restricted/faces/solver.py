"""The exact l2 problem over all neurons: a solver whose neurons move through the faces of the arrangement.

While a neuron keeps its activation pattern and the samples on its hyperplane (its face), its response is linear
in its weights: with penalty ||u||_2 that is a convex problem, solved by Newton's method. A neuron that meets a
further sample stops there, on a smaller face; one that would respond more beyond a sample of its hyperplane turns
off it, into the face next to it. Neurons elsewhere come from the oracle, and there are finitely many faces.
Adding fixed unit vectors instead (as in Frank-Wolfe) converges only sublinearly.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

import numpy as np

from convexnn._progress import UNLIMITED, Clock
from convexnn._types import Floats, Ints
from convexnn.network.neurons import NeuronSet
from convexnn.restricted.base import RestrictedSolver, RestrictedState
from convexnn.restricted.faces.blocks import FaceBlocks, Neuron
from convexnn.restricted.faces.drop_constraint import find_constraints_to_drop
from convexnn.restricted.faces.face import make_faces, open_face, shrink_face
from convexnn.restricted.faces.merge_on_face import join
from convexnn.restricted.faces.pool import Pool
from convexnn.restricted.newton import Event, NewtonState, minimise
from convexnn.restricted.parameters import FaceParams, NewtonParams
from convexnn.restricted.problem import LassoProblem

__all__ = ["FaceSolver", "LengthSolver"]

_LEAST = 1e-15  # no decrease below this share of the objective can be told from rounding


class LengthSolver(Protocol):
    """What solves for the lengths of fixed neurons."""

    def add_columns(self, columns: Floats) -> None:
        """Append neurons given by their responses, the rows of an array (k, n)."""
        ...

    def warm(self, z: Floats) -> None:
        """Start from these lengths."""
        ...

    def solve(self, beta: float, *, clock: Clock = UNLIMITED, accuracy: float = 0.0) -> RestrictedState:
        """Best lengths."""
        ...


class FaceSolver(RestrictedSolver):
    """One output, smooth loss, l2 norm: lengths by a solver for fixed neurons, then directions by Newton.

    Parameters
    ----------
    problem : LassoProblem
    amplitudes : callable
        Makes a solver for fixed neurons, with a method ``warm``.
    params : FaceParams
    newton : NewtonParams
    """

    def __init__(
        self,
        problem: LassoProblem,
        amplitudes: Callable[[LassoProblem], LengthSolver],
        params: FaceParams = FaceParams(),  # noqa: B008 (frozen)
        newton: NewtonParams = NewtonParams(),  # noqa: B008 (frozen)
    ) -> None:
        self._problem, self._make, self._params, self._newton = problem, amplitudes, params, newton
        self._blocks = FaceBlocks(problem.frame)
        self._pool = Pool(problem.frame)
        self._lengths: LengthSolver | None = None  # of the neurons in faces, then of the pool
        self._beta, self._fixed_rounds = np.nan, 0

    @classmethod
    def serves(cls, problem: LassoProblem) -> bool:
        plain = problem.frame.activation.slope == 0.0
        return problem.norm == "l2" and problem.n_outputs == 1 and problem.loss.smooth and plain

    @property
    def working(self) -> NeuronSet:
        """The neurons where they stand now, and the pool while lengths are all that changes."""
        frame, blocks, pool = self._problem.frame, self._blocks, self._pool
        working = NeuronSet.empty(frame.rank, frame.subset_size)
        if len(blocks):
            normals, width = blocks.normals(), working.rows.shape[1]
            offsets = blocks.offsets(normals)
            rows = [(*sorted(f.tight)[:width], *[-1] * (width - len(f.tight))) for f in blocks.faces]
            working = NeuronSet.found(normals, offsets, np.array(rows, dtype=np.int64))
        return working if self._lengths is None else working.joined(pool.neurons)

    def start(self, neurons: NeuronSet) -> None:
        """Begin with neurons whose rows are known."""
        new = self._neurons(neurons.normals, neurons.rows, neurons.coef[:, 0])
        self._blocks.change(np.arange(len(self._blocks)), new)

    def add(self, found: NeuronSet) -> None:
        """Take candidates into account in the next solve."""
        columns = self._pool.add(found)
        if self._lengths is not None:
            self._lengths.add_columns(columns)

    def _neurons(self, normals: Floats, rows: Ints, z: Floats) -> list[Neuron]:
        frame, on = self._problem.frame, np.flatnonzero(z)
        of = frame.part_of(normals[on])
        made: dict[int, Neuron] = {}
        for index in np.unique(of).tolist():
            part, mine = frame.parts[index], on[of == index]
            own, tight = part.restrict(normals[mine]), part.restrict_rows(rows[mine])
            faces = make_faces(part.frame.points, frame.affine, own, tight)
            for (face, a), k in zip(faces, mine.tolist()):
                made[k] = Neuron(face, float(np.sign(z[k])), abs(z[k]) * a, index)
        return [made[k] for k in on.tolist()]

    def solve(self, beta: float, *, clock: Clock = UNLIMITED, accuracy: float = 0.0) -> RestrictedState:
        problem = self._problem.with_working_beta(beta)
        if beta != self._beta:
            few = len(self._blocks) <= self._params.few
            self._beta, self._fixed_rounds = beta, 0 if few else self._params.fixed_rounds
        state = self._amplitudes(problem, clock)
        if self._fixed_rounds > 0:
            self._fixed_rounds -= 1
            return state
        self._settle(problem, state)
        return self._walk(problem, state.t, clock, accuracy)

    def _amplitudes(self, problem: LassoProblem, clock: Clock) -> RestrictedState:
        """Best lengths of the neurons as they stand and of the pool."""
        blocks, pool = self._blocks, self._pool
        if self._lengths is None:
            self._lengths = self._make(problem)
            if len(blocks) + len(pool):
                self._lengths.add_columns(blocks.columns())
                for columns in pool.columns:
                    self._lengths.add_columns(columns)
                self._lengths.warm(np.concatenate([blocks.signs * blocks.lengths(), np.zeros(len(pool))]))
        return self._lengths.solve(problem.beta, clock=clock)

    def _settle(self, problem: LassoProblem, state: RestrictedState) -> None:
        """Put every neuron of some length into its face; the others leave."""
        blocks, pool, z = self._blocks, self._pool, state.z[:, 0]
        self._lengths = None
        old = len(blocks)
        new = self._neurons(pool.neurons.normals, pool.neurons.rows, z[old:])
        keep = np.flatnonzero(z[:old])
        blocks.rescale(z[:old])
        self._change(keep, new)
        pool.trim(problem.dual_vector(state.f)[:, 0], self._params.pool_size)

    def _change(self, keep: Ints, new: list[Neuron]) -> None:
        """Keep some neurons and append others, joined where they are neighbours."""
        frame, blocks = self._problem.frame, self._blocks
        gone, sums = join(frame, [*(blocks.neuron(k) for k in keep), *new])
        stays = np.ones(len(keep) + len(new), dtype=bool)
        stays[gone] = False
        rest = [neuron for neuron, stay in zip(new, stays[len(keep) :]) if stay]
        blocks.change(keep[stays[: len(keep)]], rest + sums)

    def _walk(self, problem: LassoProblem, t: Floats, clock: Clock, accuracy: float) -> RestrictedState:
        """Newton's method from face to face."""
        blocks, params = self._blocks, self._params
        share = params.newton_share if problem.loss_name == "squared_error" else params.curved_share
        tried: set[tuple[object, ...]] = set()
        tolerance = accuracy if accuracy > 0 else params.tolerance
        for _ in range(params.max_events):
            if clock.expired and len(blocks):
                break
            if not len(blocks):
                t = problem.loss.best_constant() if problem.intercept else t
                break
            moved = minimise(
                blocks, problem.loss, problem.beta, blocks.a, t,
                intercept=problem.intercept, accuracy=max(share * tolerance, _LEAST), params=self._newton,
            )  # fmt: skip
            t, blocks.a = moved.t, moved.a
            if moved.event is Event.CONVERGED:
                if not self._release(problem, moved.f, tried, tolerance):
                    break
            elif moved.event is not Event.UNFINISHED:
                self._stop(moved)
        return RestrictedState((blocks.signs * blocks.lengths())[:, None], t, blocks.outputs(blocks.a) + t)

    def _stop(self, moved: NewtonState) -> None:
        """A neuron whose length vanished leaves; one that met a sample goes on in the smaller face."""
        frame, blocks, k = self._problem.frame, self._blocks, moved.block
        neuron, new = blocks.neuron(k), []
        if moved.event is Event.BLOCKED and neuron.face.size > 1:
            points = frame.parts[neuron.part].frame.points
            face, a = shrink_face(points, frame.affine, neuron.face, int(blocks.rows[k]), neuron.a)
            if np.any(a):
                new.append(replace(neuron, face=face, a=a))
        blocks.change(np.delete(np.arange(len(blocks)), k), new)

    def _release(self, problem: LassoProblem, f: Floats, tried: set[tuple[object, ...]], tolerance: float) -> bool:
        """Turn neurons off samples where their response rises, each only once; False if there are none."""
        frame, blocks = problem.frame, self._blocks
        found = find_constraints_to_drop(frame, blocks, problem.dual_vector(f)[:, 0])
        new, left = [], np.zeros(len(blocks), dtype=bool)
        # Beyond an angle of g / beta the response is beta (1 + (g / beta)^2 / 2).
        enough = problem.beta * np.sqrt(2.0 * self._params.stay_share * tolerance)
        for k, row, towards, gain in zip(found.neurons, found.rows, found.towards, found.gains):
            if gain <= enough:
                break
            neuron = blocks.neuron(k)
            mark = (neuron.key, int(row), towards.tobytes())
            if left[k] or mark in tried:
                continue
            tried.add(mark)
            left[k] = True
            points = frame.parts[neuron.part].frame.points
            face, a = open_face(points, frame.affine, neuron.face, int(row), towards, neuron.a)
            new.append(replace(neuron, face=face, a=a))
        if new:
            self._change(np.flatnonzero(~left), new)
        return bool(new)
