"""The exact solution over a handful of given neurons: the last layer of a network whose other layers are fixed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from convexnn._checks import check_norm, check_points, check_real, check_targets
from convexnn._types import ArrayLike, Floats, Norm
from convexnn.exceptions import SolverError
from convexnn.geometry.frame import Frame
from convexnn.losses import LOSSES
from convexnn.restricted.base import ColumnSolver, RestrictedState
from convexnn.restricted.choose import make_solver
from convexnn.restricted.problem import LassoProblem

__all__ = ["ColumnsFit", "fit_columns"]

# Relative gap below which the constant network is optimal.
_EQUAL = 1e-13


@dataclass(frozen=True)
class ColumnsFit:
    """Minimiser of  loss(K z + t; y) + beta sum_j ||z_j||  over given columns.

    Attributes
    ----------
    coef : (m, c) array
    intercept : (c,) array
        Zero without a free intercept.
    primal, dual : float
        Objective, and a lower bound on it from a feasible dual vector (weak duality over these columns).
    v : (n, c) array
        That dual vector before it is shrunk: another column k can lower the objective only if ||k'v|| > beta.
    """

    coef: Floats
    intercept: Floats
    primal: float
    dual: float
    v: Floats

    @property
    def relative_gap(self) -> float:
        """(primal - dual) / max(|primal|, |dual|), zero when both are equal."""
        gap = self.primal - self.dual
        return gap / max(abs(self.primal), abs(self.dual)) if gap > 0 else 0.0


def fit_columns(
    K: ArrayLike,
    y: ArrayLike,
    *,
    beta: float,
    norm: Norm = "l2",
    loss: str = "squared_error",
    intercept: bool = True,
    solver: str = "auto",
    sample_weight: ArrayLike | None = None,
) -> ColumnsFit:
    """Minimise loss(K z + t; y) + beta sum_j ||z_j||_p with the solvers of :func:`convexnn.train`.

    With columns (x_i.u_j + c_j)_+ of unit neurons this is training restricted to these neurons: the scale of
    each neuron and its output weights together are optimal (arXiv 2309.16512, section 6.12).

    Parameters
    ----------
    K : (n, m) array
        Columns; those that are zero get the coefficient zero.
    y : (n,) or (n, c) array
    beta : float
        Positive; the loss is a sum over samples.
    norm : "l1" or "l2"
        Norm of the rows z_j.
    loss, solver, sample_weight :
        As in :func:`convexnn.train`.
    intercept : bool
        Whether there is an unpenalised t.

    Returns
    -------
    ColumnsFit

    Raises
    ------
    DataError, ParameterError
        If an argument is not usable.
    SolverError
        If the solver left nothing finite.
    """
    columns = check_points(K, name="K")
    targets = check_targets(y, len(columns))
    beta = check_real("beta", beta, low=0.0, strict=True)
    LOSSES.check(loss)
    problem, scale = _problem(columns, targets, beta, check_norm(norm), loss, intercept, sample_weight)
    used = np.flatnonzero(columns.any(axis=0))
    matrix = np.ascontiguousarray(columns[:, used].T / scale)
    # Columns too weak to pay for themselves (even down to rounding noise) are no matter for a solver.
    state = _constant(problem, len(used))
    primal, dual, v = _gap(problem, matrix, state)
    if primal - dual > _EQUAL * abs(primal):
        state = _solved(problem, matrix, solver)
        primal, dual, v = _gap(problem, matrix, state)
    coef = np.zeros((columns.shape[1], targets.shape[1]))
    coef[used] = state.z * (problem.y_scale / scale)
    shift = state.t * problem.y_scale
    if not (np.isfinite(coef).all() and np.isfinite(shift).all()):
        raise SolverError(f"the solver of loss={loss!r} over {len(used)} columns left NaN; scale the data.")
    unit = problem.y_scale**2
    return ColumnsFit(coef, shift, primal * unit, dual * unit, problem.to_input_dual(v))


def _constant(problem: LassoProblem, m: int) -> RestrictedState:
    """No neuron, the best constant."""
    n, c = problem.targets.shape
    t = problem.loss.best_constant() if problem.intercept else np.zeros(c)
    return RestrictedState(np.zeros((m, c)), t, np.zeros((n, c)) + t)


def _gap(problem: LassoProblem, columns: Floats, state: RestrictedState) -> tuple[float, float, Floats]:
    """Objective, lower bound from the dual vector of a state, and that vector; columns (m, n)."""
    v = problem.dual_vector(state.f, state.v)
    responses = columns @ v
    sizes = np.abs(responses).max(axis=1) if problem.norm == "l1" else np.linalg.norm(responses, axis=1)
    return problem.objective(state.f, state.z), problem.dual_value(v, float(sizes.max(initial=0.0))), v


def _solved(problem: LassoProblem, columns: Floats, solver: str) -> RestrictedState:
    """Solve over columns (m, n); where the interior point of "auto" fails, by a first-order method."""
    for name in (solver, "scs") if solver == "auto" else (solver,):
        restricted = make_solver(problem, name)
        assert isinstance(restricted, ColumnSolver)
        if len(columns):
            restricted.add_columns(columns)
        try:
            return restricted.solve(problem.beta)
        except SolverError as error:
            failure = error
    raise failure


def _problem(
    columns: Floats,
    targets: Floats,
    beta: float,
    norm: Norm,
    loss: str,
    intercept: bool,
    sample_weight: ArrayLike | None,
) -> tuple[LassoProblem, float]:
    """The problem in units of order one, on a frame without geometry, and what the columns are divided by."""
    largest = float(np.abs(columns).max())
    scale = float(2.0 ** np.round(np.log2(largest))) if largest > 0 else 1.0
    y_scale = 1.0
    if loss == "squared_error":
        size = float(np.ptp(targets, axis=0).max()) if intercept else float(np.abs(targets).max())
        size = size if size > 0 else float(np.abs(targets).max())
        y_scale = float(2.0 ** np.round(np.log2(size))) if size > 0 else 1.0
    frame = Frame(
        points=np.zeros((len(columns), 0)), axes=np.zeros((0, 0)), affine=intercept, norm=norm,
        lift=np.zeros((0, 0)), shift=np.zeros(0), scale=1.0, penalized=False,
    )  # fmt: skip
    problem = LassoProblem(
        frame=frame,
        loss=LOSSES[loss](targets / y_scale, sample_weight),
        beta=beta / (scale * y_scale),
        y_scale=y_scale,
        intercept=intercept,
        norm=norm,
        bias=intercept,
        loss_name=loss,
    )
    return problem, scale
