"""Working coordinates of a data set: every theorem becomes "hyperplanes through r-1 rows".

A frame carries the samples in the coordinates in which hyperplanes are enumerated, and the way back.
It is chosen once per data set (MATHS: rank reduction is for the l2 norm only, because a rotation
changes the l1 norm).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.linalg import lapack

from convexnn._types import Bias, Floats, Norm
from convexnn.geometry.tolerance import INPUT, NOISE, SAME
from convexnn.network.activation import RELU, Activation

__all__ = ["Frame", "make_frame"]

# Largest share of rounding error in differences of samples that still counts as information.
_BLURRED = 1e-3


@dataclass(frozen=True)
class Frame:
    """Samples in working coordinates.

    Attributes
    ----------
    points : (n, r) array
        Samples, centred (if `affine`), reduced to their rank (l2 only), divided by `scale`: the largest
        entry before the reduction lies in [1, 2), unless all are zero.
    axes : (k, r) array
        Silent directions: the unit vectors for l1, none for l2.
    affine : bool
        True: hyperplanes pass through at least one sample and have a free offset (bias=True).
        False: hyperplanes pass through the origin.
    norm : "l1" or "l2"
        Norm in which a normal has length one.
    lift : (d, r) array
        A working normal u belongs to the normal ``lift @ u`` of the (augmented) input space; its columns
        are orthonormal, so the length of u does not change.
    shift : (d,) array
        What was subtracted from the samples.
    scale : float
        A power of two; working lengths times `scale` are input lengths.
    penalized : bool
        True if the last input coordinate is the constant 1 of a penalised bias.
    noise : float
        Rounding error that the input had already, in working units: large if the samples are much
        closer to each other than to the origin.
    activation : Activation
        What neurons do with x.u + c.
    """

    points: Floats
    axes: Floats
    affine: bool
    norm: Norm
    lift: Floats
    shift: Floats
    scale: float
    penalized: bool
    noise: float = NOISE
    activation: Activation = RELU

    @property
    def same(self) -> float:
        """Distance up to which rows coincide or lie on a hyperplane."""
        return max(SAME, self.noise)

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
        return self.activation.value(out, out=out)

    def to_input(self, normals: Floats, offsets: Floats) -> tuple[Floats, Floats]:
        """Hidden weights (m, d) and biases (m,) in the user's coordinates of unit-norm working neurons."""
        weights = normals @ self.lift.T
        biases = offsets * self.scale - weights @ self.shift
        if self.penalized:
            return np.ascontiguousarray(weights[:, :-1]), biases + weights[:, -1]
        return weights, biases


def make_frame(X: Floats, *, norm: Norm, bias: Bias) -> Frame:
    """Choose working coordinates for samples X (n, d).

    Directions in which all samples agree to 1e-10 of their size are dropped (l2 only): no neuron of
    unit length responds to them by more.
    """
    penalized = bias == "penalized"
    affine = bias is True
    points = np.hstack([X, np.ones((X.shape[0], 1))]) if penalized else X
    scale = size = _power_of_two(points)
    points = points / scale
    shift = np.zeros(points.shape[1])
    if affine:
        points, shift = _centre(points)
        if np.abs(points).max() < INPUT / _BLURRED:
            # What is left is the rounding error of the input: the samples are equal.
            points = np.zeros_like(points)
        inner = _power_of_two(points)
        points, shift, scale = points / inner, shift * scale, scale * inner
    lift = np.eye(points.shape[1])
    noise = max(NOISE, INPUT * (size / scale))
    if norm == "l2":
        points, lift = _reduce(points, lift, max(SAME, noise))
    axes = np.eye(points.shape[1]) if norm == "l1" else np.zeros((0, points.shape[1]))
    return Frame(
        points=np.ascontiguousarray(points),
        axes=axes,
        affine=affine,
        norm=norm,
        lift=lift,
        shift=shift,
        scale=scale,
        penalized=penalized,
        noise=noise,
    )


def _least_singular(triangle: Floats) -> float:
    """A lower bound on the least singular value: 1 / ||R^-1||_F, at a fraction of the cost of all of them."""
    inverse, failed = lapack.dtrtri(triangle)
    if failed:
        return 0.0
    with np.errstate(over="ignore", invalid="ignore"):
        size = float(np.linalg.norm(inverse))
    return 1.0 / size if 0.0 < size < np.inf else 0.0


def _power_of_two(points: Floats) -> float:
    """The power of two 2^k with 2^k <= max |entry| < 2^(k+1): dividing by it is exact."""
    largest = float(np.abs(points).max())
    return math.ldexp(1.0, math.frexp(largest)[1] - 1) if largest > 0 else 1.0


def _centre(points: Floats) -> tuple[Floats, Floats]:
    """Subtract the mean (in two passes, because the first one is rounded at the size of the mean)."""
    shift = points.mean(axis=0)
    # The mean of equal numbers need not be that number.
    constant = np.ptp(points, axis=0) == 0
    shift[constant] = points[0, constant]
    centred = points - shift
    rest = centred.mean(axis=0)
    return centred - rest, shift + rest


def _reduce(points: Floats, lift: Floats, same: float) -> tuple[Floats, Floats]:
    """Rotate onto the row space when its dimension is below d; leave full-rank data untouched."""
    n, d = points.shape
    triangle = np.asarray(np.linalg.qr(points, mode="r")) if n > d else points
    # Along any direction the largest of n entries is at least their root mean square.
    if n > d and _least_singular(triangle) > same * n**0.5:
        return points, lift
    _, _, vt = np.linalg.svd(triangle, full_matrices=False)
    rotated = points @ vt.T
    kept = np.abs(rotated).max(axis=0) > same
    if kept.sum() == d:
        return points, lift
    rotated = rotated[:, kept]
    # A row that lies in the dropped directions has no direction left but rounding noise.
    lost = np.abs(rotated).max(axis=1, initial=0.0) <= 1e-6 * np.abs(points).max(axis=1)
    rotated[lost] = 0.0
    return rotated, lift @ vt[kept].T
