"""On which side of its hyperplane a neuron is active, relative to the samples that make the hyperplane."""

from __future__ import annotations

import numpy as np

from convexnn._types import Floats, Ints
from convexnn.geometry.frame import Frame

__all__ = ["orientation_of"]

# Entries of the stack of matrices whose determinants are taken at once.
_BLOCK = 2**22


def orientation_of(frame: Frame, normals: Floats, generators: Ints) -> Ints:
    """+1 where a normal points as the cross product of the generators in their order, -1 where against it.

    The sign of u . x(v_1, ..) is that of det[u; v_1; ..] (arXiv 2309.16512, section 2).

    Parameters
    ----------
    frame : Frame
    normals : (m, r) array
        In working coordinates.
    generators : (m, k) array of int
        Samples as 0..n-1, axes as n.., -1 for none. A row that does not fix its hyperplane (a neuron that has
        moved off the samples) has no side; it gets +1.
    """
    out = np.ones(len(normals), dtype=np.int64)
    if frame.groups is not None:
        of = frame.part_of(normals)
        for k in np.unique(of).tolist():
            part = frame.parts[k]
            rows = part.restrict_rows(generators[of == k])
            out[of == k] = orientation_of(part.frame, part.restrict(normals[of == k]), rows)
        return out
    needed = max(frame.subset_size, 0)
    if generators.shape[1] < needed or frame.rank == 0:
        return out
    fixed = np.flatnonzero((generators >= 0).sum(axis=1) == needed)
    size = max(1, _BLOCK // frame.rank**2)
    for start in range(0, len(fixed), size):
        part = fixed[start : start + size]
        rows = generators[part]
        # Padding may stand anywhere; the order of what is left counts.
        rows = rows[rows >= 0].reshape(len(part), needed)
        matrices = np.concatenate([normals[part][:, None], _directions(frame, rows)], axis=1)
        sign = np.linalg.slogdet(matrices)[0]
        out[part] = np.where(sign < 0, -1, 1)
    return out


def _directions(frame: Frame, rows: Ints) -> Floats:
    """The r - 1 vectors that span each hyperplane: rows as they are, or differences from the first point."""
    vectors = np.vstack([frame.points, frame.axes])[rows]
    if not frame.affine:
        return vectors
    point = (rows[:, 1:] < frame.n)[:, :, None]
    return np.asarray(vectors[:, 1:] - np.where(point, vectors[:, :1], 0.0))
