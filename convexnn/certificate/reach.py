"""What is known of the largest response: by an exact sweep, by branch and bound, by groups, or by moments."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from convexnn._types import Floats
from convexnn.certificate.atoms import atoms_response, neuron_lengths, own_response
from convexnn.certificate.branch import Bracket, bracket, can_branch, refuse_rank
from convexnn.certificate.budget import check_time
from convexnn.certificate.check import atoms_above, response_above
from convexnn.certificate.dual import best_scale
from convexnn.certificate.groups import groups_response
from convexnn.certificate.problem import CertificateProblem
from convexnn.certificate.record import Method, Scope
from convexnn.certificate.response import (
    DISAGREE,
    network_scope_is_exact,
    refuse_work,
    response_work,
    strongest,
    sweep_seconds,
)
from convexnn.exceptions import DictionarySizeError, ParameterError
from convexnn.geometry.frame import Frame
from convexnn.geometry.interactions import Interactions

__all__ = ["MARGIN", "Reach", "branches_quickly", "largest_response"]

# If the two bounds of the largest response agree to this share, only the network is to blame for the gap.
_CLOSE = 0.25
# If some neuron responds more than beta the gap is open whatever is proved: another tenth does not matter.
_SLACK = 0.1
# Share of the objective by which the bound that is published lies below the one that was computed. Whoever computes
# it again, with sums in another order, confirms it with half of that to spare.
MARGIN = 2.0**-44
# A quick branch and bound: the largest rank in which it mostly ends, row visits, and relative gap wanted.
_QUICK_RANK, _QUICK_WORK, _QUICK_TOL = 4, 30_000_000, 1e-2
_NO_TIME = "There was no time for a lower bound; certify(network, X, y, ..., time_limit=...) looks for one."


@dataclass(frozen=True)
class Reach:
    """What is known of the largest response, and how; method "none" says in `note` why it is not.

    `found` is the response of a neuron that branch and bound has met, None for other methods; `close` says that
    its two bounds are, so that a large gap is the network's.
    """

    method: Method
    scope: Scope = "none"
    response: float = np.nan
    note: str = ""
    found: float | None = None
    close: bool = True


def branches_quickly(frame: Frame) -> bool:
    """Whether a little branch and bound mostly ends with a useful bound."""
    return can_branch(frame) and frame.rank <= _QUICK_RANK


def largest_response(q: CertificateProblem, v: Floats, correlated: Floats, penalty_share: float) -> Reach:
    """Bound the responses in the scope of a problem.

    `penalty_share` is the part of the objective that is penalty: a response that is known to a share t bounds the
    objective to the share t times that part, plus t^2 of the rest.
    """
    own = own_response(q.X, v, q.network, correlated, norm=q.norm, bias=q.bias)
    if q.scope == "dictionary" and q.atoms is not None:
        largest = atoms_response(q.X, v, q.atoms, norm=q.norm, bias=q.bias, clock=q.clock)
        normals, offsets = q.atoms.normals, q.atoms.offsets
        lengths = neuron_lengths(normals, offsets, q.norm, q.bias)
        return Reach("exact", "dictionary", atoms_above(q.X, v, normals, offsets, lengths, largest))
    if q.multipliers is not None:
        return _by_moments(q, v, own)
    if q.groups is not None:
        return _over_groups(q, q.groups, v, own)
    frame = q.frame()
    check_time(q.clock)
    work = response_work(frame, v.shape[1])
    exact = q.scope == "dictionary" or network_scope_is_exact(frame)
    quick = q.effort == "quick" and q.claimed is None
    branched = q.scope == "network" and (branches_quickly(frame) if quick else can_branch(frame))
    left = q.clock.left
    # Branch and bound may be stopped at any time and has a bound then; a sweep is of no use unless it ends.
    hurried = branched and frame.rank > 1 and left is not None and sweep_seconds(frame, v.shape[1]) > left
    if exact and work <= q.max_work and not hurried:
        return _swept(q, frame, v, own)
    if branched:
        return _branched(q, frame, v, own, penalty_share)
    if not exact and q.effort == "quick":
        return Reach("none", note=_NO_TIME)
    why = refuse_work(frame, work, q.max_work) if exact else refuse_rank(frame)
    return Reach("none", note=f"{str(why)[0].upper()}{str(why)[1:]}")


def _by_moments(q: CertificateProblem, v: Floats, own: float) -> Reach:
    """What multipliers prove of the responses of all neurons."""
    # Imported here, so that the engine is no part of what the trusted module loads.
    from convexnn.certificate.lower_bound import moment_response

    assert q.multipliers is not None
    try:
        above = moment_response(q.X, v, q.multipliers, norm=q.norm, bias=q.bias)
    except ParameterError as error:
        return Reach("none", note=f"The multipliers prove nothing: {error}")
    if own > above * (1 + 1e-9):
        return Reach("none", note=DISAGREE)
    beta = q.beta if q.beta > 0 else 1.0
    count = sum(map(len, q.multipliers))
    note = f"Moments on {count} pieces: no neuron responds more than {above / beta:.7g} beta."
    return Reach("moments", "network", above, note=note)


def _swept(q: CertificateProblem, frame: Frame, v: Floats, own: float) -> Reach:
    """The exact maximum."""
    best = strongest(frame, v, scope=q.scope, max_work=q.max_work, n_jobs=q.n_jobs, orders=q.orders, clock=q.clock)
    above = response_above(q.X, frame, v, best.value + best.error)
    # No neuron responds more than the best of all, so those of the network must not either.
    if not best.consistent or (best.network and own > above * (1 + 1e-9)):
        return Reach("none", note=DISAGREE)
    return Reach("exact", "network" if best.network else "dictionary", above)


def _over_groups(q: CertificateProblem, groups: Interactions, v: Floats, own: float) -> Reach:
    """The exact maximum over the neurons that see one group of features."""
    best = groups_response(
        q.X, v, groups, norm=q.norm, bias=q.bias, scope=q.scope, max_work=q.max_work, n_jobs=q.n_jobs, clock=q.clock
    )
    if best.note or (best.network and own > best.above * (1 + 1e-9)):
        return Reach("none", note=best.note or DISAGREE)
    return Reach("exact", "network" if best.network else "dictionary", best.above)


def _branched(q: CertificateProblem, frame: Frame, v: Floats, own: float, penalty_share: float) -> Reach:
    """Branch and bound, as far as the tolerance asks for and the budget allows."""
    beta = q.beta if q.beta > 0 else 1.0
    # Below this response the dual vector is not scaled down any more; interpolation scales always.
    wanted = 0.0 if q.loss.name == "interpolation" else best_scale(q.loss, v, 0.0, beta)
    floor = max(beta / wanted if wanted > 0 else 0.0, own)
    quick = q.effort == "quick" and q.claimed is None
    tol = max(q.tol, _QUICK_TOL) if quick else q.tol
    bounds = bracket(
        frame,
        v,
        floor=floor / frame.scale,
        tol=float(np.clip(min(0.5 * tol / max(penalty_share, 1e-12), 0.5 * np.sqrt(tol)), 1e-9, 0.1)),
        slack=_SLACK,
        goal=None if q.claimed is None else _goal(q.X, frame, v, q.claimed) / frame.scale,
        max_work=min(q.max_work, _QUICK_WORK) if quick else q.max_work,
        clock=q.clock,
    )
    upper = response_above(q.X, frame, v, bounds.upper * frame.scale)
    if q.claimed is None:
        # Room for whoever confirms this number with sums in another order.
        upper *= 1.0 + MARGIN
    elif bounds.ended == "closed":
        upper = q.claimed
    found = max(bounds.lower * frame.scale, own)
    if q.claimed is not None and bounds.ended not in ("closed", "refuted"):
        raise DictionarySizeError(
            f"the bound of this certificate could not be confirmed with max_work={q.max_work:,}; raise it.",
            count=bounds.cones,
            budget=q.max_work,
        )
    if own > upper * (1 + 1e-9):
        return Reach("none", note=DISAGREE)
    return Reach(
        method="branch",
        scope="network",
        response=upper,
        note=_describe(bounds, upper / beta, found / beta),
        found=found,
        # A claim that is refuted is answered with the numbers, whatever they are.
        close=q.claimed is not None or upper <= (1.0 + _CLOSE) * max(found, floor),
    )


def _goal(X: Floats, frame: Frame, v: Floats, claimed: float) -> float:
    """A response among working neurons from which :func:`response_above` makes at most the one that is claimed."""
    lost = response_above(X, frame, v, 0.0)
    goal = max(0.0, claimed - lost) * (1 - MARGIN / 4)
    excess = response_above(X, frame, v, goal) - claimed
    return goal if excess <= 0 else max(0.0, goal - 2 * excess)


def _describe(bounds: Bracket, upper: float, found: float) -> str:
    stopped = "" if bounds.ended == "closed" else f", stopped by its budget ({bounds.ended})"
    return (
        f"Branch and bound over {bounds.cones:,} cones{stopped}: no neuron responds more than "
        f"{upper:.7g} beta, and one responds {found:.7g} beta."
    )
