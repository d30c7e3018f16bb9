"""A proven lower bound of the training objective over all networks of any width, in any dimension.

Weak duality: any dual vector v in the domain of the conjugate, with sum zero if biases are free, and with all
responses of unit neurons at most beta, gives the bound -loss*(-v). An engine proposes v and multipliers; the response
is bounded by :mod:`convexnn.certificate.moments` alone, and v is scaled until it is feasible.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from convexnn._checks import check_bias, check_norm, check_points, check_real, check_targets
from convexnn._progress import Clock
from convexnn._types import ArrayLike, Bias, Floats, Norm
from convexnn.bounds.multipliers import PieceMultipliers
from convexnn.bounds.relaxation import BoundParams, Proposal, Relaxation, improve
from convexnn.bounds.rounding import exactly_centred
from convexnn.certificate.check import lower_bound as dual_below
from convexnn.certificate.moments import response_bound
from convexnn.exceptions import ParameterError
from convexnn.losses import LOSSES, Loss

__all__ = ["LowerBound", "beta_max_bound", "check_lower_bound", "lower_bound", "moment_response"]

_UNIT = 2.0**-53


@dataclass(frozen=True)
class LowerBound:
    """A bound and what proves it.

    Attributes
    ----------
    value : float
        No network of any width has a smaller training objective.
    dual_point : (n, c) array
        The dual vector before it is scaled by `scale`.
    multipliers : tuple of tuple of PieceMultipliers
        For each output those of all pieces, for features and dual vector as given.
    response : float
        Upper bound of the response of every unit neuron to `dual_point`.
    scale : float
        Factor that makes the dual vector feasible.
    relaxation_value : float
        Value of the relaxation, not proven: more steps cannot lift the bound above it, more pieces can.
    method : str
    """

    value: float
    dual_point: Floats
    multipliers: tuple[tuple[PieceMultipliers, ...], ...]
    response: float
    scale: float
    relaxation_value: float
    method: str = "moments"

    def relative_gap(self, objective: float) -> float:
        """How far an objective is at most above the best possible, relative to itself."""
        return (objective - self.value) / abs(objective) if objective else 0.0


def lower_bound(
    X: ArrayLike,
    y: ArrayLike,
    *,
    beta: float,
    norm: Norm = "l2",
    bias: Bias = True,
    loss: str = "squared_error",
    sample_weight: ArrayLike | None = None,
    time_limit: float | None = None,
    start: ArrayLike | None = None,
    effort: str = "quick",
    params: BoundParams | None = None,
) -> LowerBound:
    """Bound the training objective of every two-layer ReLU network from below.

    Parameters
    ----------
    X : (n, d) array
        Samples in rows.
    y : (n,) or (n, c) array
        Targets.
    beta, norm, bias, loss, sample_weight :
        As in :func:`convexnn.train`; beta must be positive.
    time_limit : float, optional
        Seconds. None gives 30 with effort="full" and no limit with "quick", which has a fixed number of pieces.
    start : (n,) or (n, c) array, optional
        A good dual vector, for instance minus the gradient of the loss at a searched network.
    effort : "quick" or "full"
        A few pieces to one percent, or more and more pieces until the time is up.
    params : BoundParams, optional
        Constants of the search for multipliers. The bound is valid whatever they are.

    Raises
    ------
    ParameterError, DataError
        If an argument is out of range.
    """
    problem = _Problem.checked(X, y, beta, norm, bias, loss, sample_weight)
    if effort not in ("quick", "full"):
        raise ParameterError(f"effort={effort!r}; expected 'quick' or 'full'.")
    clock = Clock(30.0 if time_limit is None and effort == "full" else time_limit)
    given = None if start is None else check_targets(start, len(problem.rows))
    if given is not None and given.shape != problem.loss.y.shape:
        raise ParameterError(f"start has shape {given.shape}; expected {problem.loss.y.shape}, one entry per target.")
    best = _at_zero(problem)
    if best.value >= _loss_at_best_constant(problem) * (1.0 - 1e-12):
        return best
    proposals = improve(problem.relaxation(), effort=effort, clock=clock, start=given, params=params)
    for v, multipliers, value in _sound(problem, proposals):
        found = _proved(problem, v, multipliers, value)
        if found.value > best.value:
            best = found
    return best


def _sound(
    problem: _Problem, proposals: Iterator[Proposal]
) -> Iterator[tuple[Floats, tuple[tuple[PieceMultipliers, ...], ...], float]]:
    """Proposals with sums that are exact, without those that rounding has spoilt: the engine is never trusted."""
    while True:
        try:
            # Where units differ by many powers of ten a step of the engine may overflow.
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                proposal = next(proposals, None)
        except ParameterError:
            raise
        except ValueError:  # of a factorisation: not positive definite, or not finite any more
            return
        if proposal is None:
            return
        numbers = [array for pieces in proposal.multipliers for piece in pieces for array in piece.numbers]
        if all(np.isfinite(array).all() for array in (proposal.v, *numbers)):
            yield (*problem.settled(proposal), proposal.value)


def check_lower_bound(
    X: ArrayLike,
    y: ArrayLike,
    bound: LowerBound,
    *,
    beta: float,
    norm: Norm = "l2",
    bias: Bias = True,
    loss: str = "squared_error",
    sample_weight: ArrayLike | None = None,
) -> float:
    """The lower bound that dual vector and multipliers prove, recomputed from the data.

    Parameters
    ----------
    X, y, beta, norm, bias, loss, sample_weight :
        As in :func:`lower_bound`.
    bound : LowerBound
        Only `dual_point`, `multipliers` and `scale` are read.

    Raises
    ------
    ParameterError
        If multipliers are out of range, the pieces leave neurons out, or the scaled dual vector is not feasible.
    """
    problem = _Problem.checked(X, y, beta, norm, bias, loss, sample_weight)
    response = problem.response(bound.dual_point, bound.multipliers)
    if not 0.0 <= bound.scale * response * (1.0 - 8.0 * _UNIT) <= problem.beta:
        raise ParameterError(
            f"The dual vector times {bound.scale:g} has a response of up to {bound.scale * response:g}; "
            f"expected at most beta={problem.beta:g}."
        )
    return _value(problem, bound.dual_point, bound.scale)


def beta_max_bound(
    X: ArrayLike,
    y: ArrayLike,
    *,
    norm: Norm = "l2",
    bias: Bias = True,
    loss: str = "squared_error",
    sample_weight: ArrayLike | None = None,
    time_limit: float | None = None,
    effort: str = "quick",
) -> float:
    """A penalty from which on no network is better than the best constant one, proved.

    It is an upper bound of the response of every neuron to minus the gradient of the loss at the best constant.

    Parameters
    ----------
    X, y, norm, bias, loss, sample_weight, time_limit, effort :
        As in :func:`lower_bound`.
    """
    problem = _Problem.checked(X, y, 1.0, norm, bias, loss, sample_weight)
    f = np.zeros_like(problem.loss.y)
    if problem.bias:
        f = f + problem.loss.best_constant()
    v = problem.loss.nearest_dual(-problem.loss.gradient(f), centred=problem.bias)
    if not v.any() :
        return 0.0
    # The response does not depend on the loss: targets v with squared errors have v as their gradient at zero.
    lengths = np.sqrt(np.square(problem.rows).sum(axis=1))
    best = math.inf
    beta = 0.25 * float(lengths @ np.sqrt(np.square(v).sum(axis=1)))
    for _ in range(3):
        other = _Problem(problem.rows, LOSSES["squared_error"](v), 0.95 * beta, problem.norm, problem.bias)
        clock = Clock(time_limit)
        proposals = improve(other.relaxation(), effort=effort, clock=clock, start=v, keep_start=True)
        for dual_point, multipliers, _ in _sound(other, proposals):
            best = min(best, other.response(dual_point, multipliers))
        beta = best
    return best


@dataclass(frozen=True)
class _Problem:
    """Checked data: rows (n, d) with a column of ones if biases are penalised, and whether biases are free."""

    rows: Floats
    loss: Loss
    beta: float
    norm: Norm
    bias: bool

    @classmethod
    def checked(
        cls,
        X: ArrayLike,
        y: ArrayLike,
        beta: float,
        norm: Norm,
        bias: Bias,
        loss: str,
        sample_weight: ArrayLike | None,
    ) -> _Problem:
        rows = check_points(X)
        targets = check_targets(y, len(rows))
        beta = check_real("beta", beta)
        if not beta > 0:
            raise ParameterError(f"beta={beta:g}; expected a positive penalty, without which the bound is zero.")
        norm, bias = check_norm(norm), check_bias(bias)
        LOSSES.check(loss)
        if bias == "penalized":
            rows = np.concatenate([rows, np.ones((len(rows), 1))], axis=1)
        return cls(rows, LOSSES[loss](targets, sample_weight), beta, norm, bias is True)

    def relaxation(self) -> Relaxation:
        return Relaxation(self.rows, self.loss, self.beta, self.norm, self.bias)

    def settled(self, proposal: Proposal) -> tuple[Floats, tuple[tuple[PieceMultipliers, ...], ...]]:
        """Dual vector with columns that sum to exactly zero if that is needed, and its multipliers."""
        v = proposal.v
        if self.bias:
            v = np.stack([exactly_centred(column) for column in v.T], axis=1)
        return v, proposal.multipliers

    def response(self, v: Floats, multipliers: Sequence[Sequence[PieceMultipliers]]) -> float:
        """Bound of the response of a unit neuron with a unit vector of output weights.

        For the l1 norm the largest of the outputs, for the l2 norm at most the root of the sum of squares.
        """
        each = [self._of_output(column, pieces) for column, pieces in zip(v.T, multipliers, strict=True)]
        if self.norm == "l1" or len(each) == 1:
            return max(each)
        return math.hypot(*each) * (1.0 + 4.0 * len(each) * _UNIT)


    def _of_output(self, v: Floats, pieces: Sequence[PieceMultipliers]) -> float:
        """In units, powers of two, in which nothing under- or overflows."""
        if not v.any():
            return 0.0
        rows, dual = (float(2.0 ** -int(np.frexp(np.abs(array).max())[1])) for array in (self.rows, v))
        scaled = [piece.rescaled(rows=rows, dual=dual) for piece in pieces]
        return response_bound(self.rows * rows, v * dual, scaled, bias=self.bias, norm=self.norm) / rows / dual


def _loss_at_best_constant(problem: _Problem) -> float:
    f = np.zeros_like(problem.loss.y)
    return problem.loss.value(f + problem.loss.best_constant() if problem.bias else f)


def _at_zero(problem: _Problem) -> LowerBound:
    """The bound of the zero dual vector, the infimum of the loss."""
    v = np.zeros_like(problem.loss.y)
    none: tuple[tuple[PieceMultipliers, ...], ...] = tuple(() for _ in v.T)
    return LowerBound(problem.loss.dual(v), v, none, 0.0, 1.0, problem.loss.dual(v))


def _proved(
    problem: _Problem, v: Floats, multipliers: tuple[tuple[PieceMultipliers, ...], ...], value: float
) -> LowerBound:
    response = problem.response(v, multipliers)
    # More than a few times the proposed vector is never needed, unless no response limits it.
    top = min(4.0, problem.beta / response * (1.0 - 4.0 * _UNIT)) if response > 0 else 4.0
    scale = _best_scale(problem, v, top)
    return LowerBound(_value(problem, v, scale), v, multipliers, response, scale, value)


def _best_scale(problem: _Problem, v: Floats, top: float) -> float:
    """The factor in [0, top] of the largest dual value, which is concave: golden sections, and two likely ones."""
    low, high = 0.0, top
    ratio = 0.5 * (math.sqrt(5.0) - 1.0)
    for _ in range(60):
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        if problem.loss.dual(left * v) < problem.loss.dual(right * v) and np.isfinite(problem.loss.dual(right * v)):
            low = left
        else:
            high = right
    tried = [low, min(1.0, top), top]
    return max(tried, key=lambda scale: problem.loss.dual(scale * v))


def _value(problem: _Problem, v: Floats, scale: float) -> float:
    """-loss*(-scale v), rounded down."""
    return dual_below(problem.loss, v, scale, centred=problem.bias)


def moment_response(
    X: Floats, v: Floats, multipliers: Sequence[Sequence[PieceMultipliers]], *, norm: Norm, bias: Bias
) -> float:
    """An upper bound of the response of every neuron of length one to v (n, c), from multipliers for each output.

    Raises
    ------
    ParameterError
        If multipliers are out of range, pieces leave neurons out, or outputs are missing.
    """
    if len(multipliers) != v.shape[1]:
        raise ParameterError(f"multipliers of {len(multipliers)} outputs for a dual vector of {v.shape[1]}.")
    rows = np.concatenate([X, np.ones((len(X), 1))], axis=1) if bias == "penalized" else X
    return _Problem(rows, LOSSES["squared_error"](v), 1.0, norm, bias is True).response(v, multipliers)
