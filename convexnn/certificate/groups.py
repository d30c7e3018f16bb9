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
    frames, bounds, work = [], [], 0.0
    for group in groups.groups:
        check_time(clock)
        frame = make_frame(np.ascontiguousarray(X[:, group]), norm=norm, bias=bias)
        if scope == "network" and not network_scope_is_exact(frame):
            return GroupsResponse(note=f"Of the features {list(group)[:10]}: {refuse_rank(frame)}")
        planar = scope == "network" and has_sectors(frame, v.shape[1])
        work += _VISITS * frame.n * count_sectors(frame.n) if planar else response_work(frame, v.shape[1])
        if work > max_work:
            return GroupsResponse(note=f"The groups of features need more row visits than max_work={max_work:,}.")
        frames.append(frame)
        bounds.append(sector_bound(frame, v) * frame.scale if planar else np.inf)
    return _maximum(X, v, groups, frames, bounds, scope=scope, max_work=max_work, n_jobs=n_jobs, clock=clock)


def _maximum(
    X: Floats,
    v: Floats,
    groups: Interactions,
    frames: list[Frame],
    bounds: list[float],
    *,
    scope: str,
    max_work: int,
    n_jobs: int | None,
    clock: Clock,
) -> GroupsResponse:
    above, best, network = 0.0, 0.0, True
    for k in np.argsort(-np.array(bounds), kind="stable").tolist():
        check_time(clock)
        frame, columns = frames[k], np.ascontiguousarray(X[:, groups.groups[k]])
        if bounds[k] <= best:
            above = max(above, response_above(columns, frame, v, bounds[k]))
            continue
        found = strongest(frame, v, scope=scope, max_work=max_work, n_jobs=n_jobs, clock=clock)
        if not found.consistent:
            return GroupsResponse(note=DISAGREE)
        best = max(best, found.value)
        above = max(above, response_above(columns, frame, v, found.value + found.error))
        network = network and found.network
    return GroupsResponse(above, network)
