"""Why a training run stopped; every status carries its own advice."""

from __future__ import annotations

from enum import Enum

__all__ = ["Status"]


class Status(Enum):
    """How a training run ended."""

    CERTIFIED = "The relative duality gap is below tol."
    ITERATION_LIMIT = "Stopped at max_iter. Raise max_iter or beta."
    TIME_LIMIT = "Stopped at time_limit with the best network so far. Raise time_limit or tol."
    NO_VIOLATOR_FOUND = "No start of the search found a neuron that would lower the objective; that is no proof."
    STAGNATED = "Further rounds of the search gained less than tol; that is no proof."
    STALLED = (
        "No neuron improves the objective any more, but rounding keeps the gap above tol. "
        "Raise tol or beta, or scale features of very different size alike."
    )
    INTERPOLATED = "A search found a network of small norm that meets all targets; a smaller norm may exist."
