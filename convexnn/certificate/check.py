"""What decides about a certificate: the last steps from a dual vector to two numbers, on the samples as given.

Weak duality: for every v with columns that sum to zero (if the intercept is free) and every s with s R(v) <= beta the
number -loss*(-s v) is below the objective of every network. Here v is brought to sums that are zero exactly, R(v) is
bounded from above with all that working coordinates have forgotten, the dual value is rounded down, and the objective
of the network is rounded up. Nothing else has to be believed; tests pin what this module imports.

Rounding: EPS is twice the unit roundoff, so k * EPS bounds k roundings and the product of their errors as well.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from convexnn._types import Floats
from convexnn.geometry.exact import exact_sum, sum_above, two_product, two_sum
from convexnn.geometry.frame import Frame
from convexnn.losses import LOSSES, Loss
from convexnn.losses.log_loss import MulticlassLogLoss
from convexnn.losses.separable import Separable
from convexnn.network.broken_line import broken_line
from convexnn.network.relu import ReLUNetwork, row_norms

__all__ = [
    "Above",
    "admissible",
    "atoms_above",
    "forgotten",
    "lower_bound",
    "objective_above",
    "response_above",
    "scale_below",
]

EPS = float(np.finfo(float).eps)
# Activations of one block of samples; from there on networks of one input are evaluated as broken lines.
_BLOCK, _LINE = 2**21, 2**24


def admissible(loss: Loss, v: Floats, *, centred: bool) -> Floats:
    """The vector v (n, c) moved by roundings so that it is a dual vector in exact arithmetic.

    In the domain of the conjugate, and with columns that sum to zero exactly if `centred`: otherwise a neuron with a
    large offset would respond without bound. Entries are cut to multiples of one power of two, whose sums are exact,
    and what a column then lacks is taken from its largest entries: all move towards zero, hence stay in the domain.
    A vector that came from here is returned as it is.
    """
    if isinstance(loss, MulticlassLogLoss):
        return _level_rows(v, loss.y, loss.weight, centred)
    if isinstance(loss, Separable):
        low, high = loss.dual_interval()
        v = np.clip(v, low, high)
    return np.column_stack([_level(column) for column in v.T]) if centred else v


def _grid(v: Floats) -> tuple[Floats, float]:
    """Integers below 2^52 and a power of two: their product is v, cut towards zero."""
    exponent = max(int(np.frexp(np.abs(v).max(initial=0.0))[1]) - 52, -1074)
    unit = float(np.ldexp(1.0, exponent))
    return np.trunc(np.ldexp(v, -exponent) if exponent > -1000 else v / unit), unit


def _total(counts: Floats) -> int:
    """Exact sum of integers below 2^53."""
    high = np.floor(counts / 2.0**26)
    return int(high.sum()) * 2**26 + int((counts - high * 2.0**26).sum())


def _level(column: Floats) -> Floats:
    """Towards zero until the sum is zero exactly."""
    counts, unit = _grid(column)
    while excess := _total(counts):
        side = 1.0 if excess > 0 else -1.0
        largest = int(np.argmax(side * counts))
        counts[largest] -= side * min(abs(excess), side * counts[largest])
    return counts * unit


def _level_rows(v: Floats, y: Floats, weight: Floats | None, centred: bool) -> Floats:
    """For class probabilities s = y - v / weight: rows sum to zero exactly, then columns by moves inside rows."""
    w = np.ones((len(v), 1)) if weight is None else weight
    counts, unit = _grid(np.minimum(v, w * y))
    rows, lead = np.arange(len(v)), np.argmax(y, axis=1)
    counts[rows, lead] = 0.0
    counts[rows, lead] = -counts.sum(axis=1)
    while centred:
        sums = [_total(column) for column in counts.T]
        up, down = int(np.argmin(sums)), int(np.argmax(sums))
        if sums[down] <= 0:
            break
        # A count of v that goes from one class to another: the share of the second must not fall below zero.
        room = np.floor((w * y)[:, up] / unit) - counts[:, up]
        row = int(np.argmax(room))
        move = min(sums[down], -sums[up], int(room[row]))
        if move < 1:
            return np.zeros_like(v)
        counts[row, down] -= move
        counts[row, up] += move
    return counts * unit


def forgotten(X: Floats, frame: Frame) -> Floats:
    """How much more a neuron of length one may see of each sample (n,) than its image in working coordinates shows.

    (x - shift).u = scale * (z.(lift'u) + rest.u) with the rest measured here, in units of `frame.scale`: components
    that the frame has dropped, and roundings of its points, whatever they come from.
    """
    points = np.hstack([X, np.ones((len(X), 1))]) if frame.penalized else X
    with np.errstate(under="ignore"):
        moved, low = two_sum(points / frame.scale, -frame.shift / frame.scale)
    back, error = frame.points, np.zeros(1)
    if not _is_identity(frame.lift):
        back = frame.points @ frame.lift.T
        error = (frame.rank + 2) * EPS * (np.abs(frame.points) @ np.abs(frame.lift.T))
    rest = np.abs(moved - back) * (1 + EPS) + np.abs(low) + error
    lengths = rest.max(axis=1, initial=0.0) if frame.norm == "l1" else np.sqrt((rest * rest).sum(axis=1))
    return np.asarray(lengths * (1 + (rest.shape[1] + 4) * EPS) + 1e-300)


def _is_identity(lift: Floats) -> bool:
    return lift.shape[0] == lift.shape[1] and bool((lift == np.eye(len(lift))).all())


def response_above(X: Floats, frame: Frame, v: Floats, found: float) -> float:
    """A number that no response of a neuron of length one to v (n, c) exceeds, in units of the input.

    `found` is that number among the neurons of the working coordinates. Neurons are 1-Lipschitz in what they see, so
    what was forgotten of sample i can add |v_i| times its length. A lift whose columns are orthonormal up to rounding
    may shorten or lengthen a normal by as much.
    """
    sizes = row_norms(v, "l2")
    lost = float(sizes @ forgotten(X, frame))
    stretch = 1.0
    if not _is_identity(frame.lift):
        gram = frame.lift.T @ frame.lift - np.eye(frame.rank)
        stretch += float(np.sqrt((gram * gram).sum())) + (frame.rank + 2) * frame.lift.shape[0] * EPS
    return float((found * stretch + lost * (1 + (len(v) + 4) * EPS) * frame.scale) * (1 + 4 * EPS))


def atoms_above(X: Floats, v: Floats, normals: Floats, offsets: Floats, lengths: Floats, found: float) -> float:
    """The largest response among given atoms with all roundings of sums over the samples."""
    sizes = row_norms(v, "l2")
    terms = np.abs(normals) @ (np.abs(X).T @ sizes) + np.abs(offsets) * sizes.sum()
    terms = np.divide(terms, lengths, out=np.zeros_like(terms), where=lengths > 0)
    return float((found + 2 * (len(X) + X.shape[1] + 16) * EPS * terms.max(initial=0.0)) * (1 + 8 * EPS))


def scale_below(loss: Loss, v: Floats, wanted: float, response: float, beta: float) -> float:
    """The factor `wanted`, at most beta / response, and for bounded duals below one: s v is feasible exactly."""
    top = beta / response * (1 - 4 * EPS) if response > 0 else np.inf
    if isinstance(loss, Separable) and not np.isfinite(loss.dual_interval()).any():
        return float(min(wanted, top))
    # The interval of the conjugate was rounded; interpolation has none, but its factor is `top` anyway.
    return float(min(wanted, top) if loss.name == "interpolation" else min(wanted, top, 1 - 8 * EPS))


def lower_bound(loss: Loss, v: Floats, s: float, *, centred: bool) -> float:
    """-loss*(-s v) rounded down, for an :func:`admissible` v; minus infinity outside the domain.

    As 1'v = 0 the intercept drops out of v'y, and roundings are those of y minus a constant.
    """
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        if not np.isfinite(loss.dual(s * v)):
            return -np.inf
        apart, low = two_sum(loss.y, -_middle(loss)) if centred else (loss.y, np.zeros_like(loss.y))
        if not loss.conjugate:
            near, missed = loss, 0.0
            if centred and loss.movable:
                near, missed = LOSSES[loss.name](apart, loss.weight), sum_above(np.abs(s * v * low)) * (1 + 4 * EPS)
            lost = near.dual_rounding(s * v)
            return -np.inf if lost is None else near.dual(s * v) - (lost + missed) * (1 + 4 * EPS)
        products = v * apart
        linear = exact_sum(products)
        error = 2 * EPS * sum_above(np.abs(products)) + sum_above(np.abs(v * low)) + 1e-300
        energy = 0.0
        if loss.conjugate == "quadratic":
            weight = np.ones((len(v), 1)) if loss.weight is None else loss.weight
            u = v if loss.weight is None else np.divide(v, weight, out=np.zeros_like(v), where=weight > 0)
            energy = sum_above(v * u) * (1 + 4 * EPS)
        value = s * (linear - error) - 0.5 * s * (s * energy)
        return float(value - 4 * EPS * s * (abs(linear) + error + s * energy))


def _middle(loss: Loss) -> Floats:
    """A constant (c,) near the best one; any would do."""
    if loss.weight is None:
        return np.asarray(loss.y[0] + (loss.y - loss.y[0]).mean(axis=0))
    weight = loss.weight / loss.weight.max()
    return np.asarray(loss.y[0] + (weight * (loss.y - loss.y[0])).sum(axis=0) / weight.sum())


@dataclass(frozen=True)
class Above:
    """Objective of a network, rounded up, with the part of it that is penalty."""

    value: float
    penalty: float


def objective_above(
    network: ReLUNetwork, X: Floats, loss: Loss, penalties: Floats, shift: Floats, *, centred: bool
) -> Above:
    """The objective of a network rounded up.

    Parameters
    ----------
    network : ReLUNetwork
    X : (n, d) array
    loss : Loss
    penalties : (m,) array
        beta |w_j| |a_j|.
    shift : (d,) array
        Samples are evaluated from there, with offsets b + w.shift of twice the digits: any gives a true bound.
    centred : bool
        Whether the intercept is free: for losses of y - f a constant near y is then taken from both.
    """
    penalty = exact_sum(penalties) * (1 + (X.shape[1] + network.n_outputs + 8) * EPS)
    middle, missed = np.zeros(network.n_outputs), np.zeros(1)
    if centred and loss.movable:
        middle = _middle(loss)
        targets, low = two_sum(loss.y, -middle)
        loss, missed = LOSSES[loss.name](targets, loss.weight), np.abs(low)
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        f, error = _outputs(network, X, shift, middle)
        value = loss.value(f)
        if loss.name == "interpolation" or not np.isfinite(value):
            return Above(value + penalty, penalty)
        error = (error + missed) * (1 + 4 * EPS) + EPS * (np.abs(f).max(axis=1, keepdims=True) + np.abs(loss.y))
        slopes = np.maximum(np.abs(loss.gradient(f + error)), np.abs(loss.gradient(f - error)))
        if isinstance(loss, MulticlassLogLoss):
            slopes = slopes + (2 * error.max() if loss.weight is None else 2 * loss.weight * error)
        added = sum_above(slopes * error) * (1 + 8 * EPS) + (loss.value_rounding(f) or 0.0)
    return Above(float((value * (1 + (16 + np.log2(len(X))) * EPS) + added + penalty) * (1 + 2 * EPS)), penalty)


def _outputs(network: ReLUNetwork, X: Floats, shift: Floats, middle: Floats) -> tuple[Floats, Floats]:
    """Outputs minus `middle` (n, c), and by how much they may be wrong."""
    W, a = network.hidden_weights, network.output_weights
    (m, d), n = W.shape, len(X)
    points, low = two_sum(X, -shift)
    offsets, doubt = _moved_offsets(network, shift)
    intercept, rest = two_sum(network.intercept, -middle)
    outer = np.abs(a)
    reach = np.abs(W).T @ outer
    fixed = np.abs(offsets) @ outer + np.abs(intercept)
    missed = np.abs(low) @ reach + doubt @ outer + np.abs(rest)
    if d == 1 and n * m > _LINE:
        line = broken_line(points[:, 0], W[:, 0], offsets, a, intercept, network.activation.slope)
        bound = 2 * np.abs(points).max() * reach[0] + 2 * fixed
        return line, np.broadcast_to((4 * m + 32) * EPS * bound, line.shape) + missed * (1 + 8 * EPS)
    out = np.empty((n, a.shape[1]))
    step = max(1, _BLOCK // max(m, 1))
    for start in range(0, n, step):
        hidden = points[start : start + step] @ W.T
        hidden += offsets
        out[start : start + step] = network.activation.value(hidden, out=hidden) @ a + intercept
    bound = 0.5 * (d + m + 8) * EPS * (np.abs(points) @ reach + fixed)
    return out, bound + missed * (1 + (d + m + 8) * EPS)


def _moved_offsets(network: ReLUNetwork, shift: Floats) -> tuple[Floats, Floats]:
    """Offsets b + w.shift (m,) by products and sums of twice the digits, and their errors."""
    W, b = network.hidden_weights, network.hidden_biases
    if not shift.any():
        return b, np.zeros_like(b)
    high, low = b.copy(), np.zeros_like(b)
    for k in np.flatnonzero(shift):
        product, tail = two_product(W[:, k], np.full(len(b), shift[k]))
        high, lost = two_sum(high, product)
        low += lost + tail
    size = np.abs(b) + np.abs(W) @ np.abs(shift)
    offsets = high + low
    return offsets, np.asarray(EPS * np.abs(offsets) + (4 * (len(shift) + 2) * EPS) ** 2 * size + 1e-300)
