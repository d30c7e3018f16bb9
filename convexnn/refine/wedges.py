"""The wedge nearest to a neuron: the hyperplane through the independent samples that it almost contains.

A neuron of an optimal network is orthogonal to samples (arXiv 2309.16512, Theorems 1-7), so a trained one is
replaced by the cross product of the samples closest to its hyperplane (section 4.1 of the paper).
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from scipy.linalg import LinAlgWarning, lapack, lu_factor, lu_solve

from convexnn._types import Floats, Ints
from convexnn.geometry.frame import Frame
from convexnn.geometry.rows import GeneratingRows, generating_rows, unit_rows
from convexnn.network.relu import row_norms

__all__ = ["NearWedge", "WedgeFinder", "from_working", "to_working"]

# Share of a row that has to stick out of the span of the rows before it.
_INDEPENDENT = 1e-9
# Number of rows from which on one factorisation of the nearest rows is tried before the row-by-row choice.
_MANY = 200
_WELL_CONDITIONED = 1e-11
# Rows made at once in the row-by-row choice.
_BLOCK = 256


@dataclass(frozen=True)
class NearWedge:
    """A hyperplane through rows of a frame, in working coordinates.

    Attributes
    ----------
    normal : (r,) array
        Length one in the norm of the frame, oriented like the neuron.
    offset : float
    rows : (k,) array of int
        Samples as 0..n-1, axes as n..n+r-1, nearest first.
    angle : float
        Euclidean angle to the neuron's normal, in radians.
    """

    normal: Floats
    offset: float
    rows: Ints
    angle: float


def to_working(frame: Frame, weights: Floats, biases: Floats) -> tuple[Floats, Floats]:
    """Neurons (m, d), (m,) in the coordinates of a frame without penalised bias; lengths are kept.

    Parts of the weights in directions in which all samples agree move into the offsets.
    """
    return weights @ frame.lift, (biases + weights @ frame.shift) / frame.scale


def from_working(frame: Frame, normals: Floats, offsets: Floats) -> tuple[Floats, Floats]:
    """The way back: hidden weights (m, d) and biases (m,)."""
    weights, biases = frame.to_input(normals, offsets)
    return weights, biases


class WedgeFinder:
    """Nearest wedges of neurons over one set of samples.

    Parameters
    ----------
    frame : Frame
        Without penalised bias.
    """

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self._rows: GeneratingRows = generating_rows(frame)
        index = self._rows.index
        every = np.vstack([frame.points, frame.axes])
        # As they are, not as directions: nearness is measured by the inner product with the sample itself.
        self._vectors = np.ascontiguousarray(every[index])

    def nearest(self, normal: Floats, offset: float, n_rows: int | None = None) -> NearWedge | None:
        """The wedge of the nearest independent rows; None if there is none (no direction, too few rows).

        With fewer rows than a hyperplane needs, the neuron is projected onto the normals orthogonal to these rows:
        it moves onto a face of its cell, not into a corner (an l2 network's optimum may have such neurons).

        Parameters
        ----------
        normal : (r,) array
        offset : float
            A neuron in working coordinates, of any length.
        n_rows : int, optional
            Number of rows; by default (and at most) as many as fix a hyperplane.
        """
        frame = self.frame
        length = float(np.linalg.norm(normal))
        if length == 0.0 or frame.subset_size < 0:
            return None
        u, c = normal / length, offset / length
        points = self._rows.n_points
        distance = np.abs(self._vectors @ u)
        distance[:points] = np.abs(self._vectors[:points] @ u + c)
        order = np.argsort(distance, kind="stable")
        pivot = int(order[np.flatnonzero(order < points)[0]]) if frame.affine else -1
        order = order[order != pivot]
        full = frame.rank - 1
        count = full if n_rows is None else min(full, n_rows - int(frame.affine))
        chosen, wedge = _span(_Differences(self._vectors, points, pivot), order, u, count)
        if wedge is None:
            return None
        positions = np.concatenate([[pivot], chosen]).astype(np.int64) if pivot >= 0 else chosen
        wedge = wedge / row_norms(wedge[None, :], frame.norm)[0]
        cosine = float(wedge @ u) / float(np.linalg.norm(wedge))
        return NearWedge(
            normal=wedge,
            offset=-float(wedge @ self._vectors[pivot]) if pivot >= 0 else 0.0,
            rows=self._rows.index[positions],
            angle=float(np.arccos(np.clip(cosine, -1.0, 1.0))),
        )


class _Differences:
    """Rows as directions: points minus the pivot (none: as they are), axes as they are; made when asked for."""

    def __init__(self, vectors: Floats, n_points: int, pivot: int) -> None:
        self._vectors, self._n_points = vectors, n_points
        self._shift = vectors[pivot] if pivot >= 0 else np.zeros(vectors.shape[1])

    def __getitem__(self, which: Ints) -> Floats:
        return np.asarray(self._vectors[which] - np.outer(which < self._n_points, self._shift))


def _span(vectors: _Differences, order: Ints, u: Floats, count: int) -> tuple[Ints, Floats | None]:
    """The first `count` independent vectors in the given order, and the unit normal of their span nearest to u."""
    if count > _MANY and count == len(u) - 1 and len(order) >= count:
        normal = _solved(vectors[order[:count]], u)
        if normal is not None:
            return order[:count], normal
    basis = np.zeros((count, len(u)))
    found = 0
    chosen = np.zeros(count, dtype=np.int64)
    for start in range(0, len(order), _BLOCK):
        block = order[start : start + _BLOCK]
        rows = unit_rows(vectors[block])[0]
        for i, row in zip(block, rows):
            if found == count:
                return chosen, _complement(basis, u)
            rest = row
            for _ in range(2):
                rest = rest - (rest @ basis[:found].T) @ basis[:found]
            size = float(np.linalg.norm(rest))
            if size > _INDEPENDENT:
                basis[found] = rest / size
                chosen[found] = i
                found += 1
    return chosen[:found], _complement(basis, u) if found == count else None


def _complement(basis: Floats, u: Floats) -> Floats | None:
    """Unit vector orthogonal to an orthonormal basis of a hyperplane, on the side of u; None if u lies in it."""
    rest = u
    for _ in range(3):
        rest = rest - (rest @ basis.T) @ basis
    size = float(np.linalg.norm(rest))
    return rest / size if size > 1e-8 else None


def _solved(rows: Floats, u: Floats) -> Floats | None:
    """Normal of many rows by one elimination: rows x = 0, u x = 1; None where that is ill-conditioned."""
    unit, nonzero = unit_rows(rows)
    if not nonzero.all():
        return None
    square = np.vstack([unit, u])
    size = float(np.abs(square).sum(axis=0).max())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LinAlgWarning)  # an exactly singular factor is seen by its condition
        factor = lu_factor(square, check_finite=False)
    if lapack.dgecon(factor[0], size)[0] < _WELL_CONDITIONED:
        return None
    target = np.zeros(len(u))
    target[-1] = 1.0
    x = lu_solve(factor, target, check_finite=False)
    x = x + lu_solve(factor, target - square @ x, check_finite=False)
    return np.asarray(x / np.linalg.norm(x))
