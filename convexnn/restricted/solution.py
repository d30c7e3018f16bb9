"""What a solver hands on: the neurons it found with their bounds, in working units, and how it reports."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from convexnn._progress import Observer, Progress, logger
from convexnn._types import Floats, Ints
from convexnn.restricted.problem import LassoProblem
from convexnn.restricted.status import Status

__all__ = ["Solution", "report"]


@dataclass(frozen=True)
class Solution:
    """Coefficients over the working set, the dual vector v if the master offers one, and the way; working units."""

    normals: Floats
    offsets: Floats
    rows: Ints
    z: Floats
    t: Floats
    v: Floats | None
    primal: float
    dual: float
    status: Status
    trace: tuple[Progress, ...]
    strongest: float = np.nan
    """Largest response that a search has found at the solution; unset where an exact oracle was used."""

    def active(self) -> Solution:
        """Only the atoms with a coefficient."""
        on = np.flatnonzero(np.abs(self.z).max(axis=1, initial=0.0) > 0)
        return replace(self, normals=self.normals[on], offsets=self.offsets[on], rows=self.rows[on], z=self.z[on])


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
