"""The gated relaxation: neurons whose activation pattern is chosen freely, a lower bound of the ReLU program.

With patterns D_i the model is sum_i D_i X~ V_i. Without penalty it is a least-squares problem that no ReLU
network can beat; with the penalty its dual gives a lower bound for every beta.
"""

from __future__ import annotations

from itertools import combinations, product
from math import comb

import numpy as np

from convexnn._types import Bools, Floats, Norm
from convexnn.exceptions import ConstructionError

__all__ = ["all_patterns", "cover_count", "gated_least_squares", "gated_lower_bound", "sampled_patterns"]

_MAX_PATTERNS = 20_000


def cover_count(n: int, rank: int) -> int:
    """Number of activation patterns of n rows in general position in dimension `rank` (Cover's formula)."""
    return 2 * sum(comb(n - 1, k) for k in range(min(rank, n)))


def all_patterns(rows: Floats) -> Bools:
    """Every activation pattern 1[rows u > 0], shape (number, n), by the hyperplanes through rank - 1 rows.

    Raises
    ------
    ConstructionError
        If there are too many, or the rows are not in general position so that some may be missed.
    """
    n, r = rows.shape
    expected = cover_count(n, r)
    if expected > _MAX_PATTERNS:
        raise ConstructionError(f"{expected} activation patterns are more than {_MAX_PATTERNS}; use fewer samples.")
    found: set[bytes] = set()
    signs = list(product((False, True), repeat=r - 1))
    for subset in combinations(range(n), r - 1):
        on = list(subset)
        normal = np.linalg.svd(rows[on], full_matrices=True)[2][-1]
        pattern = rows @ normal > 0
        for sign in signs:
            pattern[on] = sign
            found.add(np.packbits(pattern).tobytes())
            found.add(np.packbits(~pattern).tobytes())
    if len(found) != expected:
        raise ConstructionError(
            f"found {len(found)} activation patterns where general position has {expected}; the samples are "
            "degenerate, "
            "so no complete list is claimed. Perturb them, or use sampled_patterns."
        )
    packed = np.array([np.frombuffer(entry, dtype=np.uint8) for entry in sorted(found)])
    return np.unpackbits(packed, axis=1, count=n).astype(bool)


def sampled_patterns(rows: Floats, number: int, random_state: int | None = 0) -> Bools:
    """Distinct patterns of random normals, the all-ones pattern first."""
    rng = np.random.default_rng(random_state)
    drawn = rows @ rng.standard_normal((rows.shape[1], number)) > 0
    return np.unique(np.vstack([np.ones((1, len(rows)), dtype=bool), drawn.T]), axis=0)[::-1]


def gated_least_squares(rows: Floats, wanted: Floats, patterns: Bools) -> float:
    """Half the least sum of squares of sum_i D_i rows V_i against the targets (n, c)."""
    features = (patterns.T[:, :, None] * rows[:, None, :]).reshape(len(rows), -1)
    # Only the column space matters; it has at most n dimensions.
    left, s, _ = np.linalg.svd(features, full_matrices=False)
    basis = left[:, s > s[0] * max(features.shape) * np.finfo(float).eps]
    residual = wanted - basis @ (basis.T @ wanted)
    return 0.5 * float((residual * residual).sum())


def _response(rows: Floats, residual: Floats, patterns: Bools, norm: Norm) -> float:
    """Largest dual norm of rows^T D_i residual over the patterns."""
    blocks = np.einsum("pn,nr,nc->prc", patterns.astype(np.float64), rows, residual, optimize=True)
    if norm == "l1":
        return float(np.abs(blocks).max())
    return float(np.linalg.norm(blocks, ord=2, axis=(1, 2)).max())


def _shrink(blocks: Floats, amount: float, norm: Norm) -> Floats:
    """Proximal map of the entrywise l1 norm, or of the nuclear norm of each block."""
    if norm == "l1":
        return np.asarray(np.sign(blocks) * np.maximum(np.abs(blocks) - amount, 0.0))
    u, s, vt = np.linalg.svd(blocks, full_matrices=False)
    return np.asarray((u * np.maximum(s - amount, 0.0)[:, None, :]) @ vt)


def gated_lower_bound(
    rows: Floats, wanted: Floats, patterns: Bools, beta: float, *, norm: Norm = "l2", n_steps: int = 300
) -> float:
    """Lower bound of min 1/2 |f - Y|^2 + beta sum_j ||w_j|| ||a_j|| over all networks on `rows`.

    Accelerated proximal gradient on the gated program; whatever residual R it ends with, the dual value
    s <R, Y> - s^2 |R|^2 / 2 with s = min(1, beta / max_i ||rows^T D_i R||) is a bound if `patterns` is
    complete.
    """
    gates = patterns.astype(np.float64)
    gram = np.einsum("pn,pm->nm", gates, gates) * (rows @ rows.T)
    step = 1.0 / float(np.linalg.eigvalsh(gram)[-1])
    blocks = np.zeros((len(patterns), rows.shape[1], wanted.shape[1]))
    moved, pace = blocks, 1.0
    best = -np.inf
    for k in range(n_steps):
        f = np.einsum("pn,nr,prc->nc", gates, rows, moved, optimize=True)
        residual = wanted - f
        if k % 10 == 0 or k == n_steps - 1:
            scale = min(1.0, beta / max(_response(rows, residual, patterns, norm), 1e-300))
            best = max(best, float(scale * (residual * wanted).sum() - 0.5 * scale**2 * (residual**2).sum()))
        slope = np.einsum("pn,nr,nc->prc", gates, rows, residual, optimize=True)
        fresh = _shrink(moved + step * slope, step * beta, norm)
        faster = 0.5 * (1.0 + np.sqrt(1.0 + 4.0 * pace * pace))
        moved = fresh + ((pace - 1.0) / faster) * (fresh - blocks)
        blocks, pace = fresh, faster
    return best
