"""Every constant that steers exact methods and the driver, with a sentence, a range and a default."""

from __future__ import annotations

from dataclasses import dataclass, field

from convexnn._checks import check_fields
from convexnn.exceptions import ParameterError
from convexnn.restricted.parameters import FaceParams, NewtonParams

__all__ = ["EXACT_TOL", "ExactParams"]

EXACT_TOL = 1e-6
"""Relative gap that exact methods reach if no tol is given."""


@dataclass(frozen=True)
class ExactParams:
    """How column generation with an exact oracle spends its work, and when the driver lets a search go first.

    Parameters
    ----------
    inner_tol : float in (0, 1)
        Methods go to this share of the tolerance, so that the gap that is recomputed afterwards is below it, too.
    start_tol : float > 0
        Relative gap over wedges at which their neurons may begin to move.
    network_start_tol : float > 0
        The same over all neurons, where an oracle prices them as soon as wedges.
    batch, face_batch : int >= 1
        Neurons asked for per round: fixed ones, and once neurons move.
    max_inactive : int >= 1
        Inactive neurons above which the working set forgets those of small response.
    max_inactive_entries : int >= 1
        The same for the entries of their columns, where samples are many.
    forgotten : float in (0, 1)
        Responses below this share of the penalty are small then.
    patience, patience_near : int >= 1
        Rounds without progress after which rounding is all that is left, and the same where the gap is below `near`.
    near : float > 0
        See `patience_near`.
    fallen : float >= 0
        Progress is a smaller gap, or an objective below this share of what it was a round before.
    heavy : float > 0
        Row visits of an exact method from which on a quick search comes first: a few seconds of one core.
    rounds : int >= 1
        Answers of an oracle that an exact method usually needs.
    visit_seconds : float > 0
        Seconds per row visit; only compared with a time limit.
    n_offered : int >= 1
        Wedges drawn at random that a heavy problem over the dictionary begins with.
    n_drawn : int >= 1
        Wedges drawn at random that stand for the dictionary where a time limit is too short for one exact answer.
    quick_share, training_share : float in (0, 1]
        Shares of a time limit: of the quick search, and of all training, after which the proof has its turn.
    newton : NewtonParams
    faces : FaceParams
    """

    inner_tol: float = 0.5
    start_tol: float = 1e-6
    network_start_tol: float = 1e-2
    batch: int = 64
    face_batch: int = 256
    max_inactive: int = 400
    max_inactive_entries: int = 20_000_000
    forgotten: float = 0.6
    patience: int = 50
    patience_near: int = 6
    near: float = 1e-7
    fallen: float = 0.99
    heavy: float = 3e8
    rounds: int = 30
    visit_seconds: float = 1e-8
    n_offered: int = 200
    n_drawn: int = 4000
    quick_share: float = 0.1
    training_share: float = 0.85
    newton: NewtonParams = field(default_factory=NewtonParams)
    faces: FaceParams = field(default_factory=FaceParams)

    def __post_init__(self) -> None:
        check_fields(self, may_vanish=("fallen",))
        for name in ("inner_tol", "forgotten", "fallen", "quick_share", "training_share"):
            value = getattr(self, name)
            if value > 1:
                raise ParameterError(f"ExactParams({name}={value!r}): must be a share, at most 1.")
