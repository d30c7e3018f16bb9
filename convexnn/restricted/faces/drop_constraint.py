"""Which neurons want to leave a sample of their hyperplane: the multipliers of the borders of faces."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from convexnn._types import Floats, Ints
from convexnn.geometry.frame import Frame
from convexnn.restricted.faces.blocks import FaceBlocks

__all__ = ["ConstraintDrops", "find_constraints_to_drop"]


@dataclass(frozen=True)
class ConstraintDrops:
    """Ways to turn a neuron off one of its samples.

    Attributes
    ----------
    neurons, rows : (s,) array of int
        Which neuron, and the sample that leaves its hyperplane.
    towards : list of s arrays
        Unit normals in whose direction the neurons turn, in the coordinates of their parts.
    gains : (s,) array
        How fast the response rises per angle.
    """

    neurons: Ints
    rows: Ints
    towards: list[Floats]
    gains: Floats


def find_constraints_to_drop(frame: Frame, blocks: FaceBlocks, v: Floats) -> ConstraintDrops:
    """Every way in which the response to the dual vector v (n,) rises to first order, the fastest first.

    Turning a neuron by a small angle d towards e, orthogonal to it, leaves its length what it is, so the
    objective falls by d times the slope of the response, in which the sample that leaves counts on the side where
    it turns active.
    """
    found = [_of_part(frame, blocks, v, part) for part in np.unique(blocks.parts).tolist()]
    neurons, rows, gains = (np.concatenate([one[k] for one in found]) if found else np.zeros(0) for k in range(3))
    towards = [e for one in found for e in one[3]]
    order = np.argsort(-gains, kind="stable")
    return ConstraintDrops(
        neurons[order].astype(np.int64), rows[order].astype(np.int64), [towards[k] for k in order], gains[order]
    )


def _of_part(frame: Frame, blocks: FaceBlocks, v: Floats, part: int) -> tuple[Ints, Ints, Floats, Floats]:
    """Neurons of one part, the sample that each leaves, the gain, and the direction; gains are positive."""
    whole, mine = frame, np.flatnonzero(blocks.parts == part)
    frame = whole.parts[part].frame
    points = frame.points
    k, i, j = _choices([blocks.faces[at].tight for at in mine.tolist()], int(frame.affine))
    if not len(k):
        none = np.zeros(0, dtype=np.int64)
        return none, none, np.zeros(0), np.zeros((0, frame.rank))
    # Seen from the other sample on the hyperplane (affine), or orthogonal to it.
    other = np.where(j[:, None] >= 0, points[j], 0.0)
    row = points[i]
    if frame.affine:
        row = row - other
    else:
        square = (other * other).sum(axis=1)
        share = np.divide((row * other).sum(axis=1), square, out=np.zeros(len(k)), where=square > 0)
        row = row - share[:, None] * other
    size = np.sqrt((row * row).sum(axis=1))
    sound = np.flatnonzero(size > frame.same)
    k, i, row, other, size = k[sound], i[sound], row[sound], other[sound], size[sound]
    e = row / size[:, None]
    sums = blocks.masks(mine).astype(np.float64) @ np.column_stack([v[:, None] * points, v])
    seen = sums[k, :-1]
    if frame.affine:
        seen = seen - sums[k, -1:] * other
    sign = whole.parts[part].unit * blocks.signs[mine[k]]
    along = (seen * e).sum(axis=1)
    joined = v[i] * ((points[i] - other if frame.affine else points[i]) * e).sum(axis=1)
    gains = np.concatenate([sign * (along + joined), -sign * along])
    order = np.flatnonzero(gains > 0)
    which, side = order % len(k), np.where(order < len(k), 1.0, -1.0)
    return mine[k[which]], i[which], gains[order], side[:, None] * e[which]


def _choices(tight: list[tuple[int, ...]], spare: int) -> tuple[Ints, Ints, Ints]:
    """Neurons with each of the samples that may leave, and the one that stays (-1: none)."""
    sizes = np.array([len(samples) for samples in tight], dtype=np.int64)
    one, two = np.flatnonzero((sizes == 1) & (spare == 0)), np.flatnonzero(sizes == 2)
    single = np.array([tight[k][0] for k in one.tolist()], dtype=np.int64)
    pairs = np.array([tight[k] for k in two.tolist()], dtype=np.int64).reshape(-1, 2)
    first, second = pairs.T
    return (
        np.concatenate([one, two, two]),
        np.concatenate([single, first, second]),
        np.concatenate([np.full(len(one), -1), second, first]),
    )
