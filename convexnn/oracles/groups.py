"""Neurons that see one group of features: the union of the dictionaries of the groups.

The largest response is the maximum over the groups, so it is exact if every group has an exact oracle.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy

import numpy as np

from convexnn._progress import UNLIMITED, Clock
from convexnn._types import Floats
from convexnn.geometry.frame import Frame, Part
from convexnn.network.neurons import NeuronSet
from convexnn.oracles.base import Effort, Oracle, Pricing

__all__ = ["GroupsOracle"]


class GroupsOracle(Oracle):
    """The strongest neurons over all groups, in the coordinates of the whole.

    Parameters
    ----------
    frame : Frame
        With groups.
    oracles : sequence of (int, Oracle)
        An exact one for the frame of each part, by its place; parts that no neuron responds to have none.
    """

    exact = True

    def __init__(self, frame: Frame, oracles: Sequence[tuple[int, Oracle]]) -> None:
        self._frame, self._oracles = frame, tuple(oracles)
        self._describe()

    def _describe(self) -> None:
        oracles = [oracle for _, oracle in self._oracles]
        self.moves = any(oracle.moves for oracle in oracles)
        self.scope = "network" if all(oracle.scope == "network" for oracle in oracles) else "dictionary"
        kinds = sorted({oracle.strategy for oracle in oracles})
        self.strategy = f"{len(self._oracles)} groups of features; {'; '.join(kinds)}"

    def cost(self, n_outputs: int) -> float:
        return sum(oracle.cost(n_outputs) for _, oracle in self._oracles)

    def wedges_only(self) -> GroupsOracle:
        """The same oracle for wedge neurons, sharing what is sorted."""
        narrow = copy(self)
        narrow._oracles = tuple((k, oracle.wedges_only()) for k, oracle in self._oracles)
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
        strongest, complete, found = 0.0, True, []
        for k, oracle in self._oracles:
            part = self._frame.parts[k]
            if clock.expired:
                complete = False
                break
            answer = oracle.price(v, floor / part.unit, limit, clock=clock, effort=effort)
            strongest = max(strongest, answer.strongest * part.unit)
            complete = complete and answer.complete
            if len(answer):
                found.append((self._embed(part, answer.neurons), answer.responses * part.unit))
        if not found:
            return Pricing(NeuronSet.empty(self._frame.rank, self._frame.subset_size), np.zeros(0), strongest, complete)
        neurons = found[0][0].joined(*(neurons for neurons, _ in found[1:]))
        responses = np.concatenate([responses for _, responses in found])
        order = np.argsort(-responses, kind="stable")[:limit]
        return Pricing(neurons.select(order), responses[order], strongest, complete)

    def _embed(self, part: Part, neurons: NeuronSet) -> NeuronSet:
        """Neurons of a part in the whole: features that they do not see have the weight zero exactly."""
        rows = part.embed_rows(neurons.rows, self._frame.subset_size)
        return NeuronSet.found(part.embed(neurons.normals), neurons.offsets * part.unit, rows)
