"""Faces of the arrangement: neurons with the same samples on their hyperplane and the same active ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import null_space

from convexnn._types import Bools, Floats, Ints

__all__ = ["Face", "FaceBlocks", "make_face", "shrink_face"]

# A projected sample shorter than this lies on the hyperplane whatever the neuron does within its face.
_FIXED = 1e-12


@dataclass(frozen=True)
class Face:
    """Neurons with the same samples on their hyperplane and the same activation pattern.

    Attributes
    ----------
    tight : tuple of int
        Samples on the hyperplane; the first is the pivot if hyperplanes are affine.
    pivot : (r,) array
        A point on the hyperplane.
    basis : (r, q) array
        Orthonormal basis of the normals that keep the tight samples there; a neuron is ``basis @ a``.
    projected : (n, q) array
        Its pre-activations are ``projected @ a``.
    mask : (n,) array of bool
        Active samples.
    """

    tight: tuple[int, ...]
    pivot: Floats
    basis: Floats
    projected: Floats
    mask: Bools

    @property
    def size(self) -> int:
        """Dimension q of the face."""
        return int(self.basis.shape[1])

    @property
    def key(self) -> tuple[tuple[int, ...], bytes]:
        """Equal for equal faces."""
        return self.tight, self.mask.tobytes()


def _face(points: Floats, affine: bool, tight: tuple[int, ...], basis: Floats, normal: Floats) -> tuple[Face, Floats]:
    pivot = points[tight[0]] if affine else np.zeros(points.shape[1])
    projected = (points - pivot) @ basis
    projected[list(tight)] = 0.0
    projected[np.abs(projected).max(axis=1) <= _FIXED] = 0.0
    a = basis.T @ normal
    return Face(tight, pivot, basis, projected, projected @ a > 0), a


def make_face(points: Floats, affine: bool, tight: tuple[int, ...], normal: Floats) -> tuple[Face, Floats]:
    """The face of a unit normal through the tight samples, and the coordinates of the normal in it."""
    rows = points[list(tight)]
    directions = rows[1:] - rows[0] if affine else rows
    r = points.shape[1]
    if len(directions) >= r - 1:
        basis = normal[:, None]  # a wedge: the oracle's normal is as accurate as any
    else:
        basis = np.asarray(null_space(directions)) if len(directions) else np.eye(r)
    return _face(points, affine, tight, basis, normal)


def shrink_face(points: Floats, affine: bool, face: Face, row: int, a: Floats) -> tuple[Face, Floats]:
    """The face on which one more sample lies on the hyperplane, and the neuron moved onto it."""
    normal = face.basis @ a
    if face.size == 2:
        p = face.projected[row]
        inside = np.array([[-p[1]], [p[0]]]) / np.hypot(p[0], p[1])
    else:
        inside = np.asarray(null_space(face.projected[row][None, :]))
    if face.size == 2 and float(inside[:, 0] @ a) < 0:
        inside = -inside
    return _face(points, affine, (*face.tight, row), face.basis @ inside, normal)


class FaceBlocks:
    """Faces with output signs side by side, for Newton's method."""

    def __init__(self, faces: list[Face], signs: list[float]) -> None:
        sizes = np.array([f.size for f in faces], dtype=np.int64)
        self.starts: Ints = np.concatenate([[0], np.cumsum(sizes)])
        self._single = np.flatnonzero(sizes == 1)
        self._wide = np.flatnonzero(sizes > 1)
        mask = np.stack([f.mask for f in faces], axis=1)
        projected = np.hstack([f.projected for f in faces])
        self._G = projected * np.repeat(mask * np.array(signs), sizes, axis=1)
        # What the faces with room to move need to know where they end.
        columns = np.repeat(sizes > 1, sizes)
        self._P, self._columns = projected[:, columns], columns
        self._first = np.concatenate([[0], np.cumsum(sizes[self._wide])])[:-1]
        self._side = np.where(mask[:, self._wide], -1.0, 1.0)
        self.row = -1

    def outputs(self, a: Floats) -> Floats:
        return np.asarray(self._G @ a)[:, None]

    def correlate(self, v: Floats) -> Floats:
        return np.asarray(self._G.T @ v[:, 0])

    def gram(self, h: Floats) -> Floats:
        return np.asarray((self._G * h).T @ self._G)

    def border(self, h: Floats) -> Floats:
        return np.asarray(self._G.T @ h)

    def reach(self, a: Floats, d: Floats) -> tuple[float, int]:
        """First step at which a length turns zero or a sample crosses a hyperplane, and the face."""
        best, block, self.row = np.inf, -1, -1
        if len(self._single):
            at = self.starts[self._single]
            now, move = a[at], d[at]
            steps = np.full(len(at), np.inf)
            np.divide(-now, move, out=steps, where=now * move < 0)
            k = int(np.argmin(steps))
            if steps[k] < best:
                best, block = float(steps[k]), int(self._single[k])
        if len(self._wide):
            now = np.add.reduceat(self._P * a[self._columns], self._first, axis=1)
            towards = np.add.reduceat(self._P * d[self._columns], self._first, axis=1) * self._side
            steps = np.full(now.shape, np.inf)
            np.divide(np.abs(now), towards, out=steps, where=towards > 0)
            row, k = divmod(int(np.argmin(steps)), len(self._wide))
            if steps[row, k] < best:
                best, block, self.row = float(steps[row, k]), int(self._wide[k]), row
        return best, block
