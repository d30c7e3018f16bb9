"""Convex against non-convex training: the local methods people use, on the same objective."""

from convexnn.compare.local import LocalRun, local_restarts, train_local

__all__ = ["LocalRun", "local_restarts", "train_local"]
