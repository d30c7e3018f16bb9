"""Beginnings of a search: random networks, annealed alone or together with the best network so far.

Local minima of annealed networks are good but different. A convex master over the neurons of several of them takes
the best of each: its objective is never above that of the best one, and usually clearly below.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from convexnn._progress import Clock
from convexnn._types import Floats
from convexnn.training.descent import Neurons, anneal
from convexnn.training.problem import LassoProblem

__all__ = ["Beginning", "joined", "pooled"]

# Neurons of a random network, and its total output relative to the targets.
_WIDTH, _SIZE = 100, 0.1
# Widths of rounding (see anneal). Strong rounding finds few neurons that fit globally, weak rounding many that fit
# locally; which one wins depends on data and penalty, so both have their turn.
_COARSE, _FINE, _JOIN, _DEEP = (1.0, 0.3, 0.1, 0.03, 0.01), (0.1, 0.03, 0.01), (0.1, 0.03, 0.01), (0.3, 0.1, 0.03, 0.01)
# (apart from the best network?, widths)
_TURNS = ((True, _COARSE), (True, _FINE), (False, _JOIN), (False, _DEEP))
# L-BFGS iterations per width, fewer where the operations of an annealing would exceed a limit.
_ITERATIONS, _FEWEST, _WORK = 300, 20, 2e11


class Beginning:
    """Random networks and how they are annealed, by turns coarse or fine, apart or joined.

    Parameters
    ----------
    problem : LassoProblem
    rng : Generator
    clock : Clock
    """

    def __init__(self, problem: LassoProblem, rng: np.random.Generator, clock: Clock) -> None:
        self._problem, self._rng, self._clock = problem, rng, clock
        self._turn = 0

    @property
    def apart(self) -> bool:
        """Whether the next annealing is of a random network alone."""
        return _TURNS[self._turn % len(_TURNS)][0]

    def random(self) -> Neurons:
        """A network of small Gaussian neurons, their hyperplanes through samples where biases are free."""
        problem, rng, frame = self._problem, self._rng, self._problem.frame
        n, c = problem.targets.shape
        normals = rng.standard_normal((_WIDTH, frame.rank))
        size = np.abs(normals).sum(axis=1) if frame.norm == "l1" else np.sqrt((normals * normals).sum(axis=1))
        normals /= size[:, None]
        offsets = np.zeros(_WIDTH)
        if frame.affine:
            offsets = -np.einsum("ij,ij->i", normals, frame.points[rng.integers(n, size=_WIDTH)])
        scale = _SIZE * max(float(np.abs(problem.targets).mean()), 1e-3) / np.sqrt(_WIDTH)
        t = problem.loss.best_constant() if problem.intercept else np.zeros(c)
        return Neurons(normals, offsets, scale * rng.standard_normal((_WIDTH, c)), t)

    def anneal(self, start: Neurons | None = None) -> Neurons:
        """Anneal a start, or a random network, with the widths whose turn it is."""
        widths = _TURNS[self._turn % len(_TURNS)][1]
        self._turn += 1
        return self._anneal(self.random() if start is None else start, widths, 1e-6)

    def settle(self, start: Neurons) -> Neurons:
        """Anneal a combination of networks, gently."""
        return self._anneal(start, _JOIN, 1e-7)

    def _anneal(self, start: Neurons, widths: Sequence[float], tol: float) -> Neurons:
        frame = self._problem.frame
        per_step = len(start) * frame.n * (6.0 * frame.rank + 60.0)
        max_iter = int(np.clip(_WORK / ((len(widths) + 1) * max(per_step, 1.0)), _FEWEST, _ITERATIONS))
        return anneal(self._problem, start, widths, max_iter=max_iter, clock=self._clock, tol=tol)


def joined(first: Neurons, second: Neurons) -> Neurons:
    """Both networks side by side, with the intercept of the first."""
    return Neurons(
        np.concatenate([first.normals, second.normals]),
        np.concatenate([first.offsets, second.offsets]),
        np.concatenate([first.z, second.z]),
        first.t,
    )


def pooled(solutions: Sequence[Neurons]) -> tuple[Floats, Floats]:
    """Normals and offsets of all neurons of several solutions, for one convex master."""
    return np.concatenate([s.normals for s in solutions]), np.concatenate([s.offsets for s in solutions])
