"""How training approached the optimum: objective, lower bound and gap over time."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from convexnn._types import Floats
from convexnn.plots._canvas import new_figure

__all__ = ["GapDisplay"]


@dataclass
class GapDisplay:
    """Primal and dual value of every round, and their relative gap.

    Attributes
    ----------
    seconds, primal, dual : (k,) array
    axes_, figure_ :
        Where :meth:`plot` drew.
    """

    seconds: Floats
    primal: Floats
    dual: Floats

    @classmethod
    def from_result(cls, result: Any, **options: Any) -> GapDisplay:
        """Draw the trace of a training result."""
        trace = [(state.seconds, state.primal, state.dual) for state in result.trace]
        seconds, primal, dual = np.array(trace, dtype=np.float64).reshape(-1, 3).T
        return cls(seconds, primal, dual).plot(**options)

    @property
    def relative_gaps(self) -> Floats:
        """(primal - dual) over the larger of both, zero where they are equal or rounding reverses them."""
        size = np.maximum(np.abs(self.primal), np.abs(self.dual))
        return np.maximum(self.primal - self.dual, 0.0) / np.where(size > 0, size, 1.0)

    @property
    def phases(self) -> list[slice]:
        """Rounds with bounds of one scope: training over all neurons begins with wedge neurons only."""
        fall = np.flatnonzero(np.diff(self.dual) < -1e-9 * np.abs(self.dual[:-1])) + 1
        ends = [0, *fall.tolist(), len(self.dual)]
        return [slice(start, stop) for start, stop in pairwise(ends)]

    def plot(self) -> GapDisplay:
        """Draw both in a new figure: values on the left, gap on a logarithmic scale on the right.

        Where bounds over wedge neurons are followed by bounds over all neurons, the first are drawn pale.
        """
        self.axes_ = new_figure(1, 2, size=4.0)
        self.figure_ = self.axes_[0].figure
        left, right = self.axes_
        left.plot(self.seconds, self.primal, ".-", color="tab:blue", label="objective")
        phases = self.phases
        for part in phases:
            style = {"alpha": 1.0, "label": "lower bound"} if part is phases[-1] else {"alpha": 0.35}
            left.plot(self.seconds[part], self.dual[part], ".-", color="black", **style)
        if len(self.dual) and self.primal.min() > 0 and self.dual.max() > 0:
            left.set_yscale("log")
        left.legend(fontsize="small")
        shown = np.maximum(self.relative_gaps, 1e-16)
        for part in phases:
            right.semilogy(
                self.seconds[part], shown[part], ".-", color="tab:red", alpha=1.0 if part is phases[-1] else 0.35
            )
        left.set(xlabel="seconds", ylabel="training objective")
        right.set(xlabel="seconds", ylabel="relative duality gap")
        return self
