"""Beginnings of a search: random networks, annealed alone or together with the best network so far.

Local minima of annealed networks are good but different. A convex restricted problem over the neurons of several of
them takes the best of each: its objective is never above that of the best one, and usually clearly below.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from convexnn._progress import Clock
from convexnn.network.neurons import NeuronSet
from convexnn.restricted.problem import LassoProblem
from convexnn.search.descent import anneal
from convexnn.search.parameters import SearchParams

__all__ = ["MultiStart"]

# Widths of rounding (see anneal). Strong rounding finds few neurons that fit globally, weak rounding many that fit
# locally; which one wins depends on data and penalty, so both have their turn.
_COARSE, _FINE, _JOIN, _DEEP = (1.0, 0.3, 0.1, 0.03, 0.01), (0.1, 0.03, 0.01), (0.1, 0.03, 0.01), (0.3, 0.1, 0.03, 0.01)
# (apart from the best network?, widths)
_TURNS = ((True, _COARSE), (True, _FINE), (False, _JOIN), (False, _DEEP))


class MultiStart:
    """Random networks and how they are annealed, by turns coarse or fine, apart or joined.

    Parameters
    ----------
    problem : LassoProblem
    params : SearchParams
    rng : Generator
    clock : Clock
    """

    def __init__(
        self, problem: LassoProblem, params: SearchParams, rng: np.random.Generator, clock: Clock
    ) -> None:
        self._problem, self._params, self._rng, self._clock = problem, params, rng, clock
        self._rows = max(params.sample_rows, params.sample_rows_per_feature * problem.frame.rank)
        self._turn = 0

    @property
    def apart(self) -> bool:
        """Whether the next annealing is of a random network alone."""
        return _TURNS[self._turn % len(_TURNS)][0]

    def random(self) -> NeuronSet:
        """A network of small Gaussian neurons, their hyperplanes through samples where biases are free."""
        problem, rng, frame = self._problem, self._rng, self._problem.frame
        n, c = problem.targets.shape
        width = self._params.width
        normals = rng.standard_normal((width, frame.rank))
        size = np.abs(normals).sum(axis=1) if frame.norm == "l1" else np.sqrt((normals * normals).sum(axis=1))
        normals /= size[:, None]
        offsets = np.zeros(width)
        if frame.affine:
            offsets = -np.einsum("ij,ij->i", normals, frame.points[rng.integers(n, size=width)])
        scale = self._params.initial_size * max(float(np.abs(problem.targets).mean()), 1e-3) / np.sqrt(width)
        t = problem.loss.best_constant() if problem.intercept else np.zeros(c)
        found = NeuronSet.found(normals, offsets, width=frame.subset_size)
        return found.with_coef(scale * rng.standard_normal((width, c)), t)

    def anneal(self, start: NeuronSet | None = None) -> NeuronSet:
        """Anneal a start, or a random network, with the widths whose turn it is."""
        widths = _TURNS[self._turn % len(_TURNS)][1]
        self._turn += 1
        return self._anneal(self.random() if start is None else start, widths, 1e-6)

    def settle(self, start: NeuronSet) -> NeuronSet:
        """Anneal a combination of networks, gently."""
        return self._anneal(start, _JOIN, 1e-7)

    def _anneal(self, start: NeuronSet, widths: Sequence[float], tol: float) -> NeuronSet:
        problem = self._problem
        if problem.frame.n > 2 * self._rows:
            # Where neurons belong is seen on a part of the samples; the search then moves them on all.
            problem = problem.part(np.sort(self._rng.choice(problem.frame.n, self._rows, replace=False)))
        iterations = self._params.start_iterations
        return anneal(problem, start, widths, max_iter=iterations, clock=self._clock, tol=tol, rough=True)
