"""How close the neurons of a network are to wedges of samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from convexnn._types import ArrayLike
from convexnn.plots._axes import new_axes
from convexnn.refine.explain import Explanation, explain

__all__ = ["ExplanationDisplay"]


@dataclass
class ExplanationDisplay:
    """Angle of each neuron to its nearest wedge against the share of its response that the wedge explains.

    Attributes
    ----------
    explanation : Explanation
    ax_, figure_ :
        Where :meth:`plot` drew.
    """

    explanation: Explanation

    @classmethod
    def from_network(cls, network: Any, X: ArrayLike, *, ax: Any | None = None, **options: Any) -> ExplanationDisplay:
        """Explain a network (options as for :func:`convexnn.refine.explain`) and draw."""
        return cls(explain(network, X, **options)).plot(ax=ax)

    def plot(self, *, ax: Any | None = None) -> ExplanationDisplay:
        """Draw into `ax` (a new figure by default), one colour per layer."""
        self.ax_ = new_axes(ax)
        self.figure_ = self.ax_.figure
        neurons = self.explanation.neurons
        for layer in sorted({neuron.layer for neuron in neurons}):
            group = [neuron for neuron in neurons if neuron.layer == layer]
            angles = np.array([neuron.angle for neuron in group])
            shares = np.array([neuron.share for neuron in group])
            label = f"layer {layer}, wedges of {len(group[0].samples) + len(group[0].axes)} rows"
            self.ax_.scatter(angles, shares, s=28, alpha=0.7, label=label)
        self.ax_.set(
            xlabel="angle to the nearest wedge (degrees)", ylabel="share of the response explained", ylim=(-0.03, 1.03)
        )
        self.ax_.grid(alpha=0.3)
        if neurons:
            self.ax_.legend()
        return self
