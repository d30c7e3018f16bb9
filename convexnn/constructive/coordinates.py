"""Working coordinates of the deep constructions, absorbed in the first layer.

In "simplex" and "whiten" coordinates the class means are the unit vectors, every angle condition holds,
and only the noise to signal ratio decides. "regression" lets the deviations choose the coordinates too.
"""

from __future__ import annotations

import numpy as np

from convexnn.constructive.classes import ClassData
from convexnn.constructive.cumulative import AffineMap
from convexnn.constructive.optimum import fit_affine
from convexnn.exceptions import ParameterError

__all__ = ["COORDINATES", "coordinate_map"]

COORDINATES = ("raw", "centred", "project", "whiten", "simplex", "regression")


def coordinate_map(data: ClassData, kind: str) -> AffineMap:
    """Map to working coordinates.

    Parameters
    ----------
    data : ClassData
    kind : str
        "raw" (x itself), "centred" (x minus the barycentre), "project" (U^T x, Q <= M), "whiten" (Pen x,
        means to e_j), "simplex" (Pen_c (x - centre) + 1/Q, means to e_j, translation invariant, Q <= M + 1),
        "regression" (the affine least-squares fit of the unit targets: directions with much noise count less, as
        in linear discriminant analysis).

    Raises
    ------
    RankDeficientMeansError
        If the means are not independent as the choice needs.
    """
    m, q = data.n_features, data.n_classes
    if kind == "raw":
        return AffineMap(np.eye(m), np.zeros(m))
    if kind == "centred":
        return AffineMap(np.eye(m), -data.means.mean(axis=0))
    if kind == "project":
        return AffineMap(data.factor.basis.T, np.zeros(q))
    if kind == "whiten":
        return AffineMap(data.factor.pen, np.zeros(q))
    if kind == "simplex":
        factor = data.affine_factor
        return AffineMap(factor.pen, 1.0 / q - factor.pen @ factor.centre)
    if kind == "regression":
        fit = fit_affine(data, np.eye(q), "samples")
        return AffineMap(fit.slope, fit.constant)
    raise ParameterError(f"coords={kind!r} is unknown; choose one of {', '.join(map(repr, COORDINATES))}.")
