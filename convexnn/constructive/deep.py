"""The deep network of arXiv 2309.10639 with zero cost: each layer collapses one class to a point.

In input space layer l truncates to a cone that looks from class l at the barycentre of the class means;
class l falls on the apex, everything else stays. After Q layers an affine map sends apexes to targets.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from convexnn._checks import check_count, check_real
from convexnn._types import ArrayLike
from convexnn.constructive.classes import ClassData, check_class_targets, class_data
from convexnn.constructive.construction import DeepConstruction, finish_deep
from convexnn.constructive.coordinates import coordinate_map
from convexnn.constructive.cutting import CollapsedLayer, Cutter, Direction, make_cutter, threshold_of
from convexnn.exceptions import ParameterError

__all__ = ["deep_construct"]


def _sequence(order: object, data: ClassData) -> list[int] | None:
    """Class indices of a given order; None asks for the greedy one."""
    if isinstance(order, str):
        if order != "greedy":
            raise ParameterError(f"order={order!r} is unknown; choose 'greedy', None or a sequence of all classes.")
        return None
    if order is None:
        return list(range(data.n_classes))
    names = list(order) if isinstance(order, Sequence | np.ndarray) else []
    known = {name: k for k, name in enumerate(data.names)}
    places = [known.get(name, -1) for name in names]
    if sorted(places) != list(range(data.n_classes)):
        raise ParameterError(f"order={order!r} must contain each of the classes {data.names} once.")
    return places


def deep_construct(
    X: ArrayLike,
    labels: ArrayLike,
    *,
    targets: ArrayLike | None = None,
    coords: str = "simplex",
    direction: Direction = "barycentre",
    order: object = "greedy",
    mu: Literal["gap", "paper"] = "gap",
    fraction: float = 0.5,
    final: Literal["auto", "linear", "affine"] = "auto",
    n_hidden: int | None = None,
) -> DeepConstruction:
    """Deep network with zero L2 cost on the training set.

    Parameters
    ----------
    X : (N, M) array
    labels : (N,) array
    targets : (Q, Q) array, optional
    coords : "raw", "centred", "project", "whiten", "simplex" or "regression"
        See :func:`coordinate_map`.
    direction : "barycentre" or "margin"
        Axes towards the barycentre of the class means (the paper), or of largest margin (linear programs).
    order : "greedy", None or a sequence of the classes
        Greedy takes the class with the widest gap next; None the order of the classes.
    mu : "gap" or "paper"
        Cut at `fraction` of the measured gap, or at the paper's |mu| = 2 delta sqrt(Q).
    fraction : float in (0, 1)
    final : "auto", "linear" or "affine"
        See :func:`output_map`.
    n_hidden : int, optional
        Number of hidden layers, at least Q; the surplus are identity layers.

    Raises
    ------
    SeparationError
        If a class cannot be cut off; the message has the measured gap.
    RankDeficientMeansError
        If the means are not independent as `coords` needs.
    """
    data = class_data(X, labels)
    y = check_class_targets(targets, data.n_classes)
    fraction = check_real("fraction", fraction, low=0.0, high=1.0)
    if not 0.0 < fraction < 1.0:
        raise ParameterError(f"fraction={fraction!r} must lie strictly between 0 and 1.")
    if mu not in ("gap", "paper") or direction not in ("barycentre", "margin"):
        raise ParameterError(
            f"mu={mu!r}, direction={direction!r}: choose mu 'gap' or 'paper' and direction 'barycentre' or 'margin'."
        )
    depth = data.n_classes if n_hidden is None else check_count("n_hidden", n_hidden, low=data.n_classes)
    start = coordinate_map(data, coords)
    cutter = make_cutter(data, start, direction)
    layers = _collapse_all(cutter, _sequence(order, data), mu, fraction)
    return finish_deep(data, y, start, layers, final, depth - data.n_classes)


def _collapse_all(
    cutter: Cutter, sequence: list[int] | None, mu: Literal["gap", "paper"], fraction: float
) -> list[CollapsedLayer]:
    layers: list[CollapsedLayer] = []
    left = list(range(cutter.data.n_classes)) if sequence is None else list(sequence)
    while left:
        tried = [(cutter.gap(k), k) for k in (left if sequence is None else left[:1])]
        gap, index = max(tried, key=lambda pair: pair[0].width)
        if not gap.separates:
            raise cutter.refuse(index, gap)
        layers.append(cutter.collapse(index, gap, threshold_of(mu, fraction, cutter, index, gap)))
        left.remove(index)
    return layers
