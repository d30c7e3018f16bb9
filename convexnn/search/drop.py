"""Drop neurons that are hardly needed: joint movement lets the others take over what they did.

A search ends with neurons that gained less and less; many are satellites of others. In a local minimum, leaving one
out costs what its response does to the loss beyond first order, which moving the rest mostly wins back.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from convexnn._progress import Clock
from convexnn._types import Floats
from convexnn.network.neurons import NeuronSet
from convexnn.network.relu import row_norms
from convexnn.restricted.problem import LassoProblem
from convexnn.search.descent import anneal
from convexnn.search.merge import merge

__all__ = ["drop_neurons", "removal_costs"]

_DROP = 0.1  # share of the neurons that leave in the first attempt
_MERGE = 1e-4  # relative objective that merges may cost in it before the rest moves
# The rest moves roughly: what counts is whether an attempt succeeds.
_WIDTHS, _ITERATIONS, _TOL = (0.01, 0.001), 100, 1e-7


def removal_costs(problem: LassoProblem, neurons: NeuronSet) -> Floats:
    """By how much the objective rises if one neuron is left out and nothing else changes, (m,)."""
    H = problem.frame.columns(neurons.normals, neurons.offsets)
    f = H @ neurons.coef + neurons.intercept
    without = [problem.loss.value(f - np.outer(h, z)) for h, z in zip(H.T, neurons.coef, strict=True)]
    return np.asarray(without) - problem.loss.value(f) - problem.beta * row_norms(neurons.coef, problem.norm)


def drop_neurons(
    problem: LassoProblem, neurons: NeuronSet, highest: float, move: Callable[[NeuronSet], NeuronSet], clock: Clock
) -> NeuronSet:
    """Fewer neurons whose objective is at most `highest`; the given ones if none are found.

    Parameters
    ----------
    problem : LassoProblem
    neurons : NeuronSet
    highest : float
        Working objective that the result may have.
    move : callable
        Moves neurons with care; the objective never rises.
    clock : Clock
    """
    while len(fewer := _roughly(problem, neurons, highest, clock)) < len(neurons):
        neurons = move(fewer)  # which usually leaves room for fewer still
    return neurons


def _roughly(problem: LassoProblem, neurons: NeuronSet, highest: float, clock: Clock) -> NeuronSet:
    """In every attempt some neurons leave, similar ones merge, the rest moves; after a failure half as boldly."""
    bold = 1.0
    while len(neurons) > 1 and not clock.expired:
        drop = max(1, int(bold * _DROP * len(neurons)))
        kept = np.argsort(-removal_costs(problem, neurons), kind="stable")[: len(neurons) - drop]
        fewer = merge(problem, neurons.select(np.sort(kept)), bold * _MERGE, clock)
        fewer = anneal(problem, fewer, _WIDTHS, max_iter=_ITERATIONS, clock=clock, tol=_TOL, rough=True)
        if len(fewer) and problem.value_of(fewer) <= highest:
            neurons = fewer
        elif drop == 1:
            break
        else:
            bold /= 2
    return neurons
