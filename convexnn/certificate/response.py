"""The largest response of any neuron to a dual vector, computed apart from every solver.

R(v) = max over unit neurons (u, c) of ||sum_i v_i (x_i.u + c)_+||: the Euclidean length over the outputs
for l2, the largest entry for l1. A dual vector is feasible exactly if R(v) <= beta.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from convexnn._progress import Clock
from convexnn._types import Bias, Floats, Norm
from convexnn.certificate.line import line_response
from convexnn.certificate.orders import Orders
from convexnn.certificate.pencil import pencil_response
from convexnn.certificate.subsets import pencil_work
from convexnn.exceptions import DictionarySizeError, ParameterError
from convexnn.geometry.frame import Frame, make_frame

__all__ = [
    "DISAGREE",
    "MAX_WORK",
    "Response",
    "max_response",
    "network_scope_is_exact",
    "refuse_work",
    "response_work",
    "strongest",
    "sweep_seconds",
]

# Row visits of a sweep, and what one costs on one core: this is about a minute.
MAX_WORK = 2_000_000_000
_SECONDS = 3e-8

DISAGREE = "Two ways to compute the same number disagree: the data differ too much in size for double precision."
_EPS = float(np.finfo(float).eps)
# A sweep adds up to n terms; the same response computed directly must agree to this share of sum |v_i||x_i|.
_AGREEMENT = 1e-9


@dataclass(frozen=True)
class Response:
    """The strongest neuron for a dual vector.

    Attributes
    ----------
    value : float
        Its response, in the units of the input.
    weights : (d,) array
        Its hidden weights, of length one (with a penalised bias: together with `bias`).
    bias : float
        Its hidden bias.
    network : bool
        True if no neuron of any kind responds more, False if only no wedge neuron does.
    consistent : bool
        Whether the response of this neuron, evaluated directly on the samples, confirms `value`.
    error : float
        Rounding: of the neurons compared none responds more than `value` and this together to the working points.
    """

    value: float
    weights: Floats
    bias: float
    network: bool
    consistent: bool
    error: float = 0.0


def network_scope_is_exact(frame: Frame) -> bool:
    """Whether the maximum over all neurons, not only wedges, is computed exactly in this frame.

    True for the l1 norm, where both maxima coincide (Theorems 2, 3, 6), and for the l2 norm up to rank 3
    without and rank 2 with free biases.
    """
    return frame.norm == "l1" or frame.rank <= (2 if frame.affine else 3)


def response_work(frame: Frame, n_outputs: int = 1) -> int:
    """Row visits that the exact maximum needs, as a Python integer that cannot overflow.

    It is the cost of the strongest scope: cells in space take about eight times as long as lines.
    """
    if frame.norm == "l2" and frame.rank == 3 and not frame.affine:
        return 8 * pencil_work(frame) * n_outputs
    if frame.rank <= 1 or (frame.rank == 2 and not frame.affine):
        return frame.n * n_outputs
    return pencil_work(frame) * n_outputs


def sweep_seconds(frame: Frame, n_outputs: int = 1) -> float:
    """About how long the exact maximum takes on one core. Bounds of sectors spare nine in ten visits or more."""
    plane = frame.norm == "l2" and frame.affine and frame.rank == 2 and n_outputs == 1
    return response_work(frame, n_outputs) * (0.1 if plane else 1.0) * _SECONDS


def refuse_work(frame: Frame, work: int, budget: int) -> DictionarySizeError:
    """The error that says how much too large the data are, and what to do."""
    return DictionarySizeError(
        f"an exact certificate for {frame.n} samples of rank {frame.rank} visits {work:.3g} rows; the budget "
        f"is {budget:.3g}. Raise max_work, pass atoms=... to compare with these only, or use fewer features.",
        count=work,
        budget=budget,
    )


def max_response(
    X: Floats,
    v: Floats,
    *,
    norm: Norm = "l2",
    bias: Bias = True,
    scope: str = "network",
    max_work: int = MAX_WORK,
    n_jobs: int | None = None,
) -> Response:
    """Find the neuron that responds most to v.

    Parameters
    ----------
    X : (n, d) array
        Samples.
    v : (n, c) array
        Dual vector, one column per output; columns sum to zero if ``bias=True``.
    norm, bias :
        As in :func:`convexnn.train`.
    scope : "network" or "dictionary"
        All neurons, or those whose hyperplane passes through samples only. For l1, and on a line, the two
        maxima are equal and the result says "network".
    max_work : int
        Largest number of row visits.
    n_jobs : int, optional
        Threads; the result does not depend on it.

    Raises
    ------
    ParameterError
        If ``scope="network"`` is asked for where no exact method is known.
    DictionarySizeError
        If the sweep would need more than `max_work` row visits.
    """
    return strongest(make_frame(X, norm=norm, bias=bias), v, scope=scope, max_work=max_work, n_jobs=n_jobs)


def strongest(
    frame: Frame,
    v: Floats,
    *,
    scope: str,
    max_work: int = MAX_WORK,
    n_jobs: int | None = None,
    orders: Orders | None = None,
    clock: Clock | None = None,
) -> Response:
    """:func:`max_response` in working coordinates that exist already; stopped by OutOfTime when a clock runs out."""
    if scope == "network" and not network_scope_is_exact(frame):
        raise ParameterError(
            f"scope='network' is exact for norm='l2' up to rank {2 if frame.affine else 3}, but these data have "
            f"rank {frame.rank}; use scope='dictionary' or norm='l1'."
        )
    work = response_work(frame, v.shape[1])
    if work > max_work:
        raise refuse_work(frame, work, max_work)
    return _respond(frame, v, scope=scope, n_jobs=n_jobs, orders=orders, clock=clock)


def _respond(
    frame: Frame, v: Floats, *, scope: str, n_jobs: int | None, orders: Orders | None, clock: Clock | None
) -> Response:
    """Dispatch on the rank; v is scaled to one so that its magnitude cannot overflow a square."""
    everything = frame.norm == "l1" or frame.rank <= 1 or scope == "network"
    size = float(np.abs(v).max(initial=0.0))
    if frame.rank == 0 or size == 0.0:
        return _silent(frame, network=everything)
    v = v / size
    error, terms = 0.0, 0
    if frame.rank == 1 and frame.affine:
        value, normal, offset, error = line_response(frame.points[:, 0], v, frame.norm)
    elif frame.rank == 1:
        value, normal, offset = 0.0, np.ones(1), 0.0
    else:
        value, normal, offset, terms = pencil_response(frame, v, everything, n_jobs, orders, clock)
    direct, normal, offset = _best_orientation(frame, v, normal, offset)
    sizes = np.abs(frame.points).sum(axis=1)
    moved = float(np.abs(v).sum(axis=1) @ (sizes + sizes.max(initial=0.0)))
    if frame.rank > 1 or not frame.affine:
        # Sums of up to n terms, and rows that are turned into planes of normals: all as a share of what is summed.
        error = (2.0 * max(terms, frame.n) + 64.0 * frame.rank**2 + 64.0) * _EPS * moved
    weights, biases = frame.to_input(normal[None, :], np.array([offset]))
    return Response(
        value=max(value, direct) * size * frame.scale,
        weights=weights[0],
        bias=float(biases[0]),
        network=everything,
        consistent=direct >= value - _AGREEMENT * max(moved, value),
        error=error * size * frame.scale,
    )


def _best_orientation(frame: Frame, v: Floats, normal: Floats, offset: float) -> tuple[float, Floats, float]:
    """Response of a neuron and of its opposite, straight from the definition."""
    best = (-1.0, normal, offset)
    for sign in (1.0, -1.0):
        response = v.T @ np.maximum(frame.points @ (sign * normal) + sign * offset, 0.0)
        value = float(np.abs(response).max() if frame.norm == "l1" else np.linalg.norm(response))
        if value > best[0]:
            best = (value, sign * normal, sign * offset)
    return best


def _silent(frame: Frame, *, network: bool) -> Response:
    """No neuron responds: all samples are equal, or v is zero."""
    d = frame.lift.shape[0] - int(frame.penalized)
    return Response(0.0, np.zeros(d), 0.0, network, True)
