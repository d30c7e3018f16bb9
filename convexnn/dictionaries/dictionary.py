"""The dictionary of a data set: all atoms as a value, its matrix on demand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from convexnn._checks import check_bias, check_count, check_norm, check_points
from convexnn._native import core, default_threads
from convexnn._types import ArrayLike, Bias, Floats, Ints, Norm
from convexnn.dictionaries.atoms import Atoms
from convexnn.dictionaries.budget import MAX_ATOMS, MAX_BYTES, check_atom_budget, check_byte_budget
from convexnn.dictionaries.hyperplanes import Hyperplanes, enumerate_hyperplanes, orient
from convexnn.exceptions import DataError, ParameterError
from convexnn.geometry.distinct import generating_rows
from convexnn.geometry.frame import Frame, make_frame
from convexnn.network import RELU

__all__ = ["Dictionary", "dictionary"]

# Columns held at once by the products with the matrix.
_BLOCK_BYTES = 2**24


@dataclass(frozen=True)
class Dictionary:
    """Atoms of a data set. Hyperplane h gives atom 2h (as generated) and atom 2h + 1 (reversed).

    The matrix K has entries (x_i.u_j + c_j)_+ in the units of X and is made only when asked for;
    samples on a generating hyperplane respond with exactly zero.

    Attributes
    ----------
    frame : Frame
        Working coordinates of the samples.
    hyperplanes : Hyperplanes
        Normals, offsets (in working units) and generators, one row per pair of atoms.
    max_bytes : int
        Largest matrix that :meth:`matrix` may allocate.
    """

    frame: Frame
    hyperplanes: Hyperplanes
    max_bytes: int = MAX_BYTES

    @property
    def n_atoms(self) -> int:
        """Number of atoms, twice the number of hyperplanes."""
        return 2 * len(self.hyperplanes)

    @property
    def shape(self) -> tuple[int, int]:
        """Shape (n_samples, n_atoms) of the matrix."""
        return self.frame.n, self.n_atoms

    def atoms(self, idx: ArrayLike | None = None) -> Atoms:
        """The atoms at the given indices (all by default) in input coordinates."""
        idx = self._indices(idx)
        return orient(self.frame, self.hyperplanes.select(idx // 2), 1 - 2 * (idx % 2))

    def columns(self, idx: ArrayLike) -> Floats:
        """Columns of the matrix at the given indices, (n, len(idx)) in Fortran order."""
        idx = self._indices(idx)
        planes = self.hyperplanes.select(idx // 2)
        signed = np.where(idx % 2 == 0, self.frame.scale, -self.frame.scale)
        out = np.empty((len(planes), self.frame.n))
        core.wedge_responses(self.frame.points, planes.normals, planes.offsets, out)
        self._silence_generators(out, planes.generators)
        out *= signed[:, None]
        return RELU.value(out, out=out).T

    def matrix(self, order: Literal["C", "F"] = "F") -> Floats:
        """The whole matrix (n, n_atoms), C- or Fortran-contiguous.

        Raises
        ------
        DictionarySizeError
            If it needs more than `max_bytes`.
        """
        if order not in ("C", "F"):
            raise ParameterError(
                f"order={order!r} is unknown; choose 'C' (rows together) or 'F' (columns together)."
            )
        n, m = self.shape
        check_byte_budget(
            "the matrix", 8 * n * m, self.max_bytes, "Use blocks(), rmatvec() or a larger max_bytes."
        )
        out = np.empty((n, m), order=order)
        for part, block in self.blocks(_BLOCK_BYTES):
            out[:, part] = block
        return out

    def blocks(self, max_bytes: int = _BLOCK_BYTES) -> Iterator[tuple[slice, Floats]]:
        """Yield (columns, block) with block = K[:, columns] of at most `max_bytes`, one after another."""
        width = max(1, int(max_bytes) // (8 * self.frame.n))
        for start in range(0, self.n_atoms, width):
            part = slice(start, min(start + width, self.n_atoms))
            yield part, self.columns(np.arange(part.start, part.stop))

    def matvec(self, z: ArrayLike) -> Floats:
        """K z for coefficients z (n_atoms,) or (n_atoms, c); zero coefficients cost nothing."""
        z = np.asarray(z, dtype=np.float64)
        if z.shape[:1] != (self.n_atoms,) or z.ndim > 2:
            raise DataError(
                f"z has shape {z.shape}; expected ({self.n_atoms},) or ({self.n_atoms}, n_outputs)."
            )
        out = np.zeros((self.frame.n, *z.shape[1:]))
        used = np.flatnonzero(z if z.ndim == 1 else z.any(axis=1))
        width = max(1, _BLOCK_BYTES // (8 * self.frame.n))
        for start in range(0, len(used), width):
            part = used[start : start + width]
            out += self.columns(part) @ z[part]
        return out

    def rmatvec(self, v: ArrayLike, *, n_jobs: int | None = 1) -> Floats:
        """K'v for a residual v (n,) or (n, c): the response of every atom, (n_atoms,) or (n_atoms, c).

        `n_jobs` threads share the work (None or -1: all); the result does not depend on their number.
        """
        v = np.asarray(v, dtype=np.float64)
        if v.shape[:1] != (self.frame.n,) or v.ndim > 2:
            raise DataError(
                f"v has shape {v.shape}; expected ({self.frame.n},) or ({self.frame.n}, n_outputs)."
            )
        table = np.ascontiguousarray(v.reshape(self.frame.n, -1))
        planes = self.hyperplanes
        out = np.empty((len(planes), 2, table.shape[1]))
        threads = default_threads(n_jobs)
        core.correlate_wedges(self.frame.points, planes.normals, planes.offsets, table, out, threads)
        out *= self.frame.scale
        return out.reshape(self.n_atoms, *v.shape[1:])

    def _indices(self, idx: ArrayLike | None) -> Ints:
        if idx is None:
            return np.arange(self.n_atoms)
        idx = np.arange(self.n_atoms)[idx] if isinstance(idx, slice) else np.asarray(idx)
        if idx.dtype == bool:
            idx = np.flatnonzero(idx)
        idx = np.atleast_1d(idx).astype(np.int64)
        if idx.size and (idx.min() < 0 or idx.max() >= self.n_atoms):
            raise ParameterError(
                f"idx reaches from {idx.min()} to {idx.max()}; atoms are 0..{self.n_atoms - 1}."
            )
        return idx

    def _silence_generators(self, responses: Floats, generators: Ints) -> None:
        """Set the responses (m, n) of samples that lie on the hyperplane by construction to exactly zero."""
        row, place = np.nonzero(generators < self.frame.n)
        responses[row, generators[row, place]] = 0.0


def dictionary(
    X: ArrayLike,
    *,
    norm: Norm = "l2",
    bias: Bias = True,
    max_atoms: int = MAX_ATOMS,
    max_bytes: int = MAX_BYTES,
) -> Dictionary:
    """Every candidate neuron of a data set: hyperplanes through samples (and along axes for l1).

    Training over these atoms is a Lasso. For d = 1 and for l1 it has the optimum of the non-convex
    network problem; for l2 in d >= 2 it is an upper bound (arXiv 2309.16512, Theorems 1-7).

    Parameters
    ----------
    X : (n, d) array
    norm : "l1" or "l2"
        Norm of the hidden weights.
    bias : True, False or "penalized"
        Free biases, none, or biases that count in the norm.
    max_atoms : int
        Largest number of atoms to enumerate.
    max_bytes : int
        Memory for the atoms, and for the matrix if it is asked for.

    Returns
    -------
    Dictionary

    Raises
    ------
    DataError
        If X is not a finite numeric table.
    DictionarySizeError
        If the dictionary is larger than the budget; nothing has been allocated then.
    """
    points = check_points(X)
    norm, bias = check_norm(norm), check_bias(bias)
    max_atoms, max_bytes = check_count("max_atoms", max_atoms), check_count("max_bytes", max_bytes)
    frame = make_frame(points, norm=norm, bias=bias)
    count = generating_rows(frame).count
    check_atom_budget(2 * count, max_atoms)
    per_plane = 8 * (frame.rank + 1 + max(frame.subset_size, 0))
    check_byte_budget(
        "the list of atoms", count * per_plane, max_bytes, "Raise max_bytes or stream them with iter_atoms()."
    )
    parts = list(enumerate_hyperplanes(frame))
    return Dictionary(frame, Hyperplanes.joined(parts, frame), max_bytes)
