"""The largest response of the neurons that see one group of features: the maximum over the groups.

Every group is an ordinary problem of its own columns of the samples, so the rounding of each is bounded as usual.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from convexnn._progress import Clock
from convexnn._types import Bias, Floats, Norm
from convexnn.certificate.arcs import sector_bound
from convexnn.certificate.branch import refuse_rank
from convexnn.certificate.budget import check_time
from convexnn.certificate.check import response_above
from convexnn.certificate.pencil import has_sectors
from convexnn.certificate.response import DISAGREE, network_scope_is_exact, response_work, strongest
from convexnn.certificate.sectors import count_sectors
from convexnn.geometry.frame import Frame, make_frame
from convexnn.geometry.interactions import Interactions

__all__ = ["GroupsResponse", "groups_response"]

# Visits of a sample in a sector, in those of a sweep.
_VISITS = 4


@dataclass(frozen=True)
class GroupsResponse:
    """A number that no response exceeds.

    Attributes
    ----------
    above : float
        In the units of the input.
    network : bool
        Whether it holds for all neurons of the groups, not only for wedges.
    note : str
        Why nothing is known, if so.
    """

    above: float = np.nan
    network: bool = False
    note: str = ""


def groups_response(
    X: Floats,
    v: Floats,
    groups: Interactions,
    *,
    norm: Norm,
    bias: Bias,
    scope: str,
    max_work: int,
    n_jobs: int | None,
    clock: Clock,
) -> GroupsResponse:
    """Bound the responses to v (n, c) of all neurons that see one of the groups of features of X (n, d).

    The groups in which sectors promise most come first; the others need not be looked into where their bounds are
    below what is already found. OutOfTime ends it.
    """
    above, best, network, work = 0.0, 0.0, True, 0.0
    bounded: list[tuple[float, tuple[int, ...]]] = []

    def look(columns: Floats, frame: Frame) -> str:
        """Take the exact maximum of a group into account; a note if it is not known."""
        nonlocal above, best, network
        found = strongest(frame, v, scope=scope, max_work=max_work, n_jobs=n_jobs, clock=clock)
        best, network = max(best, found.value), network and found.network
        above = max(above, response_above(columns, frame, v, found.value + found.error))
        return "" if found.consistent else DISAGREE

    def frame_of(group: tuple[int, ...]) -> tuple[Floats, Frame]:
        check_time(clock)
        columns = np.ascontiguousarray(X[:, group])
        return columns, make_frame(columns, norm=norm, bias=bias)

    for group in groups.groups:
        columns, frame = frame_of(group)
        if scope == "network" and not network_scope_is_exact(frame):
            return GroupsResponse(note=f"Of the features {list(group)[:10]}: {refuse_rank(frame)}")
        planar = scope == "network" and has_sectors(frame, v.shape[1])
        work += _VISITS * frame.n * count_sectors(frame.n) if planar else response_work(frame, v.shape[1])
        if work > max_work:
            return GroupsResponse(note=f"The groups of features need more row visits than max_work={max_work:,}.")
        if planar:
            bounded.append((sector_bound(frame, v) * frame.scale, group))
        elif note := look(columns, frame):
            return GroupsResponse(note=note)
    for bound, group in sorted(bounded, reverse=True):
        columns, frame = frame_of(group)
        if bound <= best:
            above = max(above, response_above(columns, frame, v, bound))
        elif note := look(columns, frame):
            return GroupsResponse(note=note)
    return GroupsResponse(above, network)
