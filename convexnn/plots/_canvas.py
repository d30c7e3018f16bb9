"""Small things that several pictures share: limits, grids, lines."""

from __future__ import annotations

from typing import Any

import numpy as np

from convexnn._types import Floats
from convexnn.exceptions import DataError
from convexnn.network import DeepReLUNetwork, ReLUNetwork
from convexnn.plots._axes import new_axes

__all__ = ["draw_lines", "frame_of", "grid_over", "network_of", "new_figure"]


def network_of(model: Any, *, n_features: int | None = None) -> ReLUNetwork | DeepReLUNetwork:
    """The network of a network, training result, construction or fitted estimator.

    Raises
    ------
    DataError
        If there is none, or it has another number of inputs than the picture.
    """
    for candidate in (model, getattr(model, "network", None), getattr(model, "network_", None)):
        if isinstance(candidate, (ReLUNetwork, DeepReLUNetwork)):
            if n_features is not None and candidate.n_features != n_features:
                raise DataError(
                    f"the network has {candidate.n_features} inputs; this picture needs {n_features}. "
                    "Train on fewer features, or use PartialDependenceDisplay."
                )
            return candidate
    raise DataError(f"{type(model).__name__} has no network; pass a network, a training result or a fitted estimator.")


def new_figure(rows: int, columns: int, size: float = 2.4) -> Any:
    """A figure with a grid of axes, flattened."""
    axes = new_axes(None)
    figure = axes.figure
    axes.remove()
    figure.set_size_inches(size * columns, size * rows)
    return np.ravel(figure.subplots(rows, columns, squeeze=False))


def frame_of(X: Floats, margin: float = 0.08) -> tuple[Floats, Floats]:
    """Corners of a box around the samples, with some margin."""
    low, high = X.min(axis=0), X.max(axis=0)
    room = margin * np.where(high > low, high - low, 1.0)
    return low - room, high + room


def grid_over(low: Floats, high: Floats, resolution: int) -> Floats:
    """Points (resolution, resolution, 2) of a planar box, rows from bottom to top."""
    return np.stack(np.meshgrid(*np.linspace(low, high, resolution).T), axis=-1)


def draw_lines(ax: Any, normals: Floats, offsets: Floats, low: Floats, high: Floats, **style: Any) -> None:
    """Each line u.x + c = 0, long enough to cross the box; rows without direction are left out."""
    from matplotlib.collections import LineCollection

    length = np.linalg.norm(normals, axis=1)
    seen = length > 0
    if not seen.any():
        return
    u, c = normals[seen] / length[seen, None], offsets[seen] / length[seen]
    middle, size = 0.5 * (low + high), float(np.linalg.norm(high - low))
    feet = middle - (u @ middle + c)[:, None] * u
    along = np.stack([-u[:, 1], u[:, 0]], axis=1) * size
    ax.add_collection(LineCollection(list(np.stack([feet - along, feet + along], axis=1)), **style), autolim=False)
    ax.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]))
