"""Add up neurons that do nearly the same: fewer neurons, and often a way out of a local minimum.

NeuronSet of equal activation pattern and equal output direction can be added up exactly: the function stays, and
the penalty never grows (triangle inequality). For nearly equal ones the objective changes a little; the caller
moves the neurons afterwards and judges by the result.
"""

from __future__ import annotations

import numpy as np

from convexnn._progress import UNLIMITED, Clock
from convexnn._types import Floats, Ints
from convexnn.network.neurons import NeuronSet
from convexnn.network.relu import row_norms
from convexnn.restricted.problem import LassoProblem

__all__ = ["merge"]

# Partners looked at per neuron, and the cosine (of normals and of output directions) below which none is.
_PARTNERS = 3
_COSINE = 0.5
# Responses of pairs that are computed at a time.
_BLOCK = 4_000_000


def merge(problem: LassoProblem, neurons: NeuronSet, budget: float, clock: Clock = UNLIMITED) -> NeuronSet:
    """Merge pairs while the objective stays below (1 + budget) times its value at the start.

    Parameters
    ----------
    problem : LassoProblem
    neurons : NeuronSet
    budget : float
        Relative increase of the objective that all merges together may cost.
    clock : Clock
        When it expires no further pair is merged.

    Returns
    -------
    NeuronSet
        Possibly the same.
    """
    if len(neurons) < 2:
        return neurons
    pairs = _partners(problem, neurons)
    if not len(pairs):
        return neurons
    state = _Sum(problem, neurons)
    limit = state.objective() * (1.0 + budget)
    cost = state.costs(pairs, clock)
    merged: set[int] = set()
    for k in np.argsort(cost, kind="stable"):
        if clock.expired or state.objective() + cost[k] > limit:
            break
        i, j = (int(p) for p in pairs[k])
        # Costs were computed one pair at a time; what counts is the objective after all merges so far.
        if i in merged or j in merged or state.objective() + state.cost(i, j) > limit:
            continue
        state.take(i, j)
        merged |= {i, j}
    return state.neurons()


def _partners(problem: LassoProblem, neurons: NeuronSet) -> Ints:
    """Pairs (i < j) of neurons with similar normals and similar outputs."""
    points = problem.frame.points
    # Distances between neurons are judged on the samples: offsets and normals together.
    spread = np.sqrt((points * points).mean())
    place = np.column_stack([neurons.normals, neurons.offsets / max(float(spread), np.finfo(float).tiny)])
    place /= np.linalg.norm(place, axis=1, keepdims=True)
    outward = neurons.coef / np.linalg.norm(neurons.coef, axis=1, keepdims=True)
    likeness = place @ place.T
    likeness[(outward @ outward.T) < _COSINE] = -1.0
    group = problem.frame.part_of(neurons.normals)
    likeness[group[:, None] != group] = -1.0
    np.fill_diagonal(likeness, -1.0)
    best = np.argsort(-likeness, axis=1, kind="stable")[:, :_PARTNERS]
    first = np.repeat(np.arange(len(neurons)), best.shape[1])
    pairs = np.sort(np.stack([first, best.ravel()], axis=1), axis=1)
    close = likeness[first, best.ravel()] > _COSINE
    return np.asarray(np.unique(pairs[close], axis=0))


class _Sum:
    """NeuronSet scaled by the length of their coefficients, with their responses and the outputs kept up to date."""

    def __init__(self, problem: LassoProblem, neurons: NeuronSet) -> None:
        self._problem, self._start = problem, neurons
        self._length = row_norms(neurons.coef, problem.norm)
        self._unit = neurons.coef / self._length[:, None]
        self._W = neurons.normals * self._length[:, None]
        self._b = neurons.offsets * self._length
        self._t = neurons.intercept
        self._alive = np.ones(len(neurons), dtype=bool)
        self._R = problem.responses(self._W, self._b)
        self._f = self._R @ self._unit + neurons.intercept
        self._loss = problem.loss.value(self._f)

    def objective(self) -> float:
        """Working objective."""
        return self._loss + self._problem.beta * float(self._length[self._alive].sum())

    def costs(self, pairs: Ints, clock: Clock) -> Floats:
        """Change of the objective by every pair (i, j), if it alone is merged; infinite when the time was over."""
        found = np.full(len(pairs), np.inf)
        block = max(1, _BLOCK // self._problem.frame.n)
        for first in range(0, len(pairs), block):
            if clock.expired:
                break
            some = pairs[first : first + block]
            i, j = some.T
            # One product for all: pair by pair, the samples would be read once each.
            responses = self._problem.responses(self._W[i] + self._W[j], self._b[i] + self._b[j])
            for k, (one, two) in enumerate(some):
                found[first + k] = self._cost(one, two, responses[:, k])
        return found

    def cost(self, i: int, j: int) -> float:
        """Change of the objective if i and j are merged."""
        return self._cost(i, j, self._response(i, j))

    def _response(self, i: int, j: int) -> Floats:
        sums = self._problem.frame.points @ (self._W[i] + self._W[j])
        return np.asarray(np.maximum(sums + (self._b[i] + self._b[j]), 0.0))

    def _direction(self, i: int, j: int) -> Floats:
        out = self._length[i] * self._unit[i] + self._length[j] * self._unit[j]
        return np.asarray(out / row_norms(out[None, :], self._problem.norm)[0])

    def _outputs(self, i: int, j: int, response: Floats) -> Floats:
        gone = self._R[:, [i, j]] @ self._unit[[i, j]]
        return np.asarray(self._f + np.outer(response, self._direction(i, j)) - gone)

    def _cost(self, i: int, j: int, response: Floats) -> float:
        loss = self._problem.loss.value(self._outputs(i, j, response))
        length = float(row_norms((self._W[i] + self._W[j])[None, :], self._problem.norm)[0])
        return loss - self._loss + self._problem.beta * (length - float(self._length[i] + self._length[j]))

    def take(self, i: int, j: int) -> None:
        """Merge j into i."""
        response = self._response(i, j)
        self._f = self._outputs(i, j, response)
        self._loss = self._problem.loss.value(self._f)
        self._unit[i] = self._direction(i, j)
        self._W[i] += self._W[j]
        self._b[i] += self._b[j]
        self._length[i] = row_norms(self._W[i : i + 1], self._problem.norm)[0]
        self._R[:, i] = response
        self._alive[j] = False

    def neurons(self) -> NeuronSet:
        """What is left, as unit neurons."""
        keep = self._alive & (self._length > 0)
        length = self._length[keep]
        return self._start.moved(
            self._W[keep] / length[:, None], self._b[keep] / length, self._unit[keep] * length[:, None], self._t
        )
