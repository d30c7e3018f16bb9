"""Working coordinates of a data set: every theorem becomes "hyperplanes through r-1 rows".

A frame carries the samples in the coordinates in which hyperplanes are enumerated, and the way back.
It is chosen once per data set (MATHS: rank reduction is for the l2 norm only, because a rotation
changes the l1 norm).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from convexnn._types import Bias, Floats, Norm

__all__ = ["Frame", "make_frame"]


@dataclass(frozen=True)
class Frame:
    """Samples in working coordinates.

    Attributes
    ----------
    points : (n, r) array
        Samples, centred (if `affine`), reduced to their rank (l2 only), divided by `scale`.
    axes : (k, r) array
        Silent directions: the unit vectors for l1, none for l2.
    affine : bool
        True: hyperplanes pass through at least one sample and have a free offset (bias=True).
        False: hyperplanes pass through the origin.
    norm : "l1" or "l2"
        Norm in which a normal has length one.
    lift : (d, r) array
        A working normal u belongs to the normal ``lift @ u`` of the (augmented) input space.
    shift : (d,) array
        What was subtracted from the samples.
    scale : float
        A power of two; working lengths times `scale` are input lengths.
    penalized : bool
        True if the last input coordinate is the constant 1 of a penalised bias.
    """

    points: Floats
    axes: Floats
    affine: bool
    norm: Norm
    lift: Floats
    shift: Floats
    scale: float
    penalized: bool

    @property
    def n(self) -> int:
        """Number of samples."""
        return int(self.points.shape[0])

    @property
    def rank(self) -> int:
        """Dimension r of the working space."""
        return int(self.points.shape[1])

    @property
    def subset_size(self) -> int:
        """Number of rows that fix a hyperplane: r if affine, r - 1 if not."""
        return self.rank if self.affine else self.rank - 1

    def columns(self, normals: Floats, offsets: Floats) -> Floats:
        """Responses (x_i.u_j + c_j)_+ in working units, shape (n, m)."""
        out = self.points @ normals.T
        out += offsets
        return np.maximum(out, 0.0, out=out)

    def to_input(self, normals: Floats, offsets: Floats) -> tuple[Floats, Floats]:
        """Hidden weights (m, d) and biases (m,) in the user's coordinates of unit-norm working neurons."""
        weights = normals @ self.lift.T
        biases = offsets * self.scale - weights @ self.shift
        if self.penalized:
            return np.ascontiguousarray(weights[:, :-1]), biases + weights[:, -1]
        return weights, biases


def _power_of_two(value: float) -> float:
    return float(2.0 ** np.round(np.log2(value))) if value > 0 else 1.0


def make_frame(X: Floats, *, norm: Norm, bias: Bias) -> Frame:
    """Choose working coordinates for samples X (n, d)."""
    n = X.shape[0]
    penalized = bias == "penalized"
    affine = bias is True
    points = np.hstack([X, np.ones((n, 1))]) if penalized else X.copy()
    d = points.shape[1]
    scale = _power_of_two(float(np.abs(points).max()))
    points = points / scale
    shift = np.zeros(d)
    if affine:
        shift = points.mean(axis=0)
        points = points - shift
        # Centring leaves rounding noise of the size of eps * |mean|: a constant feature becomes exactly zero.
        points[:, np.ptp(X, axis=0) == 0] = 0.0
        inner = _power_of_two(float(np.abs(points).max()))
        points, shift, scale = points / inner, shift / inner, scale * inner
    lift = np.eye(d)
    if norm == "l2":
        points, lift = _reduce(points, lift)
    axes = np.eye(points.shape[1]) if norm == "l1" else np.zeros((0, points.shape[1]))
    return Frame(
        points=np.ascontiguousarray(points),
        axes=axes,
        affine=affine,
        norm=norm,
        lift=lift,
        shift=shift * scale,
        scale=scale,
        penalized=penalized,
    )


def _reduce(points: Floats, lift: Floats) -> tuple[Floats, Floats]:
    """Rotate onto the row space when its dimension is below d; leave full-rank data untouched."""
    _, s, vt = np.linalg.svd(points, full_matrices=False)
    tolerance = max(points.shape) * np.finfo(float).eps * (s[0] if s.size else 0.0) * 8
    rank = int((s > tolerance).sum())
    if rank == points.shape[1]:
        return points, lift
    basis = vt[:rank].T
    return points @ basis, lift @ basis
