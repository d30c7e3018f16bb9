"""Hinges on a line: every breakpoint priced by two running sums."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from convexnn._types import Floats, Ints
from convexnn.geometry.frame import Frame
from convexnn.oracles.base import Candidates, strongest_first

__all__ = ["LineOracle", "RayOracle", "hinge_responses"]


def hinge_responses(x: Floats, v: Floats) -> Floats:
    """Responses R_j = sum_{x_i > x_j} v_i (x_i - x_j) at increasing x (n,), for v (n, c); shape (n, c)."""
    after = np.cumsum(v[::-1], axis=0)[::-1]
    steps = np.zeros_like(v)
    steps[:-1] = np.diff(x)[:, None] * after[1:]
    return np.asarray(np.cumsum(steps[::-1], axis=0)[::-1])


def _norms(responses: Floats, norm: str) -> Floats:
    return np.asarray(np.abs(responses).max(axis=1) if norm == "l1" else np.sqrt((responses**2).sum(axis=1)))


class LineOracle:
    """Exact pricing of all hinges at samples in O(n) after one sort (free biases, rank 1; Theorem 1)."""

    exact = True
    network = True
    strategy = "line: every hinge at a sample, by running sums"

    def __init__(self, frame: Frame) -> None:
        self._norm = frame.norm
        self._frame = frame

    @cached_property
    def _order(self) -> Ints:
        return np.argsort(self._frame.points[:, 0])

    @cached_property
    def _x(self) -> Floats:
        return np.asarray(self._frame.points[self._order, 0])

    def price(self, v: Floats, floor: float, limit: int) -> Candidates:
        v = v[self._order]
        right = hinge_responses(self._x, v)
        left = hinge_responses(-self._x[::-1], v[::-1])[::-1]
        values = np.stack([_norms(right, self._norm), _norms(left, self._norm)], axis=1)
        strongest = float(values.max(initial=0.0))
        # Neighbouring hinges are nearly the same neuron: local maxima along the line are enough.
        best = values.max(axis=1)
        peak = np.ones(len(best), dtype=bool)
        peak[1:] &= best[1:] > best[:-1]
        peak[:-1] &= best[:-1] >= best[1:]
        at = np.flatnonzero(peak & (best > floor))
        side = np.where(values[at, 0] >= values[at, 1], 1.0, -1.0)
        found = strongest_first(
            side[:, None], -side * self._x[at], self._order[at][:, None], best[at], floor=floor, limit=limit
        )
        return Candidates(found.normals, found.offsets, found.rows, found.responses, strongest)


class RayOracle:
    """The two neurons (x)_+ and (-x)_+ of rank-one data without free biases."""

    exact = True
    network = True
    strategy = "two rays: rank-one data have two neurons"

    def __init__(self, frame: Frame) -> None:
        self._x = frame.points[:, 0]
        self._norm = frame.norm

    def price(self, v: Floats, floor: float, limit: int) -> Candidates:
        normals = np.array([[1.0], [-1.0]])
        responses = _norms(np.stack([np.maximum(s * self._x, 0.0) @ v for s in (1.0, -1.0)]), self._norm)
        rows = np.array([[0], [1]])  # no sample makes them; the numbers only tell the two rays apart
        found = strongest_first(normals, np.zeros(2), rows, responses, floor=floor, limit=limit)
        return Candidates(found.normals, found.offsets, np.full_like(found.rows, -1), found.responses, found.strongest)
