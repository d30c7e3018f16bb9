"""Decision regions of a classifier with two inputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from convexnn._checks import check_points
from convexnn._types import ArrayLike, Floats
from convexnn.exceptions import DataError
from convexnn.plots._axes import new_axes
from convexnn.plots._canvas import frame_of, grid_over, network_of

__all__ = ["DecisionDisplay"]


@dataclass
class DecisionDisplay:
    """Predicted class over the plane, and the data.

    Attributes
    ----------
    regions : (r, r) array of int
        Class index on a grid, rows from bottom to top.
    X : (n, 2) array
    codes : (n,) array of int
        Class index of each sample.
    classes : array
        Labels.
    ax_, figure_ :
        Where :meth:`plot` drew.
    """

    regions: Any
    X: Floats
    codes: Any
    classes: Any

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: ArrayLike, y: ArrayLike, *, resolution: int = 300, **options: Any
    ) -> DecisionDisplay:
        """Ask a fitted classifier for the class of every point of a grid.

        Raises
        ------
        DataError
            If the data do not have two features, or the estimator predicts something else than classes of y.
        """
        points = check_points(X, n_features=2)
        classes, codes = np.unique(np.asarray(y), return_inverse=True)
        predicted = estimator.predict(grid_over(*frame_of(points), resolution).reshape(-1, 2))
        if not np.isin(predicted, classes).all():
            raise DataError("the estimator predicts values that are not in y; use PlanarDisplay for regression.")
        regions = np.searchsorted(classes, predicted).reshape(resolution, resolution)
        return cls(regions, points, codes, classes).plot(**options)

    @classmethod
    def from_network(
        cls, network: Any, X: ArrayLike, y: ArrayLike, *, resolution: int = 300, **options: Any
    ) -> DecisionDisplay:
        """Sign of a network with one output (two labels), or the largest of several outputs.

        Raises
        ------
        DataError
            If the number of labels does not match the outputs.
        """
        net = network_of(network, n_features=2)
        points = check_points(X, n_features=2)
        classes, codes = np.unique(np.asarray(y), return_inverse=True)
        if len(classes) != max(2, net.n_outputs):
            raise DataError(f"y has {len(classes)} labels, but the network has {net.n_outputs} outputs.")
        f = net.outputs(grid_over(*frame_of(points), resolution).reshape(-1, 2))
        regions = (f[:, 0] > 0).astype(int) if net.n_outputs == 1 else f.argmax(axis=1)
        return cls(regions.reshape(resolution, resolution), points, codes, classes).plot(**options)

    def plot(self, *, ax: Any | None = None) -> DecisionDisplay:
        """Draw into `ax` (a new figure by default)."""
        from matplotlib import colormaps
        from matplotlib.colors import ListedColormap

        self.ax_ = new_axes(ax)
        self.figure_ = self.ax_.figure
        low, high = frame_of(self.X)
        colors = colormaps["tab10"](np.arange(len(self.classes)) % 10)
        scale = {"cmap": ListedColormap(colors), "vmin": -0.5, "vmax": len(self.classes) - 0.5}
        extent = (low[0], high[0], low[1], high[1])
        self.ax_.imshow(self.regions, extent=extent, origin="lower", aspect="auto", alpha=0.35, **scale)
        for k, label in enumerate(self.classes):
            part = self.X[self.codes == k]
            self.ax_.scatter(*part.T, color=colors[k], s=18, edgecolors="black", linewidths=0.4, label=str(label))
        self.ax_.set(xlim=extent[:2], ylim=extent[2:], xlabel="feature 1", ylabel="feature 2")
        self.ax_.legend(fontsize="small", title="class")
        return self
