"""A network with two inputs: its output, the data, and the lines where neurons switch on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from convexnn._checks import check_points, check_targets
from convexnn._types import ArrayLike, Floats
from convexnn.exceptions import DataError
from convexnn.network import ReLUNetwork
from convexnn.plots._axes import new_axes

__all__ = ["PlanarDisplay"]


@dataclass
class PlanarDisplay:
    """Output of a network on a grid, with its breaklines and the training data.

    Attributes
    ----------
    network : ReLUNetwork
        Two inputs, one output.
    X : (n, 2) array
    y : (n,) array
    ax_, figure_ :
        Where :meth:`plot` drew.
    """

    network: ReLUNetwork
    X: Floats
    y: Floats

    @classmethod
    def from_network(cls, network: ReLUNetwork, X: ArrayLike, y: ArrayLike, **options: Any) -> PlanarDisplay:
        """Check the data and draw.

        Raises
        ------
        DataError
            If the network does not have two inputs and one output.
        """
        if network.n_features != 2 or network.n_outputs != 1:
            raise DataError(
                f"the network has {network.n_features} inputs and {network.n_outputs} outputs; a planar "
                "picture needs two inputs and one output. Use PartialDependenceDisplay otherwise."
            )
        points = check_points(X, n_features=2)
        return cls(network, points, check_targets(y, len(points))[:, 0]).plot(**options)

    @classmethod
    def from_estimator(cls, estimator: Any, X: ArrayLike, y: ArrayLike, **options: Any) -> PlanarDisplay:
        """Draw the ``network_`` of a fitted estimator."""
        return cls.from_network(estimator.network_, X, y, **options)

    def plot(self, *, ax: Any | None = None, resolution: int = 300, breaklines: bool = True) -> PlanarDisplay:
        """Draw into `ax` (a new figure by default).

        Parameters
        ----------
        ax : matplotlib Axes, optional
        resolution : int
            Grid points per side.
        breaklines : bool
            Whether to draw the line on which each neuron switches on.
        """
        self.ax_ = new_axes(ax)
        self.figure_ = self.ax_.figure
        low, high = self.X.min(axis=0), self.X.max(axis=0)
        margin = 0.08 * np.where(high > low, high - low, 1.0)
        low, high = low - margin, high + margin
        grid = np.stack(np.meshgrid(*np.linspace(low, high, resolution).T), axis=-1)
        values = self.network.predict(grid.reshape(-1, 2)).reshape(resolution, resolution)
        reach = float(np.abs(self.y - self.y.mean()).max()) or 1.0
        limits = {"vmin": self.y.mean() - reach, "vmax": self.y.mean() + reach, "cmap": "RdBu_r"}
        extent = (low[0], high[0], low[1], high[1])
        image = self.ax_.imshow(values, extent=extent, origin="lower", aspect="auto", alpha=0.75, **limits)
        self.figure_.colorbar(image, ax=self.ax_, label="network output", shrink=0.85)
        if breaklines:
            self._draw_breaklines(low, high)
        self.ax_.scatter(*self.X.T, c=self.y, s=18, edgecolors="black", linewidths=0.5, zorder=3, **limits)
        self.ax_.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), xlabel="feature 1", ylabel="feature 2")
        if 0.2 < (high - low)[1] / (high - low)[0] < 5.0:
            self.ax_.set_aspect("equal")
        return self

    def _draw_breaklines(self, low: Floats, high: Floats) -> None:
        """Each line w.x + b = 0, long enough to cross the picture, darker for neurons that matter more."""
        from matplotlib.collections import LineCollection

        length = np.linalg.norm(self.network.hidden_weights, axis=1)
        seen = length > 0
        if not seen.any():
            return
        normals = self.network.hidden_weights[seen] / length[seen, None]
        offsets = self.network.hidden_biases[seen] / length[seen]
        middle, size = 0.5 * (low + high), float(np.linalg.norm(high - low))
        feet = middle - (normals @ middle + offsets)[:, None] * normals
        along = np.stack([-normals[:, 1], normals[:, 0]], axis=1) * size
        strength = length[seen] * np.abs(self.network.output_weights[seen, 0])
        shade = 0.15 + 0.6 * strength / (strength.max() or 1.0)
        lines = LineCollection(
            list(np.stack([feet - along, feet + along], axis=1)), colors="black", linewidths=0.7, alpha=shade
        )
        self.ax_.add_collection(lines, autolim=False)
