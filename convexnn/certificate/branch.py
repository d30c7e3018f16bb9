"""Branch and bound over all neurons: bounds of the largest response where no exact maximum is affordable.

Cones of neurons are cut until the bound of each (see :mod:`convexnn.certificate.relax`) is hardly above the
largest response that was met. The effort grows with the dimension and with the number of neurons that respond
almost as much as the best, hardly with the number of samples. Stopped early, the largest bound of the cones that
are left is still valid.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from convexnn._blas import single_thread
from convexnn._checks import check_bias, check_count, check_norm, check_points, check_real, check_targets
from convexnn._progress import Clock
from convexnn._types import ArrayLike, Bias, Floats, Norm
from convexnn.certificate.budget import OutOfTime, check_time
from convexnn.certificate.cones import Cones, Neurons, joined, make_neurons
from convexnn.certificate.relax import upper_bounds
from convexnn.certificate.response import MAX_WORK
from convexnn.exceptions import DataError, ParameterError
from convexnn.geometry.frame import Frame, make_frame

__all__ = ["Bracket", "bound_response", "bracket", "can_branch", "refuse_rank"]

# Largest number of rays of a cone: about ten times more cones for every dimension.
_RAYS = 7
# What a cone costs besides its samples, in row visits.
_OVERHEAD = 200
# Cones that are cut before the largest bounds are looked for again: half of those that are open, within limits.
_FEW, _MANY = 4096, 65_536
# Entries of the activations of one block, small enough for a cache; bytes of the cones that are open.
_BLOCK, _OPEN_BYTES = 2**18, 2**29


@dataclass(frozen=True)
class Bracket:
    """Two bounds of the largest response.

    Attributes
    ----------
    upper : float
        No neuron of length one responds more.
    lower : float
        Response of the neuron below.
    weights : (d,) array
    bias : float
        In the units of the samples, or of the frame if that was given.
    cones : int
        Number of cones whose response was bounded.
    ended : "closed", "work", "time" or "memory"
        Closed: up to the tolerance. Otherwise what was used up.
    """

    upper: float
    lower: float
    weights: Floats
    bias: float
    cones: int
    ended: str


@dataclass
class _Run:
    """State of one run, in working units with |v| <= 1."""

    neurons: Neurons
    floor: float
    tol: float
    slack: float
    goal: float | None
    best: float = 0.0
    ray: Floats | None = None
    closed: float = 0.0
    cones: int = 0
    work: int = 0

    @property
    def limit(self) -> float:
        """Cones whose bound, with the margin, is not above this need not be cut."""
        if self.goal is not None:
            return self.goal - self.neurons.margin
        excess = self.slack * max(0.0, self.best - self.floor)
        wanted = max(self.best, self.floor) * (1.0 + self.tol) + excess
        # Closer than rounding the bounds need not come, nor could they.
        return max(wanted - self.neurons.margin, self.best + self.neurons.margin)

    def examine(self, rays: Floats, sums: Floats, inherited: Floats | float) -> Cones:
        """Bound new cones, and keep those that have to be cut."""
        bounds = np.minimum(upper_bounds(self.neurons, rays, sums, self.limit), inherited)
        self.cones += len(bounds)
        return self.keep(Cones(rays, sums, bounds))

    def keep(self, cones: Cones) -> Cones:
        open_ = cones.bounds > self.limit
        self.closed = max(self.closed, float(cones.bounds[~open_].max(initial=0.0)))
        return cones if open_.all() else cones.select(open_)

    def notice(self, rays: Floats, sums: Floats) -> None:
        """Remember the ray that responds most."""
        responses = self.neurons.responses(rays, sums)
        top = int(np.argmax(responses))
        if responses[top] > self.best:
            self.best, self.ray = float(responses[top]), rays[top]

    def begin(self, rays: Floats, clock: Clock) -> Cones:
        """The first cones."""
        N, K, D = rays.shape
        flat = rays.reshape(-1, D)
        step = self.block
        parts = []
        for k in range(0, len(flat), step):
            check_time(clock)
            parts.append(self.neurons.sums(flat[k : k + step]))
        sums = np.concatenate(parts)
        self.notice(flat, sums)
        self.work += N * (K + 1) * (len(self.neurons.rows) + _OVERHEAD)
        shaped = sums.reshape(N, K, -1)
        return joined([self.examine(rays[k : k + step], shaped[k : k + step], np.inf) for k in range(0, N, step)])

    def cut(self, cones: Cones) -> Cones:
        """Cut cones in two and keep the halves that have to be cut again."""
        N = len(cones.bounds)
        rays, sums = self.neurons.cut(cones.rays, cones.sums)
        # Every half has the new ray; it is at the place where the halves differ from the cone.
        new = (rays[:N] != cones.rays).any(axis=2).argmax(axis=1)
        self.notice(rays[np.arange(N), new], sums[np.arange(N), new])
        self.work += 2 * N * (len(self.neurons.rows) + _OVERHEAD)
        return self.examine(rays, sums, np.concatenate([cones.bounds, cones.bounds]))

    @property
    def block(self) -> int:
        return int(np.clip(_BLOCK // len(self.neurons.rows), 16, 1024))


def can_branch(frame: Frame) -> bool:
    """Whether the dimension is small enough for branch and bound to be worth a try."""
    return frame.rank + frame.affine <= _RAYS


def bound_response(
    X: ArrayLike,
    v: ArrayLike,
    *,
    norm: Norm = "l2",
    bias: Bias = True,
    tol: float = 1e-3,
    floor: float = 0.0,
    max_work: int = MAX_WORK,
    time_limit: float | None = None,
) -> Bracket:
    """Bound the largest response of any neuron to v from both sides, by branch and bound.

    Unlike :func:`max_response` it does not enumerate hyperplanes, so the number of samples hardly matters. It is
    meant for up to five or six dimensions.

    Parameters
    ----------
    X : (n, d) array
        Samples.
    v : (n,) or (n, c) array
        Dual vector, one column per output; columns sum to zero if ``bias=True``.
    norm, bias :
        As in :func:`convexnn.train`.
    tol : float
        Relative distance of the bounds at which to stop.
    floor : float
        A response up to which the maximum need not be known, such as beta.
    max_work : int
        Largest number of row visits.
    time_limit : float, optional
        Seconds. With a limit the result depends on the machine.

    Returns
    -------
    Bracket

    Raises
    ------
    DataError
        If v does not fit X, or does not sum to zero where it must.
    ParameterError
        If a parameter is unknown, or the rank of the samples is too large.
    """
    points = check_points(X)
    dual = check_targets(v, len(points))
    if check_bias(bias) is True and np.abs(dual.sum(axis=0)).max() > 1e-9 * np.abs(dual).sum():
        raise DataError("v does not sum to zero, so with free biases its response is unbounded; subtract its mean.")
    frame = make_frame(points, norm=check_norm(norm), bias=bias)
    if not can_branch(frame):
        raise refuse_rank(frame)
    found = bracket(
        frame, dual, floor=check_real("floor", floor, low=0.0) / frame.scale, tol=check_real("tol", tol, low=0.0),
        max_work=check_count("max_work", max_work), clock=Clock(time_limit),
    )  # fmt: skip
    weights, biases = frame.to_input(found.weights[None, :], np.array([found.bias]))
    return Bracket(
        found.upper * frame.scale, found.lower * frame.scale, weights[0], float(biases[0]), found.cones, found.ended
    )


def refuse_rank(frame: Frame) -> ParameterError:
    """The error that says that branch and bound would be hopeless."""
    return ParameterError(
        f"scope='network' needs at most rank {_RAYS - frame.affine} for branch and bound, but these data have rank "
        f"{frame.rank}; use scope='dictionary', or fewer features."
    )


def bracket(
    frame: Frame,
    v: Floats,
    *,
    floor: float = 0.0,
    tol: float = 1e-3,
    slack: float = 0.0,
    goal: float | None = None,
    max_work: int = MAX_WORK,
    clock: Clock | None = None,
) -> Bracket:
    """:func:`bound_response` in working coordinates and units, for v (n, c) of any size.

    `slack` is the share of what the best response exceeds the floor by that may be added to the tolerance.
    `goal` replaces the tolerance: the run is closed as soon as no neuron responds more, and refuted as soon as one
    does.
    """
    size = float(np.abs(v).max(initial=0.0))
    if frame.rank == 0 or size == 0.0 or not frame.points.any():
        return Bracket(0.0, 0.0, np.zeros(frame.rank), 0.0, 0, "closed")
    neurons, rays = make_neurons(frame, v / size)
    run = _Run(neurons, floor / size, tol, slack, None if goal is None else goal / size)
    clock = Clock() if clock is None else clock
    with single_thread():
        try:
            left, ended = _cut_all(run, run.begin(rays, clock), max_work, clock)
        except OutOfTime:
            left, ended = np.array([np.inf]), "time"
    upper = max(run.closed, float(left.max(initial=0.0)), run.best) + neurons.margin
    if run.goal is not None and ended == "closed":
        upper = max(run.goal, run.best)
    ray = rays[0, 0] if run.ray is None else run.ray
    ray = ray / neurons.lengths(ray)
    normal, offset = ray[: frame.rank], float(ray[frame.rank :].sum())
    return Bracket(upper * size, run.best * size, normal, offset, run.cones, ended)


def _cut_all(run: _Run, cones: Cones, max_work: int, clock: Clock) -> tuple[Floats, str]:
    """Cut the cones of largest bounds until none is left, or a budget; the bounds of those that are left."""
    room = _OPEN_BYTES // (8 * (cones.rays[0].size + cones.sums[0].size + 1)) if len(cones.bounds) else 0
    while len(cones.bounds):
        if cones.rays.shape[1] == 1:
            return cones.bounds, "closed"  # a cone of one ray is that neuron
        if run.goal is not None and run.best > run.goal:
            return cones.bounds, "refuted"
        if len(cones.bounds) > room:
            return cones.bounds, "memory"
        order = np.arange(len(cones.bounds))
        count = min(len(order), int(np.clip(len(order) // 2, _FEW, _MANY)))
        if count < len(order):
            order = np.argpartition(-cones.bounds, count)
        parts = [cones.select(order[count:])]
        for start in range(0, count, run.block):
            ended = "time" if clock.expired else "work" if run.work >= max_work else ""
            if ended:
                rest = cones.bounds[order[start:count]]
                return np.concatenate([rest, *(part.bounds for part in parts)]), ended
            parts.append(run.cut(cones.select(order[start : min(start + run.block, count)])))
        cones = run.keep(joined(parts))
    return cones.bounds, "closed"
