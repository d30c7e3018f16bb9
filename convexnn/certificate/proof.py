"""The proof: bound every response to a dual vector, scale it until it is feasible, and measure the gap."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from convexnn._progress import Clock
from convexnn._types import Floats
from convexnn.certificate.atoms import correlations, neuron_penalties
from convexnn.certificate.branch import can_branch
from convexnn.certificate.budget import OutOfTime, check_time
from convexnn.certificate.check import Above, admissible, lower_bound, objective_above, scale_below
from convexnn.certificate.dual import best_scale, dual_candidates
from convexnn.certificate.problem import CertificateProblem
from convexnn.certificate.reach import MARGIN, Reach, largest_response
from convexnn.certificate.record import Certificate, as_given
from convexnn.certificate.response import DISAGREE, network_scope_is_exact, response_work
from convexnn.certificate.stationary import stationary_dual
from convexnn.geometry.frame import centre

__all__ = ["prove"]

_EPS = float(np.finfo(float).eps)
# A bound by branch and bound is reported if the dual value is at least this share of the primal.
_USEFUL = 0.5
# Relative gaps from which on moments are tried besides a little branch and bound, and besides all that is known; the
# share of a time limit that branch and bound has then.
_WIDE, _NARROW, _TURN = 0.1, 0.02, 0.5
# Seconds of a moment bound where no limit is given.
_MOMENTS = 30.0
# Row visits and seconds of the first steps of a moment bound, per sample and squared order of its matrices.
_STEPS, _STEP_SECONDS = 10, 2e-7
# Share of a limit that is for finding multipliers; checking them takes little, and is done whatever the clock says.
_SHARE = 0.9
# Features from which on its matrices of their order are too large.
_MOST_FEATURES = 1000


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


def _publish(q: CertificateProblem, reach: Reach, v: Floats, primal: float, dual: float) -> Certificate:
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
