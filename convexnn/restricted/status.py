"""Why a training run stopped; every status carries its own advice."""

from __future__ import annotations

from enum import Enum

__all__ = ["Status"]


class Status(Enum):
    """How a training run ended."""

    CERTIFIED = "The relative duality gap is below tol."
    ITERATION_LIMIT = "Stopped at max_iter with the gap still open. Raise max_iter or beta."
    TIME_LIMIT = "Stopped at time_limit with the gap still open. Raise time_limit or tol."
    SEARCHED = "No start of the search found a neuron that would lower the objective; that is no proof."
    SETTLED = "Further rounds of the search gained next to nothing. Lower tol, or try another random_state."
    STALLED = (
        "No neuron improves the objective any more, but rounding keeps the gap above tol. "
        "Raise tol or beta, or scale features of very different size alike."
    )
    BACKEND_LIMIT = "The backend stopped before the gap closed. Use solver='native' or tighten its options."
