"""The proof: choose what can be proved, bound every response, scale the dual vector, measure the gap."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import get_args

import numpy as np

from convexnn._checks import check_real
from convexnn._types import ArrayLike, Bias, Floats, Norm
from convexnn.certificate.atoms import (
    GivenAtoms,
    atoms_response,
    correlations,
    neuron_penalties,
    own_response,
)
from convexnn.certificate.dual import best_scale, dual_candidate, gap_of
from convexnn.certificate.record import Certificate, Scope
from convexnn.certificate.response import network_scope_is_exact, refuse_work, response_work, strongest
from convexnn.exceptions import ParameterError
from convexnn.geometry.frame import Frame, make_frame
from convexnn.losses import Loss
from convexnn.network.relu import ReLUNetwork

__all__ = ["Question", "prove"]

_EPS = float(np.finfo(float).eps)


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
    frame: Frame | None = None


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
    if scope != "auto":
        return question if scope == "dictionary" else replace(question, atoms=None)
    frame = make_frame(question.X, norm=question.norm, bias=question.bias)
    work = response_work(frame, question.loss.y.shape[1])
    if work <= question.max_work:
        exact = network_scope_is_exact(frame)
        return replace(question, scope="network" if exact else "dictionary", atoms=None, frame=frame)
    if question.atoms is not None:
        return replace(question, scope="dictionary")
    if question.searched is not None:
        return replace(question, scope="searched")
    raise refuse_work(frame, work, question.max_work)


def largest_response(question: Question, v: Floats, correlated: Floats) -> tuple[Scope, float, bool]:
    """The scope that is proved, the largest response in it, and whether all checks agreed."""
    q = question
    own = own_response(q.X, v, q.network, correlated, norm=q.norm, bias=q.bias)
    if q.scope == "searched":
        found = check_real("searched_response", q.searched, low=0.0)
        return "searched", max(found, own), True
    if q.atoms is not None:
        return "dictionary", atoms_response(q.X, v, q.atoms, norm=q.norm, bias=q.bias), True
    frame = make_frame(q.X, norm=q.norm, bias=q.bias) if q.frame is None else q.frame
    best = strongest(frame, v, scope=q.scope, max_work=q.max_work, n_jobs=q.n_jobs)
    if not best.network:
        return "dictionary", best.value, best.consistent
    # No neuron responds more than the best of all, so those of the network must not either.
    return "network", best.value, best.consistent and own <= best.value * (1 + 1e-9)


def prove(question: Question) -> Certificate:
    """Answer a question whose scope is chosen."""
    q, loss = question, question.loss
    f = q.network.outputs(q.X)
    beta = q.beta if q.beta > 0 else 1.0  # interpolation: the objective is the norm itself
    v = dual_candidate(loss, f, centred=q.bias is True, given=q.dual_point)
    correlated = correlations(q.X, v, q.network.hidden_weights, q.network.hidden_biases)
    scope, response, consistent = largest_response(q, v, correlated)
    s = best_scale(loss, v, response, beta)
    penalties = beta * neuron_penalties(q.network, q.norm, q.bias)
    primal, dual, gap = gap_of(loss, q.network, q.X, f, s * v, s * correlated, penalties)
    # The loss of the zero network sets the size of rounding errors when the optimum itself is zero.
    nothing = abs(loss.value(np.zeros_like(f)))
    size = max(abs(primal), abs(dual), 16 * _EPS * nothing if np.isfinite(nothing) else 0.0)
    # Weak duality holds for all networks; a bound on fewer networks may lie above this one.
    consistent &= scope != "network" or gap >= -1e-9 * size
    gap = max(gap, 0.0)
    relative = gap / size if gap > 0 else 0.0
    atoms = q.atoms
    return Certificate(
        scope=scope,
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
        response=response,
        n_neurons=q.network.n_neurons,
        n_samples=len(q.X),
        fingerprint=q.fingerprint,
        n_atoms=None if atoms is None else len(atoms.offsets),
        atoms=None if atoms is None else atoms.fingerprint(),
    )
