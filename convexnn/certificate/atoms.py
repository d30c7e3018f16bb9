"""The largest response among given atoms, for dictionaries that are sampled and not enumerated."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from convexnn._checks import check_points
from convexnn._types import Bias, Floats, Norm
from convexnn.exceptions import DataError
from convexnn.network.relu import ReLUNetwork, row_norms

__all__ = ["GivenAtoms", "atoms_response", "check_atoms", "neuron_lengths", "own_response"]

# Bytes of the responses of one block of atoms.
_BLOCK_BYTES = 2**24
_EPS = float(np.finfo(float).eps)


@dataclass(frozen=True)
class GivenAtoms:
    """Neurons (u_j, c_j) of any length, shapes (m, d) and (m,)."""

    normals: Floats
    offsets: Floats

    def fingerprint(self) -> str:
        """SHA-256 of the numbers."""
        digest = hashlib.sha256()
        for array in (self.normals, self.offsets):
            digest.update(np.ascontiguousarray(array, dtype="<f8").tobytes())
        return digest.hexdigest()


def check_atoms(atoms: Any, n_features: int) -> GivenAtoms:
    """Accept a pair (normals, offsets) or any object with these attributes.

    Raises
    ------
    DataError
        If shapes do not match or entries are not finite.
    """
    named = getattr(atoms, "normals", None), getattr(atoms, "offsets", None)
    pair = atoms if isinstance(atoms, tuple) else named
    if len(pair) != 2 or pair[0] is None or pair[1] is None:
        raise DataError(f"atoms is a {type(atoms).__name__}; expected (normals, offsets) or an object with both.")
    normals = check_points(pair[0], n_features=n_features, name="atoms.normals")
    if np.shape(pair[1]) != (len(normals),):
        raise DataError(f"atoms has {len(normals)} normals but offsets of shape {np.shape(pair[1])}.")
    offsets = check_points(np.reshape(pair[1], (-1, 1)), name="atoms.offsets")[:, 0]
    return GivenAtoms(normals, offsets)


def neuron_lengths(normals: Floats, offsets: Floats, norm: Norm, bias: Bias) -> Floats:
    """Lengths of hidden weights as the penalty counts them."""
    rows = np.hstack([normals, offsets[:, None]]) if bias == "penalized" else normals
    return row_norms(rows, norm)


def atoms_response(X: Floats, v: Floats, atoms: GivenAtoms, *, norm: Norm, bias: Bias) -> float:
    """Largest response to v (n, c) over the given atoms, each scaled to length one.

    An atom without weights is a constant and costs nothing; as 1'v = 0 it does not respond.
    """
    best = 0.0
    step = max(1, _BLOCK_BYTES // (8 * len(X)))
    lengths = neuron_lengths(atoms.normals, atoms.offsets, norm, bias)
    for start in range(0, len(lengths), step):
        part = slice(start, start + step)
        values = _responses(X, v, atoms.normals[part], atoms.offsets[part], norm)
        active = lengths[part] > 0
        best = max(best, float((values[active] / lengths[part][active]).max(initial=0.0)))
    return best


def _responses(X: Floats, v: Floats, normals: Floats, offsets: Floats, norm: Norm) -> Floats:
    """Response of each neuron as it is, (m,)."""
    hidden = X @ normals.T
    hidden += offsets
    np.maximum(hidden, 0.0, out=hidden)
    correlations = hidden.T @ v
    return np.abs(correlations).max(axis=1) if norm == "l1" else row_norms(correlations, "l2")


def own_response(X: Floats, v: Floats, network: ReLUNetwork, *, norm: Norm, bias: Bias) -> float:
    """Largest response among the neurons of a network: a lower bound on the largest of all.

    What may be rounding is subtracted, because a neuron of tiny weights and a large bias is hardly more than
    a constant, and dividing its rounded response by its length would find a violation where there is none.
    """
    W, b = network.hidden_weights, network.hidden_biases
    if network.n_neurons == 0:
        return 0.0
    sizes = np.abs(W).sum(axis=1) * np.abs(X).max() + np.abs(b)
    rounding = 64 * _EPS * float(np.abs(v).sum()) * sizes
    lengths = neuron_lengths(W, b, norm, bias)
    excess = _responses(X, v, W, b, norm) - rounding
    return float((excess[lengths > 0] / lengths[lengths > 0]).max(initial=0.0))
