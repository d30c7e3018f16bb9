"""Cells of an arrangement of planes through the origin of space: neurons with no sample on their plane.

On a cell (a fixed set of active samples) the response to v is linear, u.U, so its maximum over unit u is
inside the cell only if U/|U| is. Every cell has an arc on its border; walking the arcs of all great circles
meets all cells. Cells that U leaves through the circle of the arc, or through the two circles that end it,
are discarded.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from convexnn._types import Bools, Floats, Ints
from convexnn.certificate.fan import Fan

__all__ = ["Candidates", "candidate_cells", "most_responsive"]

# Candidates that are evaluated at once.
_BLOCK = 512


@dataclass(frozen=True)
class Candidates:
    """Directions (s, 3) whose response is at most `bounds` (s,), equal to it if they lie in their cell."""

    directions: Floats
    bounds: Floats

    def bound(self) -> float:
        """No candidate responds more."""
        return float(self.bounds.max(initial=0.0))


@dataclass(frozen=True)
class _Arcs:
    """What is needed of the rows at the start of each arc, in the order of the walk.

    `lean` is the coordinate of the row along the fixed row, over |b|: with the sign of the side, row.U is
    proportional to U_y - k U_x + lean U_z.
    """

    fan: Fan
    lean: Floats
    sides: Floats
    height: Floats


def _arcs(fan: Fan, height: Floats, ignore: Bools) -> _Arcs:
    sides = np.where(fan.b > 0, 1.0, -1.0)
    lean = np.divide(sides * height, np.abs(fan.b), out=np.zeros_like(height), where=~ignore)
    slopes = np.where(ignore, -np.inf, np.divide(-fan.a, fan.b, out=np.zeros_like(height), where=~ignore))
    last = np.take_along_axis(lean, slopes.argmax(axis=1)[:, None], axis=1)
    lean = np.where(ignore, last, lean)
    return _Arcs(fan, fan.sort(lean), sides, np.where(ignore, 0.0, height))


def _heights(arcs: _Arcs, v: Floats) -> tuple[Floats, Floats]:
    """Third coordinate of U on every arc (p, m), and of T (p, 1)."""
    weighted = arcs.height * v
    start = np.where(arcs.sides > 0, weighted, 0.0).sum(axis=1, keepdims=True)
    passed = np.cumsum(arcs.fan.sort(arcs.sides * weighted), axis=1)
    return start - passed, weighted.sum(axis=1, keepdims=True)


def candidate_cells(
    fan: Fan, v: Floats, basis: Floats, fixed: Floats, rows: Floats, ignore: Bools, best: float
) -> Candidates:
    """Cells on either side of the arcs of a batch of great circles that may respond more than `best`.

    Parameters
    ----------
    fan : Fan
        Arcs of p circles, in the plane orthogonal to a fixed row.
    v : (m, c) array
    basis : (p, 3, 2) array
        Coordinates of those planes.
    fixed : (p, 3) array
        The fixed rows.
    rows : (p, 3, m) array
    ignore : (p, m) array
        Rows parallel to the fixed row.
    best : float
        A response that is already known.
    """
    axis = fixed / np.linalg.norm(fixed, axis=1, keepdims=True)
    height = np.matmul(axis[:, None, :], rows)[:, 0]
    arcs = _arcs(fan, height, ignore)
    frames = np.concatenate([basis, axis[:, :, None]], axis=2)
    found = []
    for side in (1.0, -1.0):
        for above in (1.0, -1.0):
            lifted = np.where(ignore & (above * height > 0), height, 0.0) @ v
            states = _states(arcs, v, side, lifted)
            found.append(_plausible(arcs, states, frames, side, above, best))
    return Candidates(np.vstack([f.directions for f in found]), np.concatenate([f.bounds for f in found]))


def _states(arcs: _Arcs, v: Floats, side: float, lifted: Floats) -> Floats:
    """U (p, m, c, 3) for one side of every arc; `lifted` comes from the rows parallel to the fixed one."""
    p, m = arcs.fan.slopes.shape
    states = np.empty((p, m, v.shape[1], 3))
    for k, output in enumerate(v.T):
        x, y = arcs.fan.sums(output)
        z, total = _heights(arcs, output)
        if side < 0:
            tx, ty = arcs.fan.totals(output)
            x, y, z = tx - x, ty - y, total - z
        states[:, :, k, 0], states[:, :, k, 1], states[:, :, k, 2] = x, y, z + lifted[:, k, None]
    return states


def _plausible(arcs: _Arcs, states: Floats, frames: Floats, side: float, above: float, best: float) -> Candidates:
    power = np.einsum("pmck,pmck->pm", states, states)
    p, j = np.nonzero(power > best * best)
    chosen = states[p, j]
    if chosen.shape[1] == 1:
        directions, bounds = chosen[:, 0], np.sqrt(power[p, j])
    else:
        values, vectors = np.linalg.eigh(np.swapaxes(chosen, 1, 2) @ chosen)
        directions, bounds = vectors[:, :, -1], np.sqrt(np.maximum(values[:, -1], 0.0))
    # Responses count by their size, so the opposite direction is as good.
    kept = _inside(arcs, directions, p, j, side, above) | _inside(arcs, -directions, p, j, side, above)
    kept &= bounds > best
    lifted = np.matmul(frames[p[kept]], directions[kept][:, :, None])[:, :, 0]
    return Candidates(lifted, bounds[kept])


def _inside(arcs: _Arcs, u: Floats, p: Ints, j: Ints, side: float, above: float) -> Bools:
    """Whether u is on the right side of the circle of arc j and of the circles that end it."""
    x, y, z = u.T
    start = y - arcs.fan.slopes[p, j] * x + arcs.lean[p, j] * z
    after = np.where(j + 1 < arcs.fan.slopes.shape[1], j + 1, 0)
    end = y - arcs.fan.slopes[p, after] * x + arcs.lean[p, after] * z
    # The arc that closes the half circle ends where the first line is met again from behind.
    end = np.where(after == 0, -end, end)
    return np.asarray((above * z >= 0) & (side * start <= 0) & (side * end >= 0))


def most_responsive(
    points: Floats, v: Floats, cells: list[Candidates], best: float, normal: Floats
) -> tuple[float, Floats]:
    """Evaluate candidates on the samples, largest bound first, until no bound exceeds the best response."""
    if not cells:
        return best, normal
    directions = np.vstack([c.directions for c in cells])
    bounds = np.concatenate([c.bounds for c in cells])
    order = np.argsort(-bounds, kind="stable")
    for start in range(0, len(order), _BLOCK):
        block = order[start : start + _BLOCK]
        if bounds[block[0]] <= best:
            break
        for sign in (1.0, -1.0):
            units = sign * directions[block] / np.linalg.norm(directions[block], axis=1, keepdims=True)
            responses = np.linalg.norm(np.maximum(units @ points.T, 0.0) @ v, axis=1)
            top = int(np.argmax(responses))
            if responses[top] > best:
                best, normal = float(responses[top]), units[top]
    return best, normal
