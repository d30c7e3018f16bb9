"""Several outputs with the l2 penalty sum_j ||z_j||_2: Newton's method on the groups that are not zero."""

from __future__ import annotations

import numpy as np

from convexnn._progress import UNLIMITED, Clock
from convexnn._types import Floats
from convexnn.restricted.base import ColumnSolver, RestrictedState
from convexnn.restricted.newton import Event, minimise
from convexnn.restricted.outputs import OutputBlocks
from convexnn.restricted.parameters import NewtonParams
from convexnn.restricted.problem import LassoProblem

__all__ = ["GroupNewtonSolver"]


class GroupNewtonSolver(ColumnSolver):
    """Active groups by Newton's method; the most violated others enter in batches, vanishing ones leave.

    Parameters
    ----------
    problem : LassoProblem
        norm "l2", a smooth loss.
    params : NewtonParams
    """

    @classmethod
    def serves(cls, problem: LassoProblem) -> bool:
        return problem.norm == "l2" and problem.loss.smooth

    def __init__(self, problem: LassoProblem, params: NewtonParams = NewtonParams()) -> None:  # noqa: B008 (frozen)
        super().__init__(problem)
        self._params = params
        n, c = problem.targets.shape
        self._columns: Floats = np.zeros((0, n))
        self._z: Floats = np.zeros((0, c))
        self._t: Floats = problem.loss.best_constant() if problem.intercept else np.zeros(c)

    def add_columns(self, columns: Floats) -> None:
        self._columns = np.concatenate([self._columns, columns])
        self._z = np.concatenate([self._z, np.zeros((len(columns), self._z.shape[1]))])

    def start(self, z: Floats, *, clock: Clock = UNLIMITED) -> None:
        self._z = np.array(z, dtype=np.float64)
        if self.problem.intercept:
            self._t = self._t + self.problem.loss.best_shift(self._outputs())

    def drop_inactive(self, slack: float) -> None:
        v = self.problem.dual_vector(self._outputs())
        strong = np.linalg.norm(self._columns @ v, axis=1) >= slack * self.problem.beta
        keep = np.flatnonzero((self._z != 0).any(axis=1) | strong)
        self._columns, self._z = self._columns[keep], self._z[keep]
        self._keep(keep)

    def solve(self, beta: float, *, clock: Clock = UNLIMITED, accuracy: float = 0.0) -> RestrictedState:
        previous = np.inf
        for _ in range(self._params.max_rounds):
            self._descend(beta, clock, accuracy)
            f = self._outputs()
            value = self._value(beta)
            if clock.expired or not self._enter(f, beta, accuracy):
                break
            if value >= previous * (1.0 - max(1e-14, accuracy)):
                break
            previous = value
        self._descend(beta, clock, accuracy)
        return RestrictedState(self._z.copy(), self._t.copy(), self._outputs())

    def _outputs(self) -> Floats:
        return np.asarray(self._columns.T @ self._z + self._t)

    def _descend(self, beta: float, clock: Clock, accuracy: float) -> None:
        """Newton until nothing vanishes any more."""
        c, before = self._z.shape[1], np.inf
        for _ in range(self._params.max_rounds):
            active = np.flatnonzero((self._z != 0).any(axis=1))
            if not len(active):
                if self.problem.intercept:
                    self._t = self.problem.loss.best_constant()
                return
            blocks = OutputBlocks(self._columns[active], c)
            state = minimise(
                blocks, self.problem.loss, beta, self._z[active].ravel(), self._t,
                intercept=self.problem.intercept, accuracy=max(self._params.accuracy, accuracy), params=self._params,
            )  # fmt: skip
            self._z[active], self._t = state.a.reshape(-1, c), state.t
            if state.event is Event.CONVERGED or clock.expired:
                return
            value = self._value(beta)
            dropped = state.event is not Event.UNFINISHED and self._drop(int(active[state.block]), beta, value)
            if not dropped and value >= before * (1.0 - 1e-11):
                return
            before = value

    def _drop(self, j: int, beta: float, value: float) -> bool:
        """Leave out a group that met zero, unless it only came near and is still worth its penalty."""
        kept = self._z[j].copy()
        self._z[j] = 0.0
        if self._value(beta) > value:
            self._z[j] = kept
            return False
        return True

    def _value(self, beta: float) -> float:
        return self.problem.loss.value(self._outputs()) + beta * float(np.linalg.norm(self._z, axis=1).sum())

    def _enter(self, f: Floats, beta: float, accuracy: float) -> bool:
        """Give the most violated groups a small start along their response; False if there are none."""
        v = self.problem.dual_vector(f)
        responses = self._columns @ v
        strength = np.linalg.norm(responses, axis=1)
        violated = (strength > beta * (1.0 + max(self._params.violation, accuracy))) & ~(self._z != 0).any(axis=1)
        order = np.flatnonzero(violated)
        order = order[np.argsort(-strength[order], kind="stable")][: self._params.n_entering]
        curvature = self.problem.loss.curvature(f).max(axis=1)
        # Where the loss is flat now, it may not stay so over the length of a start.
        curvature = np.maximum(curvature, 0.1 * curvature.max() or 1.0)
        for j in order:
            stiffness = float((self._columns[j] ** 2) @ curvature)
            length = self._params.entering_length * (strength[j] - beta) / max(stiffness, np.finfo(float).tiny)
            self._z[j] = length * responses[j] / strength[j]
        return len(order) > 0
