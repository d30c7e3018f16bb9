"""Factors of class means: Pen and the projectors of the constructions, from one QR or SVD.

Letters of arXiv 2309.10370: X0red = means.T, Pen = (X0red^T X0red)^{-1} X0red^T, P = X0red Pen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular

from convexnn._types import Floats
from convexnn.exceptions import RankDeficientMeansError

__all__ = ["AffineFactor", "MeanFactor", "factor_centred_means", "factor_means"]

# Means count as dependent when their smallest singular value is below this multiple of max(M, Q) eps s_max.
_RANK_SLACK = 1e3


@dataclass(frozen=True)
class MeanFactor:
    """Thin QR of the class means, X0red = U T, from which Pen = T^{-1} U^T and P = U U^T.

    Attributes
    ----------
    basis : (M, Q) array
        U, orthonormal columns spanning the class means.
    triangle : (Q, Q) array
        T, upper triangular.
    singular_values : (Q,) array
        Of the means, largest first.
    """

    basis: Floats
    triangle: Floats
    singular_values: Floats

    @property
    def pen(self) -> Floats:
        """Pen[X0red], shape (Q, M): takes class mean j to the unit vector e_j."""
        return np.asarray(solve_triangular(self.triangle, self.basis.T))

    @property
    def projector(self) -> Floats:
        """P, shape (M, M): orthogonal projector onto the span of the class means."""
        return self.basis @ self.basis.T

    def coordinates(self, X: Floats) -> Floats:
        """Pen x for each row, shape (n, Q)."""
        return np.ascontiguousarray(solve_triangular(self.triangle, (X @ self.basis).T).T)


@dataclass(frozen=True)
class AffineFactor:
    """SVD of the class means about their barycentre, of rank Q - 1.

    Attributes
    ----------
    centre : (M,) array
        Mean of the class means.
    basis : (M, Q-1) array
        Orthonormal directions U of the affine hull of the means.
    singular_values : (Q-1,) array
    classes : (Q, Q-1) array
        V, with means - centre = V diag(s) U^T.
    """

    centre: Floats
    basis: Floats
    singular_values: Floats
    classes: Floats

    @property
    def pen(self) -> Floats:
        """Pseudo-inverse of the centred means, shape (Q, M): mean j goes to e_j - 1/Q."""
        return (self.classes / self.singular_values) @ self.basis.T

    def coordinates(self, X: Floats) -> Floats:
        """Pen (x - centre) for each row, shape (n, Q)."""
        return ((X - self.centre) @ self.basis) @ (self.classes / self.singular_values).T


def factor_means(means: Floats) -> MeanFactor:
    """QR of the class means (Q, M).

    Raises
    ------
    RankDeficientMeansError
        If they are dependent, in particular if Q > M.
    """
    q, m = means.shape
    if q > m:
        raise RankDeficientMeansError(
            f"{q} class means in {m} dimensions are dependent; this construction needs Q <= M. "
            "Use shallow_affine (Q <= M + 1), clamp_construct or sequential_construct."
        )
    basis, triangle = np.linalg.qr(means.T)
    s = np.linalg.svd(triangle, compute_uv=False)
    if not s[-1] > _RANK_SLACK * max(m, q) * np.finfo(float).eps * s[0]:
        raise RankDeficientMeansError(
            f"the class means are dependent: s_min / s_max = {s[-1] / max(s[0], 1e-300):.1e} "
            "(centred data and zero means always are). Use shallow_affine, which needs affine "
            "independence only."
        )
    return MeanFactor(basis, triangle, s)


def factor_centred_means(means: Floats) -> AffineFactor:
    """SVD of the class means (Q, M) about their barycentre.

    Raises
    ------
    RankDeficientMeansError
        If they are affinely dependent, in particular if Q > M + 1.
    """
    q, m = means.shape
    if q > m + 1:
        raise RankDeficientMeansError(
            f"{q} class means in {m} dimensions are affinely dependent; this construction needs Q <= M + 1. "
            "Use clamp_construct or sequential_construct."
        )
    centre = means[0] + (means - means[0]).mean(axis=0)
    v, s, ut = np.linalg.svd(means - centre, full_matrices=False)
    # An offset far larger than the distances leaves rounding noise of its own size in the means.
    noise = max(m, q) * np.finfo(float).eps * (_RANK_SLACK * s[0] + 8 * float(np.abs(centre).max()))
    if not s[q - 2] > noise:
        raise RankDeficientMeansError(
            f"the class means are affinely dependent: s_{q - 1} / s_max = "
            f"{s[q - 2] / max(s[0], 1e-300):.1e}. "
            "Merge classes of equal mean, or use clamp_construct or sequential_construct."
        )
    return AffineFactor(centre, ut[: q - 1].T, s[: q - 1], v[:, : q - 1])
