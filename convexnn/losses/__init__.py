"""Losses, bound to their targets: value, gradient, curvature and dual value of a data set.

All are sums over samples. By name in ``LOSSES``: "squared", "huber", "huber(delta)", "quantile",
"quantile(level)", "poisson", "logistic", "squared_hinge", "hinge" (labels -1 and +1), "softmax" (one-hot).
"""

from convexnn.losses.base import Loss
from convexnn.losses.registry import LOSSES

__all__ = ["LOSSES", "Loss"]
