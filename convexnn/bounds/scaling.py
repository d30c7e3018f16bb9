"""Nesterov-Todd scalings of positive semidefinite matrices, and the longest steps that keep them positive.

For positive definite N and Z the scaling W is the matrix with W N W = Z: the geometric mean of Z and the inverse of
N. For order 2 it has a closed form, so that one matrix per sample costs a few products.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from scipy.linalg import eigvalsh, solve_triangular

from convexnn._types import Bools, Floats

__all__ = ["Pairs", "longest", "longest_matrix", "longest_pairs", "scaling_matrix", "scaling_pairs"]

# Matrices [[first, off], [off, last]] of many samples, as an array (3, n): first, off, last.
Pairs: TypeAlias = Floats


def determinant(N: Pairs) -> Floats:
    """Determinants (n,)."""
    return np.asarray(N[0] * N[2] - N[1] * N[1])


def scaling_pairs(N: Pairs, Z: Pairs) -> tuple[Pairs, Floats, Floats]:
    """W of every sample as a lower factor (l1, l2, l3) of W = L L', and the matrices W.

    The geometric mean of A and B of order 2, both of determinant one, is (A + B) / sqrt(det(A + B)).

    Returns
    -------
    W : (3, n) array
    L : (3, n) array
        l1, l2, l3 with L = [[l1, 0], [l2, l3]].
    inverse : (3, n) array
        Inverses of N.
    """
    dn, dz = determinant(N), determinant(Z)
    inverse = np.stack([N[2], -N[1], N[0]]) / dn
    total = Z / np.sqrt(dz) + inverse * np.sqrt(dn)
    W = total * (dz / dn) ** 0.25 / np.sqrt(determinant(total))
    first = np.sqrt(W[0])
    L = np.stack([first, W[1] / first, np.sqrt(determinant(W) / W[0])])
    return W, L, inverse


def longest_pairs(N: Pairs, step: Pairs, used: Bools) -> float:
    """Largest a <= 1 / small with N + a step positive definite for all samples used."""
    d = determinant(N)
    trace = (N[2] * step[0] + N[0] * step[2] - 2.0 * N[1] * step[1]) / d
    product = determinant(step) / d
    least = 0.5 * (trace - np.sqrt(np.maximum(trace * trace - 4.0 * product, 0.0)))
    worst = float(np.min(least[used], initial=0.0))
    return -1.0 / worst if worst < -1e-12 else 1e12


def longest(e: Floats, step: Floats) -> float:
    """Largest a with e + a step >= 0."""
    worst = float(np.min(step / e, initial=0.0))
    return -1.0 / worst if worst < -1e-12 else 1e12


def longest_matrix(L: Floats, step: Floats) -> float:
    """Largest a with L L' + a step positive semidefinite."""
    half = solve_triangular(L, step, lower=True)
    least = float(eigvalsh(solve_triangular(L, half.T, lower=True))[0])
    return -1.0 / least if least < -1e-12 else 1e12


def scaling_matrix(L: Floats, R: Floats) -> tuple[Floats, Floats]:
    """W with W M W = Z for M = L L' and Z = R R', and the inverse of M."""
    _, singular, Vt = np.linalg.svd(R.T @ L)
    inverse_factor = solve_triangular(L, np.eye(len(L)), lower=True)
    half = Vt @ inverse_factor
    return (half.T * singular) @ half, inverse_factor.T @ inverse_factor
