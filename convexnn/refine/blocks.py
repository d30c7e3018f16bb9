"""Rebuild the two-layer blocks of a deep network as solutions of convex problems (arXiv 2309.16512, Theorems 9, 10)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from convexnn._checks import check_count, check_norm, check_points, check_real
from convexnn._progress import Clock
from convexnn._types import ArrayLike, Floats, Norm
from convexnn.certificate.response import max_response, network_scope_is_exact
from convexnn.exceptions import DictionarySizeError, ParameterError, SolverError
from convexnn.geometry.dispersion import APrioriBound, a_priori_bound
from convexnn.geometry.frame import Frame, make_frame
from convexnn.network import RELU, DeepReLUNetwork
from convexnn.network.objective import forward
from convexnn.network.relu import row_norms
from convexnn.refine.interpolation import Interpolation, least_norm
from convexnn.refine.neurons import near_wedges
from convexnn.refine.objective import balanced, check_kind, half_decay
from convexnn.refine.readers import relu_network
from convexnn.refine.wedges import WedgeFinder
from convexnn.training.choice import make_plan

__all__ = ["BlockReport", "Rebuilt", "rebuild_blocks"]

# Row visits that the exact maximum of a certificate may take, and that gamma may.
_WORK = 200_000_000
_GAMMA_WORK = 200_000
# Neurons that enter per round, and the dual violation that counts as none.
_BATCH = 64
_TOLERANCE = 1e-7
# Largest error of the outputs, relative to the largest output, at which a block is exchanged.
_EQUAL = 1e-9


@dataclass(frozen=True)
class BlockReport:
    """One block: two layers, from its inputs A to its outputs T before the next ReLU, on the training samples.

    Attributes
    ----------
    block : int
        Layers 2 block and 2 block + 1, from 0.
    norm_before, norm_after : float
        Sum over its neurons of ||w_j|| ||a_j||.
    lower_bound : float
        No block with these outputs on these samples has a smaller norm, within `scope`.
    scope : "network", "dictionary" or "listed"
        All neurons; wedges of the block's inputs; or only the neurons that were found (the block's own, their
        nearest wedges and those of a search), which proves nothing about others.
    gap : float
        (norm_after - lower_bound) / norm_after. It speaks of this block with its inputs and outputs fixed, never of
        the whole network.
    neurons_before, neurons_after : int
        Neurons with an effect.
    error : float
        Largest change of the outputs T relative to the largest |T|.
    chamber : APrioriBound
        How far wedges of A can be from all neurons; its `kind` says whether gamma is exact, a bound or sampled.
    replaced : bool
        False if no listed neurons did better than the block's own.
    """

    block: int
    norm_before: float
    norm_after: float
    lower_bound: float
    scope: str
    gap: float
    neurons_before: int
    neurons_after: int
    error: float
    chamber: APrioriBound
    replaced: bool


@dataclass(frozen=True)
class Rebuilt:
    """A network with the outputs of the old one on the training samples and no larger weight decay.

    Attributes
    ----------
    network : DeepReLUNetwork
        Widths are those that the blocks need.
    penalty_before, penalty_after : float
        Half the sum of squared weights, the old network at its best scale.
    blocks : tuple of BlockReport
    """

    network: DeepReLUNetwork
    penalty_before: float
    penalty_after: float
    blocks: tuple[BlockReport, ...]


def rebuild_blocks(
    network: Any,
    X: ArrayLike,
    *,
    norm: Norm = "l2",
    bias: bool = True,
    blocks: Sequence[int] | None = None,
    max_atoms: int = 3_000_000,
    random_state: int = 0,
    time_limit: float = 10.0,
) -> Rebuilt:
    """Exchange blocks of two layers for those of least norm with the same outputs on the training samples.

    A block with inputs A and outputs T (before the next ReLU) is replaced by the solution of
    min sum_j ||z_j|| subject to K z + t = T over the wedges of A and the block's own neurons, so the network does not
    change on X and its weight decay cannot rise (Theorems 9 and 10). DevicePass the function may change.

    Parameters
    ----------
    network : object
        Anything :func:`from_module` reads.
    X : (n, d) array
        Training samples.
    norm : "l2" or "l1"
    bias : bool
    blocks : sequence of int, optional
        Which; all by default. A last layer without a partner stays.
    max_atoms : int
        Atoms that may be searched exactly in every round; in a larger dictionary atoms are found by local search.
    random_state : int
        Seed of that search.
    time_limit : float
        Seconds per block; whatever is found by then is used, with its true gap.

    Returns
    -------
    Rebuilt
    """
    given = relu_network(network)
    points = check_points(X, n_features=given.n_features)
    norm, max_atoms = check_norm(norm), check_count("max_atoms", max_atoms)
    check_kind(given, norm, bias)
    options = _Options(max_atoms, random_state, check_real("time_limit", time_limit, low=0.0, strict=True))
    start = current = balanced(given, norm)
    reports = []
    for block in _check_blocks(blocks, given.n_layers // 2):
        # Inputs and outputs of the old network: errors of earlier blocks are below rounding of what follows.
        A = points if block == 0 else current.activations(points)[2 * block - 1]
        first, second = current.layers[2 * block], current.layers[2 * block + 1]
        first, second, report = _rebuilt(block, A, first, second, norm, bias, options)
        layers = list(current.layers)
        layers[2 * block], layers[2 * block + 1] = first, second
        current = DeepReLUNetwork(tuple(layers))
        reports.append(report)
    return Rebuilt(current, half_decay(start, norm), half_decay(current, norm), tuple(reports))


Layer = tuple[Floats, Floats]


@dataclass(frozen=True)
class _Options:
    max_atoms: int
    random_state: int
    time_limit: float


def _rebuilt(
    block: int, A: Floats, first: Layer, second: Layer, norm: Norm, bias: bool, options: _Options
) -> tuple[Layer, Layer, BlockReport]:
    frame = make_frame(np.ascontiguousarray(A), norm=norm, bias=bias)
    T = forward((first, second), A).outputs
    inner, outer = row_norms(first[0], norm), row_norms(np.ascontiguousarray(second[0].T), norm)
    alive = np.flatnonzero((inner > 0) & (outer > 0))
    before = float(inner @ outer)
    pool = _Pool(frame, A, T, first[0][alive] / inner[alive, None], first[1][alive] / inner[alive], options)
    found = _solved(pool, norm)
    unit, offset, K = pool.unit, pool.offset, pool.columns
    size = max(float(np.abs(T).max(initial=0.0)), np.finfo(float).tiny)
    new_first, new_second, after, error = first, second, before, 0.0
    if found is not None:
        lengths = row_norms(found.coef, norm)
        used = np.flatnonzero(lengths > 0)
        error = float(np.abs(K[:, used] @ found.coef[used] + found.intercept - T).max(initial=0.0)) / size
        if error <= _EQUAL and lengths.sum() <= before:
            root = np.sqrt(lengths[used])
            new_first = (unit[used] * root[:, None], offset[used] * root)
            new_second = ((found.coef[used] / root[:, None]).T, found.intercept if bias else second[1])
            after = float(lengths.sum())
    replaced = new_first is not first
    bound, scope = _lower_bound(frame, A, K, T, None if found is None else found.v, norm, bias)
    bound = min(bound, after)
    report = BlockReport(
        block=block,
        norm_before=before,
        norm_after=after,
        lower_bound=bound,
        scope=scope,
        gap=(after - bound) / after if after > 0 else 0.0,
        neurons_before=len(alive),
        neurons_after=len(new_first[1]) if replaced else len(alive),
        error=error if replaced else 0.0,
        chamber=a_priori_bound(np.ascontiguousarray(A), norm=norm, bias=bias, max_work=_GAMMA_WORK),
        replaced=replaced,
    )
    return new_first, new_second, report


class _Pool:
    """Neurons known so far: the block's own, their nearest wedges, and what an oracle adds."""

    def __init__(
        self, frame: Frame, A: Floats, T: Floats, unit: Floats, offset: Floats, options: _Options
    ) -> None:
        self._frame, self._A, self.T = frame, A, T
        self.unit, self.offset = unit, offset
        plan = make_plan(frame, scope="network", max_atoms=options.max_atoms, random_state=options.random_state or 0)
        self._oracle = plan.search if plan.exact is None else plan.exact
        self.time_limit = options.time_limit
        near = [wedge for wedge in near_wedges(WedgeFinder(frame), unit, offset) if wedge is not None]
        if near:
            self._append(np.array([wedge.normal for wedge in near]), np.array([wedge.offset for wedge in near]))

    @property
    def affine(self) -> bool:
        """Whether biases and a shift of the outputs are free."""
        return self._frame.affine

    @property
    def columns(self) -> Floats:
        """Responses (n, m) of all neurons."""
        return RELU.value(self._A @ self.unit.T + self.offset)

    def _append(self, normals: Floats, offsets: Floats) -> Floats:
        weights, biases = self._frame.to_input(normals, offsets)
        self.unit, self.offset = np.concatenate([self.unit, weights]), np.concatenate([self.offset, biases])
        return RELU.value(self._A @ weights.T + biases)

    def more(self, v: Floats) -> tuple[Floats, float]:
        """Columns of neurons that respond to v (n, c) by more than 1, and the bound <v, T> / largest response."""
        if self._frame.affine:
            v = v - v.mean(axis=0)
        if self._oracle is None:
            return np.zeros((len(v), 0)), 0.0
        # Responses in working coordinates are smaller by the scale of the frame.
        scale = self._frame.scale
        found = self._oracle.price(np.ascontiguousarray(v), (1.0 + _TOLERANCE) / scale, _BATCH)
        bound = float((v * self.T).sum()) / max(1.0, found.strongest * scale)
        return self._append(found.neurons.normals, found.neurons.offsets), bound


def _solved(pool: _Pool, norm: Norm) -> Interpolation | None:
    """None where a solver fails: the block then keeps its own neurons."""
    if not len(pool.offset):
        return None
    clock = Clock(pool.time_limit)
    try:
        return least_norm(pool.columns, pool.T, pool.more, norm=norm, intercept=pool.affine, clock=clock)
    except SolverError:
        return None


def _lower_bound(
    frame: Frame, A: Floats, K: Floats, T: Floats, v: Floats | None, norm: Norm, bias: bool
) -> tuple[float, str]:
    """<v, T> / R(v) by weak duality, with the widest maximum R that can be computed."""
    if v is None or frame.rank == 0:
        return 0.0, "listed"
    v = v - v.mean(axis=0) if bias else v
    listed = _sizes(K.T @ v, norm)
    scope, strongest = "listed", listed
    try:
        wanted = "network" if network_scope_is_exact(frame) else "dictionary"
        answer = max_response(np.ascontiguousarray(A), v, norm=norm, bias=bias, scope=wanted, max_work=_WORK)
        if answer.consistent:
            scope, strongest = ("network" if answer.network else "dictionary"), max(answer.value, listed)
    except (DictionarySizeError, ParameterError):
        scope, strongest = "listed", listed
    return (max(0.0, float((v * T).sum()) / strongest) if strongest > 0 else 0.0), scope


def _sizes(responses: Floats, norm: Norm) -> float:
    """Largest response; for l1 rows the bound holds output by output, so the largest entry."""
    lengths = np.abs(responses).max(axis=1) if norm == "l1" else np.linalg.norm(responses, axis=1)
    return float(lengths.max(initial=0.0))


def _check_blocks(blocks: Sequence[int] | None, count: int) -> list[int]:
    wanted = range(count) if blocks is None else blocks
    if any(not isinstance(k, (int, np.integer)) or not 0 <= k < count for k in wanted):
        raise ParameterError(f"blocks={blocks!r}: the network has the blocks 0..{count - 1} of two layers each.")
    return sorted({int(k) for k in wanted})
