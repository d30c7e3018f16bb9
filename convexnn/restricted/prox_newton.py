"""One output, any smooth loss: prox-Newton steps over the compiled weighted Lasso."""

from __future__ import annotations

import numpy as np

from convexnn._native import core
from convexnn._progress import UNLIMITED, Clock
from convexnn._types import Floats
from convexnn.restricted.base import ColumnSolver, RestrictedState
from convexnn.restricted.parameters import NewtonParams
from convexnn.restricted.problem import LassoProblem

__all__ = ["ProxNewtonSolver"]


class ProxNewtonSolver(ColumnSolver):
    """Minimise loss(K z + t) + beta ||z||_1 by quadratic models: residual v, curvature h, so target f + v / h.

    Parameters
    ----------
    problem : LassoProblem
        One output, smooth loss.
    params : NewtonParams
    """

    @classmethod
    def serves(cls, problem: LassoProblem) -> bool:
        return problem.n_outputs == 1 and problem.loss.smooth

    def __init__(self, problem: LassoProblem, params: NewtonParams = NewtonParams()) -> None:  # noqa: B008 (frozen)
        super().__init__(problem)
        self._params = params
        n = problem.frame.n
        self._columns: Floats = np.zeros((0, n))
        self._z: Floats = np.zeros(0)
        self._t = problem.loss.best_constant()[0] if problem.intercept else 0.0

    def add_columns(self, columns: Floats) -> None:
        self._columns = np.concatenate([self._columns, columns])
        self._z = np.concatenate([self._z, np.zeros(len(columns))])

    def start(self, z: Floats, *, clock: Clock = UNLIMITED) -> None:
        self.warm(z[:, 0])

    def warm(self, z: Floats) -> None:
        """Start from coefficients (m,) of the working set."""
        self._z = np.array(z, dtype=np.float64)
        if self.problem.intercept:
            self._t += float(self.problem.loss.best_shift(self._outputs()[:, None])[0])

    def drop_inactive(self, slack: float) -> None:
        v = self.problem.dual_vector(self._outputs()[:, None])[:, 0]
        keep = np.flatnonzero((self._z != 0) | (np.abs(self._columns @ v) >= slack * self.problem.beta))
        self._columns, self._z = self._columns[keep], self._z[keep]
        self._keep(keep)

    def solve(self, beta: float, *, clock: Clock = UNLIMITED, accuracy: float = 0.0) -> RestrictedState:
        loss = self.problem.loss
        f = self._outputs()
        value = loss.value(f[:, None]) + beta * float(np.abs(self._z).sum())
        for _ in range(self._params.proximal_steps):
            z, t = self._model_minimum(f, beta, clock)
            moved = self._columns.T @ z + t - f
            v = -loss.gradient(f[:, None])[:, 0]
            fall = float(v @ moved) + beta * float(np.abs(self._z).sum() - np.abs(z).sum())
            # The last step is taken unseen: its gain is below rounding, but it squares the error of the gradient.
            last = fall <= self._params.proximal_accuracy * abs(value)
            step, value = (1.0, value) if last else self._search(f, moved, z, beta, value, fall)
            if step == 0.0:
                break
            # A full step keeps exact zeros; a shorter one mixes the two sparse vectors.
            self._z = z if step == 1.0 else self._z + step * (z - self._z)
            self._t = t if step == 1.0 else self._t + step * (t - self._t)
            f = self._outputs()
            if last or clock.expired:
                break
        if self.problem.intercept:
            self._t += float(loss.best_shift(f[:, None])[0])
            f = self._outputs()
        return RestrictedState(self._z[:, None].copy(), np.array([self._t]), f[:, None])

    def _outputs(self) -> Floats:
        return np.asarray(self._columns.T @ self._z + self._t)

    def _model_minimum(self, f: Floats, beta: float, clock: Clock) -> tuple[Floats, float]:
        loss = self.problem.loss
        h = loss.curvature(f[:, None])[:, 0]
        # A flat sample must not make the quadratic singular.
        params = self._params
        h = np.maximum(h, max(params.proximal_flat * float(h.max()), params.flattest if not h.any() else 0.0))
        root = np.sqrt(h)
        target = root * f - loss.gradient(f[:, None])[:, 0] / root
        kernel = core.ActiveSetSolver(np.ascontiguousarray(target), root if self.problem.intercept else None)
        if len(self._columns):
            kernel.add(np.ascontiguousarray(self._columns * root))
            kernel.warm(np.ascontiguousarray(self._z))
        kernel.solve(beta, params.active_set_violation, params.max_pivots, clock.deadline)
        z = np.empty(len(self._columns))
        kernel.coefficients(z)
        return z, float(kernel.intercept)

    def _search(
        self, f: Floats, moved: Floats, z: Floats, beta: float, value: float, fall: float
    ) -> tuple[float, float]:
        step = 1.0
        now, then = float(np.abs(self._z).sum()), float(np.abs(z).sum())
        for _ in range(50):
            # The l1 norm is convex: the mixture is an upper bound on the norm of the mixed coefficients.
            trial = self.problem.loss.value((f + step * moved)[:, None]) + beta * (now + step * (then - now))
            if trial <= value - 1e-4 * step * fall:
                return step, trial
            step *= 0.5
        return 0.0, value
