"""Faces side by side: the linear maps that Newton's method on neurons needs, kept up to date as faces change."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from convexnn._native import core
from convexnn._types import Bools, Floats, Ints
from convexnn.geometry.frame import Frame
from convexnn.restricted.faces.face import Face
from convexnn.restricted.faces.row_store import Rows

__all__ = ["FaceBlocks", "Neuron"]


@dataclass(frozen=True)
class Neuron:
    """A neuron in its face: sign of its output weight, and weights a (q,) whose length is that of the output weight.

    The face is one of the arrangement in the coordinates of the part of the frame with the index `part`.
    """

    face: Face
    sign: float
    a: Floats
    part: int = 0

    @property
    def key(self) -> bytes:
        """Neurons of equal key can be added up: the same function, and the penalty never grows."""
        return self.face.key + (b"+" if self.sign > 0 else b"-") + self.part.to_bytes(8, "little")

    def merged(self, other: Neuron) -> Neuron:
        """The sum of two neurons of equal key."""
        both = self.face.basis @ self.a + other.face.basis @ other.a
        return replace(self, a=self.face.basis.T @ both)


class FaceBlocks:
    """Neurons in faces side by side, their weights as one flat vector.

    Parameters
    ----------
    frame : Frame

    Attributes
    ----------
    faces : list of Face
    parts : (m,) array of int
        In which part of the frame each face lies.
    signs : (m,) array
    a : (total,) array
        Weights; those of neuron k are ``a[starts[k]:starts[k+1]]``.
    starts : (m + 1,) array of int
    rows : (m,) array of int
        For every neuron the sample it meets first, after :meth:`reach`; -1 where its length vanishes.
    """

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._units = np.array([part.unit for part in frame.parts])
        self.faces: list[Face] = []
        self.parts: Ints = np.zeros(0, dtype=np.int64)
        self._keys: list[bytes] = []
        self.signs: Floats = np.zeros(0)
        self.a: Floats = np.zeros(0)
        n, r = frame.n, max(part.frame.rank for part in frame.parts)
        self._n, self._r = n, r
        self._h: Floats | None = None  # curvatures that belong to the kept Gram matrix
        self._gram: Floats = np.zeros((0, 0))
        self._G = Rows((n,))
        # What the faces with room to move need to know where they end, filled up with zeros.
        self._inward = Rows((r, n))
        self._lay_out(np.zeros(0, dtype=np.int64))

    def __len__(self) -> int:
        return len(self.faces)

    def _lay_out(self, sizes: Ints) -> None:
        self.starts: Ints = np.concatenate([[0], np.cumsum(sizes)])
        self.sizes: Ints = sizes
        self._single, self._wide = np.flatnonzero(sizes == 1), np.flatnonzero(sizes > 1)
        wide = sizes[self._wide]
        self._depth = int(wide.max(initial=0))
        steps = np.minimum(np.arange(self._depth), wide[:, None] - 1)
        self._places = self.starts[self._wide, None] + steps
        self.rows: Ints = np.full(len(self.faces), -1, dtype=np.int64)

    def neuron(self, k: int) -> Neuron:
        """One of them."""
        a = self.a[self.starts[k] : self.starts[k + 1]]
        return Neuron(self.faces[k], float(self.signs[k]), a, int(self.parts[k]))

    def change(self, keep: Ints, new: list[Neuron]) -> None:
        """Keep some neurons, in increasing order, and append others, added up where keys are equal.

        Only what belongs to the others is computed.
        """
        keep, new = self._merge(keep, new)
        stays = np.zeros(len(self), dtype=bool)
        stays[keep] = True
        kept = np.flatnonzero(np.repeat(stays, self.sizes))
        self._enter(stays, new)
        self.faces = [self.faces[k] for k in keep.tolist()] + [neuron.face for neuron in new]
        self.parts = np.concatenate([self.parts[keep], np.array([neuron.part for neuron in new], dtype=np.int64)])
        self._keys = [self._keys[k] for k in keep.tolist()] + [neuron.key for neuron in new]
        self.signs = np.concatenate([self.signs[keep], [neuron.sign for neuron in new]])
        self.a = np.concatenate([self.a[kept], *(neuron.a for neuron in new)])
        sizes = np.array([neuron.face.size for neuron in new], dtype=np.int64)
        self._lay_out(np.concatenate([self.sizes[keep], sizes]))
        if self._h is not None:
            self._extend_gram(kept, self._h)

    def _enter(self, stays: Bools, new: list[Neuron]) -> None:
        """Let neurons leave the matrices, and new ones enter."""
        rows, inward = np.zeros((0, self._n)), np.zeros((0, self._r, self._n))
        if new:
            sides = np.array([neuron.face.mask for neuron in new])
            sizes = np.array([neuron.face.size for neuron in new])
            first = np.cumsum(sizes) - sizes
            rows = np.concatenate([neuron.face.projected for neuron in new])
            wide = np.flatnonzero(sizes > 1)
            inward = np.zeros((len(wide), self._r, self._n))
            for q in range(int(sizes.max()) if len(wide) else 0):
                deep = sizes[wide] > q
                part = rows[first[wide[deep]] + q]
                inward[deep, q] = np.where(sides[wide[deep]], part, -part)
            factors = np.array([[neuron.sign * self._units[neuron.part]] for neuron in new])
            rows *= np.repeat(sides * factors, sizes, axis=0)
        self._G.change(np.repeat(stays, self.sizes), rows)
        self._inward.change(stays[self._wide], inward)

    def _extend_gram(self, kept: Ints, h: Floats) -> None:
        old, total = len(kept), len(self.a)
        gram = np.empty((total, total))
        first = int(np.searchsorted(kept - np.arange(old), 1))
        if first == old or kept[-1] - kept[first] == old - 1 - first:  # one gap at most, which is the rule
            shift = int(kept[first]) - first if first < old else 0
            parts = (slice(first), slice(first)), (slice(first, old), slice(first + shift, old + shift))
            for into, out in parts:
                for over, across in parts:
                    gram[into, over] = self._gram[out, across]
        else:
            gram[:old, :old] = self._gram.take(kept, axis=0).take(kept, axis=1)
        if total > old:
            block, places = self._G.block, self._G.places
            edge = ((block.take(places[old:], axis=0) * h) @ block.T).take(places, axis=1)
            gram[old:], gram[:, old:] = edge, edge.T
        self._gram = gram

    def _merge(self, keep: Ints, new: list[Neuron]) -> tuple[Ints, list[Neuron]]:
        if not new:
            return keep, new
        place = {self._keys[k]: k for k in keep.tolist()}
        fresh: dict[bytes, Neuron] = {}
        for neuron in new:
            key = neuron.key
            if key in place:
                k = place.pop(key)
                keep = keep[keep != k]
                neuron = self.neuron(k).merged(neuron)
            elif key in fresh:
                neuron = fresh[key].merged(neuron)
            fresh[key] = neuron
        return keep, list(fresh.values())

    def lengths(self) -> Floats:
        """Length of every neuron (m,)."""
        return np.asarray(np.sqrt(np.add.reduceat(self.a * self.a, self.starts[:-1]))) if len(self) else np.zeros(0)

    def rescale(self, z: Floats) -> None:
        """Give the neurons other signed lengths z (m,) in the same directions; where z is zero they must leave next."""
        self.a = self.a * np.repeat(np.abs(z) / self.lengths(), self.sizes)
        turned = np.repeat(z * self.signs < 0, self.sizes)
        self.signs = np.where(z < 0, -1.0, np.where(z > 0, 1.0, self.signs))
        if turned.any():
            self._G.block[self._G.places[turned]] *= -1.0
            self._keys = [self.neuron(k).key for k in range(len(self))]
            self._h = None

    def columns(self) -> Floats:
        """Responses of the unit neurons, shape (m, n)."""
        if not len(self):
            return np.zeros((0, self._n))
        weights = np.repeat(self.signs / self.lengths(), self.sizes) * self.a
        at = self.starts[:-1]
        found = self._G.block.take(self._G.places[at], axis=0)
        found *= weights[at, None]
        for q in range(1, self._depth):
            wide = np.flatnonzero(self.sizes > q)
            found[wide] += self._G.block.take(self._G.places[at[wide] + q], axis=0) * weights[at[wide] + q, None]
        return found

    def normals(self) -> Floats:
        """Unit normals (m, r)."""
        parts = self._frame.parts
        if not len(self):
            return np.zeros((0, self._frame.rank))
        rows = np.concatenate([parts[k].embed(f.basis.T) for f, k in zip(self.faces, self.parts)])
        lengths = np.repeat(self.lengths(), self.sizes)
        return np.asarray(np.add.reduceat(rows * (self.a / lengths)[:, None], self.starts[:-1], axis=0))

    def offsets(self, normals: Floats) -> Floats:
        """Offsets (m,) of the unit neurons with these normals (m, r)."""
        parts = self._frame.parts
        pivots = [parts[k].unit * parts[k].embed(f.pivot[None, :])[0] for f, k in zip(self.faces, self.parts)]
        return np.asarray(-np.einsum("ij,ij->i", normals, np.array(pivots).reshape(normals.shape)))

    def masks(self, which: Ints) -> Bools:
        """Activation patterns of some neurons, (their number, n)."""
        return np.concatenate([self.faces[k].mask for k in which.tolist()]).reshape(len(which), self._n)

    def outputs(self, a: Floats) -> Floats:
        weights = np.empty(len(a))
        weights[self._G.places] = a
        return np.asarray(weights @ self._G.block)[:, None]

    def correlate(self, v: Floats) -> Floats:
        return np.asarray((self._G.block @ v[:, 0]).take(self._G.places))

    def gram(self, h: Floats) -> Floats:
        if self._h is None or not np.array_equal(h[:, 0], self._h):
            self._h = h[:, 0].copy()
            rows = self._G.in_order()
            self._gram = np.asarray((rows * self._h) @ rows.T)
        return self._gram

    def border(self, h: Floats) -> Floats:
        return np.asarray((self._G.block @ h).take(self._G.places, axis=0))

    def reach(self, a: Floats, d: Floats) -> Floats:
        """For every neuron the step at which its length turns zero or a sample crosses its hyperplane (m,)."""
        steps = np.full(len(self), np.inf)
        if len(self._single):
            at = self.starts[self._single]
            now, move = a[at], d[at]
            ends = np.full(len(at), np.inf)
            np.divide(-now, move, out=ends, where=now * move < 0)
            steps[self._single] = ends
        if len(self._wide):
            ends, rows = np.empty(len(self._wide)), np.empty(len(self._wide), dtype=np.int64)
            core.face_reach(self._inward.block, self._inward.places, a[self._places], d[self._places], ends, rows)
            steps[self._wide], self.rows[self._wide] = ends, rows
        return steps
