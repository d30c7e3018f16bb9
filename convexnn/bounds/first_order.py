"""A first-order method for the moment relaxation, for many samples and features, started again as pieces are halved.

L-BFGS on the factors of the moment matrices (:mod:`convexnn.bounds.lagrangian`), with smoothing and barrier that fall
and the method of multipliers in between.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from scipy.optimize import fmin_l_bfgs_b

from convexnn._progress import Clock
from convexnn._types import Floats
from convexnn.bounds.lagrangian import Factors, Lagrangian
from convexnn.bounds.moment_problem import MomentProblem, objective_of
from convexnn.bounds.multipliers import PieceMultipliers
from convexnn.bounds.pieces import Piece
from convexnn.bounds.shapes import Found, Shape, completed
from convexnn.bounds.single import alone

__all__ = ["FirstOrder", "FirstOrderParams"]

_EPS = float(np.finfo(float).eps)


@dataclass(frozen=True)
class FirstOrderParams:
    """Constants of the first-order method.

    Attributes
    ----------
    widths : tuple of float
        Smoothing of the lower ends over their size, from a cold start.
    again : tuple of float
        The same from a warm start.
    barrier : float
        Barrier of all pieces over the loss of the best constant at a smoothing of `full` and above; below it falls
        as the smoothing does.
    full : float
    stiffness : float
        Of the constraints of a piece, over penalty per weight.
    stiffness_single : float
        The same where one piece is fitted to a dual vector alone.
    steps : int
        L-BFGS steps for each smoothing.
    memory : int
        Pairs that L-BFGS keeps.
    rank : int
        Most rows of a factor.
    accurate : float
        A piece whose bound exceeds the penalty by this part tries other multipliers, too.
    single : tuple of float
        Smoothing where one piece is fitted to the dual vector alone.
    stir : float
        Random part of the factor that this begins with, over its size.
    stir_all : float
        The same at the beginning of each smoothing of all pieces.
    """

    widths: tuple[float, ...] = (0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001)
    again: tuple[float, ...] = (0.01, 0.005, 0.002, 0.001)
    barrier: float = 0.01
    full: float = 0.02
    stiffness: float = 0.3
    stiffness_single: float = 3.0
    steps: int = 100
    memory: int = 20
    rank: int = 8
    accurate: float = 5e-4
    single: tuple[float, ...] = (0.02, 0.005, 0.002)
    stir: float = 0.1
    stir_all: float = 0.03


class _Stop(Exception):
    """Raised inside L-BFGS where time is up, or where a step went so far that numbers overflow."""


def _lowest(
    function: Callable[[Floats], tuple[float, Floats]], x: Floats, params: FirstOrderParams, clock: Clock
) -> Floats:
    """The point of least value that L-BFGS meets until it ends or the time is up."""
    least, best = np.inf, x

    def watched(x: Floats) -> tuple[float, Floats]:
        nonlocal least, best
        with np.errstate(over="ignore", invalid="ignore"):
            value, gradient = function(x)
        if value < least:
            least, best = value, x.copy()
        if clock.expired or not (np.isfinite(value) and np.isfinite(gradient).all()):
            raise _Stop
        return value, gradient

    # Multipliers can be completed at any point, so that one that came too early is of use as well.
    with suppress(_Stop):
        fmin_l_bfgs_b(watched, x, m=params.memory, maxiter=params.steps, factr=1e-7 / _EPS, pgtol=1e-9)
    return best


def _stirred(L: Floats, share: float) -> Floats:
    """Factors (S, r, order) with a random part of a share of the weight, from a fixed seed.

    What moments have lost comes back slowly otherwise, as a gradient by a factor is small where the factor is.
    """
    sizes = np.sqrt(np.square(L[:, :, 0]).sum(axis=1) / L[0].size)
    noise = np.random.default_rng(0).standard_normal(L.shape)
    return np.asarray(L + share * sizes[:, None, None] * noise)


class FirstOrder:
    """Solves the relaxation for one set of pieces after another, each from the last.

    Parameters
    ----------
    params : FirstOrderParams
    """

    # A round that is cut short is of use as well.
    least = 0.3

    def __init__(self, params: FirstOrderParams) -> None:
        self._params = params
        self._point: Factors | None = None
        self._pieces: tuple[Piece, ...] = ()
        self._shapes: list[Shape] = []

    def solve(self, problem: MomentProblem, clock: Clock, widths: tuple[float, ...] | None = None) -> Found:
        """Go on from the last pieces, whose parts the new ones are, and read multipliers off.

        Parameters
        ----------
        widths : tuple of float, optional
            Of this call, in place of those of the parameters.
        """
        cold = self._point is None
        point = self._first(problem) if cold else self._inherited(problem)
        if widths is None:
            widths = self._params.widths if cold else self._params.again
        constant = problem.loss.value(np.zeros_like(problem.loss.y) + problem.loss.best_constant() * problem.bias)
        for width in widths:
            barrier = self._params.barrier * min(1.0, width / self._params.full) * constant / len(problem.pieces)
            point, lagrangian = self._stage(problem, point, width, barrier, clock)
            if clock.expired:
                break
        self._point, self._pieces = point, problem.pieces
        return self._read(problem, lagrangian, point)

    def _first(self, problem: MomentProblem) -> Factors:
        """Random factors of equal weight, of a fixed seed: any point of full rank would do."""
        order, count = problem.maps.order, len(problem.pieces)
        rank = min(self._params.rank, order)
        constant = problem.loss.value(np.zeros_like(problem.loss.y) + problem.loss.best_constant() * problem.bias)
        beta = np.array([problem.beta[piece.output] for piece in problem.pieces])
        weights = max(constant, 1e-300) / beta / count
        L = np.random.default_rng(0).standard_normal((count, rank, order)) * np.sqrt(weights / rank)[:, None, None]
        L[:, :, 1:] *= np.sqrt(0.5 / (order - 1))
        if problem.bias:
            middle = np.array([0.5 * (piece.lower + piece.upper) for piece in problem.pieces])
            L[:, :, -1] = middle[:, None] * L[:, :, 0]
        shift = problem.loss.best_constant() * float(problem.bias)
        return Factors(np.asarray(shift, dtype=np.float64), L, 0.5 * beta, np.zeros(count))

    def _inherited(self, problem: MomentProblem) -> Factors:
        """Each piece takes the moments of the piece that holds it, moved and shrunk into its slice."""
        last = self._point
        assert last is not None
        where = [_holder(self._pieces, piece) for piece in problem.pieces]
        parts = np.bincount(where, minlength=len(self._pieces))
        L = np.empty((len(where), *last.L.shape[1:]))
        for s, (piece, old) in enumerate(zip(problem.pieces, where)):
            L[s] = last.L[old] / np.sqrt(parts[old])
            parent = self._pieces[old]
            if parts[old] > 1:
                before, after = 0.5 * (parent.lower + parent.upper), 0.5 * (piece.lower + piece.upper)
                shrunk = (piece.upper - piece.lower) / (parent.upper - parent.lower)
                L[s, :, -1] = after * L[s, :, 0] + shrunk * (L[s, :, -1] - before * L[s, :, 0])
        self._shapes = [self._shapes[old] for old in where] if self._shapes else []
        return Factors(last.shift, L, last.omega[where], last.k[where])

    def move_to_all(self, factor: float) -> None:
        """Before other samples are used, whose penalty is `factor` times as large."""
        self._shapes = []
        if self._point is not None:
            here = self._point
            self._point = replace(here, omega=factor * here.omega, k=factor * here.k)

    def _stage(
        self, problem: MomentProblem, point: Factors, width: float, barrier: float, clock: Clock
    ) -> tuple[Factors, Lagrangian]:
        beta = np.array([problem.beta[piece.output] for piece in problem.pieces])
        stiffness = self._params.stiffness * beta / np.maximum(point.weights, 0.5 * barrier / beta)
        lagrangian = Lagrangian(problem, width, barrier, stiffness)
        point = replace(point, L=_stirred(point.L, self._params.stir_all))
        x = _lowest(partial(lagrangian, point=point), point.packed(), self._params, clock)
        return lagrangian.updated(point.unpacked(x)), lagrangian

    def _read(self, problem: MomentProblem, lagrangian: Lagrangian, point: Factors) -> Found:
        v, shapes = lagrangian.shapes(point)
        v = problem.loss.nearest_dual(v, centred=problem.bias)
        rows, bias = problem.maps.rows, problem.bias
        made: list[tuple[PieceMultipliers, float]] = []
        kept: list[Shape] = []
        for s, (piece, shape) in enumerate(zip(problem.pieces, shapes)):
            V = piece.sign * v[:, piece.output]
            found = completed(rows, piece, V, shape, bias=bias)
            limit = (1.0 + self._params.accurate) * float(problem.beta[piece.output])
            for other in self._others(problem, s, V, point, found[1], limit):
                older = completed(rows, piece, V, other, bias=bias)
                if older[1] < found[1]:
                    found, shape = older, other
                if found[1] <= limit:
                    break
            made.append(found)
            kept.append(replace(shape, omega=found[0].omega, k=found[0].k))
        self._shapes = kept
        value = objective_of(problem, lagrangian.outputs(point)[0], point.weights)
        pieces = [(piece.output, each) for piece, (each, _) in zip(problem.pieces, made)]
        return Found(v, pieces, np.array([bound for _, bound in made]), kept, point.weights, value)

    def _others(
        self, problem: MomentProblem, s: int, V: Floats, point: Factors, bound: float, limit: float
    ) -> Iterator[Shape]:
        """Other shapes of a piece whose bound is above a limit: what it had before, and what fits V alone."""
        if bound <= limit or not np.isfinite(bound):
            return
        if self._shapes:
            yield self._shapes[s]
        own = alone(problem, s, V, 1.5 * bound)
        weight = max(float(point.weights[s]), 1e-300)
        L = _stirred(point.L[s : s + 1] / np.sqrt(weight), self._params.stir)
        here = Factors(np.zeros(1), L, point.omega[[s]], point.k[[s]])
        for width in self._params.single:
            lagrangian = Lagrangian(own, width, 0.5 * bound, np.array([self._params.stiffness_single * bound]))
            x = _lowest(partial(lagrangian, point=here), here.packed(), self._params, Clock())
            here = lagrangian.updated(here.unpacked(x))
        yield lagrangian.shapes(here)[1][0]


def _holder(pieces: tuple[Piece, ...], part: Piece) -> int:
    """Index of the piece that holds a part."""
    for s, piece in enumerate(pieces):
        same = piece.output == part.output and piece.sign == part.sign
        if same and piece.lower <= part.lower and part.upper <= piece.upper:
            return s
    raise ValueError("A piece is no part of any earlier one.")
