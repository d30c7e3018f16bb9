"""Sequentially separable classes: zero cost with Q hidden layers in any dimension.

In the spirit of arXiv 2405.07098.
An order of the classes is enough in which each class is linearly separable from the union of the later ones.
Layers are built in a space with extra coordinates: data live at height 0, collapsed classes above it, so that
later hyperplanes, tilted upwards, keep them on the positive side.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from convexnn._checks import check_count
from convexnn._types import ArrayLike, Floats
from convexnn.constructive.classes import ClassData, check_class_targets, class_data
from convexnn.constructive.cones import ConeLayer
from convexnn.constructive.construction import DeepConstruction, finish_deep
from convexnn.constructive.cumulative import AffineMap
from convexnn.constructive.cutting import CollapsedLayer
from convexnn.constructive.halfspace import margin_axis, widest_cone
from convexnn.exceptions import ConstructionError, RankDeficientMeansError, SeparationError

__all__ = ["Separation", "sequential_construct", "sequential_order"]


@dataclass(frozen=True)
class Separation:
    """A hyperplane between one class and all later ones.

    Attributes
    ----------
    label : object
    index : int
    normal : (M,) array
        Unit vector from the class to the later ones.
    hi, lo : float
        normal.x is at most `hi` on the class and at least `lo` on the later classes.
    """

    label: Any
    index: int
    normal: Floats
    hi: float
    lo: float


@dataclass(frozen=True)
class _Finder:
    """Hyperplanes between one class and others: normals from the class means first, linear programs second."""

    data: ClassData
    X: Floats

    @cached_property
    def pen(self) -> Floats | None:
        try:
            return self.data.replaced(self.X).affine_factor.pen
        except RankDeficientMeansError:
            return None

    def _along(self, index: int, left: list[int], normal: Floats | None) -> Separation | None:
        if normal is None:
            return None
        along, on = self.X @ normal, self.data.labels == index
        hi, lo = float(along[on].max()), float(along[np.isin(self.data.labels, left) & ~on].min())
        return Separation(self.data.names[index], index, normal, hi, lo) if lo - hi > 1e-9 else None

    def cheap(self, index: int, left: list[int]) -> Separation | None:
        """Along minus the row of Pen_c, largest on the class: enough for well separated classes."""
        if self.pen is None:
            return None
        return self._along(index, left, -self.pen[index] / float(np.linalg.norm(self.pen[index])))

    def exact(self, index: int, left: list[int]) -> Separation | None:
        """By a linear program, complete."""
        rows = np.isin(self.data.labels, left)
        return self._along(index, left, margin_axis(self.X[rows], self.data.labels[rows] == index))


def _order(data: ClassData, X: Floats) -> list[Separation]:
    """Greedy search, widest margin first; complete, because removing classes keeps the others separable."""
    finder = _Finder(data, X)
    left = list(range(data.n_classes))
    steps: list[Separation] = []
    while len(left) > 1:
        found = [s for s in (finder.cheap(k, left) for k in left) if s is not None]
        found = found or [s for s in (finder.exact(k, left) for k in left) if s is not None]
        if not found:
            names = [data.names[k] for k in left]
            raise SeparationError(
                f"none of the classes {names} is linearly separable from the others, so no order exists. "
                "Add features (e.g. products), or train a network instead."
            )
        best = max(found, key=lambda s: s.lo - s.hi)
        steps.append(best)
        left.remove(best.index)
    last = left[0]
    # The last class has nobody to leave behind: cut beyond it along the previous normal.
    along = X[data.labels == last] @ steps[-1].normal
    reach = float(along.max())
    steps.append(Separation(data.names[last], last, steps[-1].normal, reach, reach + 1.0))
    return steps


def sequential_order(X: ArrayLike, labels: ArrayLike) -> list[Separation]:
    """An order in which each class is linearly separable from the union of the later ones.

    Parameters
    ----------
    X : (N, M) array
    labels : (N,) array

    Returns
    -------
    list of Separation
        One per class, first to be cut off first; at most about Q^2 / 2 linear programs.

    Raises
    ------
    SeparationError
        If no order exists (e.g. XOR, concentric circles).
    """
    data = class_data(X, labels)
    centre, scale = _unit_ball(data)
    return [
        replace(s, hi=scale * s.hi + float(centre @ s.normal), lo=scale * s.lo + float(centre @ s.normal))
        for s in _order(data, (data.X - centre) / scale)
    ]


def _unit_ball(data: ClassData) -> tuple[Floats, float]:
    """Centre and radius of the samples."""
    centre = data.X.mean(axis=0)
    return centre, float(np.linalg.norm(data.X - centre, axis=1).max()) or 1.0


def sequential_construct(
    X: ArrayLike,
    labels: ArrayLike,
    *,
    targets: ArrayLike | None = None,
    n_attempts: int = 8,
    random_state: int | None = 0,
) -> DeepConstruction:
    """Deep network with zero L2 cost for sequentially separable classes, for any M and Q.

    Q hidden layers of width max(r + 1, Q - 1), r <= M the dimension of the affine hull of the samples. Where
    the apexes lie within their hyperplanes is free; the best conditioned of `n_attempts` seeded choices is kept.

    Raises
    ------
    SeparationError
        If no order of the classes exists.
    ConstructionError
        If no attempt gave affinely independent apexes.
    """
    data = class_data(X, labels)
    y = check_class_targets(targets, data.n_classes)
    check_count("n_attempts", n_attempts)
    centre, scale = _unit_ball(data)
    basis = _span((data.X - centre) / scale)
    reduced = ((data.X - centre) / scale) @ basis
    steps = _order(data, reduced)
    extra = max(1, data.n_classes - 1 - basis.shape[1])
    lift = np.vstack([basis.T / scale, np.zeros((extra, data.n_features))])
    start = AffineMap(lift, -lift @ centre)
    lifted = start(data.X)
    rng = np.random.default_rng(random_state)
    tries = [_lifted_layers(data, lifted, steps, extra, rng) for _ in range(n_attempts)]
    best = max(tries, key=lambda layers: _quality(layers, data.n_classes))
    if _quality(best, data.n_classes) <= 1e-12:
        raise ConstructionError("no choice of apexes was affinely independent; raise n_attempts.")
    return finish_deep(data, y, start, best, "affine")


def _span(centred: Floats) -> Floats:
    """Orthonormal basis (M, r) of the row space: many features of few samples need not widen the layers."""
    _, s, vt = np.linalg.svd(centred, full_matrices=False)
    rank = max(1, int((s > s[0] * max(centred.shape) * np.finfo(float).eps).sum()))
    return np.eye(centred.shape[1]) if rank == centred.shape[1] else vt[:rank].T


def _quality(layers: list[CollapsedLayer], n_classes: int) -> float:
    """Narrowest aperture times the independence of the apexes: what the accuracy depends on."""
    apexes = np.array([layer.cone.apex for layer in layers])
    s = np.linalg.svd(apexes - apexes.mean(axis=0), compute_uv=False)
    return min(layer.cone.aperture for layer in layers) * float(s[n_classes - 2] / s[0])


def _lifted_layers(
    data: ClassData, lifted: Floats, steps: list[Separation], extra: int, rng: np.random.Generator
) -> list[CollapsedLayer]:
    points = lifted.copy()
    m = lifted.shape[1] - extra
    up = np.full(extra, 1.0 / np.sqrt(extra))
    apexes: list[Floats] = []
    layers: list[CollapsedLayer] = []
    for step in steps:
        inside = data.labels == step.index
        margin = 0.5 * (step.lo - step.hi)
        cut = step.hi + margin
        # Least tilt that lifts every earlier apex to the margin.
        needed = [(cut + margin - p[:m] @ step.normal) / (p[m:] @ up) for p in apexes]
        tilt = max([0.0, *needed])
        axis = np.concatenate([step.normal, tilt * up])
        axis /= np.linalg.norm(axis)
        height = rng.uniform(0.25, 1.0, extra)
        base = points[inside].mean(axis=0)[:m] + 0.3 * rng.uniform(-1.0, 1.0, m)
        base += (cut - tilt * float(height @ up) - base @ step.normal) * step.normal
        apex = np.concatenate([base, height])
        cone: ConeLayer = widest_cone(points, inside, axis, apex)
        points[inside] = apex
        apexes.append(apex)
        layers.append(CollapsedLayer(step.label, step.index, cone, step.hi, step.lo, cut))
    return layers
