"""The largest response of a unit neuron in integers: every hyperplane through samples is visited, no rounding at all.

Around each pivot (the origin without free biases) and each choice of r - 2 further rows, neurons turn in a plane. The
sum over the active samples changes by one sample at a time, so that a turn costs one sort and O(n) products. On arcs
between two samples the squared response of all neurons of the l2 norm is a quadratic form.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cmp_to_key

import numpy as np

from convexnn._types import Bias, Norm
from convexnn.certificate.rational.numbers import Integers, root_above
from convexnn.exceptions import DictionarySizeError

__all__ = ["MAX_VISITS", "largest_response_squared"]

MAX_VISITS = 3_000_000
"""Samples that all turns together may pass; ten microseconds each."""

Pair = tuple[int, int]


@dataclass
class _Best:
    """The largest squared response so far, as a quotient of integers."""

    above: int = 0
    below: int = 1

    def offer(self, above: int, below: int) -> None:
        if above * self.below > self.above * below:
            self.above, self.below = above, below


@dataclass(frozen=True)
class _Space:
    """Coordinates Z (n, r) of the samples in which a normal w has the squared length w'Gw; for l1 those given."""

    Z: Integers
    G: Integers
    norm: Norm

    def length(self, w: Integers) -> int:
        """Squared length of a normal."""
        return int(sum(map(abs, w))) ** 2 if self.norm == "l1" else int(w @ self.G @ w)


def largest_response_squared(
    X: Integers, v: Integers, *, norm: Norm, bias: Bias, scope: str, max_visits: int = MAX_VISITS
) -> Fraction:
    """R^2 for the largest response R of a unit neuron, exact or, for several outputs, above by a share of 2^-100.

    Parameters
    ----------
    X : (n, d) array of int
        Samples, with a column for the bias if it is penalised.
    v : (n, c) array of int
        Dual vector; columns sum to zero if biases are free.
    norm, bias : as in :func:`convexnn.train`
    scope : "network" or "dictionary"
    max_visits : int

    Raises
    ------
    DictionarySizeError
        If the hyperplanes are too many, or no finite set of them is known to hold the largest response.
    """
    pivots = _distinct(X) if bias is True else [np.array([0] * X.shape[1], dtype=object)]
    space = _space(X, pivots[0], norm)
    r, n = space.Z.shape[1], len(X)
    inside = norm == "l2" and scope == "network" and r > 1
    axes = list(np.array(np.eye(r), dtype=int).astype(object)) if norm == "l1" else []
    visits = len(pivots) * math.comb(n + len(axes), max(r - 2, 0)) * 2 * n if r else 0
    if (inside and r > 2) or visits > max_visits:
        what = "the largest response over all neurons has no exact maximum" if inside and r > 2 else "too many turns"
        raise DictionarySizeError(
            f"{n} samples of rank {r} cannot be decided in rational arithmetic: {what} ({visits:.3g} visits, the "
            f"budget is {max_visits:.3g}). Raise max_work, use fewer samples, or rely on the usual check.",
            count=visits, budget=max_visits,
        )  # fmt: skip
    best = _Best()
    if r == 1:
        _on_line(space, v, best, affine=bias is True)
    for pivot in pivots if r > 1 else []:
        start = _coordinates(pivot[None, :], space, X)[0] if bias is True else 0
        for E in _planes([*(space.Z - start), *axes], r):
            _turn(space, space.Z - start, v, E, axes, best, inside=inside)
    return Fraction(best.above, best.below)


def _distinct(X: Integers) -> list[Integers]:
    return [np.array(row, dtype=object) for row in dict.fromkeys(map(tuple, X.tolist()))]


def _independent(rows: Integers) -> list[Integers]:
    """A largest set of independent rows, by elimination without fractions."""
    kept: list[Integers] = []
    echelon: list[tuple[int, Integers]] = []
    for row in rows:
        rest = row.copy()
        for pivot, base in echelon:
            if rest[pivot]:
                rest = rest * base[pivot] - base * rest[pivot]
        if rest.any():
            rest = rest // math.gcd(*map(int, rest))
            echelon.append((int(np.flatnonzero(rest)[0]), rest))
            kept.append(row)
            if len(kept) == len(row):
                break
    return kept


def _space(X: Integers, origin: Integers, norm: Norm) -> _Space:
    """The samples as given where they span everything, else their products with a basis of their span."""
    d = X.shape[1]
    basis = _independent(X - origin)
    identity = np.array(np.eye(d), dtype=int).astype(object)
    if len(basis) == d or (norm == "l1" and basis):
        return _Space(X, identity, norm)
    S = np.array(basis, dtype=object).reshape(len(basis), d)
    return _Space(X @ S.T, S @ S.T, norm)


def _coordinates(rows: Integers, space: _Space, X: Integers) -> Integers:
    """Working coordinates of rows that are samples."""
    where = {tuple(x): k for k, x in enumerate(X.tolist())}
    return space.Z[[where[tuple(row)] for row in rows.tolist()]]


def _on_line(space: _Space, v: Integers, best: _Best, *, affine: bool) -> None:
    """Rank one: the neurons that look right and left from every sample, or from the origin."""
    z, length = space.Z[:, 0], space.length(np.array([1], dtype=object))
    for sign in (1, -1):
        order = sorted(range(len(z)), key=lambda k: -sign * z[k])
        total = moment = np.array([0] * v.shape[1], dtype=object)
        for k in order:
            # Responses of the neuron that begins at this sample, before it is active itself.
            if affine:
                best.offer(_square(moment - sign * z[k] * total, space.norm), length)
            elif sign * z[k] <= 0:
                break
            total, moment = total + v[k], moment + sign * z[k] * v[k]
        if not affine:
            best.offer(_square(moment, space.norm), length)


def _square(values: Integers, norm: Norm) -> int:
    """Squared size of responses (c,)."""
    return int(max(map(abs, values))) ** 2 if norm == "l1" else int(values @ values)


def _planes(rows: list[Integers], r: int) -> Iterator[Integers]:
    """Bases (r, 2) of the planes of normals that are orthogonal to r - 2 independent rows."""
    nonzero = [row for row in rows if row.any()]
    for chosen in itertools.combinations(nonzero, r - 2):
        basis = _orthogonal(list(chosen), r)
        if basis is not None:
            yield basis


def _orthogonal(rows: list[Integers], r: int) -> Integers | None:
    """Two independent vectors orthogonal to r - 2 rows; None if the rows are dependent."""
    echelon: list[tuple[int, list[Fraction]]] = []
    for row in rows:
        rest = [Fraction(int(x)) for x in row]
        for pivot, base in echelon:
            rest = [x - rest[pivot] * y for x, y in zip(rest, base)]
        pivot = next((k for k, x in enumerate(rest) if x), -1)
        if pivot < 0:
            return None
        rest = [x / rest[pivot] for x in rest]
        echelon = [(p, [x - base[pivot] * y for x, y in zip(base, rest)]) for p, base in echelon] + [(pivot, rest)]
    free = [k for k in range(r) if k not in {p for p, _ in echelon}]
    columns = []
    for k in free:
        vector = [Fraction(int(j == k)) for j in range(r)]
        for pivot, base in echelon:
            vector[pivot] = -base[k]
        common = math.lcm(*(x.denominator for x in vector))
        columns.append([int(x * common) for x in vector])
    return np.array(columns, dtype=object).T


def _half(w: Pair) -> int:
    return 0 if w[1] > 0 or (w[1] == 0 and w[0] > 0) else 1


def _compare(a: tuple[Pair, int, int], b: tuple[Pair, int, int]) -> int:
    """Order of two directions around the circle."""
    (p, *_), (q, *_) = a, b
    if _half(p) != _half(q):
        return _half(p) - _half(q)
    cross = p[0] * q[1] - p[1] * q[0]
    return -1 if cross > 0 else 1 if cross < 0 else 0


def _turn(
    space: _Space, Z: Integers, v: Integers, E: Integers, axes: list[Integers], best: _Best, *, inside: bool
) -> None:
    """All neurons w = E a for a on the circle, seen from one pivot."""
    points = [(int(a), int(b)) for a, b in (Z @ E).tolist()]
    events = []
    for j, (p, q) in enumerate(points):
        if p or q:
            events += [((-q, p), j, -1), ((q, -p), j, 1)]
    for p, q in ((np.array(axes, dtype=object) @ E).tolist() if axes else []):
        if p or q:
            events += [((-q, p), -1, 0), ((q, -p), -1, 0)]
    if not events:
        return
    events.sort(key=cmp_to_key(_compare))
    x, y = events[0][0]
    # Active just before the first direction.
    active = [p * x + q * y > 0 or (p * x + q * y == 0 and -p * y + q * x < 0) for p, q in points]
    U = [
        (sum(c * p for c, (p, _), on in zip(column, points, active) if on),
         sum(c * q for c, (_, q), on in zip(column, points, active) if on))
        for column in v.T.tolist()
    ]  # fmt: skip
    G = E.T @ space.G @ E if space.norm == "l2" else None
    length = _length_in(E, space)
    for k, (w, j, sign) in enumerate(events):
        values = [a * w[0] + b * w[1] for a, b in U]
        best.offer(max(map(abs, values)) ** 2 if G is None else sum(t * t for t in values), length(w))
        if sign:
            p, q = points[j]
            U = [(a + sign * c * p, b + sign * c * q) for (a, b), c in zip(U, v[j].tolist())]
        if inside and G is not None:
            after = events[(k + 1) % len(events)][0]
            if w[0] * after[1] != w[1] * after[0] or w[0] * after[0] + w[1] * after[1] < 0:
                _on_arc(w, after, U, G, best)


def _length_in(E: Integers, space: _Space) -> Callable[[Pair], int]:
    """Squared length of E a as a function of a."""
    if space.norm == "l1":
        rows = E.tolist()
        return lambda w: sum(abs(a * w[0] + b * w[1]) for a, b in rows) ** 2
    (xx, xy), (_, yy) = (E.T @ space.G @ E).tolist()
    return lambda w: int(xx * w[0] * w[0] + 2 * xy * w[0] * w[1] + yy * w[1] * w[1])


def _on_arc(w: Pair, after: Pair, U: list[Pair], G: Integers, best: _Best) -> None:
    """The response between two directions, where sums over the active samples do not change."""
    (xx, xy), (_, yy) = G.tolist()
    det = xx * yy - xy * xy
    if len(U) == 1:
        a, b = U[0]
        top = (yy * a - xy * b, xx * b - xy * a)  # adj(G) U, the direction of the largest response
        above = a * top[0] + b * top[1]
        if above * best.below <= best.above * det:
            return
        for sign in (1, -1):
            s = (sign * top[0], sign * top[1])
            if w[0] * s[1] - w[1] * s[0] > 0 and s[0] * after[1] - s[1] * after[0] > 0:
                best.offer(above, det)
        return
    M = [[sum(u[i] * u[j] for u in U) for j in (0, 1)] for i in (0, 1)]

    def form(g: Pair, h: Pair) -> int:
        length = xx * g[0] * h[0] + xy * (g[0] * h[1] + g[1] * h[0]) + yy * g[1] * h[1]
        moved = M[0][0] * g[0] * h[0] + M[0][1] * (g[0] * h[1] + g[1] * h[0]) + M[1][1] * g[1] * h[1]
        return int(best.above * length - best.below * moved)

    ends = [sum((a * e[0] + b * e[1]) ** 2 for a, b in U) for e in (w, after)]
    for end, above in zip((w, after), ends):
        best.offer(above, xx * end[0] * end[0] + 2 * xy * end[0] * end[1] + yy * end[1] * end[1])
    opposite = w[0] * after[1] == w[1] * after[0]
    mixed = form(w, after)
    # The form is not negative at either end now, hence nowhere between them unless this product is, and enough.
    if not opposite and (mixed >= 0 or mixed**2 <= form(w, w) * form(after, after)):
        return
    trace = Fraction(yy * M[0][0] - 2 * xy * M[0][1] + xx * M[1][1], det)
    product = Fraction(M[0][0] * M[1][1] - M[0][1] ** 2, det)
    largest = (trace + root_above(max(Fraction(0), trace * trace - 4 * product))) / 2
    best.offer(largest.numerator, largest.denominator)
