"""Minimum-norm interpolation: the limit beta -> 0 of training (Corollary 8).

    min over atoms of sum_j ||z_j||   subject to   K z (+ t) = y

An exact penalty turns the constraint into M |K z + t - y|: for M above the largest dual variable both problems
have the same solutions, and column generation needs no feasible start.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from convexnn._progress import Limits
from convexnn._types import Floats
from convexnn.exceptions import InfeasibleError
from convexnn.losses import LOSSES
from convexnn.oracles.base import Oracle
from convexnn.restricted.conic import ConicSolver
from convexnn.restricted.problem import LassoProblem
from convexnn.restricted.solution import Solution
from convexnn.restricted.status import Status
from convexnn.training.column_generation import generate

__all__ = ["check_consistent", "constant", "interpolate"]

# The penalty M starts at this multiple of the scale of y / K and grows until the constraint is met.
_FIRST, _GROWTH, _TRIES = 1e3, 1e2, 3
_MET = 1e-6


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


def constant(problem: LassoProblem) -> Solution:
    """The network without neurons, for samples that are all equal.

    Raises
    ------
    InfeasibleError
        If there is no intercept and a target is not zero.
    """
    n, c = problem.targets.shape
    if not problem.intercept and problem.targets.any():
        raise InfeasibleError(
            "no neuron responds to these samples and there is no intercept, but targets are not zero; use bias=True."
        )
    width = max(problem.frame.subset_size, 1)
    t = problem.targets[0] if problem.intercept else np.zeros(c)
    return Solution(
        normals=np.zeros((0, problem.frame.rank)), offsets=np.zeros(0), rows=np.zeros((0, width), dtype=np.int64),
        z=np.zeros((0, c)), t=t, v=np.zeros((n, c)), primal=0.0, dual=0.0, status=Status.CERTIFIED, trace=(),
    )  # fmt: skip


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
        master = ConicSolver(bent, "clarabel" if solver in ("auto", "native") else solver)
        found = generate(bent, oracle, master, limits).active()
        columns = problem.frame.columns(found.normals, found.offsets)
        apart = np.abs(columns @ found.z + found.t - targets).max(axis=1)
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
    z, t = _restore(columns, found.z, found.t, targets, problem.intercept)
    value = problem.penalty(z) * size
    trace = tuple(bent.to_input_progress(state) for state in found.trace)
    return replace(found, z=z * size, t=t * size, v=found.v, primal=value, trace=trace)


def _restore(K: Floats, z: Floats, t: Floats, targets: Floats, intercept: bool) -> tuple[Floats, Floats]:
    """Smallest change of the coefficients that meets the constraint to rounding."""
    A = np.hstack([K, np.ones((len(K), 1))]) if intercept else K
    for _ in range(2):
        change = np.linalg.lstsq(A, targets - K @ z - t, rcond=1e-12)[0]
        z = z + change[: K.shape[1]]
        t = t + change[K.shape[1]] if intercept else t
    return z, t
