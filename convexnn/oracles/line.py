"""Hinges on a line: every breakpoint priced by two running sums."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from convexnn._progress import UNLIMITED, Clock
from convexnn._types import Floats, Ints
from convexnn.geometry.frame import Frame
from convexnn.network.neurons import NeuronSet
from convexnn.oracles.base import Effort, Oracle, Pricing, response_norms, strongest_first

__all__ = ["LineOracle", "RayOracle", "hinge_responses"]


def hinge_responses(x: Floats, v: Floats) -> Floats:
    """Responses R_j = sum_{x_i > x_j} v_i (x_i - x_j) at increasing x (n,), for v (n, c); shape (n, c)."""
    after = np.cumsum(v[::-1], axis=0)[::-1]
    steps = np.zeros_like(v)
    steps[:-1] = np.diff(x)[:, None] * after[1:]
    return np.asarray(np.cumsum(steps[::-1], axis=0)[::-1])


class LineOracle(Oracle):
    """Exact pricing of all hinges at samples in O(n) after one sort (free biases, rank 1; Theorem 1)."""

    exact = True
    scope = "network"
    strategy = "line: every hinge at a sample, by running sums"

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    @cached_property
    def _order(self) -> Ints:
        order = np.argsort(self._frame.points[:, 0])
        # Half the memory where millions of samples have many features.
        return order.astype(np.int32) if self._frame.n < 2**31 else order

    @cached_property
    def _x(self) -> Floats:
        return np.asarray(self._frame.points[self._order, 0])

    def cost(self, n_outputs: int) -> float:
        return 4.0 * self._frame.n * n_outputs

    def price(
        self,
        v: Floats,
        floor: float,
        limit: int,
        *,
        clock: Clock = UNLIMITED,
        effort: Effort = Effort.NORMAL,
        near: NeuronSet | None = None,
    ) -> Pricing:
        v = v[self._order]
        right = hinge_responses(self._x, v)
        left = hinge_responses(-self._x[::-1], v[::-1])[::-1]
        slope = self._frame.activation.slope
        if slope:
            # The inactive side answers with the slope, and the constant part vanishes because v sums to zero.
            whole = (self._x @ v)[None, :]
            right, left = (1.0 - slope) * right + slope * whole, (1.0 - slope) * left - slope * whole
        to_right, to_left = (response_norms(side, self._frame.norm) for side in (right, left))
        # Neighbouring hinges are nearly the same neuron: local maxima along the line are enough.
        best = np.maximum(to_right, to_left)
        peak = np.ones(len(best), dtype=bool)
        peak[1:] &= best[1:] > best[:-1]
        peak[:-1] &= best[:-1] >= best[1:]
        at = np.flatnonzero(peak & (best > floor))
        side = np.where(to_right[at] >= to_left[at], 1.0, -1.0)
        return strongest_first(
            self._frame, side[:, None], -side * self._x[at], self._order[at][:, None], best[at],
            floor=floor, limit=limit, strongest=float(best.max(initial=0.0)),
        )  # fmt: skip


class RayOracle(Oracle):
    """The two neurons (x)_+ and (-x)_+ of rank-one data without free biases."""

    exact = True
    scope = "network"
    strategy = "two rays: rank-one data have two neurons"

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    def cost(self, n_outputs: int) -> float:
        return 2.0 * self._frame.n * n_outputs

    def price(
        self,
        v: Floats,
        floor: float,
        limit: int,
        *,
        clock: Clock = UNLIMITED,
        effort: Effort = Effort.NORMAL,
        near: NeuronSet | None = None,
    ) -> Pricing:
        normals = np.array([[1.0], [-1.0]])
        responses = response_norms(self._frame.columns(normals, np.zeros(2)).T @ v, self._frame.norm)
        order = np.argsort(-responses, kind="stable")
        keep = order[responses[order] > floor][:limit]
        return Pricing(
            NeuronSet.found(normals[keep], np.zeros(len(keep))), responses[keep], float(responses.max(initial=0.0))
        )
