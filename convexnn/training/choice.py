"""Which oracles a problem has: an exact one where its cost can be paid, and a search."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from convexnn._arrays import Device
from convexnn.dictionaries.budget import spell_count
from convexnn.dictionaries.sampled import draw_wedges
from convexnn.exceptions import DictionarySizeError, ParameterError
from convexnn.geometry.arrangement import count_hyperplanes
from convexnn.geometry.frame import Frame
from convexnn.oracles.ascent import AscentOracle
from convexnn.oracles.base import Oracle, Scope
from convexnn.oracles.groups import GroupsOracle
from convexnn.oracles.line import LineOracle, RayOracle
from convexnn.oracles.listed import ListedOracle
from convexnn.oracles.pencil import PencilOracle
from convexnn.oracles.planar import PlanarOracle
from convexnn.oracles.sectors import SectorOracle, sector_count

__all__ = [
    "MAX_PRICED",
    "SCOPES",
    "Plan",
    "is_exact_over_networks",
    "make_plan",
    "sampled_dictionary",
    "small_dictionary",
    "wedges_suffice",
]

SCOPES = ("network", "dictionary")
_OLD = ("auto", "searched")

# Atoms that one exact answer may visit: about three seconds.
MAX_PRICED = 300_000_000
# Bytes of the angular orders that sweeps keep.
_ORDERS = 2**30
# Samples of one plane from which on sectors are faster than sweeps; of many planes they always are.
_SECTORS = 1000
# Hyperplanes of a sampled dictionary.
_SAMPLE = 20_000
# Largest dictionary that is preferred to a search where neurons cannot move off it (losses with kinks).
_SMALL = 3_000_000


@dataclass(frozen=True)
class Plan:
    """The oracles for a problem.

    Attributes
    ----------
    exact : Oracle or None
        Exact over what it visits, if that is affordable.
    search : Oracle or None
        Finds good neurons in any dimension; None where wedge neurons were asked for, or no neuron responds.
    scope : "network", "dictionary" or "none"
        What a proof by the exact oracle speaks of.
    reason : str
        One sentence for the user.
    probe : Oracle or None
        Finds about the largest response at little cost, where a time limit is too short for an exact maximum.
    """

    exact: Oracle | None
    search: Oracle | None
    scope: Scope
    reason: str
    probe: Oracle | None = None


def is_exact_over_networks(frame: Frame) -> bool:
    """Whether an exact maximum over all neurons is implemented: l1, and l2 in low rank; with groups, for each."""
    highest = 2 if frame.affine else 3
    return frame.norm == "l1" or all(part.frame.rank <= highest for part in frame.parts)


def wedges_suffice(frame: Frame) -> bool:
    """Whether wedge neurons are optimal among all neurons."""
    return frame.norm == "l1" or all(part.frame.rank <= 1 for part in frame.parts)


def _count(frame: Frame, *, sectors: bool = False) -> int:
    """Atoms of the dictionary, both orientations; or what is visited where sectors of the plane spare most of them."""
    return sum(
        2 * frame.n * sector_count(frame.n)
        if sectors and _is_plane(part.frame)
        else 2 * count_hyperplanes(frame.n, part.frame.rank, norm=frame.norm, affine=frame.affine)
        for part in frame.parts
    )


def _is_plane(frame: Frame) -> bool:
    """Whether the oracle by sectors serves the frame."""
    return frame.rank == 2 and frame.affine and frame.norm == "l2" and frame.activation.slope == 0.0


def make_plan(
    frame: Frame,
    *,
    scope: str,
    movable: bool = True,
    max_atoms: int = MAX_PRICED,
    random_state: int = 0,
    n_jobs: int | None = None,
    n_outputs: int = 1,
    device: Device | None = None,
) -> Plan:
    """Choose the oracles of a problem.

    Parameters
    ----------
    frame : Frame
    scope : "network" or "dictionary"
        All neurons, or the wedge neurons of the paper only.
    movable : bool
        Whether a restricted solver can move neurons off the dictionary, which l2 networks need.
    max_atoms : int
        Largest number of atoms that one exact answer may visit.
    random_state : int
        Seed of searches and samples.
    n_jobs : int, optional
    n_outputs : int
    device : Device, optional
        A GPU on which to search.

    Raises
    ------
    ParameterError
        If the scope is unknown.
    """
    if scope not in SCOPES:
        old = " ('auto' and 'searched' of version 0.1 are what 'network' does now)" if scope in _OLD else ""
        raise ParameterError(f"scope={scope!r} is unknown; choose one of {', '.join(map(repr, SCOPES))}{old}.")
    if not any(part.frame.rank for part in frame.parts):
        return Plan(None, None, "network", "no neuron: all samples are equal, a constant is optimal")
    sectors = scope == "network" and movable and n_outputs == 1
    sectors = sectors and (frame.groups is not None or frame.n >= _SECTORS)
    count = _count(frame, sectors=sectors)
    if frame.groups is not None:
        return _plan_groups(frame, count, scope == "network", movable, sectors, max_atoms, n_jobs)
    # On the CPU NumPy is as fast as others, and gives tensors the same bits as arrays.
    points = frame.points if device is None else device.keep(frame.points)
    search = AscentOracle(frame, random_state=random_state, points=points, n_jobs=n_jobs, n_outputs=n_outputs)
    if scope == "dictionary":
        return replace(_dictionary(frame, count, max_atoms, random_state, n_jobs), probe=search)
    fixed = wedges_suffice(frame)
    if is_exact_over_networks(frame) and (fixed or movable) and count <= max_atoms:
        exact = _exact_oracle(frame, network=True, n_jobs=n_jobs, sectors=sectors)
        return Plan(exact, search, "network", f"{exact.strategy} ({spell_count(count)} atoms)", search)
    if not (fixed or movable) and count <= min(max_atoms, _SMALL):
        exact = _exact_oracle(frame, network=False, n_jobs=n_jobs)
        why = "neurons cannot move for this loss or solver"
        return Plan(exact, search, exact.scope, f"{exact.strategy} ({spell_count(count)} atoms; {why})", search)
    why = (
        f"{spell_count(count)} atoms exceed max_atoms={max_atoms:,}"
        if is_exact_over_networks(frame)
        else f"no exact method is known in {frame.rank} dimensions"
    )
    return Plan(None, search, "none", f"{search.strategy} ({why})")


def _plan_groups(
    frame: Frame, count: int, network: bool, movable: bool, sectors: bool, max_atoms: int, n_jobs: int | None
) -> Plan:
    """An exact oracle for every group; there is no search among neurons that see some features.

    Raises
    ------
    ParameterError
        If there is a group without an exact method.
    DictionarySizeError
        If the groups have too many atoms.
    """
    if network and not is_exact_over_networks(frame):
        assert frame.groups is not None
        highest, bias = (2, "with free biases") if frame.affine else (3, "without")
        group, rank = max(zip(frame.groups.groups, (part.frame.rank for part in frame.parts)), key=lambda g: g[1])
        raise ParameterError(
            f"interaction_cst has the group {list(group)[:10]} of rank {rank}, but l2 networks are searched exactly up "
            f"to rank {highest} {bias}. Use groups of at most {highest} features, norm='l1', or scope='dictionary'."
        )
    if count > max_atoms:
        raise DictionarySizeError(
            f"the groups of interaction_cst have {spell_count(count)} atoms, but max_atoms={max_atoms:,}. Raise "
            "max_atoms, or use fewer or smaller groups, or fewer samples.",
            count=count,
            budget=max_atoms,
        )
    moving = network and (movable or wedges_suffice(frame))
    exact = _exact_oracle(frame, network=moving, n_jobs=n_jobs, sectors=sectors)
    why = "; neurons cannot move for this loss or solver" if network and not moving else ""
    return Plan(exact, None, exact.scope, f"{exact.strategy} ({spell_count(count)} atoms{why})")


def _exact_oracle(frame: Frame, *, network: bool, n_jobs: int | None, sectors: bool = False) -> Oracle:
    parts = [(k, part.frame) for k, part in enumerate(frame.parts) if part.frame.rank]
    # Groups are shared among threads, and so is the memory for what is sorted.
    grouped = frame.groups is not None and len(parts) > 1
    inner, memory = (1, _ORDERS // len(parts)) if grouped else (n_jobs, _ORDERS)
    oracles = [(k, _oracle_of(one, network, sectors, inner, memory)) for k, one in parts]
    return oracles[0][1] if frame.groups is None else GroupsOracle(frame, oracles, n_jobs)


def _oracle_of(frame: Frame, network: bool, sectors: bool, n_jobs: int | None, memory: int) -> Oracle:
    if frame.rank == 1:
        return LineOracle(frame) if frame.affine else RayOracle(frame)
    if network and sectors and _is_plane(frame):
        return SectorOracle(frame, n_jobs=n_jobs, memory=memory)
    if frame.rank == 2 and frame.affine:
        return PlanarOracle(frame, network=network, n_jobs=n_jobs, memory=memory)
    return PencilOracle(frame, network=network, n_jobs=n_jobs, memory=memory)


def _dictionary(frame: Frame, count: int, max_atoms: int, random_state: int, n_jobs: int | None) -> Plan:
    if count <= max_atoms:
        exact = _exact_oracle(frame, network=False, n_jobs=n_jobs)
        return Plan(exact, None, exact.scope, f"{exact.strategy} ({spell_count(count)} atoms)")
    sample = sampled_dictionary(frame, max(1, min(_SAMPLE, max_atoms // 2)), random_state)
    return Plan(
        sample,
        None,
        "dictionary",
        f"{2 * sample.n_hyperplanes:,} of {spell_count(count)} atoms were sampled, because max_atoms={max_atoms:,}; "
        "the certificate speaks of these only. Raise max_atoms, or reduce samples or features, to get more.",
    )


def small_dictionary(frame: Frame, n_jobs: int | None) -> Oracle | None:
    """An oracle for all wedge neurons if they are few, None if they are not."""
    count = _count(frame)
    if not any(part.frame.rank for part in frame.parts) or count > _SMALL:
        return None
    return _exact_oracle(frame, network=False, n_jobs=n_jobs)


def sampled_dictionary(frame: Frame, size: int, random_state: int) -> ListedOracle:
    """An oracle for random wedge neurons."""
    planes = draw_wedges(frame, size, np.random.default_rng(random_state))
    return ListedOracle(frame, planes.normals, planes.offsets, planes.generators, complete=False)
