"""How evenly planar samples cover the directions: lines, chambers on the circle, and the widest of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from convexnn._checks import check_points
from convexnn._types import ArrayLike, Floats
from convexnn.plots._axes import new_axes

__all__ = ["DispersionDisplay"]


@dataclass
class DispersionDisplay:
    """Chambers of a planar arrangement without bias (arXiv 2309.16512, Definitions 2 and 3, Figure 5).

    The normals of the lines span(x_i) cut the circle of unit neurons into chambers; all neurons of a chamber are
    active on the same samples. The widest chamber decides how far the l2 dictionary can be from the optimum.

    Attributes
    ----------
    X : (n, 2) array
    ax_, figure_ :
        Where :meth:`plot` drew.
    """

    X: Floats

    @classmethod
    def from_samples(cls, X: ArrayLike, **options: Any) -> DispersionDisplay:
        """Draw the chambers of samples (n, 2)."""
        return cls(check_points(X, n_features=2)).plot(**options)

    @property
    def corners(self) -> Floats:
        """Angles in [0, pi) of the directions orthogonal to a sample, increasing."""
        rows = self.X[np.abs(self.X).max(axis=1) > 0]
        return np.unique(np.mod(np.arctan2(rows[:, 1], rows[:, 0]) + np.pi / 2, np.pi))

    @property
    def angle(self) -> float:
        """Largest angle between neighbouring lines, the dispersion."""
        corners = self.corners
        return float(np.diff(corners, append=corners[0] + np.pi).max()) if len(corners) else np.pi

    @property
    def gamma(self) -> float:
        """cos(angle / 2): the optimum is between Lasso(beta * gamma) and Lasso(beta)."""
        return float(max(0.0, np.cos(self.angle / 2)))

    def plot(self, *, ax: Any | None = None) -> DispersionDisplay:
        """Draw into `ax` (a new figure by default)."""
        from matplotlib.patches import Circle, Wedge

        self.ax_ = new_axes(ax)
        self.figure_ = self.ax_.figure
        self.ax_.add_patch(Circle((0, 0), 1.0, fill=False, color="0.4"))
        corners = self.corners
        both = np.concatenate([corners, corners + np.pi])
        gaps = np.diff(both, append=both[0] + 2 * np.pi)
        for start, gap, shade in zip(both, gaps, np.arange(len(both)) % 2):
            wide = gap >= self.angle * (1 - 1e-12)
            color, alpha = ("tab:red", 0.45) if wide else ("tab:blue", 0.12 + 0.12 * shade)
            ends = np.degrees([start, start + gap])
            self.ax_.add_patch(Wedge((0, 0), 1.0, *ends, width=0.25, color=color, alpha=alpha, linewidth=0))
        self.ax_.plot(np.cos(both), np.sin(both), "o", color="tab:blue", markersize=4, label="wedge neurons")
        size = np.linalg.norm(self.X, axis=1).max() or 1.0
        self.ax_.plot(*(0.7 * self.X / size).T, ".", color="black", label="samples (scaled)")
        for x in self.X:
            self.ax_.plot(*np.transpose([[0, 0], 0.7 * x / size]), color="0.75", linewidth=0.7, zorder=0)
        self.ax_.set(aspect="equal", xlim=(-1.15, 1.15), ylim=(-1.15, 1.15), xticks=[], yticks=[])
        self.ax_.set_title(f"widest chamber {np.degrees(self.angle):.1f}°, gamma = {self.gamma:.4f}", fontsize="medium")
        self.ax_.legend(fontsize="small", loc="lower right")
        return self
