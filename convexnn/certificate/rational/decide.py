"""A certificate decided in fractions: objective, response and bound from the samples, with no rounding at all."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from convexnn._types import Bias, Floats, Norm
from convexnn.certificate.check import admissible
from convexnn.certificate.moments import Multipliers
from convexnn.certificate.rational.losses import dual_below, in_domain, loss_above
from convexnn.certificate.rational.moments import moment_response_squared
from convexnn.certificate.rational.numbers import integers, power, root_above
from convexnn.certificate.rational.response import MAX_VISITS, largest_response_squared
from convexnn.losses import Loss
from convexnn.network.relu import ReLUNetwork

__all__ = ["Decision", "decide", "float_above"]

_ONE = Fraction(1)


@dataclass(frozen=True)
class Decision:
    """What is true of a network and a dual vector.

    Attributes
    ----------
    objective : Fraction or None
        At least the objective of the network; None if it is infinite.
    bound : Fraction
        No network of the scope is below.
    response : float
        The largest response, rounded up.
    """

    objective: Fraction | None
    bound: Fraction
    response: float


def decide(
    network: ReLUNetwork,
    X: Floats,
    loss: Loss,
    v: Floats,
    *,
    beta: float,
    norm: Norm,
    bias: Bias,
    scope: str,
    multipliers: Sequence[Sequence[Multipliers]] | None = None,
    groups: Sequence[Sequence[int]] | None = None,
    max_visits: int = MAX_VISITS,
) -> Decision:
    """Objective and bound in rational arithmetic.

    Parameters
    ----------
    network : ReLUNetwork
    X : (n, d) array
        Samples of positive weight.
    loss : Loss
        Bound to their targets.
    v : (n, c) array
        A dual vector; it is moved by roundings until it is feasible.
    beta, norm, bias, scope :
        As in a certificate; beta=0 is interpolation.
    multipliers : sequence of sequences of multipliers, optional
        Those of a bound by moments, for each output.
    groups : sequence of sequences of int, optional
        Features that a neuron may see together; by default all.
    max_visits : int
        Largest number of samples that all turns around hyperplanes together may pass.

    Raises
    ------
    DictionarySizeError
        If the hyperplanes are too many to be visited.
    ParameterError
        If the multipliers prove less than they should.
    """
    v = admissible(loss, v, centred=bias is True)
    ones = np.ones((len(X), int(bias == "penalized")))
    rows = np.hstack([X, ones])
    whole, ev = integers(v)
    if multipliers is None:
        square = Fraction(0)
        for group in [range(X.shape[1])] if groups is None else groups:
            points, ex = integers(np.hstack([X[:, list(group)], ones]))
            found = largest_response_squared(points, whole, norm=norm, bias=bias, scope=scope, max_visits=max_visits)
            square = max(square, found * power(2 * ex))
        response = root_above(square) * power(ev)
    else:
        response = root_above(moment_response_squared(rows, v, multipliers, norm=norm, bias=bias))
    penalty = Fraction(beta) if beta > 0 else _ONE
    u = [[Fraction(int(a)) * power(ev) for a in row] for row in whole]
    top = penalty / response if response else None
    bound = max((dual_below(loss, u, s) for s in _scales(loss, u, top)), default=Fraction(0))
    loss_value = loss_above(loss, _outputs(network, X))
    objective = None if loss_value is None else loss_value + penalty * _lengths(network, norm, bias)
    return Decision(objective, max(Fraction(0), bound), float_above(response))


def _scales(loss: Loss, u: list[list[Fraction]], top: Fraction | None) -> list[Fraction]:
    """Factors, at most `top`, with which the dual vector is feasible; the best of them counts."""
    if loss.name == "interpolation":
        return [_ONE if top is None else top]
    if loss.name == "squared_error":
        y = [[Fraction(float(a)) for a in row] for row in loss.y]
        weight = _weights(loss, len(u))
        energy = sum(a * a / q for row, q in zip(u, weight) for a in row)
        inner = sum((a * b for row, targets in zip(u, y) for a, b in zip(row, targets)), Fraction(0))
        best = inner / energy if energy else Fraction(0)
        return [max(Fraction(0), best if top is None else min(best, top))]
    wanted = [_ONE, 1 - Fraction(1, 1 << 48), 1 - Fraction(1, 1 << 40)]
    return [s for s in (one if top is None else min(one, top) for one in wanted) if in_domain(loss, u, s)]


def _weights(loss: Loss, n: int) -> list[Fraction]:
    return [_ONE] * n if loss.weight is None else [Fraction(float(q)) for q in loss.weight[:, 0]]


def _outputs(network: ReLUNetwork, X: Floats) -> list[list[Fraction]]:
    """Outputs of the network on samples, exactly."""
    (W, ew), (b, eb), (points, ex) = integers(network.hidden_weights), integers(network.hidden_biases), integers(X)
    (A, ea), t = integers(network.output_weights), [Fraction(float(a)) for a in network.intercept]
    low = min(ew + ex, eb)
    hidden = (points @ W.T) * (1 << (ew + ex - low)) + b * (1 << (eb - low))
    f = np.where(hidden > 0, hidden, 0) @ A if len(b) else np.zeros((len(X), len(t)), dtype=object)
    unit = power(low + ea)
    return [[int(a) * unit + c for a, c in zip(row, t)] for row in f]


def _lengths(network: ReLUNetwork, norm: Norm, bias: Bias) -> Fraction:
    """Sum of |w_j| |a_j|, rounded up where it has roots."""
    W = network.hidden_weights
    if bias == "penalized":
        W = np.hstack([W, network.hidden_biases[:, None]])
    total = Fraction(0)
    for w, a in zip(W.tolist(), network.output_weights.tolist()):
        if norm == "l1":
            total += sum(abs(Fraction(x)) for x in w) * sum(abs(Fraction(x)) for x in a)
        else:
            total += root_above(_energy(w) * _energy(a))
    return total


def _energy(values: Sequence[float]) -> Fraction:
    return sum((Fraction(x) ** 2 for x in values), Fraction(0))


def float_above(q: Fraction | None) -> float:
    """The double next above a fraction, or infinity for None."""
    if q is None:
        return math.inf
    try:
        value = float(q)
    except OverflowError:
        return math.inf if q > 0 else -sys.float_info.max
    return value if Fraction(value) >= q else math.nextafter(value, math.inf)
