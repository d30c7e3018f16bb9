"""Cells of an arrangement of planes through the origin of space: neurons with no sample on their plane.

On a cell (a fixed set of active samples) the response to v is linear, u.U, so its maximum over unit u is
inside the cell only if U/|U| is. Every cell has an arc on its border; walking the arcs of all great circles
meets all cells. Cells that U leaves, through one of the circles at the arc or of a few others, are discarded.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from convexnn._types import Bools, Floats, Ints
from convexnn.certificate.fan import Fan

__all__ = ["Candidates", "candidate_cells", "most_responsive"]

# Candidates that are evaluated at once.
_BLOCK = 512
# Rows on which a candidate is tried before it is evaluated on all.
_PROBES = 48


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
    """The arcs of a batch of fans in the order of the walk.

    With the sign of the side of a row, row.U is proportional to U_y - k U_x + lean U_z, where lean is the
    coordinate of the row along the fixed row (its height), over |b|.

    Attributes
    ----------
    fan : Fan
    height : (p, m) array
        Zero for ignored rows.
    lean : (p, m) array
        Of the rows that start the arcs.
    """

    fan: Fan
    height: Floats
    lean: Floats

    def inside(self, x: Floats, y: Floats, z: Floats, above: float) -> Bools:
        """Whether (x, y, z) on each arc is on the right side of its circle and of those that end it."""
        slopes, lean = self.fan.slopes, self.lean
        start = y - slopes * x + lean * z
        end = np.empty_like(start)
        end[:, :-1] = y[:, :-1] - slopes[:, 1:] * x[:, :-1] + lean[:, 1:] * z[:, :-1]
        # The arc that closes the half circle ends where the first line is met again from behind.
        end[:, -1] = slopes[:, 0] * x[:, -1] - y[:, -1] - lean[:, 0] * z[:, -1]
        forward = (above * z >= 0) & (start <= 0) & (end >= 0)
        # Responses count by their size, so the opposite direction is as good.
        return np.asarray(forward | ((above * z <= 0) & (start >= 0) & (end <= 0)))

    def agrees(self, p: Ints, j: Ints, directions: Floats) -> Bools:
        """Whether a few rows are on the same side of a direction (s, 3), or of its opposite, as of its arc."""
        a, b, height = self.fan.a, self.fan.b, self.height
        some = np.unique(np.linspace(0, a.shape[1] - 1, _PROBES).astype(np.int64))
        a, b, height = (part[:, some][p] for part in (a, b, height))
        tried = b != 0
        passed = np.divide(-a, b, out=np.zeros_like(a), where=tried) <= self.fan.slopes[p, j][:, None]
        side = np.where(tried, np.where(passed, -1.0, 1.0) * np.sign(b), 0.0)
        x, y, z = directions.T[:, :, None]
        values = side * (a * x + b * y + height * z)
        return np.asarray((values >= 0).all(axis=1) | (values <= 0).all(axis=1))


def _make_arcs(fan: Fan, height: Floats, ignore: Bools) -> _Arcs:
    lean = np.divide(np.sign(fan.b) * height, np.abs(fan.b), out=np.zeros_like(height), where=~ignore)
    slopes = np.where(ignore, -np.inf, np.divide(-fan.a, fan.b, out=np.zeros_like(height), where=~ignore))
    # Ignored rows repeat the last line.
    last = np.take_along_axis(lean, slopes.argmax(axis=1)[:, None], axis=1)
    return _Arcs(fan, np.where(ignore, 0.0, height), fan.sort(np.where(ignore, last, lean)))


def _states(arcs: _Arcs, v: Floats) -> tuple[list[Floats], list[Floats]]:
    """U on every arc and T - U, the sums that opposite normals see, as three coordinates (p, m) each."""
    total = arcs.fan.totals(v)
    x, y = arcs.fan.sums(v, total)
    weighted = arcs.height * v
    sides = np.sign(arcs.fan.b)
    start = np.where(sides > 0, weighted, 0.0).sum(axis=1, keepdims=True)
    z = start - np.cumsum(arcs.fan.sort(sides * weighted), axis=1)
    totals = (*total, weighted.sum(axis=1, keepdims=True))
    return [x, y, z], [total - part for total, part in zip(totals, (x, y, z))]


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
    arcs = _make_arcs(fan, height, ignore)
    frames = np.concatenate([basis, axis[:, :, None]], axis=2)
    states = [_states(arcs, output) for output in v.T]
    found = []
    for above in (1.0, -1.0):
        # Rows parallel to the fixed one are seen from one side of its circle only.
        lifted = np.where(ignore & (above * height > 0), height, 0.0) @ v
        for half in (0, 1):
            sums = [(x, y, z + lifted[:, k, None]) for k, (x, y, z) in enumerate(state[half] for state in states)]
            # Behind, lines are met from the other side, which turns all conditions but the one on z.
            found.append(_plausible(arcs, sums, frames, above if half == 0 else -above, best))
    return Candidates(np.vstack([f.directions for f in found]), np.concatenate([f.bounds for f in found]))


def _plausible(
    arcs: _Arcs, sums: list[tuple[Floats, Floats, Floats]], frames: Floats, above: float, best: float
) -> Candidates:
    power = sum((x * x + y * y + z * z for x, y, z in sums), np.zeros(()))
    large = power > best * best
    if len(sums) == 1:
        p, j = np.nonzero(large & arcs.inside(*sums[0], above))
        directions, bounds = np.column_stack([part[p, j] for part in sums[0]]), np.sqrt(power[p, j])
    else:
        p, j = np.nonzero(large)
        chosen = np.stack([np.stack([part[p, j] for part in u], axis=1) for u in sums], axis=1)
        values, vectors = np.linalg.eigh(np.swapaxes(chosen, 1, 2) @ chosen)
        directions, bounds = vectors[:, :, -1], np.sqrt(np.maximum(values[:, -1], 0.0))
    kept = arcs.agrees(p, j, directions) & (bounds > best)
    lifted = np.matmul(frames[p[kept]], directions[kept][:, :, None])[:, :, 0]
    return Candidates(lifted, bounds[kept])


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
