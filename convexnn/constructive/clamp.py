"""A shallow network with zero cost and 2 (Q - 1) neurons: one clamp per class but one.

f(x) = y_d + sum_{j != d} (y_j - y_d) [s(t_j(x)) - s(t_j(x) - 1)],  t_j(x) = (v_j.x - lo_j) / (hi_j - lo_j),
where v_j.x <= lo_j off class j and >= hi_j on it. Not in the papers; it shows that bound (3.15) is far from
the global minimum as soon as the width allows it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from convexnn._types import ArrayLike, Floats
from convexnn.constructive.classes import ClassData, check_class_targets, class_data
from convexnn.constructive.halfspace import margin_axis
from convexnn.exceptions import ParameterError, RankDeficientMeansError, SeparationError
from convexnn.network import ReLUNetwork

__all__ = ["Clamp", "ClampConstruction", "clamp_construct"]


@dataclass(frozen=True)
class Clamp:
    """One class against the rest along a normal.

    Attributes
    ----------
    label : object
    normal : (M,) array
    lo, hi : float
        Largest value off the class and smallest value on it; lo < hi.
    """

    label: Any
    normal: Floats
    lo: float
    hi: float

    @property
    def margin(self) -> float:
        """Distance between the class and the rest along the normal."""
        return (self.hi - self.lo) / float(np.linalg.norm(self.normal))


@dataclass(frozen=True)
class ClampConstruction:
    """A shallow network with zero cost.

    Attributes
    ----------
    network : ReLUNetwork
        2 (Q - 1) neurons.
    data : ClassData
    targets : (Q, Q) array
    clamps : tuple of Clamp
        For every class but the dropped one.
    dropped : object
        The class that is the background.
    cost : float
    """

    network: ReLUNetwork
    data: ClassData
    targets: Floats
    clamps: tuple[Clamp, ...]
    dropped: Any
    cost: float


def _measure(data: ClassData, index: int, normal: Floats) -> Clamp:
    along = data.X @ normal
    on = data.labels == index
    return Clamp(data.names[index], normal, float(along[~on].max()), float(along[on].min()))


def _from_means(data: ClassData, index: int) -> Clamp | None:
    """Row of Pen_c as normal, sufficient when delta_c < 1/2."""
    try:
        normal = data.affine_factor.pen[index]
    except RankDeficientMeansError:
        return None
    return _measure(data, index, normal)


def _from_margin(data: ClassData, index: int) -> Clamp | None:
    normal = margin_axis(data.X, data.labels == index)
    return None if normal is None else _measure(data, index, -normal)


def _usable(clamp: Clamp | None) -> bool:
    if clamp is None:
        return False
    return clamp.hi - clamp.lo > 1e-12 * max(abs(clamp.hi), abs(clamp.lo))


_FINDERS: dict[str, tuple[Callable[[ClassData, int], Clamp | None], ...]] = {
    "means": (_from_means,),
    "margin": (_from_margin,),
    "auto": (_from_means, _from_margin),
}


def clamp_construct(
    X: ArrayLike,
    labels: ArrayLike,
    *,
    targets: ArrayLike | None = None,
    drop: Any = None,
    direction: Literal["auto", "means", "margin"] = "auto",
) -> ClampConstruction:
    """Shallow zero-cost network when each class but one is linearly separable from the rest.

    Parameters
    ----------
    X : (N, M) array
        Any M, also M < Q.
    labels : (N,) array
    targets : (Q, Q) array, optional
    drop : label, optional
        The class without clamps; by default the one that is hardest to separate.
    direction : "auto", "means" or "margin"
        Normals from the class means (rows of Pen_c), from linear programs, or the first that works.

    Raises
    ------
    SeparationError
        If two classes are not separable from the rest, or one that is not `drop`.
    """
    data = class_data(X, labels)
    y = check_class_targets(targets, data.n_classes)
    if direction not in _FINDERS:
        raise ParameterError(f"direction={direction!r} is unknown; choose 'auto', 'means' or 'margin'.")
    found = [_find(data, j, direction) for j in range(data.n_classes)]
    dropped = _choose_drop(data, found, drop)
    kept: list[Clamp] = []
    for j, clamp in enumerate(found):
        if j != dropped:
            if clamp is None:
                raise SeparationError(
                    f"class {data.names[j]!r} is not linearly separable from the rest "
                    f"(direction={direction!r}), and "
                    f"only one class may be left out. sequential_construct needs less."
                )
            kept.append(clamp)
    network = _clamp_network(data, y, kept, dropped)
    cost = data.cost(network.outputs(data.X), y)
    return ClampConstruction(network, data, y, tuple(kept), data.names[dropped], cost)


def _find(data: ClassData, index: int, direction: str) -> Clamp | None:
    for finder in _FINDERS[direction]:
        clamp = finder(data, index)
        if clamp is not None and _usable(clamp):
            return clamp
    return None


def _choose_drop(data: ClassData, found: list[Clamp | None], drop: Any) -> int:
    if drop is not None:
        names = data.names
        if drop not in names:
            raise ParameterError(f"drop={drop!r} is not one of the classes {names}.")
        return names.index(drop)
    return int(np.argmin([-1.0 if clamp is None else clamp.margin for clamp in found]))


def _clamp_network(data: ClassData, y: Floats, clamps: list[Clamp], dropped: int) -> ReLUNetwork:
    others = [j for j in range(data.n_classes) if j != dropped]
    rates = np.array([1.0 / (clamp.hi - clamp.lo) for clamp in clamps])
    weights = np.array([clamp.normal for clamp in clamps]) * rates[:, None]
    biases = -np.array([clamp.lo for clamp in clamps]) * rates
    steps = y[others] - y[dropped]
    return ReLUNetwork(
        np.vstack([weights, weights]),
        np.concatenate([biases, biases - 1.0]),
        np.vstack([steps, -steps]),
        y[dropped],
    )
