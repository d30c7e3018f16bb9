"""The deep network of arXiv 2309.10639 with zero cost: each layer collapses one class to a point.

In input space layer l truncates to a cone that looks from class l at the barycentre of the class means;
class l falls on the apex, everything else stays. After Q layers an affine map sends apexes to targets.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from convexnn._checks import check_count, check_points, check_real
from convexnn._types import ArrayLike, Floats
from convexnn.constructive.classes import ClassData, check_class_targets, class_data
from convexnn.constructive.cones import ConeLayer
from convexnn.constructive.coordinates import coordinate_map
from convexnn.constructive.cumulative import AffineMap, stack_cones
from convexnn.constructive.halfspace import Gap, barycentre_axis, margin_axis, measure_gap, widest_cone
from convexnn.constructive.metric import distances_to_targets
from convexnn.exceptions import ConditioningWarning, ConstructionError, ParameterError, SeparationError
from convexnn.network import DeepReLUNetwork

__all__ = ["CollapsedLayer", "DeepConstruction", "deep_construct", "output_map"]

Direction: TypeAlias = Literal["barycentre", "margin"]

# Below this aperture the layers' condition numbers cost more than half of the digits.
_NARROW = 1e-4


@dataclass(frozen=True)
class CollapsedLayer:
    """What one hidden layer does.

    Attributes
    ----------
    label : object
        The class it collapses, as the user writes it.
    index : int
        Class index 0..Q-1.
    cone : ConeLayer
        Axis, apex and aperture in working coordinates.
    hi, lo : float
        Largest coordinate of the class and smallest of everything else along the axis, from the class mean.
    threshold : float
        |mu|, where the layer cuts, between hi and lo.
    """

    label: Any
    index: int
    cone: ConeLayer
    hi: float
    lo: float
    threshold: float

    @property
    def aperture(self) -> float:
        """eps of the cone, at most 1."""
        return self.cone.aperture


@dataclass(frozen=True)
class DeepConstruction:
    """A deep network and the geometry it was made from.

    Attributes
    ----------
    network : DeepReLUNetwork
    data : ClassData
    targets : (Q, Q) array
    start : AffineMap
        Working coordinates of the samples.
    layers : tuple of CollapsedLayer
        In the order in which the classes are collapsed.
    apexes : (Q, m) array
        Where each class ends, in working coordinates.
    slope, constant : (Q, m) and (Q,) arrays
        The output map on working coordinates.
    cost : float
        Measured L2 cost; zero up to rounding.
    """

    network: DeepReLUNetwork
    data: ClassData
    targets: Floats
    start: AffineMap
    layers: tuple[CollapsedLayer, ...]
    apexes: Floats
    slope: Floats
    constant: Floats
    cost: float

    @property
    def order(self) -> list[Any]:
        """Classes in the order of their layers."""
        return [layer.label for layer in self.layers]

    @property
    def condition(self) -> float:
        """Largest condition number of a hidden layer behind the first; rounding errors grow with it."""
        return max(float(np.linalg.cond(weight)) for weight, _ in self.network.layers[1:-1])

    def truncated(self, X: ArrayLike) -> Floats:
        """tau(x): each row after all truncations, in working coordinates (n, m)."""
        z = self.start(check_points(X, n_features=self.data.n_features))
        for layer in self.layers:
            cone = layer.cone
            hidden = np.maximum((z - cone.apex) @ cone.weight.T, 0.0)
            z = hidden @ cone.inverse.T + cone.apex
        return z

    def distances(self, X: ArrayLike) -> Floats:
        """Induced metric d_mu(tau(x), p_j) = |f(x) - y_j| of every row and class, shape (n, Q)."""
        return distances_to_targets(self.truncated(X) @ self.slope.T, self.apexes @ self.slope.T)


def output_map(apexes: Floats, targets: Floats, final: str) -> tuple[Floats, Floats]:
    """Slope (c, m) and constant (c,) of the map that sends apex j to target j.

    ``final="linear"`` is the paper's Y X0red[mu]^{-1}, "affine" needs affinely independent apexes only,
    "auto" takes the first where it is well conditioned.

    Raises
    ------
    ConstructionError
        If the apexes are dependent.
    """
    q, m = apexes.shape
    if final not in ("auto", "linear", "affine"):
        raise ParameterError(f"final={final!r} is unknown; choose 'auto', 'linear' or 'affine'.")
    if final == "linear" and q != m:
        raise ConstructionError(f"final='linear' needs as many working dimensions as classes, got {m} and {q}.")
    if final != "affine" and q == m:
        s = np.linalg.svd(apexes, compute_uv=False)
        if s[-1] > (1e-12 if final == "linear" else 1e-6) * s[0]:
            return np.asarray(np.linalg.solve(apexes, targets).T), np.zeros(targets.shape[1])
        if final == "linear":
            raise ConstructionError("the apexes are linearly dependent; use final='affine'.")
    centre, middle = apexes.mean(axis=0), targets.mean(axis=0)
    v, s, ut = np.linalg.svd(apexes - centre, full_matrices=False)
    if m < q - 1 or not s[q - 2] > 1e-12 * s[0]:
        raise ConstructionError(
            f"the {q} apexes are affinely dependent in {m} dimensions; no last layer can tell the classes "
            "apart. "
            "Use sequential_construct, which adds coordinates."
        )
    slope = ((targets - middle).T @ (v[:, : q - 1] / s[: q - 1])) @ ut[: q - 1]
    return slope, middle - slope @ centre


@dataclass
class Cutter:
    """Points on their way through the layers."""

    data: ClassData
    points: Floats
    means: Floats
    delta: float
    direction: Direction

    def gap(self, index: int) -> Gap:
        inside = self.data.labels == index
        axis: Floats | None = None
        if self.direction == "margin":
            axis = margin_axis(self.points, inside)
        if axis is None:
            # Also the best guess to report when no separating hyperplane exists.
            axis = barycentre_axis(self.means[index], self.means.mean(axis=0))
        return measure_gap(self.points, inside, self.means[index], axis)

    def collapse(self, index: int, gap: Gap, threshold: float) -> CollapsedLayer:
        inside = self.data.labels == index
        cone = widest_cone(self.points, inside, gap.axis, gap.apex(threshold))
        self.points[inside] = cone.apex
        return CollapsedLayer(self.data.names[index], index, cone, gap.hi, gap.lo, threshold)

    def refuse(self, index: int, gap: Gap) -> SeparationError:
        return SeparationError(
            f"class {self.data.names[index]!r} cannot be cut off along its axis: it reaches "
            f"hi={gap.hi:.4g}, the other "
            f"points begin at lo={gap.lo:.4g}, cut c={gap.cut(0.5):.4g}. Try order='greedy', "
            "direction='margin', "
            "coords='simplex', or sequential_construct."
        )


def make_cutter(data: ClassData, start: AffineMap, direction: Direction) -> Cutter:
    """Points and class means in working coordinates, before the first layer."""
    points, means = start(data.X), start(data.means)
    delta = float(np.linalg.norm(points - means[data.labels], axis=1).max())
    return Cutter(data, points, means, delta, direction)


def _threshold(mu: Literal["gap", "paper"], fraction: float, cutter: Cutter, index: int, gap: Gap) -> float:
    """|mu_l|: a fraction of the measured gap, or the paper's 2 delta sqrt(m)."""
    if mu == "gap":
        return gap.cut(fraction)
    value = 2.0 * cutter.delta * float(np.sqrt(cutter.points.shape[1]))
    if not gap.hi < value < gap.lo:
        raise SeparationError(
            f"mu = -2 delta sqrt(Q) = {-value:.4g} of the paper is not admissible for class "
            f"{cutter.data.names[index]!r}: |mu| must lie between {gap.hi:.4g} and {gap.lo:.4g}. Use "
            "mu='gap'."
        )
    return value


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
        layers.append(cutter.collapse(index, gap, _threshold(mu, fraction, cutter, index, gap)))
        left.remove(index)
    return layers


def finish_deep(
    data: ClassData,
    y: Floats,
    start: AffineMap,
    layers: Sequence[CollapsedLayer],
    final: str,
    n_identity: int = 0,
) -> DeepConstruction:
    """Add the output layer to collapsing layers, measure the cost, and warn if rounding has eaten the "
    "digits."""
    apexes = np.empty((data.n_classes, len(start.offset)))
    for layer in layers:
        apexes[layer.index] = layer.cone.apex
    slope, constant = output_map(apexes, y, final)
    network = stack_cones(start, [layer.cone for layer in layers], slope, constant, n_identity)
    narrowest = min(layer.cone.aperture for layer in layers)
    if narrowest < _NARROW:
        warnings.warn(
            f"the narrowest cone has aperture {narrowest:.1e}; expect errors of about "
            f"{np.finfo(float).eps / narrowest**2:.0e}. Another order or coords='simplex' may do better.",
            ConditioningWarning,
            stacklevel=3,
        )
    cost = data.cost(network.outputs(data.X), y)
    return DeepConstruction(network, data, y, start, tuple(layers), apexes, slope, constant, cost)
