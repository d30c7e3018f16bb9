"""Faces of the arrangement: neurons with the same samples on their hyperplane and the same active ones."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.linalg import null_space

from convexnn._types import Bools, Floats, Ints

__all__ = ["Face", "make_face", "make_faces", "open_face", "read_key", "shrink_face"]

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
    projected : (q, n) array
        Its pre-activations are ``a @ projected``.
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

    @cached_property
    def key(self) -> bytes:
        """Equal for equal faces: their samples, increasing, and their pattern; see :func:`read_key`."""
        return _key(sorted(self.tight), self.mask.tobytes())

    @cached_property
    def closures(self) -> list[bytes]:
        """Keys of the face itself and of those of one more dimension on whose border it lies."""
        tight, mask = sorted(self.tight), self.mask.tobytes()
        found = [self.key]
        for i in tight:
            rest = [j for j in tight if j != i]
            found += [_key(rest, mask), _key(rest, mask[:i] + b"\x01" + mask[i + 1 :])]
        return found


def _key(tight: list[int], mask: bytes) -> bytes:
    return array("q", tight).tobytes() + mask


def read_key(key: bytes, n: int) -> tuple[tuple[int, ...], Bools]:
    """Samples on the hyperplane and the pattern of n samples that a key stands for."""
    return tuple(np.frombuffer(key[:-n], dtype=np.int64).tolist()), np.frombuffer(key[-n:], dtype=bool)


def _project(points: Floats, affine: bool, tight: tuple[int, ...], basis: Floats) -> tuple[Floats, Floats]:
    pivot = points[tight[0]] if affine else np.zeros(points.shape[1])
    projected = np.ascontiguousarray(((points - pivot) @ basis).T)
    projected[:, list(tight)] = 0.0
    projected[:, np.abs(projected).max(axis=0) <= _FIXED] = 0.0
    return pivot, projected


def _face(points: Floats, affine: bool, tight: tuple[int, ...], basis: Floats, normal: Floats) -> tuple[Face, Floats]:
    pivot, projected = _project(points, affine, tight, basis)
    a = basis.T @ normal
    return Face(tight, pivot, basis, projected, a @ projected > 0), a


def make_faces(points: Floats, affine: bool, normals: Floats, rows: Ints) -> list[tuple[Face, Floats]]:
    """The faces of unit normals (m, r) through their tight samples, and the coordinates of each normal in its face.

    Parameters
    ----------
    points : (n, r) array
    affine : bool
    normals : (m, r) array
    rows : (m, q) array of int
        Samples on the hyperplanes, -1 where there are fewer.
    """
    many = (rows >= 0).sum(axis=1)
    wedge = many >= points.shape[1] - (0 if affine else 1)
    # A hyperplane that turns about its only pivot is free in all directions.
    free = ~wedge & (many == int(affine))
    levels = iter(_levels(points, affine, normals[wedge], rows[wedge]))
    opened = iter(_around(points, affine, rows[free]))
    made: list[tuple[Face, Floats]] = []
    for normal, row, full, whole in zip(normals, rows.tolist(), wedge.tolist(), free.tolist()):
        tight = tuple(i for i in row if i >= 0)
        pivot = points[tight[0]] if affine else np.zeros(points.shape[1])
        if full:  # the oracle's normal is as accurate as any
            level = next(levels)
            made.append((Face(tight, pivot, normal[:, None], level[None, :], level > 0), np.ones(1)))
        elif whole:
            projected = next(opened)
            made.append((Face(tight, pivot, np.eye(len(normal)), projected, normal @ projected > 0), normal.copy()))
        else:
            made.append(_face(points, affine, tight, _basis(points, affine, tight), normal))
    return made


def _around(points: Floats, affine: bool, rows: Ints) -> Floats:
    """The samples as their pivots see them, shape (m, r, n), exactly zero where they coincide."""
    pivots = points[rows[:, 0]] if affine else np.zeros((len(rows), points.shape[1]))
    projected = points.T - pivots[:, :, None]
    projected *= np.abs(projected).max(axis=1, keepdims=True) > _FIXED
    return np.asarray(projected)


def make_face(points: Floats, affine: bool, tight: tuple[int, ...], mask: Bools) -> Face:
    """The face of given samples on the hyperplane and active samples."""
    basis = _basis(points, affine, tight)
    pivot, projected = _project(points, affine, tight, basis)
    return Face(tight, pivot, basis, projected, mask)


def _basis(points: Floats, affine: bool, tight: tuple[int, ...]) -> Floats:
    directions = points[list(tight[1:])] - points[tight[0]] if affine else points[list(tight)]
    return np.asarray(null_space(directions)) if len(directions) else np.eye(points.shape[1])


def _levels(points: Floats, affine: bool, normals: Floats, rows: Ints) -> Floats:
    """Pre-activations (m, n) of wedge neurons, exactly zero at their samples."""
    levels = normals @ points.T
    if affine:
        levels -= (normals * points[rows[:, 0]]).sum(axis=1)[:, None]
    levels[np.abs(levels) <= _FIXED] = 0.0
    np.put_along_axis(levels, rows, 0.0, axis=1)
    return np.asarray(levels)


def shrink_face(points: Floats, affine: bool, face: Face, row: int, a: Floats) -> tuple[Face, Floats]:
    """The face on which one more sample lies on the hyperplane, and the neuron moved onto it."""
    normal = face.basis @ a
    if face.size == 2:
        p = face.projected[:, row]
        inside = np.array([[-p[1]], [p[0]]]) / np.hypot(p[0], p[1])
    else:
        inside = np.asarray(null_space(face.projected[:, row][None, :]))
    if face.size == 2 and float(inside[:, 0] @ a) < 0:
        inside = -inside
    return _face(points, affine, (*face.tight, row), face.basis @ inside, normal)


def open_face(points: Floats, affine: bool, face: Face, row: int, towards: Floats, a: Floats) -> tuple[Face, Floats]:
    """The larger face next to this one where `row` has left the hyperplane.

    Parameters
    ----------
    points : (n, r) array
    affine : bool
    face : Face
    row : int
        One of its tight samples.
    towards : (r,) array
        Unit normal, orthogonal to the basis and to the other tight samples, in whose direction neurons move.
    a : (q,) array
        The neuron.

    Returns
    -------
    Face
    (q + 1,) array
        The same neuron, on the border of the new face.
    """
    tight = tuple(i for i in face.tight if i != row)
    basis = np.column_stack([face.basis, towards])
    pivot, projected = _project(points, affine, tight, basis)
    border = np.abs(a @ face.projected) <= _FIXED * float(np.linalg.norm(a))
    mask = np.where(border, projected[-1] > 0, face.mask)
    return Face(tight, pivot, basis, projected, mask), np.append(a, 0.0)
