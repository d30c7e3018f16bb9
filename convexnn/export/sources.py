"""What is exported: every wedge of a data set, or given atoms, in numbered parts that can be made again."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from convexnn._types import Bias, Floats, Ints, Norm
from convexnn.dictionaries import Atoms, Dictionary, Hyperplanes, enumerate_hyperplanes
from convexnn.exceptions import DataError
from convexnn.geometry.distinct import generating_rows
from convexnn.geometry.frame import Frame, make_frame

__all__ = ["AllWedges", "GivenAtoms", "Source", "digest_of"]


class Source(Protocol):
    """Atoms in parts; part k is the same whenever it is asked for."""

    @property
    def kind(self) -> str: ...
    @property
    def n_parts(self) -> int: ...
    @property
    def most_atoms(self) -> int: ...
    @property
    def n_generators(self) -> int: ...
    def fingerprint(self) -> str: ...
    def atoms(self, part: int) -> Atoms: ...
    def columns(self, part: int, rows: slice) -> Floats: ...


@dataclass(frozen=True)
class AllWedges:
    """The whole dictionary of samples X (n, d), `block` subsets of rows per part."""

    X: Floats
    norm: Norm
    bias: Bias
    block: int

    kind = "all wedges"

    @cached_property
    def frame(self) -> Frame:
        """Working coordinates."""
        return make_frame(self.X, norm=self.norm, bias=self.bias)

    @cached_property
    def _count(self) -> int:
        return generating_rows(self.frame).count

    @property
    def n_parts(self) -> int:
        """Number of parts; degenerate data can leave some empty."""
        return -(-self._count // self.block)

    @property
    def most_atoms(self) -> int:
        """Number of atoms in general position."""
        return 2 * self._count

    @property
    def n_generators(self) -> int:
        """Rows that fix a hyperplane."""
        return max(self.frame.subset_size, 0)

    def fingerprint(self) -> str:
        """SHA-256 of the samples."""
        return digest_of(self.X)

    def atoms(self, part: int) -> Atoms:
        """Atoms of a part, both orientations of each hyperplane in turn."""
        return self._dictionary(part).atoms()

    def columns(self, part: int, rows: slice) -> Floats:
        """Responses (n, k) of atoms of a part to the samples; exactly zero on the generators."""
        whole = self._dictionary(part)
        return whole.columns(np.arange(whole.n_atoms)[rows])

    @cached_property
    def _last(self) -> dict[int, Dictionary]:
        return {}

    def _dictionary(self, part: int) -> Dictionary:
        # Only the part in hand is kept: the columns of one part are asked for in many pieces.
        if part not in self._last:
            self._last.clear()
            start = part * self.block
            found = enumerate_hyperplanes(self.frame, start=start, stop=start + self.block)
            self._last[part] = Dictionary(self.frame, Hyperplanes.joined(list(found), self.frame))
        return self._last[part]


@dataclass(frozen=True)
class GivenAtoms:
    """Some atoms, for instance those of a sampled dictionary or of a trained network."""

    X: Floats
    given: Atoms
    block: int

    kind = "given"

    def __post_init__(self) -> None:
        if self.given.normals.shape[1] != self.X.shape[1]:
            raise DataError(f"the atoms have {self.given.normals.shape[1]} features, but X has {self.X.shape[1]}.")

    @property
    def n_parts(self) -> int:
        """Number of parts of 2 * `block` atoms."""
        return -(-len(self.given) // (2 * self.block))

    @property
    def most_atoms(self) -> int:
        """Number of atoms."""
        return len(self.given)

    @property
    def n_generators(self) -> int:
        """Columns of the table of generators."""
        return int(self.given.generators.shape[1])

    def fingerprint(self) -> str:
        """SHA-256 of samples and atoms."""
        atoms = self.given
        return digest_of(self.X, atoms.normals, atoms.offsets, atoms.generators, atoms.orientation)

    def atoms(self, part: int) -> Atoms:
        """Atoms of a part."""
        size = 2 * self.block
        return self.given.select(slice(part * size, (part + 1) * size))

    def columns(self, part: int, rows: slice) -> Floats:
        """Responses (n, k) of atoms of a part to the samples."""
        return self.atoms(part).select(rows).columns(self.X)


def digest_of(*arrays: Floats | Ints) -> str:
    """SHA-256 of arrays with their types and shapes."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
