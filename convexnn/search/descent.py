"""Joint local movement of all neurons: L-BFGS on weights, biases, output weights and intercept.

The only non-convex step of the package. It starts from a solution of the convex restricted problem and is kept only if
the objective falls, so it can improve the search but not spoil it.

At a minimum many samples lie on the hyperplanes of neurons, where the objective has kinks: quasi-Newton steps stall in
front of them. :func:`anneal` therefore first moves through ReLUs whose kink is rounded off over a width that falls to
zero; it goes uphill on the way and may start from random neurons.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import numpy as np
from scipy.optimize import minimize

from convexnn._progress import Clock
from convexnn._types import Bools, Floats, Ints
from convexnn.network.neurons import NeuronSet
from convexnn.network.relu import row_norms
from convexnn.restricted.problem import LassoProblem
from convexnn.search.forward_backward import make_forward_backward
from convexnn.search.lbfgs import minimise

__all__ = ["anneal", "descend"]


_GONE = 1e-100  # length of weights below which a neuron has left; squares of shorter ones vanish


class _Expired(Exception):
    """Raised inside the optimiser when the time is over."""


def descend(
    problem: LassoProblem, start: NeuronSet, *, max_iter: int, clock: Clock, tol: float = 1e-9, rough: bool = False
) -> NeuronSet:
    """Move all neurons downhill; the objective of the result is never above that of `start`.

    Parameters
    ----------
    problem : LassoProblem
    start : NeuronSet
        No coefficient row may be zero.
    max_iter : int
        L-BFGS iterations.
    clock : Clock
    tol : float
        Relative decrease per iteration at which to stop.
    rough : bool
        Compute in single precision, in half the time; for tolerances of 1e-7 or more.
    """
    if not len(start):
        return start
    layout = _Layout(problem, len(start), rough=rough, seen=problem.frame.visible(start.normals))
    moved = _minimise(layout, start, max_iter, clock, tol)
    return moved if problem.value_of(moved) < problem.value_of(start) else start


def anneal(
    problem: LassoProblem,
    start: NeuronSet,
    widths: Sequence[float],
    *,
    max_iter: int,
    clock: Clock,
    tol: float = 1e-7,
    rough: bool = False,
) -> NeuronSet:
    """Move all neurons through ReLUs that are rounded off less and less, and last through true ones.

    A neuron w is rounded off where |x.w + b| is below width * ||w|| * (root mean square of the points), so that the
    objective keeps its scaling symmetry. The result may be above `start` in the objective.

    Parameters
    ----------
    problem : LassoProblem
    start : NeuronSet
        No coefficient row may be zero.
    widths : sequence of float
        Falling; a last descent with true ReLUs follows.
    max_iter : int
        L-BFGS iterations per width.
    clock, tol, rough :
        As in :func:`descend`.
    """
    moved = start
    for width in (*widths, 0.0):
        if not len(moved) or clock.expired:
            break
        seen = problem.frame.visible(moved.normals)
        moved = _minimise(_Layout(problem, len(moved), width, rough=rough, seen=seen), moved, max_iter, clock, tol)
    return moved


def _minimise(layout: _Layout, start: NeuronSet, max_iter: int, clock: Clock, tol: float) -> NeuronSet:
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

    # A step may overflow in single precision; it is then too long like any other.
    with suppress(_Expired), np.errstate(over="ignore", invalid="ignore"):
        bounds = layout.bounds()
        if bounds is None:
            minimise(evaluate, layout.pack(start), max_iter=max_iter, tol=tol)
        else:
            minimize(
                evaluate, layout.pack(start), jac=True, method="L-BFGS-B", bounds=bounds,
                options={"maxiter": max_iter, "maxfun": 2 * max_iter, "maxcor": 8, "ftol": tol, "gtol": 0.0},
            )  # fmt: skip
    return layout.unpack(best)


class _Layout:
    """Flat parameters: W (m, r), b (m), a (m, c), t (c); l1 splits W and a into positive and negative parts.

    With a positive `width` every ReLU is rounded off around its kink. Weights that are not `seen` (m, r) are zero and
    stay so.
    """

    def __init__(
        self, problem: LassoProblem, m: int, width: float = 0.0, *, rough: bool = False, seen: Bools | None = None
    ) -> None:
        self._problem, self._seen = problem, seen
        points, self._c = problem.frame.points, problem.targets.shape[1]
        self._m, self._r = m, problem.frame.rank
        self._l1 = problem.norm == "l1"
        self._width = width * float(np.sqrt((points * points).mean()))
        self._passes = make_forward_backward(
            points, m, self._c, np.float32 if rough else np.float64,
            ones=problem.frame.affine, device=problem.device_for(m),
        )  # fmt: skip

    def pack(self, neurons: NeuronSet) -> Floats:
        root = np.sqrt(row_norms(neurons.coef, self._problem.norm))[:, None]
        W, b, a = neurons.normals * root, neurons.offsets * root[:, 0], neurons.coef / root
        parts = [W, a]
        if self._l1:
            parts = [np.maximum(W, 0), np.maximum(-W, 0), np.maximum(a, 0), np.maximum(-a, 0)]
        flat = [p.ravel() for p in parts]
        if self._problem.frame.affine:
            flat += [b, neurons.intercept]
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

    def value_and_gradient(self, x: Floats) -> tuple[float, Floats]:
        problem, m, r = self._problem, self._m, self._r
        beta, affine = problem.beta, problem.frame.affine
        W, a, b, t = self._parts(x)
        if self._l1:
            # Both parts together are smooth, and the norm where one of them is zero.
            parts = x[: 2 * m * r].reshape(2, m, r), x[2 * m * r : 2 * m * (r + self._c)].reshape(2, m, self._c)
            length, outer = (part.sum(axis=(0, 2)) for part in parts)
        else:
            length = row_norms(W, "l2")
        e = self._width * length if self._width else None
        f = self._passes.forward(np.column_stack([W, b]) if affine else W, a, e)
        if affine:
            f += t
        G = problem.loss.gradient(f)
        dW, da, de = self._passes.backward(G)
        if self._seen is not None:
            dW[:, :r] = np.where(self._seen, dW[:, :r], 0.0)
        stretch = self._width * de  # by the lengths
        value = problem.loss.value(f)
        if self._l1:
            value += 0.5 * beta * float(length @ length + outer @ outer)
            lw, la = (beta * length + stretch)[:, None], beta * outer[:, None]
            pieces = [lw + dW[:, :r], lw - dW[:, :r], la + da, la - da]
        else:
            value += 0.5 * beta * float(length @ length + np.vdot(a, a))
            direction = stretch / np.maximum(length, np.finfo(float).tiny)
            pieces = [dW[:, :r] + (beta + direction)[:, None] * W, da + beta * a]
        flat = [p.ravel() for p in pieces]
        if affine:
            flat += [dW[:, r], G.sum(axis=0)]
        return value, np.concatenate(flat)

    def _no_rows(self, m: int) -> Ints:
        return np.full((m, max(self._problem.frame.subset_size, 1)), -1, dtype=np.int64)

    def unpack(self, x: Floats) -> NeuronSet:
        W, a, b, t = self._parts(x)
        lengths = row_norms(W, self._problem.norm)
        outer = row_norms(a, self._problem.norm)
        keep = (lengths > _GONE) & (outer > _GONE)
        W, a, b, lengths = W[keep], a[keep], b[keep], lengths[keep]
        return NeuronSet(
            W / lengths[:, None], b / lengths, self._no_rows(len(b)), a * lengths[:, None], t.copy()
        )
