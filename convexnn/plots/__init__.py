"""Pictures of networks, certificates and comparisons (matplotlib, imported on use)."""

from convexnn.plots.planar import PlanarDisplay
from convexnn.plots.restarts import RestartsDisplay

__all__ = ["PlanarDisplay", "RestartsDisplay"]
