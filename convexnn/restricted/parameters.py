"""Every constant that steers the native restricted solvers, with a sentence, a range and a default."""

from __future__ import annotations

from dataclasses import dataclass

from convexnn._checks import check_fields

__all__ = ["FaceParams", "NewtonParams"]


@dataclass(frozen=True)
class NewtonParams:
    """How Newton's method, proximal Newton's method and the active set end.

    Parameters
    ----------
    max_steps, proximal_steps : int >= 1
        Newton steps between two events, and steps of the proximal method.
    max_rounds : int >= 1
        Rounds in which groups enter and leave in one solve.
    accuracy : float > 0
        Predicted decrease, relative to the objective, at which the next full step, which squares it, is the last.
    proximal_accuracy : float > 0
        The same for the proximal method.
    violation : float > 0
        Relative violation of the optimality condition of a group that counts as none.
    active_set_violation : float > 0
        The same for single columns in the compiled active set.
    max_pivots : int >= 1
        Columns that enter or leave in one solve of the compiled active set.
    n_entering : int >= 1
        Groups that enter before the next Newton solve.
    entering_length : float > 0
        An entering group starts with this share of the length it would need alone.
    flat : float > 0
        Curvatures of the loss below this share of the largest are raised to it: where a loss is flat, a step has no
        length.
    proximal_flat : float > 0
        The same for the proximal method.
    flattest : float > 0
        Curvature where every sample is flat.
    """

    max_steps: int = 60
    proximal_steps: int = 100
    max_rounds: int = 2000
    accuracy: float = 1e-13
    proximal_accuracy: float = 1e-14
    violation: float = 1e-10
    active_set_violation: float = 1e-12
    max_pivots: int = 1_000_000
    n_entering: int = 16
    entering_length: float = 1e-3
    flat: float = 1e-6
    proximal_flat: float = 1e-7
    flattest: float = 1e-4

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True)
class FaceParams:
    """How neurons move through the faces of the arrangement.

    Parameters
    ----------
    max_events : int >= 1
        Vanished, blocked and released neurons that one solve may handle.
    fixed_rounds : int >= 0
        Rounds at a new penalty in which only lengths change: moving pays once most of the right neurons are there.
    few : int >= 0
        Up to so many neurons move at once.
    pool_size : int >= 1
        Neurons that are remembered from one round to the next.
    newton_share, curved_share : float > 0
        What Newton's method leaves of the objective to its last step, which squares it, as a share of the tolerance:
        for the squared loss, and for others, whose curvature changes on the way.
    stay_share : float > 0
        By how much the response of a neuron that stays on a sample may fall short, as a share of the tolerance.
    tolerance : float > 0
        Relative gap to which a solve goes if no accuracy is asked for.
    """

    max_events: int = 2000
    fixed_rounds: int = 2
    few: int = 4
    pool_size: int = 200
    newton_share: float = 1e-3
    curved_share: float = 2e-5
    stay_share: float = 0.1
    tolerance: float = 1e-10

    def __post_init__(self) -> None:
        check_fields(self, may_vanish=("fixed_rounds", "few"))
