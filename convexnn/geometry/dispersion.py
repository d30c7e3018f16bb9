"""How evenly samples cover the directions: dispersion angle, chamber diameter, the constant gamma.

A neuron in a cell is a non-negative sum of the cell's unit extreme rays, and the sum of the weights is at
most 1/gamma, gamma the distance from the origin to the hull of the rays. So the dictionary misses the
largest response, and its Lasso the network optimum, by a factor of at most 1/gamma.
Every value says whether it is "exact", a "bound" on the safe side, or merely "sampled".
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np

from convexnn._checks import check_bias, check_count, check_norm, check_points, check_real
from convexnn._types import ArrayLike, Bias, Floats, Norm
from convexnn.exceptions import DataError
from convexnn.geometry.cells import cell_corners
from convexnn.geometry.cones import hull_distance, jung_gamma, least_gamma, widest_chord
from convexnn.geometry.distinct import distinct_rows, unit_rows
from convexnn.geometry.frame import Frame, make_frame
from convexnn.geometry.sampled_cells import sample_cells

__all__ = [
    "APrioriBound",
    "Estimate",
    "a_priori_bound",
    "chamber_diameter",
    "dispersion_angle",
    "random_data_bound",
]

Kind: TypeAlias = Literal["exact", "bound", "sampled"]

MAX_WORK = 4_000_000
# Rows closer than this in direction are one row: a coarser arrangement, so still on the safe side.
_SAME_DIRECTION = 1e-7
# Smallest ratio of the squared spreads of directions that counts as spanning.
_FLAT = 1e-10


@dataclass(frozen=True)
class Estimate:
    """A number and what it is worth.

    Attributes
    ----------
    value : float
    kind : "exact", "bound" or "sampled"
        "bound": the true value is not worse (a diameter not larger, a gamma not smaller). "sampled":
        from randomly chosen cells; the true value may be worse.
    """

    value: float
    kind: Kind


@dataclass(frozen=True)
class APrioriBound:
    """What the geometry of the samples says about the dictionary before any training.

    Attributes
    ----------
    gamma : float
        max over dictionary <= max over all neurons <= max over dictionary / gamma, hence
        Lasso(beta * gamma) <= optimum(beta) <= Lasso(beta); interpolation: Lasso <= optimum / gamma.
    kind : "exact", "bound" or "sampled"
        Whether gamma is exact, a proven lower bound, or an estimate that proves nothing.
    dimension : int
        Rank of the samples in which cells were looked at.
    """

    gamma: float
    kind: Kind
    dimension: int

    @property
    def factor(self) -> float:
        """1 / gamma: how many times larger the true maximum can be."""
        return 1.0 / self.gamma if self.gamma > 0 else math.inf


def dispersion_angle(X: ArrayLike, *, bias: Bias = False, max_work: int = MAX_WORK) -> Estimate:
    """Largest angle between neighbouring lines span(x_i) of planar samples, in radians.

    With free biases the largest one over the differences from each sample ("locally dispersed";
    arXiv 2309.16512, Definition 2, Theorems 4 and 5).

    Raises
    ------
    DataError
        If the samples do not span two dimensions.
    """
    frame = make_frame(check_points(X), norm="l2", bias=check_bias(bias))
    if frame.rank != 2:
        raise DataError(f"X spans {frame.rank} dimensions; the dispersion angle is about two. Use chamber_diameter.")
    arrangements, complete = _arrangements(frame, max_work)
    return Estimate(max(_widest_gap(rows) for rows in arrangements), "exact" if complete else "bound")


def chamber_diameter(X: ArrayLike, *, bias: Bias = False, max_work: int = MAX_WORK, random_state: int = 0) -> Estimate:
    """Largest distance between two unit neurons with one activation pattern (arXiv 2309.16512, Definition 3).

    Exact up to rank 3 (a bound, from part of the rows, beyond `max_work`), sampled in higher rank.
    """
    frame = make_frame(check_points(X), norm="l2", bias=check_bias(bias))
    if frame.rank <= 1:
        return Estimate(0.0, "exact")
    if frame.rank > 3:
        cells = sample_cells(frame, np.random.default_rng(random_state))
        return Estimate(max(widest_chord([cell[None]]) for cell in cells), "sampled")
    arrangements, complete = _arrangements(frame, max_work)
    widest = 0.0
    for rows in arrangements:
        if frame.rank == 2:
            widest = max(widest, 2.0 * math.sin(_widest_gap(rows) / 2.0))
        elif _spread(rows):
            widest = max(widest, widest_chord(cell_corners(rows)))
        else:
            return Estimate(2.0, "bound")
    return Estimate(widest, "exact" if complete else "bound")


def a_priori_bound(
    X: ArrayLike, *, norm: Norm = "l2", bias: Bias = True, max_work: int = MAX_WORK, random_state: int = 0
) -> APrioriBound:
    """How far the optimum over the dictionary can be from the optimum over all networks.

    Parameters
    ----------
    X : (n, d) array
    norm : "l1" or "l2"
        The l1 dictionary and every one-dimensional one are exact: gamma = 1.
    bias : True, False or "penalized"
    max_work : int
        Effort; beyond it only part of the rows is used, which makes cells larger and gamma a bound.
    random_state : int
        Seed of the choice of rows, and of the cells looked at beyond rank 3.

    Returns
    -------
    APrioriBound
    """
    frame = make_frame(check_points(X), norm=check_norm(norm), bias=check_bias(bias))
    return bound_of_frame(frame, max_work=check_count("max_work", max_work), random_state=random_state)


def bound_of_frame(frame: Frame, *, max_work: int = MAX_WORK, random_state: int = 0) -> APrioriBound:
    """The a-priori bound of samples whose working coordinates are known; with groups that of the worst group."""
    if frame.groups is not None:
        found = [bound_of_frame(part.frame, max_work=max_work, random_state=random_state) for part in frame.parts]
        worst = max((bound.kind for bound in found), key=("exact", "bound", "sampled").index)
        return replace(min(found, key=lambda bound: bound.gamma), kind=worst)
    if frame.norm == "l1" or frame.rank <= 1:
        return APrioriBound(1.0, "exact", frame.rank)
    if frame.rank > 3:
        cells = sample_cells(frame, np.random.default_rng(random_state))
        return APrioriBound(min(hull_distance(cell) for cell in cells), "sampled", frame.rank)
    arrangements, complete = _arrangements(frame, max_work, random_state)
    gamma = 1.0
    for rows in arrangements:
        if frame.rank == 2:
            gamma = min(gamma, max(0.0, math.cos(_widest_gap(rows) / 2.0)))
        elif _spread(rows):
            gamma = least_gamma(cell_corners(rows), gamma)
        else:
            return APrioriBound(0.0, "bound", frame.rank)
    return APrioriBound(gamma, "exact" if complete else "bound", frame.rank)


def random_data_bound(n: int, d: int, *, confidence: float = 0.95) -> tuple[Estimate, APrioriBound]:
    """Chamber diameter and gamma that n standard normal samples in d dimensions have with some confidence.

    With e = sqrt(pi/2) (4 sqrt(d/n) + t) the diameter is at most 4 sqrt(e) / (1 + e) with probability
    1 - 2 exp(-n t^2 / 2) (arXiv 2309.16512, Lemmas 11 and 12); gamma by Jung's theorem.

    Returns
    -------
    (Estimate, APrioriBound)
        Both of kind "bound", valid with the given confidence; diameter 2 and gamma 0 say nothing.
    """
    n, d = check_count("n", n), check_count("d", d)
    confidence = check_real("confidence", confidence, low=0.0, high=1.0 - 1e-15, strict=True)
    t = math.sqrt(2.0 / n * math.log(2.0 / (1.0 - confidence)))
    e = math.sqrt(math.pi / 2.0) * (4.0 * math.sqrt(d / n) + t)
    diameter = 4.0 * math.sqrt(e) / (1.0 + e) if e < 1.0 else 2.0
    diameter = min(diameter, 2.0)
    return Estimate(diameter, "bound"), APrioriBound(jung_gamma(diameter, d), "bound", d)


def _arrangements(frame: Frame, max_work: int, seed: int = 0) -> tuple[Iterator[Floats], bool]:
    """Unit row sets, one (no free bias) or one per pivot, and whether they hold all rows.

    Fewer rows make larger cells, and a larger cell has a larger diameter and a smaller gamma, so part
    of the rows gives a bound on the safe side; pivots are never left out.
    """
    points = (
        frame.points[distinct_rows(frame.points, signed=True, tolerance=frame.same)]
        if frame.affine
        else _directions(frame.points)
    )
    pivots = len(points) if frame.affine else 1
    # Work per arrangement of m rows: m in two dimensions, about m^3 in three.
    most = int((max_work / pivots) ** (1.0 if frame.rank == 2 else 1.0 / 3.0))
    complete = len(points) <= max(most, 2 * frame.rank)
    if complete and frame.affine:
        return (_directions(points - p) for p in points), True
    if complete:
        return iter([points]), True
    part = np.random.default_rng(seed).permutation(points)[: max(most, 2 * frame.rank)]
    if frame.affine:
        return (_directions(_spanning(part - p, points - p)) for p in points), False
    return iter([_directions(_spanning(part, points))]), False


def _spanning(rows: Floats, every: Floats) -> Floats:
    """Add rows to a part until it spans what all rows span (otherwise its cells hold whole lines)."""
    for _ in range(every.shape[1]):
        unit = unit_rows(rows)[0]
        spread, axes = np.linalg.eigh(unit.T @ unit)
        if spread[0] > _FLAT * spread[-1]:
            break
        rows = np.vstack([rows, every[[np.argmax(np.abs(unit_rows(every)[0] @ axes[:, 0]))]]])
    return rows


def _spread(rows: Floats) -> bool:
    """Do the directions span the space so well that corners of cells can be told apart?"""
    spread = np.linalg.eigvalsh(rows.T @ rows)
    return bool(spread[0] > _FLAT * spread[-1])


def _directions(rows: Floats) -> Floats:
    unit, nonzero = unit_rows(rows)
    unit = unit[nonzero]
    return unit[distinct_rows(unit, signed=False, tolerance=_SAME_DIRECTION)]


def _widest_gap(rows: Floats) -> float:
    """Largest angle between neighbouring lines of the plane; pi if there is only one."""
    angles = np.sort(np.mod(np.arctan2(rows[:, 1], rows[:, 0]), np.pi))
    return float(np.diff(angles, append=angles[0] + np.pi).max())
