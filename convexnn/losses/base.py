"""What the solvers and certificates need to know of a loss."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np

from convexnn._types import Floats

__all__ = ["Loss"]


class Loss(ABC):
    """A convex loss bound to targets: the map from outputs f (n, c) to a sum over samples.

    Parameters
    ----------
    y : (n, c) array
        Targets.
    sample_weight : (n,) array, optional
        Weight of each sample: 2 equals repetition, 0 equals removal.
    """

    name: ClassVar[str]

    def __init__(self, y: Floats, sample_weight: Floats | None = None) -> None:
        self.y = y
        self.weight = None if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)[:, None]

    def _weighted(self, per_entry: Floats) -> Floats:
        return per_entry if self.weight is None else per_entry * self.weight

    @abstractmethod
    def value(self, f: Floats) -> float:
        """Loss of outputs f."""

    @abstractmethod
    def gradient(self, f: Floats) -> Floats:
        """Gradient (n, c) at f."""

    @abstractmethod
    def curvature(self, f: Floats) -> Floats:
        """Diagonal of the Hessian (n, c) at f."""

    @abstractmethod
    def dual(self, v: Floats) -> float:
        """Dual value -loss*(-v); minus infinity outside the domain of the conjugate."""

    @abstractmethod
    def best_constant(self) -> Floats:
        """Output (c,) of the best constant network."""
