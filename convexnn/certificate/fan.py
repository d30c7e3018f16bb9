"""Lines through the origin of a plane, walked once round: the responses of all their normals.

Legend: rows z = (a, b), weights v; k = -cot(angle of z) increases with the angle in (0, pi), so it sorts the
lines without trigonometry; U = sum of v z over the side a normal w looks at, T = sum of all v z. Passing the
line of z changes U by -v|b| (-k, 1), whatever the side of z, and w.z = 0 there: ties need no order.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from convexnn._types import Bools, Floats, Ints, Norm

__all__ = ["Fan", "Peak", "make_fan", "peaks"]

# A horizontal row has no slope; tilting it by this angle changes nothing that a double can hold.
_TILT = 1e-150
# Rows are scaled before: none is longer than this.
_LARGEST = 1e3
# More than rounding takes from a cosine or a response.
_ROUNDING = 1e-6


@dataclass(frozen=True)
class Peak:
    """Best response in a batch of fans: its value, its fan, and the direction (x, y) of its normal."""

    value: float
    fan: int
    direction: tuple[float, float]


@dataclass(frozen=True)
class Fan:
    """A batch of p fans over the same m rows, sorted by angle.

    Attributes
    ----------
    a, b : (p, m) array
        Coordinates; ignored rows are zero.
    order : (p, m) array
        Rows by angle.
    slopes, size : (p, m) array
        k and |b| of the sorted rows. Ignored rows take the slope of the last line, so they add no direction.
    """

    a: Floats
    b: Floats
    order: Ints
    slopes: Floats
    size: Floats

    @cached_property
    def closeness(self) -> Floats:
        """Cosine of the largest angle between neighbouring lines of every fan, shape (p, 1)."""
        unit = 1.0 / np.sqrt(1.0 + self.slopes * self.slopes)
        cosines = (1.0 + self.slopes[:, :-1] * self.slopes[:, 1:]) * unit[:, :-1] * unit[:, 1:]
        # From the last line on to the first, turned round.
        closing = -(1.0 + self.slopes[:, -1:] * self.slopes[:, :1]) * unit[:, -1:] * unit[:, :1]
        return np.asarray(np.minimum(closing, cosines.min(axis=1, initial=1.0, keepdims=True)))

    def sort(self, values: Any) -> Any:
        """Values (p, m) of the rows in the order of their angles."""
        return values.ravel().take(_flat(self.order))

    def totals(self, v: Floats) -> tuple[Floats, Floats]:
        """T of every fan, shape (p, 1) each."""
        return (self.a @ v)[:, None], (self.b @ v)[:, None]

    def sums(self, v: Floats, total: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
        """U after each event, two arrays (p, m), for the weights v (m,) of one output and their totals.

        Half a turn leads from U to T - U, so the changes on the way tell where it began.
        """
        weight = v.take(self.order)
        weight *= self.size
        # Each addition waits for the one before it, so both sums are run in the time of one, as complex numbers.
        both = np.empty(weight.shape, dtype=np.complex128)
        both.real = weight
        np.multiply(weight, self.slopes, out=both.imag)
        np.cumsum(both, axis=1, out=both)
        y, x = both.real, both.imag
        tx, ty = total
        return np.add(x, 0.5 * (tx - x[:, -1:]), out=weight), 0.5 * (ty + y[:, -1:]) - y


def _flat(order: Ints) -> Ints:
    """Columns as positions in the flattened array."""
    return np.asarray(order + np.arange(len(order), dtype=order.dtype)[:, None] * order.shape[1])


def make_fan(a: Floats, b: Floats, ignore: Bools) -> Fan:
    """Sort the lines of rows (a, b), shape (p, m), by angle; rows in `ignore` count as zero.

    Both arrays are overwritten.
    """
    a[ignore] = 0.0
    size = np.abs(b)
    level = np.nonzero(size <= _TILT * _LARGEST)
    tilt = _TILT * np.abs(a[level])
    b[level] = np.where(size[level] < tilt, tilt, b[level])
    b[ignore] = 1.0
    slopes = np.divide(a, b, out=size)
    np.negative(slopes, out=slopes)
    slopes[ignore] = -np.inf
    b[ignore] = 0.0
    last = slopes.max(axis=1, keepdims=True)
    last[~np.isfinite(last)] = 0.0
    np.copyto(slopes, last, where=ignore)
    order = np.argsort(slopes, axis=1)
    flat = _flat(order)
    return Fan(a, b, order, slopes.ravel().take(flat), np.abs(b).ravel().take(flat))


def peaks(fan: Fan, v: Floats, totals: list[tuple[Floats, Floats]], norm: Norm, inverse: Floats, *, arcs: bool) -> Peak:
    """Largest response over the normals of a batch of fans.

    Parameters
    ----------
    fan : Fan
    v : (m, c) array
        Weights of the rows.
    totals : list of pairs of (p, 1) arrays
        T for every output.
    norm : "l1" or "l2"
        Over the outputs: largest entry or Euclidean length.
    inverse : (p, m) array
        One over the lengths of the normals (1, k) in the norm of the working space.
    arcs : bool
        Also look between the lines (l2 only): where U is constant the response w.U is largest at w = U/|U|.
    """
    halves = [fan.sums(output, total) for output, total in zip(v.T, totals)]
    squared = len(halves) > 1 and norm == "l2"
    seen = _at_lines(fan, halves, totals, inverse, squared)
    p, j = np.unravel_index(int(np.argmax(seen)), seen.shape)
    value = float(np.sqrt(seen[p, j]) if squared else seen[p, j])
    best = Peak(value, int(p), (1.0, float(fan.slopes[p, j])))
    if not arcs:
        return best
    # U is the same all along an arc, so at its first line the response is at most a cosine below that inside.
    least = value * np.maximum(fan.closeness - _ROUNDING, 0.0)
    at = np.flatnonzero(seen >= (least * least if squared else least))
    near = [(x.take(at), y.take(at)) for x, y in halves]
    fans = at // seen.shape[1]
    far = [(tx[fans, 0] - x, ty[fans, 0] - y) for (x, y), (tx, ty) in zip(near, totals)]
    for states in (near, far):
        best = max(best, _between_lines(fan, states, at), key=lambda peak: peak.value)
    return best


def _at_lines(
    fan: Fan,
    halves: list[tuple[Floats, Floats]],
    totals: list[tuple[Floats, Floats]],
    inverse: Floats,
    squared: bool,
) -> Floats:
    """Responses (p, m) of the normals of all lines, the larger of both orientations, or their squares."""
    near, far = np.zeros(()), np.zeros(())
    for (x, y), (tx, ty) in zip(halves, totals):
        seen = fan.slopes * y
        seen += x
        rest = fan.slopes * ty
        rest += tx
        rest -= seen
        if squared:
            near, far = near + (seen * inverse) ** 2, far + (rest * inverse) ** 2
        else:
            top = np.maximum(np.abs(seen, out=seen), np.abs(rest, out=rest), out=seen)
            near = top if len(halves) == 1 else np.maximum(near, top)
    return np.asarray(np.maximum(near, far) if squared else np.multiply(near, inverse, out=near))


def _between_lines(fan: Fan, states: list[tuple[Floats, Floats]], at: Ints) -> Peak:
    """Best normal strictly inside arcs, given by their first lines; the last arc closes the half circle."""
    x, y, power = _principal(states)
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = y / x
    fans, lines = np.divmod(at, fan.slopes.shape[1])
    after = slope >= fan.slopes.take(at)
    before = slope <= fan.slopes.take(at + 1, mode="clip")
    last = lines == fan.slopes.shape[1] - 1
    inside = np.where(last, after | (slope <= fan.slopes[fans, 0]), after & before)
    power = np.where(inside, power, 0.0)
    if power.max(initial=0.0) <= 0.0:
        return Peak(0.0, 0, (1.0, 0.0))
    top = int(np.argmax(power))
    return Peak(float(np.sqrt(power[top])), int(fans[top]), (float(x[top]), float(y[top])))


def _principal(states: list[tuple[Floats, Floats]]) -> tuple[Floats, Floats, Floats]:
    """Direction (x, y) that maximises sum_k (w.U_k)^2 over unit w, and the maximum."""
    if len(states) == 1:
        x, y = states[0]
        return x, y, x * x + y * y
    xx = sum((x * x for x, _ in states), np.zeros(()))
    xy = sum((x * y for x, y in states), np.zeros(()))
    yy = sum((y * y for _, y in states), np.zeros(()))
    top = 0.5 * (xx + yy) + np.sqrt((0.5 * (xx - yy)) ** 2 + xy * xy)
    wide = xx >= yy
    # Of the two formulas for the eigenvector, the one without cancellation.
    return np.where(wide, top - yy, xy), np.where(wide, xy, top - xx), top
