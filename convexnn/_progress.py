"""Progress reports of long computations: an observer is called, nothing is ever printed."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

logger = logging.getLogger("convexnn")
logger.addHandler(logging.NullHandler())


@dataclass(frozen=True)
class Progress:
    """State of a training run after one round.

    Attributes
    ----------
    round : int
        Rounds completed.
    primal, dual : float
        Objective of the current network and the best lower bound so far.
    n_atoms : int
        Neurons in the working set.
    seconds : float
        Wall time since the start.
    """

    round: int
    primal: float
    dual: float
    n_atoms: int
    seconds: float

    @property
    def relative_gap(self) -> float:
        """(primal - dual) / max(|primal|, |dual|), zero when both are equal."""
        gap = self.primal - self.dual
        return gap / max(abs(self.primal), abs(self.dual)) if gap > 0 else 0.0


Observer = Callable[[Progress], None]


class Clock:
    """Wall time since creation and the question whether a limit has passed.

    Parameters
    ----------
    limit : float, optional
        Seconds from now.
    whole : Clock, optional
        What this is a part of: when it expires, for whatever reason, so does the part.
    """

    def __init__(self, limit: float | None = None, whole: Clock | None = None) -> None:
        self._start = time.perf_counter()
        self._limit, self._whole = limit, whole

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self._start

    @property
    def expired(self) -> bool:
        if self._whole is not None and self._whole.expired:
            return True
        return self._limit is not None and self.seconds >= self._limit

    @property
    def left(self) -> float | None:
        """Seconds until the limit, at least 0; None without one."""
        own = None if self._limit is None else max(0.0, self._limit - self.seconds)
        known = [left for left in (own, None if self._whole is None else self._whole.left) if left is not None]
        return min(known, default=None)

    def part(self, share: float) -> Clock:
        """A clock for this share of the time that is left."""
        left = self.left
        return Clock(None if left is None else share * left, self)

    @property
    def deadline(self) -> float:
        """Seconds that are left as kernels take them: infinity without a limit."""
        left = self.left
        return math.inf if left is None else left

    @property
    def share(self) -> float:
        """Part of the time that is spent, from 0 to 1; 0 without a limit."""
        return min(1.0, self.seconds / self._limit) if self._limit else float(self._limit == 0.0)


UNLIMITED = Clock()
"""A clock that never expires."""


@dataclass(frozen=True)
class Limits:
    """How far a computation goes, and who hears of it.

    Attributes
    ----------
    tol : float
        Relative gap that is asked for.
    max_iter : int
        Rounds.
    clock : Clock
    observer : callable, optional
        Called after every round.
    """

    tol: float
    max_iter: int
    clock: Clock
    observer: Observer | None = None

    def after(self, trace: tuple[Progress, ...]) -> Limits:
        """What is left when these rounds are over."""
        return replace(self, max_iter=self.max_iter - len(trace))

    def within(self, share: float) -> Limits:
        """The same with this share of the time that is left."""
        return replace(self, clock=self.clock.part(share))
