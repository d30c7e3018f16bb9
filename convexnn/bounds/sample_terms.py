"""What one sample adds to the Newton equations of a piece: its mean output p lies between two ends.

For numbers t in [-L, H] with weight A, mean mu and second moment q (times the weight) the mean p of t_+ lies between
max(0, mu, (mu + g) / 2), g = (2 q + (L - H) mu) / (L + H), and (mu + sqrt(A q)) / 2. So three slacks are positive,

    e1 = p,   e2 = p - mu,   e3 = p - (1 + tilt) mu / 2 - width q,

and N = [[A, r], [r, q]], r = 2 p - mu, is positive semidefinite. Each has a multiplier.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from convexnn._types import Bools, Floats
from convexnn.bounds.pieces import Piece
from convexnn.bounds.scaling import Pairs, longest, longest_pairs, scaling_pairs

__all__ = ["SampleDuals", "SampleTerms", "sample_slacks", "sample_terms"]


def sample_slacks(piece: Piece, a: float, mean: Floats, second: Floats, p: Floats) -> tuple[Floats, Pairs]:
    """The slacks (3, n) and matrices N; ones and identities where the piece fixes the sign."""
    mid = piece.mid
    e = np.stack([p, p - mean, p - 0.5 * (1.0 + piece.tilt) * mean - piece.width * second])
    N = np.stack([np.full_like(p, a), 2.0 * p - mean, second])
    e[:, ~mid] = 1.0
    N[:, ~mid] = np.array([[1.0], [0.0], [1.0]])
    return e, N


@dataclass(frozen=True)
class SampleDuals:
    """Multipliers of the samples of one piece.

    Attributes
    ----------
    z : (3, n) array
        Of the slacks; one where the sign is fixed, and not used.
    Z : (3, n) array
        Of the matrices N; identity where the sign is fixed.
    """

    z: Floats
    Z: Pairs

    def product(self, e: Floats, N: Pairs, used: Bools) -> float:
        """Sum of slacks times multipliers over the samples used (a mask of 0 and 1)."""
        pairs = N[0] * self.Z[0] + 2.0 * N[1] * self.Z[1] + N[2] * self.Z[2]
        return float((e * self.z).sum(axis=0) @ used + pairs @ used)


@dataclass(frozen=True)
class SampleTerms:
    """Gradient of mu times the barrier, and scaled Hessian, per sample; zero where the piece fixes the sign.

    Attributes
    ----------
    gradient : (4, n) array
        By A, mu, q and p.
    pp : (n,) array
        Second derivative by p; one where the sign is fixed.
    cross : (3, n) array
        Mixed derivatives of p with A, mu and q.
    reduced : (6, n) array
        Second derivatives by AA, A mu, A q, mu mu, mu q, q q after p is eliminated.
    """

    piece: Piece
    duals: SampleDuals
    slacks: Floats
    pairs: Pairs
    scaling: Pairs
    inverse: Pairs
    pp: Floats
    cross: Floats
    reduced: Floats

    def targets(self, mu: float, second_order: SampleDuals) -> SampleDuals:
        """Multipliers that the Newton step aims at: mu over the slacks, less a correction of second order."""
        return SampleDuals(mu / self.slacks - second_order.z, mu * self.inverse - second_order.Z)

    def second_order(self, a: float, mean: Floats, second: Floats, p: Floats, duals: SampleDuals) -> SampleDuals:
        """Products of the predicted steps of slacks and multipliers, over the slacks (Mehrotra's correction)."""
        half, width = 0.5 * (1.0 + self.piece.tilt), self.piece.width
        de = np.stack([p, p - mean, p - half * mean - width * second])
        dN = np.stack([np.full_like(p, a), 2.0 * p - mean, second])
        return SampleDuals(de * duals.z / self.slacks, _symmetric_product(self.inverse, dN, duals.Z))

    def gradient(self, targets: SampleDuals) -> Floats:
        """Gradient (4, n) by A, mean, second moment and p of minus slacks times the targets."""
        w = self.piece.mid * targets.z
        ia, ir, iq = self.piece.mid * targets.Z
        half, width = 0.5 * (1.0 + self.piece.tilt), self.piece.width
        # d(-log det N) = -tr(N^-1 dN), and dr = 2 dp - dmu.
        return np.stack([-ia, w[1] + half * w[2] + 2.0 * ir, width * w[2] - iq, -w[0] - w[1] - w[2] - 4.0 * ir])

    def dual_step(self, a: float, mean: Floats, second: Floats, p: Floats, targets: SampleDuals) -> SampleDuals:
        """Step of the multipliers for a step of A, mean, second moment and p."""
        half, width, used = 0.5 * (1.0 + self.piece.tilt), self.piece.width, self.piece.mid
        de = np.stack([p, p - mean, p - half * mean - width * second])
        dz = used * (targets.z - self.duals.z * (1.0 + de / self.slacks))
        w0, w1, w2 = self.scaling
        dr = 2.0 * p - mean
        moved = np.stack(
            [
                w0 * w0 * a + 2.0 * w0 * w1 * dr + w1 * w1 * second,
                w0 * w1 * a + (w0 * w2 + w1 * w1) * dr + w1 * w2 * second,
                w1 * w1 * a + 2.0 * w1 * w2 * dr + w2 * w2 * second,
            ]
        )
        return SampleDuals(dz, used * (targets.Z - self.duals.Z - moved))

    def longest_steps(
        self, a: float, mean: Floats, second: Floats, p: Floats, duals: SampleDuals
    ) -> tuple[float, float]:
        """Longest steps that keep the slacks and the multipliers positive."""
        half, width, used = 0.5 * (1.0 + self.piece.tilt), self.piece.width, self.piece.mid
        de = np.where(used, np.stack([p, p - mean, p - half * mean - width * second]), 0.0)
        dN = np.where(used, np.stack([np.full_like(p, a), 2.0 * p - mean, second]), 0.0)
        primal = min(longest(self.slacks, de), longest_pairs(self.pairs, dN, used))
        return primal, min(longest(self.duals.z, duals.z), longest_pairs(self.duals.Z, duals.Z, used))


def _symmetric_product(A: Pairs, N: Pairs, Z: Pairs) -> Pairs:
    """Symmetric part of the products A N Z of matrices of order 2."""
    b = [[A[k] * N[0] + A[k + 1] * N[1], A[k] * N[1] + A[k + 1] * N[2]] for k in (0, 1)]
    first = b[0][0] * Z[0] + b[0][1] * Z[1]
    off = b[0][0] * Z[1] + b[0][1] * Z[2] + b[1][0] * Z[0] + b[1][1] * Z[1]
    return np.stack([first, 0.5 * off, b[1][0] * Z[1] + b[1][1] * Z[2]])


def sample_terms(
    piece: Piece, a: float, mean: Floats, second: Floats, p: Floats, duals: SampleDuals
) -> SampleTerms:
    """Scaled derivatives at a strictly feasible point.

    The Hessian is a sum of squares  sum_k s_k (g_k.(A, mu, q) + c_k p)^2. Eliminating p leaves
    sum_(k<l) s_k s_l (c_k g_l - c_l g_k)^2 / pp, a sum of squares again; subtracting would cancel near the ends.
    """
    e, N = sample_slacks(piece, a, mean, second, p)
    W, L, inverse = scaling_pairs(N, duals.Z)
    half, width, mid = 0.5 * (1.0 + piece.tilt), piece.width, piece.mid
    zero, one = np.zeros_like(p), np.ones_like(p)
    weights = list(mid * duals.z / e) + [mid * one, 2.0 * mid, mid * one]
    vectors = np.array(
        [
            [zero, zero, zero, one],
            [zero, -one, zero, one],
            [zero, -half, -width, one],
            [L[0] * L[0], -2.0 * L[0] * L[1], L[1] * L[1], 4.0 * L[0] * L[1]],
            [zero, -L[0] * L[2], L[1] * L[2], 2.0 * L[0] * L[2]],
            [zero, zero, L[2] * L[2], zero],
        ]
    )
    stacked = np.array(weights)
    pp = np.where(mid, (stacked * vectors[:, 3] ** 2).sum(axis=0), 1.0)
    cross = (stacked[:, None] * vectors[:, :3] * vectors[:, 3:]).sum(axis=0)
    first, second_of = np.triu_indices(6, 1)
    h = vectors[first, 3:] * vectors[second_of, :3] - vectors[second_of, 3:] * vectors[first, :3]
    share = stacked[first] * stacked[second_of] / pp
    j, k = np.triu_indices(3)
    reduced = np.stack([(share * h[:, a_] * h[:, b_]).sum(axis=0) for a_, b_ in zip(j, k)])
    return SampleTerms(piece, duals, e, N, W, inverse, pp, cross, reduced)
