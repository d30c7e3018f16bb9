"""Neurons that see one group of features: the union of the dictionaries of the groups.

The largest response is the maximum over the groups, so it is exact if every group has an exact oracle.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import copy

import numpy as np

from convexnn._native import default_threads
from convexnn._progress import UNLIMITED, Clock
from convexnn._types import Floats
from convexnn.geometry.frame import Frame, Part
from convexnn.network.neurons import NeuronSet
from convexnn.oracles.base import Effort, Oracle, Pricing

__all__ = ["GroupsOracle"]

# Neurons of a group that are taken at least, where the limit is small beside the number of groups.
_FEWEST = 4
# Entries of the columns of one answer at most, unless these are very few.
_ENTRIES, _FEW_COLUMNS = 20_000_000, 16


class GroupsOracle(Oracle):
    """The strongest neurons over all groups, in the coordinates of the whole.

    Parameters
    ----------
    frame : Frame
        With groups.
    oracles : sequence of (int, Oracle)
        An exact one for the frame of each part, by its place; parts that no neuron responds to have none.
    n_jobs : int, optional
        Threads that share the groups; results do not depend on it.
    """

    exact = True

    def __init__(self, frame: Frame, oracles: Sequence[tuple[int, Oracle]], n_jobs: int | None = None) -> None:
        self._frame = frame
        self._groups = tuple(_Group(frame, frame.parts[k], oracle) for k, oracle in oracles)
        self._threads = min(default_threads(n_jobs), len(self._groups))
        self._describe()

    def _describe(self) -> None:
        oracles = [group.oracle for group in self._groups]
        self.moves = any(oracle.moves for oracle in oracles)
        self.starts_on_wedges = all(oracle.starts_on_wedges for oracle in oracles)
        self.scope = "network" if all(oracle.scope == "network" for oracle in oracles) else "dictionary"
        kinds = sorted({oracle.strategy for oracle in oracles})
        self.strategy = f"{len(oracles)} groups of features; {'; '.join(kinds)}"

    def cost(self, n_outputs: int) -> float:
        return sum(group.oracle.cost(n_outputs) for group in self._groups)

    def wedges_only(self) -> GroupsOracle:
        """The same oracle for wedge neurons, sharing what is sorted."""
        narrow = copy(self)
        narrow._groups = tuple(
            _Group(self._frame, group.part, group.oracle.wedges_only()) for group in self._groups
        )
        narrow._describe()
        return narrow

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
        limit = min(limit, max(_FEW_COLUMNS, _ENTRIES // self._frame.n))
        each = min(limit, max(_FEWEST, 2 * limit // len(self._groups)))

        def ask(group: _Group) -> Pricing:
            return group.price(v, floor, each, clock)

        if self._threads > 1:
            with ThreadPoolExecutor(self._threads) as pool:
                answers = list(pool.map(ask, self._groups))
        else:
            answers = [ask(group) for group in self._groups]
        found = [answer for answer in answers if len(answer)]
        empty = NeuronSet.empty(self._frame.rank, self._frame.subset_size)
        neurons = empty.joined(*(answer.neurons for answer in found))
        responses = np.concatenate([np.zeros(0), *(answer.responses for answer in found)])
        order = np.argsort(-responses, kind="stable")[:limit]
        return Pricing(
            neurons.select(order),
            responses[order],
            max(answer.strongest for answer in answers),
            all(answer.complete for answer in answers),
            max(answer.above for answer in answers),
        )


class _Group:
    """The oracle of one part, which is not asked again where its last answer bounds the next."""

    def __init__(self, frame: Frame, part: Part, oracle: Oracle) -> None:
        self.part, self.oracle = part, oracle
        self._frame = frame
        self._last: Floats | None = None
        self._above = np.inf
        centred = part.frame.points - part.frame.points.mean(axis=0) if frame.affine else part.frame.points
        # Neurons are 1-Lipschitz, and constants do not count where v sums to zero.
        self._reach = float(np.linalg.norm(centred.T @ centred, 2)) ** 0.5 * part.unit

    def price(self, v: Floats, floor: float, limit: int, clock: Clock) -> Pricing:
        """The answer of the oracle in the coordinates of the whole; empty where nothing can be above the floor."""
        part, rank, width = self.part, self._frame.rank, self._frame.subset_size
        nothing = NeuronSet.empty(rank, width)
        if clock.expired:
            return Pricing(nothing, np.zeros(0), 0.0, False)
        if self._last is not None:
            above = self._above + self._reach * float(np.linalg.norm(v - self._last))
            if above <= floor:
                return Pricing(nothing, np.zeros(0), 0.0, True, above)
        found = self.oracle.price(v, floor / part.unit, limit, clock=clock)
        above = found.above * part.unit
        if found.complete and np.isfinite(above):
            self._last, self._above = v, above
        rows = part.embed_rows(found.neurons.rows, width)
        neurons = NeuronSet.found(part.embed(found.neurons.normals), found.neurons.offsets * part.unit, rows)
        return Pricing(neurons, found.responses * part.unit, found.strongest * part.unit, found.complete, above)
