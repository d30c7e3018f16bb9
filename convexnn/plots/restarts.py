"""Final objectives of a local method against the certified value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from convexnn._types import ArrayLike, Floats
from convexnn.plots._axes import new_axes

__all__ = ["RestartsDisplay"]


@dataclass
class RestartsDisplay:
    """Objectives of restarts, sorted, with the convex solution and its lower bound.

    Attributes
    ----------
    objectives : (k,) array
        Final objectives of the local runs.
    primal, dual : float
        Objective of the certified network and the lower bound that proves it.
    ax_, figure_ :
        Where :meth:`plot` drew.
    """

    objectives: Floats
    primal: float
    dual: float

    @classmethod
    def from_objectives(cls, objectives: ArrayLike, *, primal: float, dual: float, **options: Any) -> RestartsDisplay:
        """Draw final objectives against a certified primal and dual value."""
        return cls(np.sort(np.asarray(objectives, dtype=np.float64)), primal, dual).plot(**options)

    def plot(self, *, ax: Any | None = None, label: str = "local restarts") -> RestartsDisplay:
        """Draw into `ax` (a new figure by default)."""
        self.ax_ = new_axes(ax)
        self.figure_ = self.ax_.figure
        ranks = np.arange(1, len(self.objectives) + 1)
        self.ax_.plot(ranks, self.objectives, "o", color="tab:red", label=label)
        self.ax_.axhline(self.primal, color="tab:blue", label="convex training")
        self.ax_.axhline(self.dual, color="black", linestyle="--", linewidth=1, label="proven lower bound")
        self.ax_.set(xlabel="restart, sorted", ylabel="training objective")
        self.ax_.xaxis.get_major_locator().set_params(integer=True)
        self.ax_.legend()
        return self
