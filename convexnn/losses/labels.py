"""What the losses for two classes share: labels -1 and +1."""

from __future__ import annotations

import numpy as np

from convexnn._types import Floats
from convexnn.exceptions import DataError
from convexnn.losses.separable import Separable

__all__ = ["TwoClass"]


class TwoClass(Separable):
    """A loss of the margin y f with labels y = -1 or +1."""

    def _check_targets(self) -> None:
        if not np.isin(self.y, (-1.0, 1.0)).all():
            found = ", ".join(f"{value:g}" for value in np.unique(self.y)[:5])
            raise DataError(
                f"loss={self.name!r} needs the labels -1 and +1, but y contains {found}; "
                "map two classes with y = np.where(labels == positive, 1, -1)."
            )

    def _signed(self, low: float, high: float) -> tuple[Floats, Floats]:
        """Interval of u given that of y * u."""
        positive = self.y > 0
        return np.where(positive, low, -high), np.where(positive, high, -low)
