"""The proof: bound every response to a dual vector, scale it until it is feasible, and measure the gap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from convexnn._progress import Clock
from convexnn._types import ArrayLike, Bias, Floats, Ints, Norm
from convexnn.certificate.atoms import (
    GivenAtoms,
    atoms_response,
    correlations,
    neuron_lengths,
    neuron_penalties,
    own_response,
)
from convexnn.certificate.branch import Bracket, bracket, can_branch, refuse_rank
from convexnn.certificate.budget import OutOfTime, check_time
from convexnn.certificate.check import (
    Above,
    admissible,
    atoms_above,
    lower_bound,
    objective_above,
    response_above,
    scale_below,
)
from convexnn.certificate.dual import best_scale, dual_candidates
from convexnn.certificate.groups import groups_response
from convexnn.certificate.orders import Orders
from convexnn.certificate.record import Certificate, Method, Scope, as_given
from convexnn.certificate.response import (
    DISAGREE,
    network_scope_is_exact,
    refuse_work,
    response_work,
    strongest,
    sweep_seconds,
)
from convexnn.certificate.stationary import stationary_dual
from convexnn.exceptions import DictionarySizeError, ParameterError
from convexnn.geometry.frame import Frame, centre, make_frame
from convexnn.geometry.interactions import Interactions
from convexnn.losses import Loss
from convexnn.network.relu import ReLUNetwork

if TYPE_CHECKING:
    from convexnn.bounds.multipliers import PieceMultipliers

__all__ = ["MARGIN", "CertificateProblem", "branches_quickly", "prove"]

_EPS = float(np.finfo(float).eps)
# A bound by branch and bound is reported if the dual value is at least this share of the primal, or if the two
# bounds of the largest response agree to this share, as then only the network is to blame for the gap.
_USEFUL, _CLOSE = 0.5, 0.25
# If some neuron responds more than beta the gap is open whatever is proved: another tenth does not matter.
_SLACK = 0.1
# Share of the objective by which the bound that is published lies below the one that was computed. Whoever computes
# it again, with sums in another order, confirms it with half of that to spare.
MARGIN = 2.0**-44
# A quick branch and bound: the largest rank in which it mostly ends, row visits, relative gap wanted, and the gap from
# which on moments are tried as well.
_QUICK_RANK, _QUICK_WORK, _QUICK_TOL, _WIDE = 4, 30_000_000, 1e-2, 0.1
# That gap where all that is known may be tried, and the share of a time limit that branch and bound has then.
_NARROW, _TURN = 0.02, 0.5
_NO_TIME = "There was no time for a lower bound; certify(network, X, y, ..., time_limit=...) looks for one."
# Seconds of a moment bound where no limit is given.
_MOMENTS = 30.0
# Row visits and seconds of the first steps of a moment bound, per sample and squared order of its matrices.
_STEPS, _STEP_SECONDS = 10, 2e-7
# Share of a limit that is for finding multipliers; checking them takes little, and is done whatever the clock says.
_SHARE = 0.9
# Features from which on its matrices of their order are too large.
_MOST_FEATURES = 1000


@dataclass(frozen=True)
class CertificateProblem:
    """A network and the training problem it is compared with: arguments of `certify`, checked.

    Attributes
    ----------
    X : (n, d) array
        Samples of positive weight, in the order of `rows`.
    loss : Loss
        Bound to the targets of these samples.
    rows : (n,) array of int
        Their places among the `n_samples` that were given.
    scope : "network", "dictionary" or "none"
    dual_point : (n,) or (n, c) array, optional
        For these samples.
    claimed : float, optional
        A largest response that branch and bound only has to confirm.
    multipliers : sequence of sequence of PieceMultipliers, optional
        For each output those of a moment bound, over these samples.
    effort : "quick" or "full"
        Where no exact maximum is affordable: a little branch and bound, and moments where it ends with a wide gap; or
        branch and bound, and moments where it is not known.
    groups : Interactions, optional
        The networks of the problem are those whose neurons each see one of these groups of features.
    """

    network: ReLUNetwork
    X: Floats
    loss: Loss
    rows: Ints
    n_samples: int
    beta: float
    norm: Norm
    bias: Bias
    scope: Scope
    tol: float
    atoms: GivenAtoms | None
    dual_point: ArrayLike | None
    max_work: int
    n_jobs: int | None
    fingerprint: str
    clock: Clock
    claimed: float | None = None
    orders: Orders | None = None
    multipliers: Sequence[Sequence[PieceMultipliers]] | None = None
    effort: str = "full"
    groups: Interactions | None = None

    def frame(self) -> Frame:
        """Working coordinates of the samples."""
        if self.orders is None:
            return make_frame(self.X, norm=self.norm, bias=self.bias)
        return self.orders.frame(self.X, norm=self.norm, bias=self.bias)


@dataclass(frozen=True)
class _Reach:
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


def largest_response(q: CertificateProblem, v: Floats, correlated: Floats, penalty_share: float) -> _Reach:
    """Bound the responses in the scope of a problem.

    `penalty_share` is the part of the objective that is penalty: a response that is known to a share t bounds the
    objective to the share t times that part, plus t^2 of the rest.
    """
    own = own_response(q.X, v, q.network, correlated, norm=q.norm, bias=q.bias)
    if q.scope == "dictionary" and q.atoms is not None:
        largest = atoms_response(q.X, v, q.atoms, norm=q.norm, bias=q.bias, clock=q.clock)
        normals, offsets = q.atoms.normals, q.atoms.offsets
        lengths = neuron_lengths(normals, offsets, q.norm, q.bias)
        return _Reach("exact", "dictionary", atoms_above(q.X, v, normals, offsets, lengths, largest))
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
        return _Reach("none", note=_NO_TIME)
    why = refuse_work(frame, work, q.max_work) if exact else refuse_rank(frame)
    return _Reach("none", note=f"{str(why)[0].upper()}{str(why)[1:]}")


def _by_moments(q: CertificateProblem, v: Floats, own: float) -> _Reach:
    """What multipliers prove of the responses of all neurons."""
    # Imported here, so that the engine is no part of what the trusted module loads.
    from convexnn.certificate.lower_bound import moment_response

    assert q.multipliers is not None
    try:
        above = moment_response(q.X, v, q.multipliers, norm=q.norm, bias=q.bias)
    except ParameterError as error:
        return _Reach("none", note=f"The multipliers prove nothing: {error}")
    if own > above * (1 + 1e-9):
        return _Reach("none", note=DISAGREE)
    beta = q.beta if q.beta > 0 else 1.0
    count = sum(map(len, q.multipliers))
    note = f"Moments on {count} pieces: no neuron responds more than {above / beta:.7g} beta."
    return _Reach("moments", "network", above, note=note)


def _with_moments(problem: CertificateProblem) -> CertificateProblem:
    """The problem with a dual vector and multipliers of a moment bound, where nothing else proves a network scope."""
    q = problem
    if q.scope != "network" or q.multipliers is not None or not q.beta > 0 or q.clock.expired:
        return q
    if q.groups is not None:
        return q
    if q.X.shape[1] > _MOST_FEATURES:
        return q
    frame = q.frame()
    exact = network_scope_is_exact(frame) and response_work(frame, q.loss.y.shape[1]) <= q.max_work
    if exact or frame.rank == 0:
        return q
    # The first steps of the engine cannot be cut short: without the time, or the work, for them it is not begun.
    step = len(q.X) * (q.X.shape[1] + 2) ** 2
    if _STEPS * step > q.max_work or (q.clock.left is not None and q.clock.left < _STEP_SECONDS * step):
        return q

    from convexnn.certificate.lower_bound import lower_bound as moment_bound

    f = q.network.outputs(q.X)
    start = q.loss.nearest_dual(-q.loss.gradient(f), centred=q.bias is True) if q.loss.smooth else None
    found = moment_bound(
        q.X, q.loss.y, beta=q.beta, norm=q.norm, bias=q.bias, loss=q.loss.name,
        sample_weight=None if q.loss.weight is None else q.loss.weight[:, 0],
        time_limit=_MOMENTS if q.clock.left is None else _SHARE * q.clock.left,
        start=start, effort="quick" if q.effort == "quick" or q.clock.left is None else "full",
    )  # fmt: skip
    if not any(map(len, found.multipliers)):
        return q
    return replace(q, dual_point=found.dual_point, multipliers=found.multipliers)


def _swept(q: CertificateProblem, frame: Frame, v: Floats, own: float) -> _Reach:
    """The exact maximum."""
    best = strongest(frame, v, scope=q.scope, max_work=q.max_work, n_jobs=q.n_jobs, orders=q.orders, clock=q.clock)
    above = response_above(q.X, frame, v, best.value + best.error)
    # No neuron responds more than the best of all, so those of the network must not either.
    if not best.consistent or (best.network and own > above * (1 + 1e-9)):
        return _Reach("none", note=DISAGREE)
    return _Reach("exact", "network" if best.network else "dictionary", above)


def _over_groups(q: CertificateProblem, groups: Interactions, v: Floats, own: float) -> _Reach:
    """The exact maximum over the neurons that see one group of features."""
    best = groups_response(
        q.X, v, groups, norm=q.norm, bias=q.bias, scope=q.scope, max_work=q.max_work, n_jobs=q.n_jobs, clock=q.clock
    )
    if best.note or (best.network and own > best.above * (1 + 1e-9)):
        return _Reach("none", note=best.note or DISAGREE)
    return _Reach("exact", "network" if best.network else "dictionary", best.above)


def _branched(q: CertificateProblem, frame: Frame, v: Floats, own: float, penalty_share: float) -> _Reach:
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
        return _Reach("none", note=DISAGREE)
    return _Reach(
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


def prove(problem: CertificateProblem) -> Certificate:
    """The best certificate that the dual vectors of a problem give; scope "none" if none proves anything."""
    if problem.multipliers is not None or problem.claimed is not None or problem.scope != "network":
        return _prove(problem)
    quick = problem.effort == "quick"
    first = _prove(problem if quick else replace(problem, clock=_first_turn(problem)))
    if first.method == "exact" or first.holds or first.relative_gap <= (_WIDE if quick else _NARROW):
        return first
    with_moments = _with_moments(problem)
    if with_moments is problem:
        return first
    second = _prove(with_moments)
    return first if second.scope == "none" or (first.scope != "none" and first.gap <= second.gap) else second


def _first_turn(q: CertificateProblem) -> Clock:
    """The clock of exact maxima, which need all of it, or of branch and bound, which leaves some to moments."""
    if q.groups is not None or q.clock.left is None:
        return q.clock
    frame = q.frame()
    return q.clock if network_scope_is_exact(frame) or not can_branch(frame) else q.clock.part(_TURN)


def _prove(q: CertificateProblem) -> Certificate:
    """The best certificate by one method."""
    centred = q.bias is True
    f = q.network.outputs(q.X)
    penalties = (q.beta if q.beta > 0 else 1.0) * neuron_penalties(q.network, q.norm, q.bias)
    shift = centre(q.X)[1] if centred else np.zeros(q.X.shape[1])
    above = objective_above(q.network, q.X, q.loss, penalties, shift, centred=centred)
    if q.scope == "none":
        return _nothing(q, above.value, "No proof was asked for.")
    if q.loss.value_rounding(f) is None or q.loss.dual_rounding(np.zeros_like(f)) is None:
        return _nothing(q, above.value, f"loss={q.loss.name!r} does not say how far its values are rounded.")
    note = "There is no dual vector to start from; pass dual_point, as training returns it."
    best: Certificate | None = None

    def stationary() -> Floats | None:
        beta = q.beta if q.beta > 0 else 1.0
        return stationary_dual(q.loss, q.network, q.X, f, beta=beta, norm=q.norm, bias=q.bias)

    try:
        for v in dual_candidates(q.loss, f, centred=centred, given=q.dual_point, stationary=stationary):
            if q.multipliers is None:
                check_time(q.clock)
            found = _bound(q, above, admissible(q.loss, v, centred=centred))
            note = found.note
            if found.scope != "none" and (best is None or found.dual > best.dual):
                best = found
            if found.scope == "none" or found.holds:
                break
    except OutOfTime:
        note = "The time limit passed before the largest response was known."
    return _nothing(q, above.value, note) if best is None else best


def _bound(q: CertificateProblem, above: Above, v: Floats) -> Certificate:
    """The certificate that one dual vector gives."""
    beta = q.beta if q.beta > 0 else 1.0  # interpolation: the objective is the norm itself
    correlated = correlations(q.X, v, q.network.hidden_weights, q.network.hidden_biases, q.clock)
    share = above.penalty / above.value if 0 < above.value < np.inf else 1.0
    reach = largest_response(q, v, correlated, share)
    if reach.method == "none":
        return _nothing(q, above.value, reach.note)
    s = scale_below(q.loss, v, best_scale(q.loss, v, reach.response, beta), reach.response, beta)
    dual = lower_bound(q.loss, v, s, centred=q.bias is True)
    if reach.found is not None and not reach.close and not dual >= _USEFUL * above.value:
        note = "Branch and bound found no useful lower bound within its budget; raise max_work, or use fewer features."
        return _nothing(q, above.value, note)
    return _publish(q, reach, v, above.value, dual)


def _publish(q: CertificateProblem, reach: _Reach, v: Floats, primal: float, dual: float) -> Certificate:
    """The gap, and the fields that say what the numbers are about."""
    # No loss and no penalty is negative, so zero is a bound too.
    lower = max(0.0, dual - MARGIN * max(abs(dual), primal if primal < np.inf else 0.0))
    # The loss of the best network without neurons sets the size of rounding errors when the optimum itself is zero.
    constant = q.loss.value(np.broadcast_to(q.loss.best_constant(), q.loss.y.shape) * float(q.bias is True))
    size = max(primal, lower, 16 * _EPS * constant if np.isfinite(constant) else 0.0)
    # Weak duality holds for all networks; a bound on fewer networks may lie above this one.
    if not np.isfinite(dual) or (reach.scope == "network" and lower > primal):
        return _nothing(q, primal, DISAGREE)
    gap = max(0.0, primal - lower)
    relative = np.inf if primal == np.inf else gap / size if gap > 0 else 0.0
    atoms = q.atoms if reach.scope == "dictionary" else None
    point = np.zeros((q.n_samples, v.shape[1]))
    point[q.rows] = v
    pieces = q.multipliers if reach.method == "moments" else None
    return replace(
        _nothing(q, primal, reach.note),
        scope=reach.scope,
        method=reach.method,
        dual=lower,
        gap=gap,
        relative_gap=relative,
        holds=relative <= q.tol,
        response=reach.response,
        n_atoms=None if atoms is None else len(atoms.offsets),
        atoms=None if atoms is None else atoms.fingerprint(),
        dual_point=as_given(point),
        multipliers=None if pieces is None else tuple(map(tuple, pieces)),
    )


def _nothing(q: CertificateProblem, primal: float, note: str) -> Certificate:
    """The certificate that states the objective and claims nothing."""
    return Certificate(
        scope="none",
        primal=primal,
        dual=np.nan,
        gap=np.nan,
        relative_gap=np.nan,
        holds=False,
        tol=q.tol,
        beta=q.beta,
        norm=q.norm,
        bias=q.bias,
        loss=q.loss.name,
        response=np.nan,
        n_neurons=q.network.n_neurons,
        n_samples=q.n_samples,
        fingerprint=q.fingerprint,
        note=note,
        method="none",
        interaction_cst=None if q.groups is None else q.groups.spec,
    )
