"""Beginnings of a search: random networks, annealed alone or together with the best network so far.

Local minima of annealed networks are good but different. A convex master over the neurons of several of them takes
the best of each: its objective is never above that of the best one, and usually clearly below.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from convexnn._progress import Clock
from convexnn.restricted.problem import LassoProblem
from convexnn.search.descent import Neurons, anneal

__all__ = ["MultiStart", "joined"]

# Neurons of a random network, and its total output relative to the targets.
_WIDTH, _SIZE = 100, 0.1
# Widths of rounding (see anneal). Strong rounding finds few neurons that fit globally, weak rounding many that fit
# locally; which one wins depends on data and penalty, so both have their turn.
_COARSE, _FINE, _JOIN, _DEEP = (1.0, 0.3, 0.1, 0.03, 0.01), (0.1, 0.03, 0.01), (0.1, 0.03, 0.01), (0.3, 0.1, 0.03, 0.01)
# (apart from the best network?, widths)
_TURNS = ((True, _COARSE), (True, _FINE), (False, _JOIN), (False, _DEEP))
# L-BFGS iterations per width.
_ITERATIONS = 300
# Random networks are annealed on a sample of at least so many rows, and on so many per feature.
_ROWS, _ROWS_PER_FEATURE = 5000, 50


class MultiStart:
    """Random networks and how they are annealed, by turns coarse or fine, apart or joined.

    Parameters
    ----------
    problem : LassoProblem
    rng : Generator
    clock : Clock
    """

    def __init__(self, problem: LassoProblem, rng: np.random.Generator, clock: Clock) -> None:
        self._problem, self._rng, self._clock = problem, rng, clock
        self._rows = max(_ROWS, _ROWS_PER_FEATURE * problem.frame.rank)
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
        problem = self._problem
        if problem.frame.n > 2 * self._rows:
            # Where neurons belong is seen on a part of the samples; the search then moves them on all.
            problem = problem.part(np.sort(self._rng.choice(problem.frame.n, self._rows, replace=False)))
        return anneal(problem, start, widths, max_iter=_ITERATIONS, clock=self._clock, tol=tol, rough=True)


def joined(first: Neurons, second: Neurons) -> Neurons:
    """Both networks side by side, with the intercept of the first."""
    return Neurons(
        np.concatenate([first.normals, second.normals]),
        np.concatenate([first.offsets, second.offsets]),
        np.concatenate([first.z, second.z]),
        first.t,
    )
