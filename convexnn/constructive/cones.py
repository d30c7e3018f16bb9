"""The building block of the deep construction: a layer whose identity region is a cone around an axis.

W = W_* R with W_* = J + eps (I - J), J = u u^T / m, u = (1, .., 1), and R orthogonal with R f = u / sqrt(m).
The preimage of the positive orthant is a cone around f; its aperture grows to a half space as eps -> 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from convexnn._types import Floats

__all__ = ["ConeLayer", "cone_layer", "inner_half_angle", "outer_half_angle"]


@dataclass(frozen=True)
class ConeLayer:
    """A layer x -> s(W (x - apex)) in cumulative form.

    Attributes
    ----------
    axis : (m,) array
        Unit vector f.
    apex : (m,) array
    aperture : float
        eps in (0, 1].
    """

    axis: Floats
    apex: Floats
    aperture: float

    @property
    def rotation(self) -> Floats:
        """R, the reflection that takes the axis to the diagonal; it is its own inverse."""
        m = len(self.axis)
        v = self.axis - 1.0 / np.sqrt(m)
        size = float(v @ v)
        # An axis on the diagonal up to rounding needs no reflection, and v would have no direction.
        return np.eye(m) if size < 1e-30 else np.asarray(np.eye(m) - (2.0 / size) * np.outer(v, v))

    @property
    def weight(self) -> Floats:
        """W, shape (m, m)."""
        m = len(self.axis)
        mean = np.full((m, m), 1.0 / m)
        return np.asarray((mean + self.aperture * (np.eye(m) - mean)) @ self.rotation)

    @property
    def inverse(self) -> Floats:
        """W^{-1} = R (J + (I - J) / eps); its columns are the edges of the cone."""
        m = len(self.axis)
        mean = np.full((m, m), 1.0 / m)
        return np.asarray(self.rotation @ (mean + (np.eye(m) - mean) / self.aperture))

    @property
    def bias(self) -> Floats:
        """-W apex."""
        return -self.weight @ self.apex


def cone_layer(axis: Floats, apex: Floats, aperture: float) -> ConeLayer:
    """A cone of half-width given by `aperture` around the direction of `axis` (need not be a unit vector)."""
    return ConeLayer(axis / np.linalg.norm(axis), apex, aperture)


def inner_half_angle(aperture: float, dimension: int) -> float:
    """Half angle (radians) of the largest circular cone inside the identity region: arctan(1 / (eps sqrt(m - 1)))."""
    return float(np.arctan2(1.0, aperture * np.sqrt(dimension - 1)))


def outer_half_angle(aperture: float, dimension: int) -> float:
    """Half angle (radians) of the smallest circular cone around the identity region: arctan(sqrt(m - 1) / eps)."""
    return float(np.arctan2(np.sqrt(dimension - 1), aperture))
