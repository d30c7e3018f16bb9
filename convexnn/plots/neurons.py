"""Which samples make the neurons: planar data with the line of each neuron through its samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from convexnn._checks import check_points, check_targets
from convexnn._types import ArrayLike, Floats
from convexnn.exceptions import DataError
from convexnn.network import ReLUNetwork
from convexnn.plots._axes import new_axes
from convexnn.plots._canvas import draw_lines, frame_of, network_of

__all__ = ["NeuronsDisplay"]


@dataclass
class NeuronsDisplay:
    """Data, the lines on which neurons switch on, and the samples on these lines.

    Attributes
    ----------
    normals : (m, 2) array
    offsets : (m,) array
        Lines u.x + c = 0; the neuron is active where this is positive.
    strength : (m,) array
        ||w|| ||a|| of each neuron.
    support : sequence of tuples of int
        Samples on each line.
    X : (n, 2) array
    y : (n,) array
    ax_, figure_ :
        Where :meth:`plot` drew.
    """

    normals: Floats
    offsets: Floats
    strength: Floats
    support: Sequence[tuple[int, ...]]
    X: Floats
    y: Floats

    @classmethod
    def from_result(cls, result: Any, X: ArrayLike, y: ArrayLike, **options: Any) -> NeuronsDisplay:
        """Draw the network of a training result or a fitted estimator with its ``support``.

        Raises
        ------
        DataError
            If it is deep or has not two inputs.
        """
        network = network_of(result, n_features=2)
        if not isinstance(network, ReLUNetwork):
            raise DataError("the network is deep; only neurons of the first layer have lines. Use DecisionDisplay.")
        points = check_points(X, n_features=2)
        support = getattr(result, "support", getattr(result, "support_", [()] * network.n_neurons))
        strength = np.linalg.norm(network.hidden_weights, axis=1) * np.linalg.norm(network.output_weights, axis=1)
        targets = check_targets(y, len(points))[:, 0]
        rows = [tuple(int(i) for i in samples) for samples in support]
        return cls(network.hidden_weights, network.hidden_biases, strength, rows, points, targets).plot(**options)

    @classmethod
    def from_estimator(cls, estimator: Any, X: ArrayLike, y: ArrayLike, **options: Any) -> NeuronsDisplay:
        """Draw a fitted estimator."""
        return cls.from_result(estimator, X, y, **options)

    def plot(self, *, ax: Any | None = None, strongest: int | None = None) -> NeuronsDisplay:
        """Draw into `ax` (a new figure by default); `strongest` limits the number of neurons."""
        self.ax_ = new_axes(ax)
        self.figure_ = self.ax_.figure
        low, high = frame_of(self.X)
        order = np.argsort(-self.strength, kind="stable")[:strongest]
        if len(order):
            shade = 0.2 + 0.7 * self.strength[order] / (self.strength.max() or 1.0)
            style = {"colors": "tab:green", "linewidths": 1.1, "alpha": shade}
            draw_lines(self.ax_, self.normals[order], self.offsets[order], low, high, **style)
        self.ax_.scatter(*self.X.T, c=self.y, cmap="RdBu_r", s=18, edgecolors="black", linewidths=0.4, zorder=3)
        made = sorted({i for j in order for i in self.support[j]})
        ring = {"facecolors": "none", "edgecolors": "tab:green", "s": 80, "linewidths": 1.6, "zorder": 4}
        self.ax_.scatter(*self.X[made].T, label=f"{len(made)} samples make {len(order)} neurons", **ring)
        self.ax_.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), xlabel="feature 1", ylabel="feature 2")
        self.ax_.legend(loc="upper right", fontsize="small")
        return self
