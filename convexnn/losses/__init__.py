"""Losses, bound to their targets: value, gradient, curvature and dual value of a data set.

All are sums over samples. By name in ``LOSSES``, as in scikit-learn: "squared_error", "huber", "huber(delta)",
"quantile", "quantile(level)", "poisson"; "squared_hinge", "hinge", "log_loss" (labels -1 and +1; log_loss also rows of
class probabilities); "log_loss_multilabel" (labels -1 and +1 in every column).
"""

from convexnn.losses.base import Loss
from convexnn.losses.registry import LOSSES

__all__ = ["LOSSES", "Loss"]
