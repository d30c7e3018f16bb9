"""An oracle for four to six dimensions: a search while it finds something, branch and bound when it does not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from convexnn._progress import UNLIMITED, Clock
from convexnn._types import Floats
from convexnn.certificate.branch import bracket
from convexnn.geometry.frame import Frame
from convexnn.network.neurons import NeuronSet
from convexnn.oracles.base import Effort, Oracle, Pricing

__all__ = ["BranchOracle"]

# Calls of branch and bound in one run.
_CALLS = 12
# Row visits of one call; see `convexnn.certificate.response.MAX_WORK`.
_WORK = 1_000_000_000


class BranchOracle(Oracle):
    """Prices like a search, and proves the end by branch and bound.

    Parameters
    ----------
    frame : Frame
    search : Oracle
    tol : float
        Relative distance of the two bounds of the largest response.
    """

    exact = True
    scope = "network"
    moves = True

    def __init__(self, frame: Frame, search: Oracle, *, tol: float) -> None:
        self._frame, self._search, self._tol = frame, search, tol
        self._calls = 0
        self.strategy = f"{search.strategy}; branch and bound where it finds none"

    def cost(self, n_outputs: int) -> float:
        return float(_WORK)

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
        found = replace(self._search.price(v, floor, limit, clock=clock, near=near), complete=False)
        if len(found) or self._calls >= _CALLS or clock.expired:
            return found
        self._calls += 1
        bounds = bracket(
            self._frame, v, floor=floor, tol=self._tol, slack=0.1, max_work=_WORK, clock=Clock(clock.left)
        )
        if bounds.ended != "closed":
            # The next call would not get further.
            self._calls = _CALLS
        above = np.flatnonzero([bounds.lower > floor])
        neurons = NeuronSet.found(
            bounds.weights[None, :], np.array([bounds.bias]), width=self._frame.subset_size
        ).select(above)
        return Pricing(neurons, np.array([bounds.lower])[above], bounds.upper)
