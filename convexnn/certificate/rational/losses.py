"""Losses and their conjugates in fractions, rounded to the safe side where they have logarithms."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from convexnn.certificate.rational.numbers import exp_above, log_bounds
from convexnn.exceptions import ParameterError
from convexnn.losses import Loss
from convexnn.losses.log_loss import MulticlassLogLoss

__all__ = ["dual_below", "in_domain", "loss_above"]

_ZERO, _ONE = Fraction(0), Fraction(1)
Rows = list[list[Fraction]]


def _kind(loss: Loss) -> tuple[str, Fraction]:
    """Name of a loss without its parameter, and the parameter."""
    name, _, number = loss.name.rstrip(")").partition("(")
    default = {"huber": _ONE, "quantile": Fraction(1, 2)}.get(name, _ZERO)
    name = "rows" if isinstance(loss, MulticlassLogLoss) else name.removesuffix("_multilabel")
    if name not in (*_LOSSES, "rows", "interpolation"):
        raise ParameterError(f"loss={loss.name!r} has no form in rational arithmetic; leave out exact.")
    return name, Fraction(float(number)) if number else default


def _data(loss: Loss) -> tuple[Rows, list[Fraction]]:
    targets = [[Fraction(float(a)) for a in row] for row in loss.y]
    if loss.weight is None or loss.name == "interpolation":
        return targets, [_ONE] * len(targets)
    return targets, [Fraction(float(q)) for q in loss.weight[:, 0]]


def loss_above(loss: Loss, f: Rows) -> Fraction | None:
    """The loss of outputs, rounded up; None if it is infinite."""
    name, p = _kind(loss)
    targets, weight = _data(loss)
    if name == "interpolation":
        allowed = max((abs(a) for row in targets for a in row), default=_ZERO) / 10**8
        met = all(abs(a - b) <= allowed for row, out in zip(targets, f) for a, b in zip(row, out))
        return _ZERO if met else None
    if name == "rows":
        return sum((q * _softmax_loss(out, y) for out, y, q in zip(f, targets, weight)), _ZERO)
    each = _LOSSES[name]
    return sum((q * each(a, b, p) for out, y, q in zip(f, targets, weight) for a, b in zip(out, y)), _ZERO)


def _log_above(q: Fraction) -> Fraction:
    return log_bounds(q)[1]


def _softmax_loss(f: list[Fraction], y: list[Fraction]) -> Fraction:
    shifted = [a - max(f) for a in f]
    return _log_above(sum(map(exp_above, shifted), _ZERO)) - sum(a * b for a, b in zip(shifted, y))


_LOSSES: dict[str, Callable[[Fraction, Fraction, Fraction], Fraction]] = {
    "squared_error": lambda a, b, p: (a - b) ** 2 / 2,
    "huber": lambda a, b, p: min(abs(a - b), p) * (abs(a - b) - min(abs(a - b), p) / 2),
    "quantile": lambda a, b, p: max(p * (b - a), (1 - p) * (a - b)),
    "hinge": lambda a, b, p: max(1 - a * b, _ZERO),
    "squared_hinge": lambda a, b, p: max(1 - a * b, _ZERO) ** 2 / 2,
    "log_loss": lambda a, b, p: max(-a * b, _ZERO) + _log_above(1 + exp_above(-abs(a))),
    "poisson": lambda a, b, p: exp_above(a) - b * a + (b * _log_above(b) - b if b else _ZERO),
}


def in_domain(loss: Loss, u: Rows, s: Fraction) -> bool:
    """Whether the conjugate is finite at -s u."""
    name, p = _kind(loss)
    targets, weight = _data(loss)
    if name == "rows":
        shares = [[b - s * a / q for a, b in zip(row, y)] for row, y, q in zip(u, targets, weight)]
        return all(min(row) >= 0 and sum(row) == sum(y) for row, y in zip(shares, targets))
    pairs = ((s * a / q, b) for row, y, q in zip(u, targets, weight) for a, b in zip(row, y))
    tests: dict[str, Callable[[Fraction, Fraction], bool]] = {
        "huber": lambda a, b: abs(a) <= p,
        "quantile": lambda a, b: p - 1 <= a <= p,
        "hinge": lambda a, b: 0 <= a * b <= 1,
        "squared_hinge": lambda a, b: a * b >= 0,
        "log_loss": lambda a, b: 0 <= a * b <= 1,
        "poisson": lambda a, b: a <= b,
    }
    inside = tests.get(name)
    return inside is None or all(inside(a, b) for a, b in pairs)


def dual_below(loss: Loss, u: Rows, s: Fraction) -> Fraction:
    """-loss*(-s u), rounded down, for a vector in the domain."""
    name, _ = _kind(loss)
    targets, weight = _data(loss)
    total = _ZERO
    for row, y, q in zip(u, targets, weight):
        for a, b in zip((s * a / q for a in row), y):
            total += q * _dual_entry(name, a, b)
    return total


def _dual_entry(name: str, a: Fraction, b: Fraction) -> Fraction:
    if name == "rows":
        return _entropy(b - a)
    if name == "log_loss":
        return _entropy(abs(a)) + _entropy(1 - abs(a))
    if name == "poisson":
        return _entropy(b - a) - a + (b * log_bounds(b)[0] if b else _ZERO)
    quadratic = name in ("squared_error", "huber", "squared_hinge")
    return a * b - a * a / 2 if quadratic else a * b


def _entropy(s: Fraction) -> Fraction:
    """-s log s, rounded down."""
    return -s * log_bounds(s)[1] if s > 0 else _ZERO
