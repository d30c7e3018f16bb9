"""From data to proposals: coordinates, pieces, and how many of them the time allows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from convexnn._progress import Clock
from convexnn._types import Floats, Norm
from convexnn.bounds.features import MomentMaps
from convexnn.bounds.moment_problem import MomentProblem
from convexnn.bounds.moments import MomentParams, RawProposal, converged, propose
from convexnn.bounds.multipliers import PieceMultipliers
from convexnn.bounds.pieces import Piece, slices, split_binding
from convexnn.bounds.smoothed import smoothed
from convexnn.losses import Loss

__all__ = ["Proposal", "Relaxation", "binding", "improve"]

# Directions with singular values below this part of the largest are left to the certificate.
_RANK = 1e-12
# First number of slices, and the most for each output.
_FIRST, _MOST = 4, 160
# Reaches are rounded up by this part, so that the pieces cover what the certificate asks for.
_MARGIN = 1e-9


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
) -> Iterator[Proposal]:
    """Proposals: one of few pieces for "quick"; for "full" pieces that bind are halved until the time is up.

    Parameters
    ----------
    start : (n, c) array, optional
        Another dual vector, for which multipliers are read off, too; the only one if `keep_start`.
    """
    scaled = _scaled(relaxation)
    n_outputs = relaxation.loss.y.shape[1]
    if scaled is None:
        yield _without_features(relaxation)
        return
    params = MomentParams(stop=3e-3) if effort == "quick" else MomentParams(stop=3e-4)
    pieces = slices(scaled.reach, _FIRST if relaxation.bias else 0, n_outputs)
    while True:
        began = clock.seconds
        problem = _moment_problem(relaxation, scaled, pieces)
        last = propose(problem, converged(problem, params, clock))
        if not keep_start:
            yield _raw_units(last, scaled, n_outputs)
        if start is not None:
            yield _raw_units(last.at(problem, start), scaled, n_outputs)
        if effort == "quick" or not relaxation.bias:
            return
        pieces = split_binding(pieces, binding(last))
        per_piece = (clock.seconds - began) / len(last.pieces)
        # Without a limit the number of pieces is the budget, so that results do not depend on the machine.
        if len(pieces) > _MOST * n_outputs or (clock.left is not None and clock.left < per_piece * len(pieces)):
            return


def binding(proposal: RawProposal) -> Floats:
    """How much the ends of each slice hold the optimum back: their multiplier times weight and squared width."""
    return np.array(
        [
            here.x[0] * made.k * (made.upper - made.lower) ** 2
            for (_, made), here in zip(proposal.pieces, proposal.point.pieces)
        ]
    )


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


def _raw_units(proposal: RawProposal, scaled: _Scaled, n_outputs: int) -> Proposal:
    multipliers = tuple(
        tuple(made.rescaled(rows=scaled.factor, dual=1.0) for output, made in proposal.pieces if output == k)
        for k in range(n_outputs)
    )
    return Proposal(proposal.v, multipliers, proposal.value)
