"""Which oracle searches the neurons, and why."""

from __future__ import annotations

from dataclasses import dataclass

from convexnn._arrays import Device
from convexnn.certificate.branch import can_branch
from convexnn.dictionaries.budget import spell_count
from convexnn.dictionaries.sampled import draw_wedges
from convexnn.exceptions import DictionarySizeError, ParameterError
from convexnn.geometry.arrangement import count_hyperplanes
from convexnn.geometry.frame import Frame
from convexnn.oracles.ascent import AscentOracle
from convexnn.oracles.base import Oracle
from convexnn.oracles.line import LineOracle, RayOracle
from convexnn.oracles.listed import ListedOracle
from convexnn.oracles.pencil import PencilOracle
from convexnn.oracles.planar import PlanarOracle

__all__ = ["MAX_ATOMS", "SCOPES", "Plan", "exact_network_scope", "make_plan"]

SCOPES = ("auto", "dictionary", "network", "searched")

# Atoms that exact sweeps may visit in one pricing: about three seconds.
MAX_ATOMS = 300_000_000
# Hyperplanes of a sampled dictionary.
_SAMPLE = 20_000


@dataclass(frozen=True)
class Plan:
    """An oracle with the scope that it can prove.

    Attributes
    ----------
    oracle : Oracle or None
        None if there is no neuron at all (all samples equal).
    scope : "dictionary", "network" or "searched"
    sampled : bool
        Whether the oracle knows only a random part of the dictionary.
    reason : str
        One sentence for the user.
    """

    oracle: Oracle | None
    scope: str
    sampled: bool
    reason: str


def exact_network_scope(frame: Frame) -> bool:
    """Whether an exact maximum over all neurons is implemented: l1, and l2 in low rank."""
    return frame.norm == "l1" or frame.rank <= (2 if frame.affine else 3)


def make_plan(
    frame: Frame,
    *,
    scope: str,
    movable: bool = True,
    max_atoms: int = MAX_ATOMS,
    random_state: int | None = None,
    n_jobs: int | None = None,
    n_outputs: int = 1,
    place: Device | None = None,
) -> Plan:
    """Choose the oracle for a frame.

    `movable` says whether there is a way to move neurons off the dictionary, which l2 networks need: for a smooth
    loss and the native solver. A search runs on the GPU `place`, if there is one.

    Raises
    ------
    ParameterError
        If the scope is unknown, or "network" where no exact oracle exists.
    DictionarySizeError
        If scope="network" needs more atoms than `max_atoms`.
    """
    if scope not in SCOPES:
        raise ParameterError(f"scope={scope!r} is unknown; choose one of {', '.join(map(repr, SCOPES))}.")
    provable = exact_network_scope(frame)
    if scope == "network" and not (provable or can_branch(frame)):
        raise ParameterError(
            f"scope='network' has neither an exact oracle nor a useful bound for norm='l2' and {frame.rank} dimensions"
            f"{' with free biases' if frame.affine else ''}; use scope='dictionary', or norm='l1'."
        )
    fixed = frame.norm == "l1" or frame.rank <= 1  # wedge neurons are optimal among all
    if scope == "network" and not (movable or fixed):
        raise ParameterError(
            "scope='network' with norm='l2' needs a smooth loss and solver='native'; "
            "use scope='dictionary', or norm='l1'."
        )
    network = provable and scope != "dictionary" and (movable or fixed)
    if frame.rank == 0:
        return Plan(None, "network", False, "no neuron: all samples are equal, a constant is optimal")
    count = 2 * count_hyperplanes(frame.n, frame.rank, norm=frame.norm, affine=frame.affine)
    if scope == "network" and can_branch(frame) and (not provable or count > max_atoms):
        return _bounded_plan(frame, provable, random_state, n_jobs, n_outputs)
    if scope == "searched" or (scope == "auto" and count > max_atoms):
        return _search_plan(frame, count, max_atoms, random_state, n_jobs, n_outputs, place)
    if count > max_atoms:
        if scope == "network":
            raise DictionarySizeError(
                f"scope='network' must search {spell_count(count)} atoms, but max_atoms={max_atoms:,}. Raise "
                "max_atoms, use fewer samples or features, or scope='dictionary' (a random part of the dictionary).",
                count=count,
                budget=max_atoms,
            )
        return _sampled_plan(frame, count, max_atoms, random_state)
    oracle = _exact_oracle(frame, network=network, n_jobs=n_jobs)
    reach = "network" if network or oracle.network else "dictionary"
    return Plan(oracle, reach, False, f"{oracle.strategy} ({spell_count(count)} atoms)")


def _exact_oracle(frame: Frame, *, network: bool, n_jobs: int | None) -> Oracle:
    if frame.rank == 1:
        return LineOracle(frame) if frame.affine else RayOracle(frame)
    if frame.rank == 2 and frame.affine:
        return PlanarOracle(frame, network=network, n_jobs=n_jobs)
    return PencilOracle(frame, network=network, n_jobs=n_jobs)


def _bounded_plan(frame: Frame, provable: bool, random_state: int | None, n_jobs: int | None, n_outputs: int) -> Plan:
    oracle = AscentOracle(
        frame, random_state=0 if random_state is None else random_state, n_jobs=n_jobs, n_outputs=n_outputs
    )
    why = "there are too many atoms for an exact one" if provable else f"none is exact in {frame.rank} dimensions"
    return Plan(oracle, "network", False, f"{oracle.strategy}; branch and bound then proves what it can ({why})")


def _search_plan(
    frame: Frame,
    count: int,
    max_atoms: int,
    random_state: int | None,
    n_jobs: int | None,
    n_outputs: int,
    place: Device | None,
) -> Plan:
    # On the CPU NumPy is as fast as others, and gives tensors the same bits as arrays.
    points = frame.points if place is None else place.keep(frame.points)
    oracle = AscentOracle(
        frame,
        random_state=0 if random_state is None else random_state,
        points=points,
        n_jobs=n_jobs,
        n_outputs=n_outputs,
    )
    why = "as asked for" if count <= max_atoms else f"because {spell_count(count)} atoms exceed max_atoms={max_atoms:,}"
    return Plan(oracle, "searched", False, f"{oracle.strategy} ({why})")


def _sampled_plan(frame: Frame, count: int, max_atoms: int, random_state: int | None) -> Plan:
    import numpy as np

    size = max(1, min(_SAMPLE, max_atoms // 2))
    planes = draw_wedges(frame, size, np.random.default_rng(0 if random_state is None else random_state))
    oracle = ListedOracle(frame, planes.normals, planes.offsets, planes.generators, complete=False)
    return Plan(
        oracle,
        "dictionary",
        True,
        f"{2 * len(planes):,} of {spell_count(count)} atoms were sampled, because max_atoms={max_atoms:,}; the "
        "certificate speaks of the sampled atoms only. Raise max_atoms, or reduce samples or features, to get more.",
    )
