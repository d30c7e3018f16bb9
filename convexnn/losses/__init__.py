"""Losses, bound to their targets: value, gradient, curvature and dual value of a data set."""

from convexnn._registry import Registry

__all__ = ["LOSSES"]

LOSSES = Registry("loss", {"squared": "convexnn.losses.squared:Squared"})
