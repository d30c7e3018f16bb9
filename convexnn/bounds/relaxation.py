"""From data to proposals: coordinates, pieces, and how many of them the time allows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from convexnn._progress import Clock
from convexnn._types import Floats, Ints, Norm
from convexnn.bounds.features import MomentMaps
from convexnn.bounds.first_order import FirstOrder, FirstOrderParams
from convexnn.bounds.moment_problem import MomentProblem
from convexnn.bounds.moments import Interior, MomentParams
from convexnn.bounds.multipliers import PieceMultipliers
from convexnn.bounds.pieces import Piece, slices, split_binding
from convexnn.bounds.shapes import Found
from convexnn.bounds.smoothed import smoothed
from convexnn.losses import LOSSES, Loss

__all__ = ["BoundParams", "Proposal", "Relaxation", "binding", "improve"]

# Directions with singular values below this part of the largest are left to the certificate.
_RANK = 1e-12
# Reaches are rounded up by this part, so that the pieces cover what the certificate asks for.
_MARGIN = 1e-9


@dataclass(frozen=True)
class BoundParams:
    """Constants of the search for a bound.

    Attributes
    ----------
    slices : int
        Slices of the bias to begin with, for each output and sign.
    pieces : int
        Most pieces for each output.
    rounds, rounds_quick : int
        Most solutions, each with more pieces than the last.
    interior_step : float
        Largest n q^4 for moment matrices of order q, about the operations of an interior-point step on a piece, up to
        which that method is taken.
    many, samples : int
        More than `many` samples are searched by `samples` of them first.
    share : float
        Of the time for that.
    polish, polish_quick : tuple of float
        Smoothing with all samples afterwards.
    interior, interior_quick, first_order, first_order_quick :
        Constants of the methods for the two efforts.
    """

    slices: int = 4
    pieces: int = 160
    rounds: int = 40
    rounds_quick: int = 1
    interior_step: float = 1e6
    many: int = 10_000
    samples: int = 4000
    share: float = 0.5
    polish: tuple[float, ...] = (0.005, 0.002)
    polish_quick: tuple[float, ...] = (0.005,)
    interior: MomentParams = field(default_factory=lambda: MomentParams(stop=3e-4))
    interior_quick: MomentParams = field(default_factory=lambda: MomentParams(stop=3e-3))
    first_order: FirstOrderParams = field(default_factory=FirstOrderParams)
    first_order_quick: FirstOrderParams = field(
        default_factory=lambda: FirstOrderParams(widths=(0.05, 0.01), steps=50, single=(0.01,), rank=8)
    )


@dataclass(frozen=True)
class Proposal:
    """A dual vector (n, c), for each output the multipliers of all pieces, and the value of the relaxation."""

    v: Floats
    multipliers: tuple[tuple[PieceMultipliers, ...], ...]
    value: float


@dataclass(frozen=True)
class Relaxation:
    """The training problem as the engine needs it.

    Attributes
    ----------
    rows : (n, d) array
    loss : Loss
    beta : float
    norm : "l2" or "l1"
    bias : bool
        Whether biases are free.
    """

    rows: Floats
    loss: Loss
    beta: float
    norm: Norm
    bias: bool


@dataclass(frozen=True)
class _Scaled:
    """Rows in coordinates of their span, of length at most one, and the factor that was taken off."""

    rows: Floats
    reach: Floats
    factor: float

    def select(self, part: Ints) -> _Scaled:
        """Some of the samples in the same coordinates."""
        return _Scaled(self.rows[part], self.reach[part], self.factor)


def _scaled(relaxation: Relaxation) -> _Scaled | None:
    """None if all rows are zero."""
    X = relaxation.rows
    Z = X - X.mean(axis=0) if relaxation.bias else X
    size = np.abs(Z).max(axis=1) if relaxation.norm == "l1" else np.sqrt(np.square(Z).sum(axis=1))
    factor = float(size.max())
    if factor == 0.0:
        return None
    left, singular, _ = np.linalg.svd(Z / factor, full_matrices=False)
    kept = singular > _RANK * singular[0]
    return _Scaled(left[:, kept] * singular[kept], size / factor * (1.0 + _MARGIN), factor)


def improve(
    relaxation: Relaxation,
    *,
    effort: str,
    clock: Clock,
    start: Floats | None = None,
    keep_start: bool = False,
    params: BoundParams | None = None,
) -> Iterator[Proposal]:
    """Proposals: of few pieces for "quick"; for "full" pieces that bind are halved until the time is up.

    Many samples are searched by a part of them first, which finds the pieces and their moments.

    Parameters
    ----------
    start : (n, c) array, optional
        Another dual vector, for which multipliers are read off, too; the only one if `keep_start`.
    """
    params = BoundParams() if params is None else params
    scaled = _scaled(relaxation)
    if scaled is None:
        yield _without_features(relaxation)
        return
    pieces = slices(scaled.reach, params.slices if relaxation.bias else 0, relaxation.loss.y.shape[1])
    engine = _engine(relaxation, scaled, effort, params)
    if len(scaled.rows) > params.many and isinstance(engine, FirstOrder):
        rounds = _by_a_part(relaxation, scaled, pieces, engine, effort, clock, params)
    else:
        rounds = _rounds(relaxation, scaled, pieces, engine, effort, clock, params)
    for problem, found in rounds:
        if not keep_start:
            yield _raw_units(found, scaled, relaxation.loss.y.shape[1])
        if start is not None:
            yield _raw_units(found.at(problem, start), scaled, relaxation.loss.y.shape[1])


def _engine(relaxation: Relaxation, scaled: _Scaled, effort: str, params: BoundParams) -> FirstOrder | Interior:
    """An interior-point method where its steps are cheap or outputs meet in the loss, else a first-order method."""
    step = float(len(scaled.rows)) * (scaled.rows.shape[1] + 1 + int(relaxation.bias)) ** 4
    if step <= params.interior_step or not relaxation.loss.separable:
        return Interior(params.interior if effort == "full" else params.interior_quick)
    return FirstOrder(params.first_order if effort == "full" else params.first_order_quick)


def _rounds(
    relaxation: Relaxation,
    scaled: _Scaled,
    pieces: list[Piece],
    engine: FirstOrder | Interior,
    effort: str,
    clock: Clock,
    params: BoundParams,
) -> Iterator[tuple[MomentProblem, Found]]:
    """Solutions for more and more pieces."""
    rounds = params.rounds_quick if effort == "quick" else params.rounds
    for _ in range(rounds if relaxation.bias else 1):
        began = clock.seconds
        problem = _moment_problem(relaxation, scaled, pieces)
        last = engine.solve(problem, clock)
        yield problem, last
        per_piece = (clock.seconds - began) / len(pieces)
        pieces = split_binding(pieces, binding(last))
        # Without a limit the number of pieces is the budget, so that results do not depend on the machine.
        if len(pieces) > params.pieces * relaxation.loss.y.shape[1]:
            return
        if clock.left is not None and clock.left < per_piece * len(pieces) * engine.least:
            return


def _by_a_part(
    relaxation: Relaxation,
    scaled: _Scaled,
    pieces: list[Piece],
    engine: FirstOrder,
    effort: str,
    clock: Clock,
    params: BoundParams,
) -> Iterator[tuple[MomentProblem, Found]]:
    """Pieces and moments from some of the samples, then a few steps with all of them."""
    part = np.sort(np.random.default_rng(0).permutation(len(scaled.rows))[: params.samples])
    few = scaled.select(part)
    pieces = [replace(piece, reach=few.reach) for piece in pieces]
    limit = clock if clock.left is None else Clock(params.share * clock.left)
    small = _part_of(relaxation, part)
    for problem, _ in _rounds(small, few, pieces, engine, effort, limit, params):
        pieces = list(problem.pieces)
    engine.move_to_all(relaxation.beta / small.beta)
    pieces = [replace(piece, reach=scaled.reach) for piece in pieces]
    problem = _moment_problem(relaxation, scaled, pieces)
    yield problem, engine.solve(problem, clock, params.polish_quick if effort == "quick" else params.polish)


def binding(found: Found) -> Floats:
    """How much the ends of each slice hold the optimum back: their multiplier times weight and squared width."""
    each = [made for _, made in found.pieces]
    widths = np.array([made.k * (made.upper - made.lower) ** 2 for made in each])
    return np.asarray(found.weights * widths)


def _part_of(relaxation: Relaxation, part: Ints) -> Relaxation:
    """The problem over some of the samples, with a penalty in proportion."""
    loss = relaxation.loss
    weight = np.ones(len(loss.y)) if loss.weight is None else loss.weight[:, 0]
    share = float(weight[part].sum() / weight.sum())
    small = LOSSES[loss.name](loss.y[part], None if loss.weight is None else weight[part])
    return replace(relaxation, rows=relaxation.rows[part], loss=small, beta=relaxation.beta * share)


def _without_features(relaxation: Relaxation) -> Proposal:
    """The dual vector of the best constant, for rows that are all equal: every response is zero."""
    loss, zero = relaxation.loss, np.zeros(len(relaxation.rows))
    f = np.zeros_like(loss.y) + (loss.best_constant() if relaxation.bias else 0.0)
    v = loss.nearest_dual(-loss.gradient(f), centred=relaxation.bias)
    pieces = tuple(PieceMultipliers(sign, 0.0, 0.0, zero + 1.0, zero, zero, 0.0, 0.0) for sign in (1, -1))
    return Proposal(v, (pieces,) * v.shape[1], loss.value(f))


def _moment_problem(relaxation: Relaxation, scaled: _Scaled, pieces: list[Piece]) -> MomentProblem:
    rows = scaled.rows
    if relaxation.bias:
        rows = np.concatenate([rows, np.ones((len(rows), 1))], axis=1)
    c = relaxation.loss.y.shape[1]
    share = 1.0 if relaxation.norm == "l1" else 1.0 / np.sqrt(c)
    beta = np.full(c, relaxation.beta / scaled.factor * share)
    return MomentProblem(MomentMaps(rows), smoothed(relaxation.loss), beta, relaxation.bias, tuple(pieces))


def _raw_units(proposal: Found, scaled: _Scaled, n_outputs: int) -> Proposal:
    multipliers = tuple(
        tuple(made.rescaled(rows=scaled.factor, dual=1.0) for output, made in proposal.pieces if output == k)
        for k in range(n_outputs)
    )
    return Proposal(proposal.v, multipliers, proposal.value)
