"""One output, squared loss, samples on a GPU: rotate the columns there, solve the small rest here.

A Lasso does not change if an orthogonal matrix is applied to columns and targets. With K = Q R the n rows become as
many as there are columns, and all work on n rows is one factorisation on the device.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from convexnn._arrays import Device
from convexnn._native import core
from convexnn._progress import UNLIMITED, Clock
from convexnn._types import Floats
from convexnn.network.neurons import NeuronSet
from convexnn.restricted.active_set import ActiveSetSolver
from convexnn.restricted.base import RestrictedState
from convexnn.restricted.problem import LassoProblem

__all__ = ["DeviceActiveSetSolver"]


class DeviceActiveSetSolver(ActiveSetSolver):
    """For few solves of many rows: every solve after new atoms factorises anew.

    Parameters
    ----------
    problem : LassoProblem
        One output, squared loss.
    device : Device
    """

    def __init__(self, problem: LassoProblem, device: Device) -> None:
        super().__init__(problem)
        self._device, self._warm = device, np.zeros(0)
        self._columns: Any = None  # on the device; None: not up to date

    def add(self, found: NeuronSet) -> None:
        self._working = self._working.joined(found)
        self._columns = None

    def warm(self, z: Floats, *, clock: Clock = UNLIMITED) -> None:
        self._warm = z

    def solve(self, beta: float, *, clock: Clock = UNLIMITED, accuracy: float = 0.0) -> RestrictedState:
        if self._columns is None:
            self._factorise()
            self._core.warm(np.concatenate([self._warm, np.zeros(len(self.working) - len(self._warm))]))
        z, t = self._minimise(beta, clock)
        self._warm = z
        f = self._device.fetch(self._device.product(self._columns, self._device.send(z[:, None])))[:, 0] + t
        return RestrictedState(z[:, None], np.array([t]), f[:, None])

    def drop_inactive(self, slack: float) -> None:
        kept = np.asarray(self._core.compact(slack), dtype=np.int64)
        self._keep(kept)
        self._warm, self._columns = self._warm[kept], None

    def _factorise(self) -> None:
        device, xp, working = self._device, self._device.xp, self.working
        self._columns = device.responses(self.problem.frame.points, working.normals, working.offsets)
        ones = [np.ones((len(self._y), 1))] if self.problem.intercept else []
        rows = xp.concat([*map(device.send, ones), self._columns, device.send(self._y[:, None])], axis=1)
        if self._root is not None:
            rows = rows * device.send(self._root[:, None])
        R = np.ascontiguousarray(device.fetch(xp.linalg.qr(rows, mode="reduced")[1]).T)
        self._core = core.ActiveSetSolver(R[-1], R[0] if ones else None)
        self._core.add(R[len(ones) : -1])
