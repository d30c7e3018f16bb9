"""An oracle for four to six dimensions: a search while it finds something, branch and bound when it does not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from convexnn._progress import Clock
from convexnn._types import Floats
from convexnn.certificate.branch import bracket
from convexnn.geometry.frame import Frame
from convexnn.oracles.ascent import AscentOracle
from convexnn.oracles.base import Candidates

__all__ = ["BranchOracle"]

# Calls of branch and bound in one run.
_CALLS = 12
# Row visits of one call; see `convexnn.certificate.response.MAX_WORK`.
_WORK = 1_000_000_000


class BranchOracle:
    """Prices like a search, and proves the end by branch and bound.

    Parameters
    ----------
    frame : Frame
    search : AscentOracle
    tol : float
        Relative distance of the two bounds of the largest response.
    clock : Clock
    """

    exact = True
    network = True

    def __init__(self, frame: Frame, search: AscentOracle, *, tol: float, clock: Clock) -> None:
        self._frame, self._search, self._tol, self._clock = frame, search, tol, clock
        self._calls = 0
        self.strategy = f"{search.strategy}; branch and bound where it finds none"

    def price(self, v: Floats, floor: float, limit: int) -> Candidates:
        """Neurons above `floor`; `strongest` is an upper bound, infinite as long as nothing is proved."""
        found = replace(self._search.price(v, floor, limit), strongest=np.inf)
        if len(found) or self._calls >= _CALLS or self._clock.expired:
            return found
        self._calls += 1
        bounds = bracket(
            self._frame, v, floor=floor, tol=self._tol, slack=0.1, max_work=_WORK, clock=Clock(self._clock.left)
        )
        if bounds.ended != "closed":
            # The next call would not get further.
            self._calls = _CALLS
        above = np.flatnonzero([bounds.lower > floor])
        rows = np.full((1, max(self._frame.subset_size, 1)), -1, dtype=np.int64)
        return Candidates(
            bounds.weights[None, :][above],
            np.array([bounds.bias])[above],
            rows[above],
            np.array([bounds.lower])[above],
            bounds.upper,
        )
