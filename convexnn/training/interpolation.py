"""Minimum-norm interpolation: the limit beta -> 0 of training (Corollary 8).

    min over atoms of sum_j ||z_j||   subject to   K z (+ t) = y

An exact penalty turns the constraint into M |K z + t - y|: for M above the largest dual variable both problems
have the same solutions, and column generation needs no feasible start.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from convexnn._progress import Clock, Limits, Progress
from convexnn._types import Floats
from convexnn.dictionaries.sampled import draw_wedges
from convexnn.exceptions import InfeasibleError
from convexnn.losses import LOSSES
from convexnn.network.neurons import NeuronSet
from convexnn.oracles.base import Oracle
from convexnn.oracles.listed import ListedOracle
from convexnn.restricted.conic import ConicSolver
from convexnn.restricted.problem import LassoProblem
from convexnn.restricted.solution import Solution
from convexnn.restricted.status import Status
from convexnn.training.column_generation import generate
from convexnn.training.searching import SearchMethod

__all__ = ["check_consistent", "interpolate", "interpolate_searched"]

# The penalty M starts at this multiple of the scale of y / K and grows until the constraint is met.
_FIRST, _GROWTH, _TRIES = 1e3, 1e2, 3
_MET = 1e-6
# Where neurons are searched: shares of the largest response at which, of the time, of the samples as wedges besides.
_PENALTIES, _SEARCHED, _WEDGES = (1e-2, 1e-3), 0.5, 4
# Relative gap over offered neurons that is good enough.
_LOOSE = 1e-4


def check_consistent(X: Floats, Y: Floats) -> None:
    """Raise InfeasibleError if two samples have the same inputs but different targets, naming them."""
    order = np.lexsort(X.T)
    same = (X[order[1:]] == X[order[:-1]]).all(axis=1)
    clash = np.flatnonzero(same & (Y[order[1:]] != Y[order[:-1]]).any(axis=1))
    if len(clash):
        i, j = sorted((int(order[clash[0]]), int(order[clash[0] + 1])))
        raise InfeasibleError(
            f"rows {i} and {j} have equal inputs but targets {Y[i].tolist()} and {Y[j].tolist()}; exact interpolation "
            f"is impossible ({len(clash)} such pairs). Use beta > 0, or drop the contradicting rows."
        )


def interpolate(problem: LassoProblem, oracle: Oracle, solver: str, limits: Limits) -> Solution:
    """Solve with the exact penalty and restore the constraint to rounding.

    Raises
    ------
    InfeasibleError
        If no network over the searched atoms interpolates, naming the rows that stay apart.
    """
    size = float(np.abs(problem.targets).max())
    if size == 0.0:
        size = 1.0
    targets = problem.targets / size
    weight = _FIRST
    for _ in range(_TRIES):
        loss = LOSSES["quantile(0.5)"](targets, np.full(len(targets), 2.0 * weight))
        # The objective is a norm, so it scales like y / x; reports multiply by the square of `y_scale`.
        unit = float(np.sqrt(size * problem.y_scale / problem.frame.scale))
        bent = replace(problem, loss=loss, beta=1.0, loss_name="quantile(0.5)", y_scale=unit)
        conic = ConicSolver(bent, "clarabel" if solver in ("auto", "native") else solver)
        found = generate(bent, oracle, conic, limits)
        neurons = found.neurons
        columns = problem.frame.columns(neurons.normals, neurons.offsets)
        apart = np.abs(columns @ neurons.coef + neurons.intercept - targets).max(axis=1)
        if apart.max() <= _MET or limits.clock.expired:
            break
        weight *= _GROWTH
    else:
        rows = np.flatnonzero(apart > _MET)
        named = ", ".join(str(int(i)) for i in rows[:5])
        raise InfeasibleError(
            f"no network over the searched neurons interpolates: {len(rows)} rows stay apart (first {named}), by up to "
            f"{apart.max() * size:.3g}. Use bias=True, a small beta > 0, or more features."
        )
    z, t = _restore(columns, neurons.coef, neurons.intercept, targets, problem.intercept)
    value = problem.penalty(z) * size
    trace = tuple(bent.to_input_progress(state) for state in found.trace)
    return replace(found, neurons=neurons.with_coef(z * size, t * size), primal=value, trace=trace)


def interpolate_searched(
    problem: LassoProblem, search: SearchMethod, solver: str, limits: Limits, random_state: int
) -> Solution:
    """An interpolating network of small norm where the dictionary cannot be enumerated; nothing is proved.

    Searches at falling penalties offer neurons; together with random wedges, enough to interpolate, they are the
    dictionary over which the norm is least.

    Raises
    ------
    InfeasibleError
        As :func:`interpolate`.
    """
    frame = problem.frame
    half = limits.within(_SEARCHED)
    v = problem.dual_vector(problem.outputs(problem.constant()))
    top = float(np.abs(frame.points).max() * np.abs(v).sum()) / frame.n
    neurons = NeuronSet.empty(frame.rank, frame.subset_size)
    trace: tuple[Progress, ...] = ()
    for share in _PENALTIES:
        found = search.solve(problem.with_working_beta(share * top), half.after(trace))
        neurons, trace = neurons.joined(found.neurons), trace + found.trace
        if half.clock.expired:
            break
    wedges = draw_wedges(frame, max(_WEDGES * frame.n, 100), np.random.default_rng(random_state))
    offered = neurons.joined(NeuronSet.found(wedges.normals, wedges.offsets, wedges.generators))
    oracle = ListedOracle(frame, offered.normals, offered.offsets, offered.rows, complete=False)
    # The last step decides whether the targets are met, so it is not cut short.
    found = interpolate(problem, oracle, solver, Limits(_LOOSE, limits.max_iter, Clock(), limits.observer))
    return replace(found, status=Status.INTERPOLATED, trace=trace + found.trace)


def _restore(K: Floats, z: Floats, t: Floats, targets: Floats, intercept: bool) -> tuple[Floats, Floats]:
    """Smallest change of the coefficients that meets the constraint to rounding."""
    A = np.hstack([K, np.ones((len(K), 1))]) if intercept else K
    for _ in range(2):
        change = np.linalg.lstsq(A, targets - K @ z - t, rcond=1e-12)[0]
        z = z + change[: K.shape[1]]
        t = t + change[K.shape[1]] if intercept else t
    return z, t
