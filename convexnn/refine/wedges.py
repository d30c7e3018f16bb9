"""The wedge nearest to a neuron: the hyperplane through the independent samples that it almost contains.

A neuron of an optimal network is orthogonal to samples (arXiv 2309.16512, Theorems 1-7), so a trained one is
replaced by the cross product of the samples closest to its hyperplane (section 4.1 of the paper).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from convexnn._types import Floats, Ints
from convexnn.geometry.distinct import GeneratingRows, generating_rows, unit_rows
from convexnn.geometry.frame import Frame
from convexnn.network.relu import row_norms
from convexnn.refine.orthogonal import orthogonal_direction

__all__ = ["NearWedge", "WedgeFinder", "from_working", "to_working"]

# Share of a row that has to stick out of the span of the rows before it, and the one at which there is no doubt.
_INDEPENDENT, _CLEAR = 1e-9, 1e-3
# Smallest cosine to the normal at which a neuron has a side.
_SIDE = 1e-8
# Number of rows above which one elimination of the nearest rows is tried before they are chosen block by block.
_MANY = 32
# Rows looked at together when they are chosen.
_BLOCK = 64
# Wedges that a finder keeps.
_REMEMBERED = 1024


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
    """Nearest wedges of neurons over one set of samples; it remembers the last ones.

    Parameters
    ----------
    frame : Frame
        Without penalised bias.
    """

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self._known: dict[tuple[bytes, float, int | None], NearWedge | None] = {}
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
        key = (normal.tobytes(), offset, n_rows)
        if key not in self._known:
            if len(self._known) >= _REMEMBERED:
                self._known.pop(next(iter(self._known)))
            self._known[key] = self._nearest(normal, offset, n_rows)
        return self._known[key]

    def _nearest(self, normal: Floats, offset: float, n_rows: int | None) -> NearWedge | None:
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
        normal = orthogonal_direction(vectors[order[:count]])
        if normal is not None:
            return order[:count], _towards(normal, u)
    basis = _Basis(count, len(u))
    start = 0
    while start < len(order) and not basis.full:
        block = order[start : start + min(_BLOCK, basis.missing)]
        basis.extend(unit_rows(vectors[block])[0], block)
        start += len(block)
    return basis.chosen, _complement(basis.rows, u) if basis.full else None


class _Basis:
    """Orthonormal basis of the span of independent rows, and which rows they were."""

    def __init__(self, count: int, width: int) -> None:
        self._rows = np.zeros((count, width))
        self._chosen = np.zeros(count, dtype=np.int64)
        self._found = 0
        self._together = _BLOCK

    @property
    def missing(self) -> int:
        return len(self._chosen) - self._found

    @property
    def full(self) -> bool:
        return self.missing == 0

    @property
    def rows(self) -> Floats:
        return self._rows[: self._found]

    @property
    def chosen(self) -> Ints:
        return self._chosen[: self._found]

    def extend(self, unit: Floats, index: Ints) -> None:
        """Take the rows of length one that are independent of those before them, until there are enough."""
        rest, i, together = _outside(unit, self.rows), 0, self._together
        while i < len(unit) and not self.full:
            before = self._found
            towards, triangle = np.linalg.qr(rest[i : i + together].T)
            # Rows that stick out clearly are taken together, up to the first that does not.
            sizes = np.abs(np.diagonal(triangle))
            clear = int(np.argmin(np.append(sizes, 0.0) > _CLEAR))
            self._take(towards[:, :clear].T, index[i:])
            i += clear
            if clear < len(sizes) and not self.full:
                self._judge(unit[i], index[i : i + 1])
                i += 1
            together = 2 * together if clear == len(sizes) else max(together // 2, 2)
            rest[i:] = _outside(rest[i:], self._rows[before : self._found])
        self._together = min(together, _BLOCK)

    def _judge(self, row: Floats, index: Ints) -> None:
        """Take one row if it is independent."""
        alone = _outside(row[None, :], self.rows)
        size = float(np.linalg.norm(alone))
        if size > _INDEPENDENT:
            self._take(alone / size, index)

    def _take(self, rows: Floats, index: Ints) -> None:
        rows = rows[: self.missing]
        end = self._found + len(rows)
        self._rows[self._found : end], self._chosen[self._found : end] = rows, index[: len(rows)]
        self._found = end


def _outside(rows: Floats, basis: Floats) -> Floats:
    """Rows minus their parts in the span of an orthonormal basis; twice, so that rounding is removed too."""
    for _ in range(2):
        rows = rows - (rows @ basis.T) @ basis
    return rows


def _complement(basis: Floats, u: Floats) -> Floats | None:
    """Unit vector orthogonal to an orthonormal basis of a hyperplane, on the side of u; None if u lies in it."""
    rest = _outside(_outside(u[None, :], basis), basis)[0]
    size = float(np.linalg.norm(rest))
    return rest / size if size > _SIDE else None


def _towards(normal: Floats, u: Floats) -> Floats | None:
    """A unit normal on the side of u; None if u lies in the hyperplane."""
    cosine = float(normal @ u)
    return normal * np.sign(cosine) if abs(cosine) > _SIDE else None
