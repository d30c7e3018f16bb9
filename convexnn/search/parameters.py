"""Every constant that steers a search, with a sentence, a range and a default."""

from __future__ import annotations

from dataclasses import dataclass

from convexnn._checks import check_fields
from convexnn.exceptions import ParameterError

__all__ = ["SEARCH_TOL", "SearchParams"]

SEARCH_TOL = 1e-3
"""Relative objective still to be gained at which a search stops if no tol is given."""

# Where stops follow the tolerance: from the first tolerance on one stagnant round ends a stage, from the second two.
_LOOSE, _MEDIUM = 5e-3, 1e-3


@dataclass(frozen=True)
class SearchParams:
    """How a search in high dimension spends its work; all of it counts work, none of it time.

    Parameters
    ----------
    width : int >= 1
        Neurons of a random network.
    initial_size : float > 0
        Total output of a random network relative to the targets.
    max_starts : int >= 1
        Random networks at most.
    max_stagnant_starts, max_stagnant_rounds : int >= 1, optional
        Starts (rounds) in a row that gain too little before the stage ends. By default they follow the tolerance: one
        from 5e-3 on, two from 1e-3 on, else three starts and four rounds.
    start_gain, round_gain : float > 0
        Relative gain of a start (of a round) that is too little, as a share of the tolerance.
    n_insert : int >= 1
        Neurons that enter per round.
    start_iterations : int >= 1
        L-BFGS iterations per width of smoothing in a start.
    max_iterations, min_iterations : int >= 1
        L-BFGS iterations of a descent: fewer where `max_operations` would be exceeded, but never below the least.
    max_operations : float > 0
        Operations of one descent.
    smoothing : tuple of float > 0
        Falling widths of smoothing in late rounds.
    descent_share : float > 0
        An iteration of a late descent that gains less than this share of the tolerance is the last.
    merge_cost : float > 0
        Relative objective that merges of one round may cost before the neurons move again.
    snap_gain : float > 0
        Rounds that gain less offer neurons moved onto their nearest samples, too.
    solver_share : float >= 0
        Relative error of restricted solves as a share of the tolerance, since neurons move afterwards.
    drop_share, last_drop_share : float >= 0
        Relative objective that fewer neurons may cost, as a share of the violation that counts as none: before the
        last look, and after it.
    late_drop : float >= 0
        The same where a time limit ends the search.
    late : float in (0, 1]
        Share of a time limit after which only dropping neurons goes on.
    min_violation : float > 0
        Relative violation of the dual constraint that always counts as none.
    sample_rows, sample_rows_per_feature : int >= 1
        Random networks move on a sample of so many rows if there are more than twice as many.
    """

    width: int = 100
    initial_size: float = 0.1
    max_starts: int = 1000
    max_stagnant_starts: int | None = None
    max_stagnant_rounds: int | None = None
    start_gain: float = 0.5
    round_gain: float = 0.05
    n_insert: int = 40
    start_iterations: int = 300
    max_iterations: int = 400
    min_iterations: int = 50
    max_operations: float = 2e11
    smoothing: tuple[float, ...] = (0.01, 0.003, 0.001)
    descent_share: float = 0.002
    merge_cost: float = 2e-3
    snap_gain: float = 1e-3
    solver_share: float = 0.01
    drop_share: float = 0.2
    last_drop_share: float = 0.3
    late_drop: float = 3e-4
    late: float = 0.85
    min_violation: float = 1e-4
    sample_rows: int = 5000
    sample_rows_per_feature: int = 50

    def __post_init__(self) -> None:
        check_fields(self, may_vanish=("solver_share", "drop_share", "last_drop_share", "late_drop"))
        if self.late > 1:
            raise ParameterError(f"SearchParams(late={self.late!r}): must be a share of the time limit, at most 1.")

    def stagnant_starts(self, tol: float) -> int:
        """Starts in a row that may gain too little."""
        if self.max_stagnant_starts is not None:
            return self.max_stagnant_starts
        return 1 if tol >= _LOOSE else 2 if tol >= _MEDIUM else 3

    def stagnant_rounds(self, tol: float) -> int:
        """Rounds in a row that may gain too little."""
        if self.max_stagnant_rounds is not None:
            return self.max_stagnant_rounds
        return 1 if tol >= _LOOSE else 2 if tol >= _MEDIUM else 4
