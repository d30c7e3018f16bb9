"""What a neuron measures: signed lengths, areas of parallelograms and of triangles between samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from convexnn._types import ArrayLike, Floats
from convexnn.exceptions import DataError
from convexnn.plots._axes import new_axes

__all__ = ["WedgeDisplay"]


@dataclass
class WedgeDisplay:
    """The simplex or parallelotope whose signed volume is the response of a neuron.

    A wedge neuron through samples x_1, .. responds to x with the volume of the body spanned by x and these samples,
    divided by the volume of their own face: the distance of x (arXiv 2309.16512, section 2, Figures 1 to 3).

    Attributes
    ----------
    x : (d,) array
        The input, d = 1 or 2.
    through : (k, d) array
        The samples on the hyperplane: one point (d = 1), one vector (d = 2 without bias), two points (d = 2).
    ax_, figure_ :
        Where :meth:`plot` drew.
    """

    x: Floats
    through: Floats

    @classmethod
    def from_samples(cls, x: ArrayLike, *through: ArrayLike, ax: Any | None = None) -> WedgeDisplay:
        """Draw the wedge of an input and samples.

        Raises
        ------
        DataError
            If dimension and number of samples do not make a hyperplane.
        """
        point, rows = np.atleast_1d(np.asarray(x, dtype=np.float64)), np.array(through, dtype=np.float64)
        rows = rows.reshape(len(through), -1)
        if (len(point), len(rows)) not in ((1, 1), (2, 1), (2, 2)) or rows.shape[1] != len(point):
            raise DataError(
                f"x has {len(point)} entries and there are {len(rows)} samples; draw one sample on the line, or one "
                "(no bias) or two (bias) in the plane."
            )
        return cls(point, rows).plot(ax=ax)

    @property
    def volume(self) -> float:
        """Signed length, area of the parallelogram, or twice the area of the triangle."""
        if len(self.x) == 1:
            return float(self.x[0] - self.through[0, 0])
        origin = self.through[-1] if len(self.through) == 2 else np.zeros(2)
        a, b = self.x - origin, self.through[0] - origin
        return float(a[0] * b[1] - a[1] * b[0])

    @property
    def response(self) -> float:
        """Positive part of the signed distance of x to the hyperplane."""
        if len(self.x) == 1:
            return max(self.volume, 0.0)
        origin = self.through[-1] if len(self.through) == 2 else np.zeros(2)
        return max(self.volume, 0.0) / float(np.linalg.norm(self.through[0] - origin))

    def plot(self, *, ax: Any | None = None) -> WedgeDisplay:
        """Draw into `ax` (a new figure by default)."""
        self.ax_ = new_axes(ax)
        self.figure_ = self.ax_.figure
        color = "tab:blue" if self.volume > 0 else "tab:red"
        if len(self.x) == 1:
            self._draw_length(color)
        else:
            self._draw_area(color)
        self.ax_.set_title(f"signed volume {self.volume:.3g}, neuron {self.response:.3g}", fontsize="medium")
        return self

    def _draw_length(self, color: str) -> None:
        start, end = self.through[0, 0], self.x[0]
        self.ax_.axhline(0, color="0.7", linewidth=1)
        self.ax_.annotate("", (end, 0), (start, 0), arrowprops={"arrowstyle": "-|>", "color": color, "linewidth": 3})
        self._points([[start, 0.0]], [[end, 0.0]])
        room = 0.3 * abs(end - start) + 0.1
        self.ax_.set(xlim=(min(start, end) - room, max(start, end) + room), ylim=(-1, 1), yticks=[])

    def _draw_area(self, color: str) -> None:
        from matplotlib.patches import Polygon

        vectors = len(self.through) == 1
        first = self.through[0]
        origin = np.zeros(2) if vectors else self.through[1]
        corners = [origin, first, first + self.x, self.x] if vectors else [origin, first, self.x]
        self.ax_.add_patch(Polygon(corners, closed=True, color=color, alpha=0.3))
        direction = (first - origin) / np.linalg.norm(first - origin)
        self.ax_.axline(tuple(origin), slope=None, xy2=tuple(first), color="tab:green", linewidth=1.2)
        foot = origin + ((self.x - origin) @ direction) * direction
        self.ax_.plot(*np.array([foot, self.x]).T, ":", color="black", linewidth=1.2, label="distance")
        self._points([first] if vectors else [first, origin], [self.x])
        if vectors:
            self.ax_.plot(0, 0, "+", color="black", markersize=10)
        low, high = np.min([*corners, foot], axis=0), np.max([*corners, foot], axis=0)
        room = 0.15 * float((high - low).max()) + 0.05
        self.ax_.set(xlim=(low[0] - room, high[0] + room), ylim=(low[1] - room, high[1] + room), aspect="equal")
        self.ax_.legend(fontsize="small")

    def _points(self, samples: Any, inputs: Any) -> None:
        self.ax_.plot(*np.transpose(samples), "o", color="tab:green", label="samples of the neuron", zorder=3)
        self.ax_.plot(*np.transpose(inputs), "s", color="black", label="input x", zorder=3)
        if len(self.x) == 1:
            self.ax_.legend(fontsize="small", loc="upper right")
