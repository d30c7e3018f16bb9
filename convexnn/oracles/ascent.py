"""High dimension: no exact oracle is known, so neurons are searched by ascent from many starts.

On a cell with active set D the response to v is linear in the normal, so its best direction there is
g = sum_{i in D} v_i (x_i - pivot). Moving to g / ||g|| (l1: to the axes that respond most) and taking the
new active set never lowers the response as long as the pattern grows with it; every start keeps the best
neuron it has seen. With free biases the pivot is re-chosen exactly along each direction, by running sums.
The answer is a lower bound on the maximum, never a proof.
"""

from __future__ import annotations

from copy import copy
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device
from joblib import Parallel, delayed, effective_n_jobs

from convexnn._arrays import to_numpy
from convexnn._blas import single_thread
from convexnn._memory import keep_memory
from convexnn._progress import UNLIMITED, Clock
from convexnn._types import Floats
from convexnn.geometry.frame import Frame
from convexnn.network.neurons import NeuronSet
from convexnn.oracles.base import Effort, Oracle, Pricing, response_norms
from convexnn.oracles.snap import snapped

__all__ = ["AscentOracle"]

# Sample-start-feature products per step, and entries of one block of responses (16 MB, see _memory; 400 MB elsewhere).
_WORK = 200_000_000
# Steps of an ascent between two searches for the best offset.
_REPIVOT = 4
_BLOCK, _FAR_BLOCK = 2_000_000, 50_000_000
# Samples beyond twice this many are first replaced by this many at random; then so many of the best neurons (or more)
# go on for some steps on all samples.
_COARSE, _FINE, _FINE_STEPS = 2500, 32, 8
# Starts and steps as multiples of what is usual.
_EFFORT = {Effort.NORMAL: (1, 1), Effort.PROBE: (2, 2), Effort.THOROUGH: (4, 2)}
# Answers whose snapped variants are tried.
_SNAPPED = 64
# Two normals closer than this (cosine) with nearly equal offsets are one neuron.
_ALIKE = 1.0 - 1e-6


class AscentOracle(Oracle):
    """Multi-start ascent of the response, all starts at once as matrix products.

    Parameters
    ----------
    frame : Frame
    starts : int
        Number of starts per call.
    steps : int
        Ascent steps per start.
    random_state : int
        Seed; the same seed gives the same answers.
    points : array, optional
        The frame's points on another array backend (PyTorch, CuPy, JAX), on CPU or GPU: the ascent then
        runs there. By default NumPy.
    n_jobs : int, optional
        Workers of joblib that share the starts, if the points are NumPy's; the answer does not depend on them.
    n_outputs : int
        Columns of the dual vectors, which the number of affordable starts depends on.
    """

    exact = False
    scope = "none"
    moves = True

    def __init__(
        self,
        frame: Frame,
        *,
        starts: int = 256,
        steps: int = 16,
        random_state: int = 0,
        points: Any = None,
        n_jobs: int | None = None,
        n_outputs: int = 1,
    ) -> None:
        self._frame = frame
        self._points: Any = frame.points if points is None else points
        # The cost of a call is starts * steps * n * r: fewer starts on large data keep it at some seconds.
        affordable = _WORK // max(1, frame.n * (frame.rank + (20 * n_outputs if frame.affine else 1)))
        self._starts, self._steps = max(16, min(starts, affordable)), steps
        self._rng = np.random.default_rng(random_state)
        self._n_jobs, self._n_outputs = n_jobs, n_outputs
        self._seed = random_state
        self.strategy = f"search: ascent from {self._starts} starts per round; nothing better found is no proof"

    def cost(self, n_outputs: int) -> float:
        rank = self._frame.rank + (20 * n_outputs if self._frame.affine else 1)
        return float(self._starts * self._steps * self._frame.n * rank)

    def fresh(self) -> AscentOracle:
        again = copy(self)
        again._rng = np.random.default_rng(self._seed)
        return again

    def price(
        self,
        v: Floats,
        floor: float,
        limit: int,
        *,
        clock: Clock = UNLIMITED,
        effort: Effort = Effort.NORMAL,
        near: NeuronSet | None = None,
    ) -> Pricing:
        starts, steps = _EFFORT[effort]
        normals = self._start_normals(v, starts * self._starts, near)
        steps *= self._steps
        # The last look sees twice as many samples at first, and takes twice as many neurons on.
        more = 2 if effort is Effort.THOROUGH else 1
        if self._near and self._frame.n > 2 * more * _COARSE:
            best = more * max(2 * limit, _FINE)
            normals = self._coarse(v, normals, steps, clock.part(0.5), more * _COARSE, best)
            steps = _FINE_STEPS
        normals, offsets, values = self._ascend_all(self._points, v, normals, steps, clock)
        return self._diverse(*self._with_snapped(v, normals, offsets, values, limit), floor, limit)

    @property
    def _near(self) -> bool:
        """Whether the points are NumPy's."""
        return self._points is self._frame.points

    def _coarse(self, v: Floats, start: Floats, steps: int, clock: Clock, size: int, wanted: int) -> Floats:
        """The best normals on some of the samples: where responses are large is seen there."""
        rows = np.sort(self._rng.choice(self._frame.n, size, replace=False))
        part = v[rows] - v[rows].mean(axis=0) if self._frame.affine else v[rows]
        points = np.ascontiguousarray(self._frame.points[rows])
        normals, _, values = self._ascend_all(points, part, start, steps, clock)
        return normals[np.argsort(-values, kind="stable")[:wanted]]

    def _ascend_all(
        self, points: Any, v: Floats, start: Floats, steps: int, clock: Clock
    ) -> tuple[Floats, Floats, Floats]:
        """Normals, offsets and values of the best neuron of every start, until the time is over."""
        parts = self._ascend_blocks(points, v, start, steps, clock)
        normals, offsets, values = (np.concatenate([to_numpy(part[i]) for part in parts]) for i in range(3))
        return normals, offsets, values

    def _ascend_blocks(
        self, points: Any, v: Floats, start: Floats, steps: int, clock: Clock
    ) -> list[tuple[Any, Any, Any]]:
        xp, where = array_namespace(points), device(points)
        V = xp.asarray(v, device=where)
        # Blocks depend on the data alone, so the answer does not depend on how many workers share them.
        near, n = self._near, len(v)
        width = int(np.clip(_BLOCK // n, 4, 128) if near else max(_FAR_BLOCK // n, 16))
        blocks = [xp.asarray(start[k : k + width], device=where) for k in range(0, len(start), width)]
        how = steps, self._frame.affine, self._frame.norm, self._frame.activation.slope
        if near and len(blocks) > 1 and effective_n_jobs(self._n_jobs) > 1:
            left = clock.left
            shared = Parallel(n_jobs=self._n_jobs)(delayed(_worker)(points, V, U, *how, left) for U in blocks)
            return list(shared)
        found: list[tuple[Any, Any, Any]] = []
        for U in blocks:
            if found and clock.expired:
                break
            found.append(_ascend(xp, points, V, U, *how, clock))
        return found

    def _with_snapped(
        self, v: Floats, normals: Floats, offsets: Floats, values: Floats, limit: int
    ) -> tuple[Floats, Floats, Floats]:
        """Replace the strongest answers by their snapped variants where those respond more."""
        top = np.argsort(-values, kind="stable")[: min(2 * limit, _SNAPPED)]
        near, shift = snapped(self._frame, normals[top], offsets[top])
        if not len(near):
            return normals, offsets, values
        norm = response_norms(self._frame.columns(near, shift).T @ v, self._frame.norm)
        return np.concatenate([normals, near]), np.concatenate([offsets, shift]), np.concatenate([values, norm])

    def _start_normals(self, v: Floats, starts: int, near: NeuronSet | None) -> Floats:
        """Given neurons and their opposites, the mean response, sample directions, Gaussians."""
        frame, rng = self._frame, self._rng
        known = np.zeros((0, frame.rank)) if near is None else np.concatenate([near.normals, -near.normals])
        mean = frame.points.T @ v
        samples = rng.integers(frame.n, size=(2, max(2, starts // 2)))
        if frame.affine:
            directions = frame.points[samples[0]] - frame.points[samples[1]]
        else:
            directions = frame.points[samples[0]] * rng.choice([-1.0, 1.0], size=(samples.shape[1], 1))
        random = rng.standard_normal((max(2, starts // 2), frame.rank))
        start = np.concatenate([known, mean.T, -mean.T, directions, random])
        lengths = np.sqrt((start * start).sum(axis=1))
        return np.asarray(start[lengths > 0] / lengths[lengths > 0, None])

    def _diverse(self, normals: Floats, offsets: Floats, values: Floats, floor: float, limit: int) -> Pricing:
        order = np.argsort(-values, kind="stable")
        strongest = float(values.max(initial=0.0))
        kept: list[int] = []
        unit = normals / np.sqrt((normals * normals).sum(axis=1, keepdims=True))
        for k in order:
            if values[k] <= floor or len(kept) == limit:
                break
            if kept and np.any(
                (unit[kept] @ unit[k] > _ALIKE) & (np.abs(offsets[kept] - offsets[k]) <= 1e-6 * (1 + abs(offsets[k])))
            ):
                continue
            kept.append(int(k))
        neurons = NeuronSet.found(normals[kept], offsets[kept], width=self._frame.subset_size)
        return Pricing(neurons, values[kept], strongest)


def _worker(
    X: Floats, V: Floats, U: Floats, steps: int, affine: bool, norm: str, slope: float, left: float | None
) -> Any:
    """One block of starts in another thread, process or machine, where the time that is left begins anew."""
    keep_memory()
    with single_thread():
        return _ascend(array_namespace(X), X, V, U, steps, affine, norm, slope, Clock(left))


def _ascend(
    xp: Any, X: Any, V: Any, U: Any, steps: int, affine: bool, norm: str, slope: float, clock: Clock
) -> tuple[Any, Any, Any]:
    """Best neuron of each start: normals (k, r), offsets (k,), values (k,).

    Each start moves towards the best direction of its cell, by as much as it gains: the mixing weight doubles
    after a success and is quartered after a failure.
    """
    if norm == "l1":
        U = U / xp.sum(xp.abs(U), axis=1, keepdims=True)
    value, c, goal, pivot = _respond(xp, X, V, U, affine, norm, slope, None)
    mix = xp.ones_like(value)
    for step in range(steps):
        if clock.expired:
            break
        trial = (1.0 - mix)[:, None] * U + mix[:, None] * goal
        length = xp.sum(xp.abs(trial), axis=1) if norm == "l1" else xp.sqrt(xp.sum(trial * trial, axis=1))
        trial = trial / xp.where(length > 0, length, xp.ones_like(length))[:, None]
        # The best offset costs a sort of all samples: between two of them the pivot stays.
        keep = None if step % _REPIVOT == 0 or step == steps - 1 else pivot
        value_, c_, goal_, pivot_ = _respond(xp, X, V, trial, affine, norm, slope, keep)
        better = value_ > value
        U, goal = xp.where(better[:, None], trial, U), xp.where(better[:, None], goal_, goal)
        value, c = xp.where(better, value_, value), xp.where(better, c_, c)
        pivot = xp.where(better, pivot_, pivot) if affine else None
        mix = xp.where(better, xp.minimum(2.0 * mix, xp.ones_like(mix)), 0.25 * mix)
    return U, c, value


def _respond(
    xp: Any, X: Any, V: Any, U: Any, affine: bool, norm: str, slope: float, pivot: Any
) -> tuple[Any, Any, Any, Any]:
    """Values and offsets of unit normals, the best normal of the cell of each, and their pivots."""
    A = X @ U.T  # (n, k)
    if affine and pivot is None:
        c, pivot = _best_offsets(xp, A, V, norm, slope)
        A = A + c[None, :]
    elif affine:
        c = -xp.reshape(xp.take_along_axis(A, pivot[None, :], axis=0), (-1,))
        A = A + c[None, :]
    else:
        c, pivot = xp.zeros_like(A[0, :]), None
    H = xp.where(A > 0, A, slope * A)
    responses = H.T @ V  # (k, c)
    values = xp.max(xp.abs(responses), axis=1) if norm == "l1" else xp.sqrt(xp.sum(responses**2, axis=1))
    return values, c, _best_in_cell(xp, X, V, A, responses, U, pivot, norm, slope), pivot


def _best_in_cell(
    xp: Any, X: Any, V: Any, A: Any, responses: Any, U: Any, pivot: Any, norm: str, slope: float
) -> Any:
    """The unit normal that responds most if the active set stays as it is."""
    active = (1.0 - slope) * xp.astype(A > 0, X.dtype) + slope
    if V.shape[1] == 1:
        weights = active * (V * xp.sign(responses[:, 0])[None, :])
    elif norm == "l1":
        strongest = xp.argmax(xp.abs(responses), axis=1)
        chosen = xp.take(V, strongest, axis=1)
        signs = xp.sign(xp.max(responses, axis=1) + xp.min(responses, axis=1))
        weights = active * chosen * signs[None, :]
    else:
        unit = responses / xp.sqrt(xp.sum(responses**2, axis=1, keepdims=True) + 1e-300)
        weights = active * (V @ unit.T)
    G = weights.T @ X  # (k, r)
    if pivot is not None:
        G = G - xp.sum(weights, axis=0)[:, None] * xp.take(X, pivot, axis=0)
    if norm == "l1":
        # The maximum of a linear form on the l1 ball is an axis.
        axis = xp.argmax(xp.abs(G), axis=1)
        return xp.astype(xp.arange(X.shape[1], device=device(X))[None, :] == axis[:, None], X.dtype) * xp.sign(G)
    length = xp.sqrt(xp.sum(G * G, axis=1, keepdims=True))
    return xp.where(length > 0, G / xp.where(length > 0, length, xp.ones_like(length)), U)


def _best_offsets(xp: Any, A: Any, V: Any, norm: str, slope: float) -> tuple[Any, Any]:
    """For each direction (column of A) the offset -A_p with the strongest response, and the pivot p."""
    # Sums run along rows that lie in one piece of memory.
    S = xp.asarray(A.T, copy=True)
    order = xp.argsort(S, axis=1)
    S = xp.take_along_axis(S, order, axis=1)
    flat = xp.reshape(order, (-1,))
    strength = xp.zeros_like(S)
    for o in range(V.shape[1]):
        v = xp.reshape(xp.take(V[:, o], flat, axis=0), S.shape)
        # R_j = sum over larger projections of v (s - s_j): what all do without those up to j.
        size, moment = xp.cumulative_sum(v, axis=1), xp.cumulative_sum(v * S, axis=1)
        R = (moment[:, -1:] - moment) - S * (size[:, -1:] - size)
        if slope:  # v sums to zero, so the offset does not enter what all samples answer
            R = (1.0 - slope) * R + slope * moment[:, -1:]
        strength = xp.maximum(strength, R * R) if norm == "l1" else strength + R * R
    # Nothing lies above the largest projection.
    at = xp.argmax(strength[:, :-1], axis=1)
    pivot = xp.reshape(xp.take_along_axis(order, at[:, None], axis=1), (-1,))
    return -xp.reshape(xp.take_along_axis(S, at[:, None], axis=1), (-1,)), pivot
