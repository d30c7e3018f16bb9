"""One class after the other is cut off from the rest and collapses to the apex of a cone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from convexnn._types import Floats
from convexnn.constructive.classes import ClassData
from convexnn.constructive.cones import ConeLayer
from convexnn.constructive.cumulative import AffineMap
from convexnn.constructive.halfspace import Gap, barycentre_axis, margin_axis, measure_gap, widest_cone
from convexnn.exceptions import SeparationError

__all__ = ["CollapsedLayer", "Cutter", "Direction", "make_cutter", "threshold_of"]

Direction: TypeAlias = Literal["barycentre", "margin"]


@dataclass(frozen=True)
class CollapsedLayer:
    """What one hidden layer does.

    Attributes
    ----------
    label : object
        The class it collapses, as the user writes it.
    index : int
        Class index 0..Q-1.
    cone : ConeLayer
        Axis, apex and aperture in working coordinates.
    hi, lo : float
        Largest coordinate of the class and smallest of everything else along the axis, from the class mean.
    threshold : float
        |mu|, where the layer cuts, between hi and lo.
    """

    label: Any
    index: int
    cone: ConeLayer
    hi: float
    lo: float
    threshold: float

    @property
    def aperture(self) -> float:
        """eps of the cone, at most 1."""
        return self.cone.aperture


@dataclass
class Cutter:
    """Points on their way through the layers."""

    data: ClassData
    points: Floats
    means: Floats
    delta: float
    direction: Direction

    def gap(self, index: int) -> Gap:
        inside = self.data.labels == index
        axis: Floats | None = None
        if self.direction == "margin":
            axis = margin_axis(self.points, inside)
        if axis is None:
            # Also the best guess to report when no separating hyperplane exists.
            axis = barycentre_axis(self.means[index], self.means.mean(axis=0))
        return measure_gap(self.points, inside, self.means[index], axis)

    def collapse(self, index: int, gap: Gap, threshold: float) -> CollapsedLayer:
        inside = self.data.labels == index
        cone = widest_cone(self.points, inside, gap.axis, gap.apex(threshold))
        self.points[inside] = cone.apex
        return CollapsedLayer(self.data.names[index], index, cone, gap.hi, gap.lo, threshold)

    def refuse(self, index: int, gap: Gap) -> SeparationError:
        return SeparationError(
            f"class {self.data.names[index]!r} cannot be cut off along its axis: it reaches hi={gap.hi:.4g}, the other "
            f"points begin at lo={gap.lo:.4g}, cut c={gap.cut(0.5):.4g}. Try order='greedy', direction='margin', "
            "coords='simplex', or sequential_construct."
        )


def make_cutter(data: ClassData, start: AffineMap, direction: Direction) -> Cutter:
    """Points and class means in working coordinates, before the first layer."""
    points, means = start(data.X), start(data.means)
    delta = float(np.linalg.norm(points - means[data.labels], axis=1).max())
    return Cutter(data, points, means, delta, direction)


def threshold_of(mu: Literal["gap", "paper"], fraction: float, cutter: Cutter, index: int, gap: Gap) -> float:
    """|mu_l|: a fraction of the measured gap, or the paper's 2 delta sqrt(m)."""
    if mu == "gap":
        return gap.cut(fraction)
    value = 2.0 * cutter.delta * float(np.sqrt(cutter.points.shape[1]))
    if not gap.hi < value < gap.lo:
        raise SeparationError(
            f"mu = -2 delta sqrt(Q) = {-value:.4g} of the paper is not admissible for class "
            f"{cutter.data.names[index]!r}: |mu| must lie between {gap.hi:.4g} and {gap.lo:.4g}. Use mu='gap'."
        )
    return value
