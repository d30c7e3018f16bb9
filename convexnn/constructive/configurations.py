"""The 2^Q configurations of the deep construction: which classes are collapsed, and what is a minimum.

All classes collapsed: cost zero. None: the affine least-squares value, a local minimum if the last layer
has a free bias. Partly collapsed configurations are *not* stationary: moving an apex lowers the cost. They
are best points under a constraint, not local minima as the count 2^Q - 1 may be read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal

import numpy as np

from convexnn._types import ArrayLike, Floats
from convexnn.constructive.classes import Weighting, check_class_targets, class_data
from convexnn.constructive.cones import ConeLayer
from convexnn.constructive.coordinates import coordinate_map
from convexnn.constructive.cumulative import stack_cones
from convexnn.constructive.cutting import Cutter, make_cutter
from convexnn.constructive.descent import cost_gradient
from convexnn.constructive.halfspace import measure_gap, widest_cone
from convexnn.constructive.optimum import weighted_least_squares, with_ones
from convexnn.exceptions import ParameterError
from convexnn.network import DeepReLUNetwork

__all__ = ["Configuration", "configuration", "configurations"]

Kind = Literal["global minimum", "local minimum", "constrained"]


@dataclass(frozen=True)
class Configuration:
    """Hidden layers that collapse some classes and leave the others alone, with the best last layers.

    Attributes
    ----------
    collapsed : tuple
        Labels of the collapsed classes.
    kind : "global minimum", "local minimum" or "constrained"
        What the point with the affine last layer is.
    network : DeepReLUNetwork
        Last layer with free bias.
    value : float
        Its cost.
    hidden_gradient : float
        Length of the gradient of its squared cost in the hidden layers; zero for a stationary point.
    paper_network : DeepReLUNetwork
        Last layer without intercept on the truncated data.
    paper_value : float
    paper_hidden_gradient : float
    truncated : (N, m) array
        Samples after all truncations, in working coordinates.
    """

    collapsed: tuple[Any, ...]
    kind: Kind
    network: DeepReLUNetwork
    value: float
    hidden_gradient: float
    paper_network: DeepReLUNetwork
    paper_value: float
    paper_hidden_gradient: float
    truncated: Floats


def _open_cone(cutter: Cutter, index: int) -> ConeLayer:
    """A cone along the axis of a class that contains all points: mu > 0, the layer is the identity."""
    gap = cutter.gap(index)
    along = (cutter.points - gap.origin) @ gap.axis
    depth = float(along.min()) - max(float(np.ptp(along)), 1e-3)
    nobody = np.zeros(len(along), dtype=bool)
    return widest_cone(cutter.points, nobody, gap.axis, gap.apex(depth))


def _cones(cutter: Cutter, chosen: Sequence[int], fraction: float) -> list[ConeLayer]:
    cones: list[ConeLayer] = []
    for index in range(cutter.data.n_classes):
        if index in chosen:
            inside = cutter.data.labels == index
            axis = cutter.gap(index).axis
            gap = measure_gap(cutter.points, inside, cutter.means[index], axis)
            if not gap.separates:
                raise cutter.refuse(index, gap)
            cones.append(cutter.collapse(index, gap, gap.cut(fraction)).cone)
        else:
            cones.append(_open_cone(cutter, index))
    return cones


def configuration(
    X: ArrayLike,
    labels: ArrayLike,
    collapsed: Sequence[Any],
    *,
    targets: ArrayLike | None = None,
    coords: str = "raw",
    fraction: float = 0.5,
    weighting: Weighting = "samples",
) -> Configuration:
    """The network that collapses the given classes only, with the last layer by least squares.

    There is one hidden layer per class.

    Parameters
    ----------
    X : (N, M) array
    labels : (N,) array
    collapsed : sequence of labels
        May be empty.
    targets, coords, fraction
        As in :func:`deep_construct`; the classes are taken in their own order.
    weighting : "samples" or "classes"

    Raises
    ------
    SeparationError
        If a class of `collapsed` cannot be cut off.
    """
    data = class_data(X, labels)
    y = check_class_targets(targets, data.n_classes)
    unknown = [c for c in collapsed if c not in data.names]
    if unknown:
        raise ParameterError(f"collapsed contains {unknown!r}, which are not among the classes {data.names}.")
    chosen = sorted({data.names.index(c) for c in collapsed})
    start = coordinate_map(data, coords)
    cutter = make_cutter(data, start, "barycentre")
    cones = _cones(cutter, chosen, fraction)
    weights, wanted = data.weights(weighting), y[data.labels]
    free, value = weighted_least_squares(with_ones(cutter.points), wanted, weights)
    tied, paper_value = weighted_least_squares(cutter.points, wanted, weights)
    network = stack_cones(start, cones, free[:-1].T, free[-1])
    paper = stack_cones(start, cones, tied.T, np.zeros(data.n_classes))

    def hidden_gradient(net: DeepReLUNetwork) -> float:
        return cost_gradient(net, data.X, labels, targets=y, weighting=weighting).hidden_norm

    return Configuration(
        collapsed=tuple(data.names[k] for k in chosen),
        kind=_kind(len(chosen), data.n_classes),
        network=network,
        value=value,
        hidden_gradient=hidden_gradient(network),
        paper_network=paper,
        paper_value=paper_value,
        paper_hidden_gradient=hidden_gradient(paper),
        truncated=cutter.points,
    )


def _kind(n_collapsed: int, n_classes: int) -> Kind:
    if n_collapsed == n_classes:
        return "global minimum"
    return "constrained" if n_collapsed else "local minimum"


def configurations(X: ArrayLike, labels: ArrayLike, **options: Any) -> list[Configuration]:
    """All 2^Q configurations, by number of collapsed classes; options as in :func:`configuration`."""
    names = class_data(X, labels).names
    subsets = [s for size in range(len(names) + 1) for s in combinations(names, size)]
    return [configuration(X, labels, subset, **options) for subset in subsets]
