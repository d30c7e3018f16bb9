"""The proof: choose what can be proved, bound every response, scale the dual vector, measure the gap."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import get_args

import numpy as np

from convexnn._checks import check_real
from convexnn._progress import Clock
from convexnn._types import ArrayLike, Bias, Floats, Norm
from convexnn.certificate.atoms import (
    GivenAtoms,
    atoms_response,
    correlations,
    neuron_penalties,
    own_response,
)
from convexnn.certificate.branch import Bracket, bracket, can_branch, refuse_rank
from convexnn.certificate.dual import best_scale, dual_candidate, gap_of
from convexnn.certificate.orders import Orders
from convexnn.certificate.record import Certificate, Scope
from convexnn.certificate.response import network_scope_is_exact, refuse_work, response_work, strongest
from convexnn.exceptions import DictionarySizeError, ParameterError
from convexnn.geometry.frame import Frame, make_frame
from convexnn.losses import Loss
from convexnn.network.relu import ReLUNetwork

__all__ = ["Question", "prove"]

_EPS = float(np.finfo(float).eps)
# A bound by branch and bound is reported if the dual value is at least this share of the primal, or if the two
# bounds of the largest response agree to this share, as then only the network is to blame for the gap.
_USEFUL, _CLOSE = 0.5, 0.25
# If some neuron responds more than beta the gap is open whatever is proved: another tenth does not matter.
_SLACK = 0.1


@dataclass(frozen=True)
class Question:
    """A network and the training problem it is compared with; arguments of `certify`, checked."""

    network: ReLUNetwork
    X: Floats
    loss: Loss
    beta: float
    norm: Norm
    bias: Bias
    scope: str
    tol: float
    atoms: GivenAtoms | None
    dual_point: ArrayLike | None
    searched: float | None
    max_work: int
    n_jobs: int | None
    fingerprint: str
    time_limit: float | None = None
    claimed: float | None = None
    frame: Frame | None = None
    orders: Orders | None = None


@dataclass(frozen=True)
class _Reach:
    """What is known of the largest response: the scope that is proved and whether all checks agreed.

    `found` is the response of a neuron that branch and bound has met, None for other methods; `close` says that
    its two bounds are, so that a large gap is the network's.
    """

    scope: Scope
    response: float
    consistent: bool = True
    note: str = ""
    found: float | None = None
    close: bool = True


def choose_scope(question: Question) -> Question:
    """Resolve "auto" to the strongest scope that can be computed, and drop the atoms if it needs none.

    Raises
    ------
    ParameterError, DictionarySizeError
    """
    scope = question.scope
    if scope not in ("auto", *get_args(Scope)):
        raise ParameterError(f"scope={scope!r} is unknown; choose 'auto', 'network', 'dictionary' or 'searched'.")
    if scope == "searched" and question.searched is None:
        raise ParameterError("scope='searched' needs searched_response, the largest response that was found.")
    if scope == "dictionary":
        return question
    if scope == "searched":
        return replace(question, atoms=None)
    frame = _frame(question)
    work = response_work(frame, question.loss.y.shape[1])
    if scope == "network":
        if not can_branch(frame) and not network_scope_is_exact(frame):
            raise refuse_rank(frame)
        if not can_branch(frame) and work > question.max_work:
            raise refuse_work(frame, work, question.max_work)
        return replace(question, atoms=None, frame=frame)
    if work <= question.max_work:
        exact = network_scope_is_exact(frame)
        return replace(question, scope="network" if exact else "dictionary", atoms=None, frame=frame)
    if question.atoms is not None:
        return replace(question, scope="dictionary")
    if question.searched is not None:
        return replace(question, scope="searched")
    raise refuse_work(frame, work, question.max_work)


def _frame(q: Question) -> Frame:
    if q.orders is None:
        return make_frame(q.X, norm=q.norm, bias=q.bias)
    return q.orders.frame(q.X, norm=q.norm, bias=q.bias)


def largest_response(question: Question, v: Floats, correlated: Floats, penalty_share: float) -> _Reach:
    """Bound the responses in the scope of a question.

    `penalty_share` is the part of the objective that is penalty: a response that is known to a share t bounds the
    objective to the share t times that part, plus t^2 of the rest.
    """
    q = question
    own = own_response(q.X, v, q.network, correlated, norm=q.norm, bias=q.bias)
    if q.scope == "searched":
        found = check_real("searched_response", q.searched, low=0.0)
        return _Reach("searched", max(found, own))
    if q.atoms is not None:
        return _Reach("dictionary", atoms_response(q.X, v, q.atoms, norm=q.norm, bias=q.bias))
    frame = _frame(q) if q.frame is None else q.frame
    affordable = network_scope_is_exact(frame) and response_work(frame, v.shape[1]) <= q.max_work
    if q.scope == "network" and not affordable:
        return _branched(q, frame, v, own, penalty_share)
    best = strongest(frame, v, scope=q.scope, max_work=q.max_work, n_jobs=q.n_jobs, orders=q.orders)
    if not best.network:
        return _Reach("dictionary", best.value, best.consistent)
    # No neuron responds more than the best of all, so those of the network must not either.
    return _Reach("network", best.value, best.consistent and own <= best.value * (1 + 1e-9))


def _branched(q: Question, frame: Frame, v: Floats, own: float, penalty_share: float) -> _Reach:
    """Branch and bound, as far as the tolerance asks for and the budget allows."""
    beta = q.beta if q.beta > 0 else 1.0
    # Below this response the dual vector is not scaled down any more; interpolation scales always.
    wanted = 0.0 if q.loss.name == "interpolation" else best_scale(q.loss, v, 0.0, beta)
    floor = max(beta / wanted if wanted > 0 else 0.0, own)
    bounds = bracket(
        frame,
        v,
        floor=floor / frame.scale,
        tol=float(np.clip(min(0.5 * q.tol / max(penalty_share, 1e-12), 0.5 * np.sqrt(q.tol)), 1e-9, 0.1)),
        slack=_SLACK,
        goal=None if q.claimed is None else q.claimed / frame.scale,
        max_work=q.max_work,
        clock=Clock(q.time_limit),
    )
    upper, found = bounds.upper * frame.scale, max(bounds.lower * frame.scale, own)
    if q.claimed is not None and bounds.ended not in ("closed", "refuted"):
        raise DictionarySizeError(
            f"the bound of this certificate could not be confirmed with max_work={q.max_work:,}; raise it.",
            count=bounds.cones,
            budget=q.max_work,
        )
    return _Reach(
        scope="network",
        response=upper,
        consistent=own <= upper * (1 + 1e-9),
        note=_describe(bounds, upper / beta, found / beta),
        found=found,
        close=upper <= (1.0 + _CLOSE) * max(found, floor),
    )


def _describe(bounds: Bracket, upper: float, found: float) -> str:
    stopped = "" if bounds.ended == "closed" else f", stopped by its budget ({bounds.ended})"
    return (
        f"Branch and bound over {bounds.cones:,} cones{stopped}: no neuron responds more than "
        f"{upper:.7g} beta, and one responds {found:.7g} beta."
    )


def _without_bound(reach: _Reach, primal: float, dual: float, searched: float | None) -> _Reach | None:
    """What to claim instead where branch and bound found nothing of use, None where it did."""
    if reach.found is None or reach.close or dual >= _USEFUL * primal:
        return None
    found = max(reach.found, 0.0 if searched is None else check_real("searched_response", searched, low=0.0))
    note = "Branch and bound found no useful lower bound within its budget; raise max_work, or use fewer features."
    return _Reach("searched", found, reach.consistent, note)


def prove(question: Question) -> Certificate:
    """Answer a question whose scope is chosen."""
    q, loss = question, question.loss
    f = q.network.outputs(q.X)
    beta = q.beta if q.beta > 0 else 1.0  # interpolation: the objective is the norm itself
    v = dual_candidate(loss, f, centred=q.bias is True, given=q.dual_point)
    correlated = correlations(q.X, v, q.network.hidden_weights, q.network.hidden_biases)
    penalties = beta * neuron_penalties(q.network, q.norm, q.bias)
    value = loss.value(f) + float(penalties.sum())

    def measure(response: float) -> tuple[float, float, float]:
        s = best_scale(loss, v, response, beta)
        return gap_of(loss, q.network, q.X, f, s * v, s * correlated, penalties)

    reach = largest_response(q, v, correlated, float(penalties.sum()) / value if 0 < value < np.inf else 1.0)
    primal, dual, gap = measure(reach.response)
    weaker = _without_bound(reach, primal, dual, q.searched)
    if weaker is not None:
        reach = weaker
        primal, dual, gap = measure(reach.response)
    # The loss of the zero network sets the size of rounding errors when the optimum itself is zero.
    nothing = abs(loss.value(np.zeros_like(f)))
    size = max(abs(primal), abs(dual), 16 * _EPS * nothing if np.isfinite(nothing) else 0.0)
    # Weak duality holds for all networks; a bound on fewer networks may lie above this one.
    consistent = reach.consistent and (reach.scope != "network" or gap >= -1e-9 * size)
    gap = max(gap, 0.0)
    relative = gap / size if gap > 0 else 0.0
    atoms = q.atoms
    return Certificate(
        scope=reach.scope,
        primal=primal,
        dual=dual,
        gap=gap,
        relative_gap=relative,
        holds=bool(consistent and np.isfinite([primal, dual, relative]).all() and relative <= q.tol),
        tol=q.tol,
        beta=q.beta,
        norm=q.norm,
        bias=q.bias,
        loss=loss.name,
        response=reach.response,
        n_neurons=q.network.n_neurons,
        n_samples=len(q.X),
        fingerprint=q.fingerprint,
        n_atoms=None if atoms is None else len(atoms.offsets),
        atoms=None if atoms is None else atoms.fingerprint(),
        note=reach.note,
    )
