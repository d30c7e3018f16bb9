"""The largest response among given atoms, for dictionaries that are sampled and not enumerated."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from convexnn._checks import check_points
from convexnn._progress import Clock
from convexnn._types import Bias, Floats, Norm
from convexnn.certificate.budget import check_time
from convexnn.certificate.line import hinge_correlations
from convexnn.exceptions import DataError
from convexnn.network.relu import ReLUNetwork, row_norms

__all__ = ["GivenAtoms", "atoms_response", "check_atoms", "correlations", "neuron_penalties", "own_response"]

# Bytes of the activations of one block of samples.
_BLOCK_BYTES = 2**24
# Activations beyond which sorting the samples of a line is faster than making them all.
_LINE = 65_536
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


def neuron_penalties(network: ReLUNetwork, norm: Norm, bias: Bias) -> Floats:
    """|w_j| |a_j| of each neuron (m,), as the penalty counts them."""
    inner = neuron_lengths(network.hidden_weights, network.hidden_biases, norm, bias)
    return inner * row_norms(network.output_weights, norm)


def atoms_response(
    X: Floats, v: Floats, atoms: GivenAtoms, *, norm: Norm, bias: Bias, clock: Clock | None = None
) -> float:
    """Largest response to v (n, c) over the given atoms, each scaled to length one.

    An atom without weights is a constant and costs nothing; as 1'v = 0 it does not respond.
    """
    lengths = neuron_lengths(atoms.normals, atoms.offsets, norm, bias)
    values = _over_outputs(correlations(X, v, atoms.normals, atoms.offsets, clock), norm)
    return float((values[lengths > 0] / lengths[lengths > 0]).max(initial=0.0))


def correlations(X: Floats, v: Floats, normals: Floats, offsets: Floats, clock: Clock | None = None) -> Floats:
    """K'v, shape (m, c), for neurons (X u_j + c_j)_+ as they are, in blocks of samples; OutOfTime ends it."""
    (n, d), m = X.shape, len(offsets)
    if d == 1 and n * m > _LINE:
        return hinge_correlations(X[:, 0], v, normals[:, 0], offsets)
    out = np.zeros((m, v.shape[1]))
    step = max(1, _BLOCK_BYTES // (8 * max(1, m)))
    for start in range(0, n, step):
        check_time(clock)
        hidden = X[start : start + step] @ normals.T
        hidden += offsets
        np.maximum(hidden, 0.0, out=hidden)
        out += hidden.T @ v[start : start + step]
    return out


def own_response(X: Floats, v: Floats, network: ReLUNetwork, correlated: Floats, *, norm: Norm, bias: Bias) -> float:
    """Largest response among the neurons of a network: a lower bound on the largest of all.

    `correlated` (m, c) is K'v. What may be rounding is subtracted, because a neuron of tiny weights and a
    large bias is hardly more than a constant, and dividing its rounded response by its length would find a
    violation where there is none.
    """
    W, b = network.hidden_weights, network.hidden_biases
    sizes = np.abs(W).sum(axis=1) * np.abs(X).max() + np.abs(b)
    rounding = 64 * _EPS * float(np.abs(v).sum()) * sizes
    lengths = neuron_lengths(W, b, norm, bias)
    excess = _over_outputs(correlated, norm) - rounding
    return float((excess[lengths > 0] / lengths[lengths > 0]).max(initial=0.0))


def _over_outputs(correlated: Floats, norm: Norm) -> Floats:
    """Response of each neuron (m,): largest entry (l1) or Euclidean length (l2) over the outputs."""
    return np.abs(correlated).max(axis=1) if norm == "l1" else row_norms(correlated, "l2")
