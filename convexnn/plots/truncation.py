"""The geometry of constructive layers: what a layer leaves alone, and where it sends the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from convexnn._checks import check_points
from convexnn._types import ArrayLike, Floats
from convexnn.constructive.truncation import truncate
from convexnn.exceptions import DataError
from convexnn.plots._axes import new_axes
from convexnn.plots._canvas import frame_of

__all__ = ["TruncationDisplay"]


@dataclass
class TruncationDisplay:
    """A layer of two neurons in its own input plane: cone, apex, opposite cone, and the truncated samples.

    The truncation map W^{-1}(s(W x + b) - b) is the identity on the cone where both neurons are active, and sends
    the opposite cone to the apex -W^{-1} b (arXiv 2309.10370, Definition 3.4; 2309.10639, section 2).

    Attributes
    ----------
    X : (n, 2) array
    codes : (n,) array of int
    weight : (2, 2) array
        Invertible.
    bias : (2,) array
    ax_, figure_ :
        Where :meth:`plot` drew.
    """

    X: Floats
    codes: Any
    weight: Floats
    bias: Floats

    @classmethod
    def from_layer(
        cls, X: ArrayLike, labels: ArrayLike, weight: ArrayLike, bias: ArrayLike, **options: Any
    ) -> TruncationDisplay:
        """Draw a layer and labelled samples.

        Raises
        ------
        DataError
            If the layer is not an invertible map of the plane.
        """
        points = check_points(X, n_features=2)
        w, b = np.asarray(weight, dtype=np.float64), np.asarray(bias, dtype=np.float64)
        if w.shape != (2, 2) or b.shape != (2,) or np.linalg.cond(w) > 1e12:
            raise DataError(
                f"weight has shape {w.shape} and bias {b.shape}; expected (2, 2), invertible, and (2,): a plane is cut "
                "into a cone, its opposite, and two sides."
            )
        return cls(points, np.unique(np.asarray(labels), return_inverse=True)[1], w, b).plot(**options)

    @classmethod
    def from_estimator(cls, estimator: Any, X: ArrayLike, y: ArrayLike, **options: Any) -> TruncationDisplay:
        """Draw the first layer of a fitted ConstructiveClassifier with two inputs and two neurons."""
        weight, bias = estimator.layers_[0]
        return cls.from_layer(X, y, weight, bias, **options)

    @property
    def apex(self) -> Floats:
        """-W^{-1} b."""
        return np.asarray(-np.linalg.solve(self.weight, self.bias))

    def plot(self, *, ax: Any | None = None) -> TruncationDisplay:
        """Draw into `ax` (a new figure by default)."""
        from matplotlib.patches import Polygon

        self.ax_ = new_axes(ax)
        self.figure_ = self.ax_.figure
        low, high = frame_of(np.vstack([self.X, self.apex]), 0.15)
        reach = 2.0 * float(np.linalg.norm(high - low))
        edges = np.linalg.inv(self.weight).T
        edges = edges / np.linalg.norm(edges, axis=1, keepdims=True) * reach
        for sign, color, label in ((1, "tab:blue", "identity"), (-1, "tab:red", "to the apex")):
            corners = [self.apex, self.apex + sign * edges[0], self.apex + sign * edges.sum(axis=0)]
            corners.append(self.apex + sign * edges[1])
            self.ax_.add_patch(Polygon(corners, closed=True, color=color, alpha=0.12, label=label, linewidth=0))
        moved = truncate(self.X, self.weight, self.bias)
        for start, end in zip(self.X, moved):
            self.ax_.plot(*np.transpose([start, end]), color="0.75", linewidth=0.7, zorder=1)
        colors = {"c": self.codes, "cmap": "tab10", "vmin": 0, "vmax": 9}
        self.ax_.scatter(*self.X.T, s=14, alpha=0.4, label="samples", **colors)
        self.ax_.scatter(*moved.T, s=18, edgecolors="black", linewidths=0.5, label="after the layer", **colors)
        self.ax_.plot(*self.apex, "k*", markersize=12, label="apex", zorder=4)
        self.ax_.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), aspect="equal")
        self.ax_.legend(fontsize="small")
        return self
