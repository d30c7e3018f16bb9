"""The moment relaxation of training as one smooth function of factors of the moment matrices.

Without the mean outputs, which lie between two ends that the moments M_s = L_s'L_s give, the relaxation is

    min  loss(f) + sum_s beta A_s   over  f between  sum of the ends,  M_s >= 0,  tr C_s <= A_s,  slices.

The larger of the lower ends is smoothed by a logarithm of a sum of exponentials, the two constraints of a piece enter
as an augmented Lagrangian, and -tau log A keeps every piece alive, so that its moments answer to the dual vector even
where it is not needed. One evaluation costs O(n d r) for each piece, with r rows of L: factors as in Burer and
Monteiro, A nonlinear programming algorithm for solving semidefinite programs via low-rank factorization, 2003.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from convexnn._types import Floats
from convexnn.bounds.moment_problem import MomentProblem
from convexnn.bounds.pieces import Piece
from convexnn.bounds.shapes import Shape
from convexnn.bounds.smoothed import SmoothLoss

__all__ = ["Factors", "Lagrangian", "best_between"]

_TINY = 1e-300
# Bisections of an output between its ends.
_HALVINGS = 40


@dataclass(frozen=True)
class Factors:
    """A point: output intercepts (c,), factors (S, r, order), and multipliers (S,) of the constraints of each piece."""

    shift: Floats
    L: Floats
    omega: Floats
    k: Floats

    def packed(self) -> Floats:
        """Intercepts and factors as one vector."""
        return np.concatenate([self.shift, self.L.ravel()])

    def unpacked(self, x: Floats) -> Factors:
        """The point with intercepts and factors from a vector."""
        cut = len(self.shift)
        return Factors(x[:cut], x[cut:].reshape(self.L.shape), self.omega, self.k)

    @property
    def weights(self) -> Floats:
        """A of every piece."""
        return np.asarray(np.square(self.L[:, :, 0]).sum(axis=1))


@dataclass(frozen=True)
class _Range:
    """Ends of the mean outputs of one piece, and their derivatives.

    `shares` (3, n) are the weights of mean, -mean and the parabola in the smoothed largest of them, and `spread` (n,)
    the derivative of that by the unit of smoothing, which is `unit`.
    """

    Y: Floats
    mean: Floats
    second: Floats
    weight: float
    root: Floats
    shares: Floats
    unit: Floats
    spread: Floats
    low: Floats
    high: Floats


def _range(rows: Floats, piece: Piece, L: Floats, width: float) -> _Range:
    """The ends; the smoothed largest is below the largest by log 3 at most, in units of width sqrt(A q).

    So it is convex in the moments: the unit is concave, and what is smoothed falls with it.
    """
    a = L[:, 0]
    Y = rows @ L[:, 1:].T
    mean, second = Y @ a, np.einsum("ij,ij->i", Y, Y) + _TINY
    weight = float(a @ a) + _TINY
    root = np.sqrt(weight * second)
    unit = width * root + _TINY
    candidates = np.stack([mean, -mean, piece.tilt * mean + 2.0 * piece.width * second])
    top = candidates.max(axis=0)
    powers = np.maximum((candidates - top) / unit, -60.0)
    shares = np.exp(powers)
    total = shares.sum(axis=0)
    shares /= total
    log = np.log(total / 3.0)
    low = 0.5 * (mean + top + unit * log)
    spread = log - np.einsum("ij,ij->j", shares, powers)
    exact = np.where(piece.always, mean, 0.0)
    low, high = (np.where(piece.mid, end, exact) for end in (low, 0.5 * (mean + root)))
    return _Range(Y, mean, second, weight, root, shares, unit, spread, low, high)


def best_between(loss: SmoothLoss, low: Floats, high: Floats) -> Floats:
    """Outputs (n, c) of the least loss between two ends, entry by entry."""
    first, last = loss.gradient(low) >= 0, loss.gradient(high) <= 0
    f = np.where(first, low, high)
    inside = ~(first | last)
    if inside.any():
        left, right = low.copy(), high.copy()
        middle = np.clip(loss.y, low, high)
        for _ in range(_HALVINGS):
            slope = loss.gradient(middle)
            if not slope[inside].any():
                break
            left, right = np.where(slope < 0, middle, left), np.where(slope > 0, middle, right)
            middle = np.where(slope == 0, middle, 0.5 * (left + right))
        f = np.where(inside, middle, f)
    return f


class Lagrangian:
    """Value and gradient for a smoothing width, a barrier and the stiffness of the constraints.

    Parameters
    ----------
    problem : MomentProblem
        Whose loss is a sum over samples and outputs.
    width : float
        Smoothing over sqrt(A q).
    barrier : float
        tau.
    stiffness : (S,) array
        Of the augmented Lagrangian.
    """

    def __init__(self, problem: MomentProblem, width: float, barrier: float, stiffness: Floats) -> None:
        self._problem, self._width, self._barrier, self._stiffness = problem, width, barrier, stiffness

    def outputs(self, point: Factors) -> tuple[Floats, list[_Range]]:
        """Best outputs (n, c) between their ends, and the ranges of all pieces."""
        rows = self._problem.maps.rows
        ranges = [_range(rows, piece, L, self._width) for piece, L in zip(self._problem.pieces, point.L)]
        low = np.zeros((len(rows), len(point.shift))) + point.shift
        high = low.copy()
        for piece, found in zip(self._problem.pieces, ranges):
            ends = (found.low, found.high) if piece.sign > 0 else (-found.high, -found.low)
            low[:, piece.output] += ends[0]
            high[:, piece.output] += ends[1]
        return best_between(self._problem.loss, low, high), ranges

    def __call__(self, x: Floats, point: Factors) -> tuple[float, Floats]:
        """Value and gradient at the intercepts and factors x, with the multipliers of a point."""
        here = point.unpacked(x)
        f, ranges = self.outputs(here)
        slope = self._problem.loss.gradient(f)
        value, gradient = self._problem.loss.value(f), np.empty_like(here.L)
        for s, (piece, found) in enumerate(zip(self._problem.pieces, ranges)):
            gradient[s] = self._of_samples(piece, found, here.L[s], -piece.sign * slope[:, piece.output])
            value += float(self._problem.beta[piece.output]) * found.weight - self._barrier * np.log(found.weight)
            value += self._add_constraints(s, here, gradient[s])
        shift = slope.sum(axis=0) if self._problem.bias else np.zeros_like(here.shift)
        return value, np.concatenate([shift, gradient.ravel()])

    def _of_samples(self, piece: Piece, found: _Range, L: Floats, V: Floats) -> Floats:
        """Gradient by the factor of loss, penalty and barrier."""
        up, down = np.where(piece.mid, np.maximum(V, 0.0), 0.0), np.where(piece.mid, np.maximum(-V, 0.0), 0.0)
        first, last, curved = found.shares
        mean = 0.5 * (down * (1.0 + first - last + curved * piece.tilt) - up) - np.where(piece.always, V, 0.0)
        smooth = 0.25 * down * found.spread * found.unit
        second = down * curved * piece.width + (smooth - 0.25 * up * found.root) / found.second
        weight = float((smooth - 0.25 * up * found.root).sum()) / found.weight
        weight += float(self._problem.beta[piece.output]) - self._barrier / found.weight
        a, rows = L[:, 0], self._problem.maps.rows
        gradient = np.empty_like(L)
        gradient[:, 0] = found.Y.T @ mean + 2.0 * weight * a
        gradient[:, 1:] = np.outer(a, rows.T @ mean) + 2.0 * ((found.Y * second[:, None]).T @ rows)
        return gradient

    def _add_constraints(self, s: int, point: Factors, gradient: Floats) -> float:
        """Value of the augmented Lagrangian of a piece; its gradient is added."""
        L, stiff = point.L[s], float(self._stiffness[s])
        omega, k = self.multipliers(s, point)
        piece, bias = self._problem.pieces[s], self._problem.bias
        a, W = L[:, 0], L[:, 1:-1] if bias else L[:, 1:]
        (gradient[:, 1:-1] if bias else gradient[:, 1:])[...] += 2.0 * omega * W
        gradient[:, 0] -= 2.0 * omega * a
        value = omega * omega / (2.0 * stiff)
        if bias:
            low, high, b = piece.lower, piece.upper, L[:, -1]
            gradient[:, -1] += k * (2.0 * b - (low + high) * a)
            gradient[:, 0] += k * (2.0 * low * high * a - (low + high) * b)
            value += (0.5 * (high - low)) ** 4 * k * k / (2.0 * stiff)
        return value

    def multipliers(self, s: int, point: Factors) -> tuple[float, float]:
        """omega and k of a piece after a step of the method of multipliers."""
        L, piece, stiff = point.L[s], self._problem.pieces[s], float(self._stiffness[s])
        bias = self._problem.bias
        a, W = L[:, 0], L[:, 1:-1] if bias else L[:, 1:]
        omega = max(float(point.omega[s]) + stiff * float(np.square(W).sum() - a @ a), 0.0)
        if not bias:
            return omega, 0.0
        low, high, b = piece.lower, piece.upper, L[:, -1]
        # In units of the half width all slices are alike.
        outside = float(b @ b - (low + high) * (a @ b) + low * high * (a @ a)) / (0.5 * (high - low)) ** 4
        return omega, max(float(point.k[s]) + stiff * outside, 0.0)

    def updated(self, point: Factors) -> Factors:
        """The point with the multipliers of the method of multipliers."""
        each = np.array([self.multipliers(s, point) for s in range(len(point.L))])
        return Factors(point.shift, point.L, each[:, 0], each[:, 1])

    def shapes(self, point: Factors) -> tuple[Floats, list[Shape]]:
        """Minus the gradient of the loss (n, c), and the shapes of all pieces."""
        f, ranges = self.outputs(point)
        shapes = []
        for s, (piece, found) in enumerate(zip(self._problem.pieces, ranges)):
            first, last, curved = found.shares
            kappa = np.where(piece.mid, np.minimum(curved, 1.0), 0.0)
            slope = np.clip((first - last) / np.maximum(first + last, _TINY), -1.0, 1.0)
            steepness = 2.0 * found.weight / found.root
            shapes.append(Shape(steepness, kappa, slope, 2.0 * point.omega[s], 2.0 * point.k[s]))
        return -self._problem.loss.gradient(f), shapes
