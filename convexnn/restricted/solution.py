"""What a solver hands on: the neurons it found with their bounds, in working units, and how it reports."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from convexnn._progress import Observer, Progress, logger
from convexnn._types import Floats
from convexnn.network.neurons import NeuronSet
from convexnn.restricted.problem import LassoProblem
from convexnn.restricted.status import Status

__all__ = ["Solution", "report"]


@dataclass(frozen=True)
class Solution:
    """Neurons with coefficients, the bounds that belong to them, and the way there, in working units.

    Attributes
    ----------
    neurons : NeuronSet
    v : (n, c) array, optional
        The dual vector with the best bound, if a solver offers a better one than minus the gradient of the loss.
    primal, dual : float
        Objective, and the best lower bound over the scope of the oracle.
    status : Status
        Why the run ended.
    trace : tuple of Progress
    strongest : float
        Largest response that a search has found at the solution; nan where an exact oracle was used.
    """

    neurons: NeuronSet
    v: Floats | None
    primal: float
    dual: float
    status: Status
    trace: tuple[Progress, ...]
    strongest: float = np.nan

    def unless_better(self, primal: float, neurons: NeuronSet, tol: float) -> Solution:
        """The same with neurons of an earlier round if their objective is lower by more than the tolerance.

        Where columns differ in size by as many digits as doubles have, a round may end above an earlier one.
        """
        if self.status is Status.CERTIFIED or not self.primal - primal > tol * abs(self.primal):
            return self
        return replace(self, neurons=neurons, primal=primal)

    def after(self, trace: tuple[Progress, ...]) -> Solution:
        """The same with the rounds that came before."""
        return replace(self, trace=trace + self.trace)


def report(progress: Progress, problem: LassoProblem, observer: Observer | None) -> None:
    """Log a round and tell the observer, in the units of the user."""
    logger.info(
        "round %d: objective %.9g, relative gap %.2e, %d neurons",
        progress.round, progress.primal, progress.relative_gap, progress.n_atoms,
    )  # fmt: skip
    if observer is not None:
        unit = problem.y_scale**2
        observer(
            Progress(
                progress.round,
                progress.primal * unit,
                progress.dual * unit,
                progress.n_atoms,
                progress.seconds,
            )
        )
