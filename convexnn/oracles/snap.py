"""Move neurons onto the samples that their hyperplanes nearly pass through.

At a local optimum the objective has a kink at samples on a hyperplane, which a smooth descent approaches but does
not reach. The variants of a neuron that pass exactly through its nearest 1, 2, 4, ... independent rows (with all
of them: a wedge) are offered to the restricted problem, which takes them where they lower the objective.
"""

from __future__ import annotations

import numpy as np

from convexnn._types import Floats, Ints
from convexnn.geometry.frame import Frame

__all__ = ["snapped"]

# Rows tried per neuron beyond those needed, in case some are dependent; and the most rows snapped to.
_SPARE = 8
_MOST = 48
_INDEPENDENT = 1e-7
# A normal shorter than this after the projection lies in the span of its rows: no such neuron.
_LEAST = 1e-9


def snapped(frame: Frame, unit: Floats, shifts: Floats) -> tuple[Floats, Floats]:
    """Unit normals and offsets of the snapped variants of neurons with normals `unit` (k, r), offsets `shifts` (k,)."""
    most = min(frame.subset_size, _MOST)
    if most < 1 or not len(unit):
        return np.zeros((0, frame.rank)), np.zeros(0)
    reach = min(frame.n + len(frame.axes), most + _SPARE)
    nearness = _nearness(frame, unit, shifts)
    near = np.argpartition(nearness, reach - 1, axis=1)[:, :reach]
    nearest = np.argsort(np.take_along_axis(nearness, near, 1), axis=1, kind="stable")
    near = np.take_along_axis(near, nearest, 1)
    pivots = np.zeros((len(unit), frame.rank))
    if frame.affine:
        # The nearest sample is the pivot and comes first; axes are directions and cannot be one.
        first = np.argmax(near < frame.n, axis=1)
        chosen = near[np.arange(len(unit)), first]
        has = chosen < frame.n
        unit, shifts, near, chosen, first = unit[has], shifts[has], near[has], chosen[has], first[has]
        pivots = frame.points[chosen]
        rest = np.arange(reach)[None, :] != first[:, None]
        near = near[rest].reshape(len(unit), reach - 1)
    directions = np.empty((*near.shape, frame.rank))
    sample = near < frame.n
    directions[sample] = frame.points[near[sample]]
    directions[~sample] = frame.axes[near[~sample] - frame.n]
    directions -= np.where(sample[:, :, None], pivots[:, None, :], 0.0)
    return _project(frame, unit, pivots, directions, most)


def _nearness(frame: Frame, unit: Floats, shifts: Floats) -> Floats:
    """How near every hyperplane (k) is to every row, samples and then axes: distances; without biases, angles."""
    n = frame.n
    nearness = np.empty((len(unit), n + len(frame.axes)))
    np.matmul(unit, frame.points.T, out=nearness[:, :n])
    nearness[:, :n] += shifts[:, None]
    np.matmul(unit, frame.axes.T, out=nearness[:, n:])
    np.abs(nearness, out=nearness)
    if not frame.affine:
        # Only the direction of a row counts; rows without one are sorted out later.
        lengths = np.sqrt(np.einsum("ij,ij->i", frame.points, frame.points))
        lengths[lengths == 0] = np.inf
        nearness[:, :n] /= lengths
    return nearness


def _project(frame: Frame, unit: Floats, pivots: Floats, directions: Floats, most: int) -> tuple[Floats, Floats]:
    """Normals made orthogonal to their first 0 (affine), 1, 2, 4, ..., `most` independent directions."""
    taken = 1 if frame.affine else 0
    basis, counts = _orthonormal(directions, most - taken)
    shares = np.einsum("krq,kr->kq", basis, unit)
    normals, offsets = [], []
    for count in sorted({*(2**i for i in range(most.bit_length()) if 2**i <= most), most}):
        q = count - taken
        enough = np.flatnonzero(counts >= q)
        u = unit[enough] - np.einsum("krq,kq->kr", basis[enough][:, :, :q], shares[enough][:, :q])
        size = np.abs(u).sum(axis=1) if frame.norm == "l1" else np.sqrt((u * u).sum(axis=1))
        kept = size > _LEAST
        u = u[kept] / size[kept, None]
        normals.append(u)
        offsets.append(-np.einsum("kr,kr->k", u, pivots[enough][kept]))
    return np.concatenate(normals), np.concatenate(offsets)


def _orthonormal(directions: Floats, wanted: int) -> tuple[Floats, Ints]:
    """Orthonormal bases (k, r, q) of the first independent directions of every neuron, and how many there are."""
    k, m, r = directions.shape
    wanted = min(wanted, r)
    basis, counts = np.zeros((k, r, max(wanted, 0))), np.zeros(k, dtype=np.int64)
    if wanted < 1 or m == 0:
        return basis, counts
    lengths = np.sqrt((directions**2).sum(axis=2))
    size = np.where(lengths > 0, lengths, 1.0)
    residual = directions / size[:, :, None]
    open_ = lengths > 0
    everyone = np.arange(k)
    for _ in range(min(wanted, m)):
        # The nearest direction that is not in the span yet; Gram-Schmidt on all later ones at once.
        first = np.argmax(open_, axis=1)
        live = open_[everyone, first]
        q = residual[everyone, first]
        q = np.where(live[:, None], q / np.maximum(np.linalg.norm(q, axis=1, keepdims=True), _INDEPENDENT), 0.0)
        at = np.flatnonzero(live)
        basis[at, :, counts[at]] = q[at]
        counts += live
        residual -= np.einsum("kmr,kr->km", residual, q)[:, :, None] * q[:, None, :]
        open_ &= np.sqrt((residual**2).sum(axis=2)) > _INDEPENDENT
        open_[everyone, first] = False
    return basis, counts
