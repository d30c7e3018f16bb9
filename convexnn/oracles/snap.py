"""Move neurons onto the samples that their hyperplanes nearly pass through.

At a local optimum the objective has a kink at samples on a hyperplane, which a smooth descent approaches but does
not reach. The variants of a neuron that pass exactly through its nearest 1, 2, 4, ... independent rows (with all
of them: a wedge) are offered to the convex master, which takes them where they lower the objective.
"""

from __future__ import annotations

import numpy as np

from convexnn._types import Floats
from convexnn.geometry.frame import Frame

__all__ = ["snapped"]

# Rows tried per neuron beyond those needed, in case some are dependent; and the most rows snapped to.
_SPARE = 8
_MOST = 48
_INDEPENDENT = 1e-7


def snapped(frame: Frame, unit: Floats, shifts: Floats) -> tuple[Floats, Floats]:
    """Unit normals and offsets of the snapped variants of neurons with normals `unit` (k, r), offsets `shifts` (k,)."""
    rows = np.concatenate([frame.points, frame.axes])
    lengths = np.sqrt((rows * rows).sum(axis=1))
    lengths[lengths == 0] = np.inf
    distance = np.abs(rows @ unit.T)
    distance[: frame.n] = np.abs(frame.points @ unit.T + shifts)
    # Without free biases only the direction of a row counts.
    nearness = distance if frame.affine else distance / lengths[:, None]
    most = min(frame.subset_size, _MOST)
    if most < 1 or not len(unit):
        return np.zeros((0, frame.rank)), np.zeros(0)
    reach = min(len(rows), most + _SPARE)
    near = np.argpartition(nearness, reach - 1, axis=0)[:reach]
    normals, offsets = [], []
    for k, (normal, candidates) in enumerate(zip(unit, near.T)):
        order = candidates[np.argsort(nearness[candidates, k], kind="stable")]
        for u, c in _variants(frame, rows, normal, float(shifts[k]), order, most):
            normals.append(u)
            offsets.append(c)
    if not normals:
        return np.zeros((0, frame.rank)), np.zeros(0)
    stacked = np.stack(normals)
    size = np.abs(stacked).sum(axis=1) if frame.norm == "l1" else np.sqrt((stacked * stacked).sum(axis=1))
    return stacked / size[:, None], np.array(offsets) / size


def _variants(
    frame: Frame, rows: Floats, normal: Floats, offset: float, order: np.ndarray, most: int
) -> list[tuple[Floats, float]]:
    """The neuron projected so that it passes through its first 1, 2, 4, ..., `most` independent rows."""
    n, found = frame.n, []
    pivot = None
    basis: list[Floats] = []
    u, count = normal.copy(), 0
    for row in order:
        if frame.affine and pivot is None:
            if row >= n:
                continue
            pivot = rows[row]
            count += 1
        else:
            direction = rows[row] - pivot if pivot is not None and row < n else rows[row].copy()
            before = float(np.linalg.norm(direction))
            for q in basis:
                direction = direction - (q @ direction) * q
            rest = float(np.linalg.norm(direction))
            if rest <= _INDEPENDENT * before:
                continue
            basis.append(direction / rest)
            u = u - (basis[-1] @ u) * basis[-1]
            count += 1
        if np.abs(u).max() <= 1e-9 * np.abs(normal).max():
            break
        if count & (count - 1) == 0 or count == most:
            found.append((u.copy(), offset if pivot is None else -float(u @ pivot)))
        if count == most:
            break
    return found
