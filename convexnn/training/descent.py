"""Joint local movement of all neurons: L-BFGS on weights, biases, output weights and intercept.

The only non-convex step of the package. It starts from a solution of the convex master and is kept only if
the objective falls, so it can improve the search but not spoil it.

At a minimum many samples lie on the hyperplanes of neurons, where the objective has kinks: quasi-Newton steps stall in
front of them. :func:`anneal` therefore first moves through ReLUs whose kink is rounded off over a width that falls to
zero; it goes uphill on the way and may start from random neurons.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from convexnn._native import core
from convexnn._progress import Clock
from convexnn._types import Floats
from convexnn.network.relu import row_norms
from convexnn.training.problem import LassoProblem

__all__ = ["Neurons", "anneal", "descend"]


_GONE = 1e-100  # length of weights below which a neuron has left; squares of shorter ones vanish


@dataclass(frozen=True)
class Neurons:
    """Unit neurons in working coordinates with coefficients.

    Attributes
    ----------
    normals : (m, r) array
    offsets : (m,) array
    z : (m, c) array
    t : (c,) array
    """

    normals: Floats
    offsets: Floats
    z: Floats
    t: Floats

    def __len__(self) -> int:
        return len(self.offsets)

    def select(self, which: np.ndarray) -> Neurons:
        """The neurons at the given indices or mask."""
        return Neurons(self.normals[which], self.offsets[which], self.z[which], self.t)

    def outputs(self, problem: LassoProblem) -> Floats:
        """Outputs (n, c) on the samples."""
        return np.asarray(problem.frame.columns(self.normals, self.offsets) @ self.z + self.t)

    def objective(self, problem: LassoProblem) -> float:
        """Working objective."""
        return problem.objective(self.outputs(problem), self.z)


def rounded_relu(S: Floats, e: Floats, slopes: Floats) -> None:
    """Replace the values S (n, m) by (s + e)^2 / 4e where |s| < e and by the ReLU elsewhere, in place.

    e (m,) are the half widths; the derivatives go to `slopes` (n, m).
    """
    core.round_forward(S, slopes, np.maximum(e, np.finfo(float).tiny))


def through_rounded_relu(D: Floats, slopes: Floats) -> Floats:
    """Turn derivatives D by the responses into those by the values, in place; return those by the half widths (m,)."""
    total = np.empty(D.shape[1])
    core.round_back(D, slopes, total)
    return total


class _Expired(Exception):
    """Raised inside the optimiser when the time is over."""


def descend(problem: LassoProblem, start: Neurons, *, max_iter: int, clock: Clock, tol: float = 1e-9) -> Neurons:
    """Move all neurons downhill; the objective of the result is never above that of `start`.

    Parameters
    ----------
    problem : LassoProblem
    start : Neurons
        No coefficient row may be zero.
    max_iter : int
        L-BFGS iterations.
    clock : Clock
    tol : float
        Relative decrease per iteration at which to stop.
    """
    if not len(start):
        return start
    moved = _minimise(_Layout(problem, len(start)), start, max_iter, clock, tol)
    return moved if moved.objective(problem) < start.objective(problem) else start


def anneal(
    problem: LassoProblem,
    start: Neurons,
    widths: Sequence[float],
    *,
    max_iter: int,
    clock: Clock,
    tol: float = 1e-7,
) -> Neurons:
    """Move all neurons through ReLUs that are rounded off less and less, and last through true ones.

    A neuron w is rounded off where |x.w + b| is below width * ||w|| * (root mean square of the points), so that the
    objective keeps its scaling symmetry. The result may be above `start` in the objective.

    Parameters
    ----------
    problem : LassoProblem
    start : Neurons
        No coefficient row may be zero.
    widths : sequence of float
        Falling; a last descent with true ReLUs follows.
    max_iter : int
        L-BFGS iterations per width.
    clock, tol :
        As in :func:`descend`.
    """
    moved = start
    for width in (*widths, 0.0):
        if not len(moved) or clock.expired:
            break
        moved = _minimise(_Layout(problem, len(moved), width), moved, max_iter, clock, tol)
    return moved


def _minimise(layout: _Layout, start: Neurons, max_iter: int, clock: Clock, tol: float) -> Neurons:
    """The lowest point that L-BFGS visits."""
    lowest, best = np.inf, layout.pack(start)

    def evaluate(x: Floats) -> tuple[float, Floats]:
        nonlocal lowest, best
        value, gradient = layout.value_and_gradient(x)
        if value < lowest:
            lowest, best = value, x.copy()
        if clock.expired:
            raise _Expired
        return value, gradient

    with suppress(_Expired):
        minimize(
            evaluate, layout.pack(start), jac=True, method="L-BFGS-B", bounds=layout.bounds(),
            options={"maxiter": max_iter, "maxfun": 2 * max_iter, "maxcor": 8, "ftol": tol, "gtol": 0.0},
        )  # fmt: skip
    return layout.unpack(best)


class _Layout:
    """Flat parameters: W (m, r), b (m), a (m, c), t (c); l1 splits W and a into positive and negative parts.

    With a positive `width` every ReLU is rounded off around its kink.
    """

    def __init__(self, problem: LassoProblem, m: int, width: float = 0.0) -> None:
        self._problem = problem
        n, self._c = problem.targets.shape
        self._m, self._r = m, problem.frame.rank
        self._l1 = problem.norm == "l1"
        self._ones = np.ones(n)
        points = problem.frame.points
        self._width = width * float(np.sqrt((points * points).mean()))
        # One place for all evaluations: fresh memory of this size costs more than the arithmetic.
        self._responses, self._slopes, self._back = (np.empty((n, m)) for _ in range(3))

    def pack(self, neurons: Neurons) -> Floats:
        root = np.sqrt(row_norms(neurons.z, self._problem.norm))[:, None]
        W, b, a = neurons.normals * root, neurons.offsets * root[:, 0], neurons.z / root
        parts = [W, a]
        if self._l1:
            parts = [np.maximum(W, 0), np.maximum(-W, 0), np.maximum(a, 0), np.maximum(-a, 0)]
        flat = [p.ravel() for p in parts]
        if self._problem.frame.affine:
            flat += [b, neurons.t]
        return np.concatenate(flat)

    def bounds(self) -> list[tuple[float | None, float | None]] | None:
        if not self._l1:
            return None
        signed = 2 * self._m * (self._r + self._c)
        free = self._m + self._c if self._problem.frame.affine else 0
        return [(0.0, None)] * signed + [(None, None)] * free

    def _parts(self, x: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        m, r, c = self._m, self._r, self._c
        if self._l1:
            W = (x[: m * r] - x[m * r : 2 * m * r]).reshape(m, r)
            rest = x[2 * m * r :]
            a, rest = (rest[: m * c] - rest[m * c : 2 * m * c]).reshape(m, c), rest[2 * m * c :]
        else:
            W, rest = x[: m * r].reshape(m, r), x[m * r :]
            a, rest = rest[: m * c].reshape(m, c), rest[m * c :]
        if self._problem.frame.affine:
            return W, a, rest[:m], rest[m:]
        return W, a, np.zeros(m), np.zeros(c)

    def _lengths(self, x: Floats, W: Floats) -> Floats:
        """Norms of the weights; for l1 of both parts together, which is smooth and the same where one part is zero."""
        if not self._l1:
            return row_norms(W, "l2")
        split = self._m * self._r
        return np.asarray((x[:split] + x[split : 2 * split]).reshape(self._m, self._r).sum(axis=1))

    def value_and_gradient(self, x: Floats) -> tuple[float, Floats]:
        problem = self._problem
        P, beta, affine = problem.frame.points, problem.beta, problem.frame.affine
        W, a, b, t = self._parts(x)
        H = np.matmul(P, W.T, out=self._responses)
        if affine:
            H += b
        length = self._lengths(x, W) if self._width else None
        if length is None:
            np.maximum(H, 0.0, out=H)
        else:
            rounded_relu(H, self._width * length, self._slopes)
        f = H @ a
        if affine:
            f += t
        value = problem.loss.value(f)
        G = problem.loss.gradient(f)
        da = H.T @ G
        D = np.multiply(G, a.T, out=self._back) if self._c == 1 else np.matmul(G, a.T, out=self._back)
        stretch = np.zeros((self._m, 1))
        if length is None:
            D *= np.greater(H, 0.0, out=self._slopes)
        else:
            stretch[:, 0] = self._width * through_rounded_relu(D, self._slopes)
        dW = D.T @ P
        if self._l1:
            m, r = self._m, self._r
            split = m * r
            lw = (x[:split] + x[split : 2 * split]).reshape(m, r).sum(axis=1, keepdims=True)
            A = x[2 * split : 2 * split + 2 * m * self._c].reshape(2, m, self._c)
            la = A.sum(axis=(0, 2))[:, None]
            value += 0.5 * beta * float((lw * lw).sum() + (la * la).sum())
            lw = beta * lw + stretch
            pieces = [lw + dW, lw - dW, beta * la + da, beta * la - da]
        else:
            value += 0.5 * beta * float((W * W).sum() + (a * a).sum())
            if length is not None:
                dW += W * (stretch / np.maximum(length, np.finfo(float).tiny)[:, None])
            pieces = [dW + beta * W, da + beta * a]
        flat = [p.ravel() for p in pieces]
        if affine:
            flat += [self._ones @ D, G.sum(axis=0)]
        return value, np.concatenate(flat)

    def unpack(self, x: Floats) -> Neurons:
        W, a, b, t = self._parts(x)
        lengths = row_norms(W, self._problem.norm)
        outer = row_norms(a, self._problem.norm)
        keep = (lengths > _GONE) & (outer > _GONE)
        W, a, b, lengths = W[keep], a[keep], b[keep], lengths[keep]
        return Neurons(W / lengths[:, None], b / lengths, a * lengths[:, None], t.copy())
