"""A network of one input: data, fitted broken line, and its break points at samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from convexnn._checks import check_points, check_targets
from convexnn._types import ArrayLike, Floats
from convexnn.network import DeepReLUNetwork, ReLUNetwork
from convexnn.plots._axes import new_axes
from convexnn.plots._canvas import network_of

__all__ = ["LineDisplay"]


@dataclass
class LineDisplay:
    """The fit over the line, with the points where neurons switch on.

    Attributes
    ----------
    network : ReLUNetwork or DeepReLUNetwork
        One input, one output.
    X : (n,) array
    y : (n,) array
    ax_, figure_ :
        Where :meth:`plot` drew.
    """

    network: ReLUNetwork | DeepReLUNetwork
    X: Floats
    y: Floats

    @classmethod
    def from_estimator(cls, estimator: Any, X: ArrayLike, y: ArrayLike, **options: Any) -> LineDisplay:
        """Draw a network, a training result or a fitted estimator."""
        network = network_of(estimator, n_features=1)
        points = check_points(X, n_features=1)
        return cls(network, points[:, 0], check_targets(y, len(points))[:, 0]).plot(**options)

    @property
    def breaks(self) -> Floats:
        """Where neurons of a two-layer network switch on, increasing, each once."""
        if isinstance(self.network, DeepReLUNetwork):
            return np.zeros(0)
        w = self.network.hidden_weights[:, 0]
        kinks = np.sort(-self.network.hidden_biases[w != 0] / w[w != 0])
        width = 1e-9 * (np.ptp(self.X) or 1.0)
        return kinks[np.diff(kinks, prepend=-np.inf) > width]

    def plot(self, *, ax: Any | None = None, label: str = "network") -> LineDisplay:
        """Draw into `ax` (a new figure by default)."""
        self.ax_ = new_axes(ax)
        self.figure_ = self.ax_.figure
        room = 0.05 * (np.ptp(self.X) or 1.0)
        low, high = self.X.min() - room, self.X.max() + room
        inside = self.breaks[(self.breaks >= low) & (self.breaks <= high)]
        grid = np.linspace(low, high, 1000) if not len(self.breaks) else np.concatenate([[low], inside, [high]])
        self.ax_.plot(self.X, self.y, ".", color="0.5", label="data")
        self.ax_.plot(grid, self._values(grid), color="tab:blue", label=label)
        style = {"color": "tab:red", "zorder": 3, "label": f"{len(inside)} break points"}
        self.ax_.plot(inside, self._values(inside), "o", markersize=5, **style)
        self.ax_.set(xlabel="x", ylabel="y")
        self.ax_.legend(fontsize="small")
        return self

    def _values(self, x: Floats) -> Floats:
        return self.network.outputs(x[:, None])[:, 0]
