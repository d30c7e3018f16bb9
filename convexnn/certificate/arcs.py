"""The lines and arcs of some sectors of the plane, looked at one by one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from convexnn._types import Floats, Ints
from convexnn.certificate.sectors import Bounds, Sectors, bound_sectors, make_sectors
from convexnn.geometry.frame import Frame

__all__ = ["arc_response", "sector_bound"]

# More than rounding takes from a bound, as a share of the sum of all terms, and from a cosine.
_ROUNDING, _COSINE = 1e-12, 1e-6
# Sectors that are looked at together.
_BLOCK = 4096


class _Peak(NamedTuple):
    """A response, its neuron by a unit normal and a sample on the hyperplane, and the number of events looked at."""

    value: float
    normal: Floats
    pivot: int
    terms: int


def arc_response(sectors: Sectors, v: Floats) -> tuple[float, Floats, int, int]:
    """Largest response of any neuron whose hyperplane passes through a sample.

    Only sectors whose bound reaches what is already found are looked into.

    Parameters
    ----------
    sectors : Sectors
    v : (n,) array
        Weights of the samples.

    Returns
    -------
    value : float
    normal : (2,) array
        Unit normal, up to its sign.
    pivot : int
        A sample on the hyperplane.
    terms : int
        The longest sum that was run.
    """
    bounds = bound_sectors(sectors, v)
    slack = _ROUNDING * float(np.abs(v) @ np.abs(sectors.points).sum(axis=1))
    b, p = np.nonzero(bounds.above >= bounds.least - slack)
    found = [_look(sectors, bounds, v, b[k : k + _BLOCK], p[k : k + _BLOCK]) for k in range(0, len(b), _BLOCK)]
    best = max(found, key=lambda peak: peak.value)
    return best.value, best.normal, best.pivot, max(peak.terms for peak in found)


def sector_bound(frame: Frame, v: Floats) -> float:
    """More than any neuron of the plane responds to v (n, 1), in working units, from the bounds of sectors alone.

    Infinite where samples are too close to each other to be told apart.
    """
    sectors = make_sectors(frame.points)
    if sectors is None:
        return np.inf
    size = float(np.abs(v).max(initial=0.0))
    if size == 0.0:
        return 0.0
    weights = v[:, 0] / size
    # Running sums of n terms, as seen from any pivot; twice what is needed.
    share = _ROUNDING + 8.0 * frame.n * float(np.finfo(float).eps)
    slack = share * 4.0 * float(np.abs(weights).sum()) * float(np.abs(frame.points).max(initial=0.0))
    return (float(bound_sectors(sectors, weights).above.max()) + slack) * size


@dataclass(frozen=True)
class _Events:
    """Every sector begins with the direction it starts from, then come its lines, one event each.

    Attributes
    ----------
    b, p : (s,) arrays
        Sectors: their first directions and pivots.
    first : (s,) array
        Events with which they begin.
    segment : (m,) array
        Which sector an event belongs to.
    wx, wy : (m,) arrays
        The direction that its sector starts from.
    zx, zy : (m,) arrays
        A row on the line; normals of lines are orthogonal to it.
    states : two pairs of (m,) arrays
        U after the event, for both orientations.
    """

    b: Ints
    p: Ints
    first: Ints
    segment: Ints
    wx: Floats
    wy: Floats
    zx: Floats
    zy: Floats
    states: list[tuple[Floats, Floats]]


def _events(sectors: Sectors, bounds: Bounds, v: Floats, b: Ints, p: Ints) -> _Events:
    sizes, samples = sectors.crossed(b, p)
    sizes = sizes + 1
    first = np.cumsum(sizes) - sizes
    line = np.ones(len(samples) + len(b), dtype=bool)
    line[first] = False
    sample = np.zeros(len(line), dtype=np.int64)
    sample[line] = samples
    wx, wy = (np.repeat(part, sizes) for part in sectors.normals[b].T)
    px, py = sectors.points.T
    zx = px.take(sample) - np.repeat(px[p], sizes)
    zy = py.take(sample) - np.repeat(py[p], sizes)
    # A sample that was ahead leaves, another one enters.
    change = v.take(sample) * -np.sign(wx * zx + wy * zy)
    change[first] = 0.0
    zx[first], zy[first] = -wy[first], wx[first]
    x, y = _after(change * zx, change * zy, first)
    x += np.repeat(bounds.x[b, p], sizes)
    y += np.repeat(bounds.y[b, p], sizes)
    behind = np.repeat(bounds.tx[p], sizes) - x, np.repeat(bounds.ty[p], sizes) - y
    return _Events(b, p, first, np.repeat(np.arange(len(b)), sizes), wx, wy, zx, zy, [(x, y), behind])


def _look(sectors: Sectors, bounds: Bounds, v: Floats, b: Ints, p: Ints) -> _Peak:
    """The best of all lines and arcs of some sectors."""
    events = _events(sectors, bounds, v, b, p)
    zx, zy = events.zx, events.zy
    inverse = 1.0 / np.hypot(zx, zy)
    seen = [np.abs(zx * y - zy * x) * inverse for x, y in events.states]
    tops = [int(np.argmax(values)) for values in seen]
    side = int(seen[1][tops[1]] > seen[0][tops[0]])
    top = tops[side]
    normal, terms = np.array([-zy[top], zx[top]]) * inverse[top], len(zx)
    best = _Peak(float(seen[side][top]), normal, int(p[events.segment[top]]), terms)
    # U is the same all along an arc, so at its first line the response is at most a cosine below that inside.
    cosine = (sectors.normals[b] * sectors.normals[b + 1]).sum(axis=1).min()
    for (x, y), values in zip(events.states, seen):
        near = _inside(sectors, events, x, y, np.flatnonzero(values >= best.value * (cosine - _COSINE)))
        power = x[near] ** 2 + y[near] ** 2
        if len(near) and (size := float(np.sqrt(power.max()))) > best.value:
            top = near[int(np.argmax(power))]
            best = _Peak(size, np.array([x[top], y[top]]) / size, int(p[events.segment[top]]), terms)
    return best


def _inside(sectors: Sectors, events: _Events, x: Floats, y: Floats, at: Ints) -> Ints:
    """Those of some events on whose arc U itself, or its opposite, is a normal."""
    segment, after = events.segment[at], at + 1
    ends = after == np.append(events.first, len(x))[segment + 1]
    # An arc ends at the next line, or with its sector.
    ux, uy = sectors.normals[events.b[segment] + 1].T
    zx = np.where(ends, -uy, events.zx.take(after, mode="clip"))
    zy = np.where(ends, ux, events.zy.take(after, mode="clip"))
    wx, wy = events.wx[at], events.wy[at]
    start = _turn(wx, wy, -events.zy[at], events.zx[at])
    turned, stop = _turn(wx, wy, x[at], y[at]), _turn(wx, wy, -zy, zx)
    return np.asarray(at[(turned >= start) & (turned <= stop)])


def _turn(wx: Floats, wy: Floats, x: Floats, y: Floats) -> Floats:
    """Tangent of the angle from w to (x, y)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray((wx * y - wy * x) / (wx * x + wy * y))


def _after(x: Floats, y: Floats, first: Ints) -> tuple[Floats, Floats]:
    """Running sums that begin anew at given places, where both are zero."""
    moves = x + 1j * y
    sums = np.add.reduceat(moves, first)
    moves[first[1:]] = -sums[:-1]
    np.cumsum(moves, out=moves)
    return moves.real.copy(), moves.imag.copy()
