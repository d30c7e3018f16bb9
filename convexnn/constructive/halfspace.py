"""Where to cut a class off: axes, the gap along an axis, and the widest cone that keeps everything else."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linprog

from convexnn._types import Bools, Floats
from convexnn.constructive.cones import ConeLayer

__all__ = ["Gap", "barycentre_axis", "margin_axis", "measure_gap", "widest_cone"]

# Part of the largest admissible aperture that is used, so that no sample sits on the cone.
_APERTURE_SHARE = 0.9


@dataclass(frozen=True)
class Gap:
    """A class and everything else along an axis, measured from the class mean.

    Attributes
    ----------
    axis : (m,) array
        Unit vector pointing from the class to the rest.
    origin : (m,) array
        Class mean.
    hi : float
        Largest coordinate of the class.
    lo : float
        Smallest coordinate of all other points; a cut exists if hi < lo.
    """

    axis: Floats
    origin: Floats
    hi: float
    lo: float

    @property
    def width(self) -> float:
        """lo - hi, positive if the axis separates."""
        return self.lo - self.hi

    @property
    def separates(self) -> bool:
        """Whether a cut exists that rounding cannot close."""
        noise = 1e-12 * max(abs(self.hi), abs(self.lo), 1e-300)
        return self.width > noise

    def cut(self, fraction: float) -> float:
        """Threshold |mu| at a fraction of the gap."""
        return self.hi + fraction * self.width

    def apex(self, threshold: float) -> Floats:
        """Point on the axis at a threshold."""
        return self.origin + threshold * self.axis


def barycentre_axis(mean: Floats, barycentre: Floats) -> Floats:
    """Unit vector from a class mean to the barycentre of the class means; zero if they coincide."""
    step = barycentre - mean
    size = float(np.linalg.norm(step))
    return step / size if size > 0 else step


def margin_axis(points: Floats, inside: Bools) -> Floats | None:
    """Unit normal of a hyperplane with `inside` strictly below and the others above; None if there is none.

    Maximises the margin for normals in the unit cube (a linear program).
    """
    points = np.asarray(points)
    centre = points.mean(axis=0)
    scale = float(np.abs(points - centre).max())
    if not scale > 0:
        return None
    z = (points - centre) / scale
    sign = np.where(inside, 1.0, -1.0)[:, None]
    m = z.shape[1]
    # Variables (normal, threshold, margin): sign * (n.z - c) + margin <= 0.
    rows = np.hstack([sign * z, -sign, np.ones_like(sign)])
    limits = [(-1.0, 1.0)] * m + [(None, None), (0.0, None)]
    goal = np.zeros(m + 2)
    goal[-1] = -1.0
    answer = linprog(goal, A_ub=rows, b_ub=np.zeros(len(z)), bounds=limits, method="highs")
    if answer.x is None or not answer.x[-1] > 1e-9:
        return None
    normal = np.asarray(answer.x[:m])
    return normal / float(np.linalg.norm(normal))


def measure_gap(points: Floats, inside: Bools, origin: Floats, axis: Floats) -> Gap:
    """Coordinates of a class and of the rest along an axis."""
    along = (points - origin) @ axis
    return Gap(axis, origin, float(along[inside].max()), float(along[~inside].min()))


def widest_cone(points: Floats, inside: Bools, axis: Floats, apex: Floats) -> ConeLayer:
    """Cone at `apex` that maps the points `inside` to the apex and leaves the others alone.

    The aperture is 0.9 of the largest one with W (z - p) of one sign for every point, at most 1.
    """
    m = len(axis)
    cone = ConeLayer(axis, apex, 1.0)
    centred = points - apex
    along = centred @ axis
    across = (centred - along[:, None] * axis) @ cone.rotation
    # W (z - p) = along u / sqrt(m) + eps across: across may not overturn the sign of along.
    worst = np.where(inside, across.max(axis=1), -across.min(axis=1))
    risky = worst > 0
    if not risky.any():
        return cone
    limit = float((np.abs(along[risky]) / (np.sqrt(m) * worst[risky])).min())
    return ConeLayer(axis, apex, min(1.0, _APERTURE_SHARE * limit))
