"""Several beginnings for one search: wide random networks, and the convex combination of what they led to.

Local minima of wide networks are good but different. A convex master over the neurons of several of them takes
the best of each: its objective is never above that of the best one, and usually clearly below.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from convexnn._progress import Clock
from convexnn.training.descent import Neurons, descend
from convexnn.training.problem import LassoProblem

__all__ = ["pooled", "wide_start"]

# Width of a random start, the samples * features * neurons it may cost per step, and its descent steps.
_WIDTH, _WORK, _STEPS = 1000, 300_000_000, 100
# Total output of a random network relative to the targets.
_SIZE = 0.1


def wide_start(problem: LassoProblem, rng: np.random.Generator, clock: Clock) -> Neurons:
    """A wide network of small random neurons after a short joint descent."""
    frame = problem.frame
    n, c = problem.targets.shape
    width = int(np.clip(_WORK // (n * max(1, frame.rank)), 32, _WIDTH))
    normals = rng.standard_normal((width, frame.rank))
    size = np.abs(normals).sum(axis=1) if frame.norm == "l1" else np.sqrt((normals * normals).sum(axis=1))
    normals /= size[:, None]
    offsets = np.zeros(width)
    if frame.affine:
        offsets = -np.einsum("ij,ij->i", normals, frame.points[rng.integers(n, size=width)])
    scale = _SIZE * max(float(np.abs(problem.targets).mean()), 1e-3) / np.sqrt(width)
    t = problem.loss.best_constant() if problem.intercept else np.zeros(c)
    start = Neurons(normals, offsets, scale * rng.standard_normal((width, c)), t)
    return descend(problem, start, max_iter=_STEPS, clock=clock, tol=1e-8)


def pooled(solutions: Sequence[Neurons]) -> tuple[np.ndarray, np.ndarray]:
    """Normals and offsets of all neurons of several solutions, for one convex master."""
    return np.concatenate([s.normals for s in solutions]), np.concatenate([s.offsets for s in solutions])
