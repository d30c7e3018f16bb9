"""Faces of the arrangement: neurons with the same samples on their hyperplane and the same active ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import null_space

from convexnn._types import Bools, Floats

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

    def reach(self, a: Floats, d: Floats) -> tuple[float, int]:
        """Largest step along d before a sample changes sides (a one-dimensional face: before a is zero)."""
        if self.size == 1:
            return (float(-a[0] / d[0]), -1) if a[0] * d[0] < 0 else (np.inf, -1)
        now, move = self.projected @ a, self.projected @ d
        towards = np.where(self.mask, -move, move)
        steps = np.full(len(now), np.inf)
        np.divide(np.abs(now), towards, out=steps, where=towards > 0)
        row = int(np.argmin(steps))
        return float(steps[row]), row


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
        self._faces = faces
        self.starts = np.concatenate([[0], np.cumsum([f.size for f in faces], dtype=np.int64)])
        self._G = np.hstack([f.projected * (s * f.mask)[:, None] for f, s in zip(faces, signs)])
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
        best, block, self.row = np.inf, -1, -1
        for k, face in enumerate(self._faces):
            part = slice(self.starts[k], self.starts[k + 1])
            step, row = face.reach(a[part], d[part])
            if step < best:
                best, block, self.row = step, k, row
        return best, block
