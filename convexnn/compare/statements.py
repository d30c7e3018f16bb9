"""Both sides of the theorems, computed by different means."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from convexnn._types import Bias, Floats, Norm
from convexnn.certificate import certify
from convexnn.compare.local import local_restarts
from convexnn.exceptions import DataError
from convexnn.geometry.dispersion import a_priori_bound, chamber_diameter, random_data_bound
from convexnn.geometry.frame import make_frame
from convexnn.losses import LOSSES
from convexnn.network import RELU
from convexnn.network.relu import row_norms
from convexnn.training import TrainingResult, beta_max, train

__all__ = [
    "Check",
    "deep_checks",
    "exact_checks",
    "interpolation",
    "jung",
    "random_dispersion",
    "sandwich",
    "shallow_checks",
    "weak_duality",
]

# Relative accuracy up to which both sides are computed.
_TOL = 1e-6
_RANDOM_NEURONS = 100_000


@dataclass(frozen=True)
class Check:
    """One comparison of two numbers.

    Attributes
    ----------
    what : str
    left_name, right_name : str
    left, right : float
    relation : "<=" or "="
    holds : bool
        Up to the accuracy of the computation.
    """

    what: str
    left_name: str
    left: float
    relation: str
    right_name: str
    right: float
    holds: bool


def _below(what: str, left_name: str, left: float, right_name: str, right: float, tol: float = _TOL) -> Check:
    holds = left <= right + tol * max(abs(left), abs(right), 1e-300)
    return Check(what, left_name, float(left), "<=", right_name, float(right), bool(holds))


def _penalty(X: Floats, y: Floats, norm: Norm, bias: Bias) -> float:
    return 0.05 * (beta_max(X, y, norm=norm, bias=bias, scope="dictionary") or 1.0)


def _largest_random_response(X: Floats, v: Floats, norm: Norm, bias: Bias) -> float:
    """Strongest answer of random unit neurons; with free biases each hinges at a random point between samples."""
    rng = np.random.default_rng(0)
    u = rng.standard_normal((_RANDOM_NEURONS, X.shape[1]))
    u /= row_norms(u, norm)[:, None]
    rows = X @ u.T
    if bias is True:
        low, high = rows.min(axis=0), rows.max(axis=0)
        rows -= low + rng.random(len(u)) * (high - low)
    answers = RELU.value(rows).T @ v
    return float((np.linalg.norm(answers, axis=1) if norm == "l2" else np.abs(answers).max(axis=1)).max())


def exact_checks(norm: Norm, bias: Bias, n_outputs: int = 1) -> Callable[[Floats, Floats], list[Check]]:
    """The Lasso over wedge neurons has the optimum of the non-convex problem."""

    def checks(X: Floats, y: Floats) -> list[Check]:
        if n_outputs > y.shape[1]:
            y = np.column_stack([y[:, 0], np.roll(y[:, 0], 1)])
        beta = _penalty(X, y, norm, bias)
        kind: dict[str, Any] = {"beta": beta, "norm": norm, "bias": bias}
        result = train(X, y, scope="dictionary", **kind)
        best = min(run.objective for run in local_restarts(X, y, n_restarts=10, width=40, time_limit=1.0, **kind))
        loss = LOSSES["squared_error"](y)
        v = -loss.gradient(result.network.outputs(X))
        return [
            _equal_to_bound(result),
            _below(
                "no local search over free neurons is below", "Lasso over wedge neurons", result.certificate.primal,
                "best of 10 local runs", best,
            ),
            _below(
                f"{_RANDOM_NEURONS:,} random neurons answer the residual by less than beta", "largest answer",
                _largest_random_response(X, v, norm, bias), "beta", beta, 1e-4,
            ),
        ]  # fmt: skip

    return checks


def _equal_to_bound(result: TrainingResult) -> Check:
    proof = result.certificate
    close = proof.gap <= 2 * _TOL * abs(proof.primal)
    what = "the network built from the Lasso reaches the bound that duality proves"
    return Check(what, "objective of the network", proof.primal, "=", "lower bound", proof.dual, close)


def sandwich(bias: Bias) -> Callable[[Floats, Floats], list[Check]]:
    """Lasso(beta gamma) <= optimum of all networks <= Lasso(beta), for l2 (corrected constants)."""

    def checks(X: Floats, y: Floats) -> list[Check]:
        rank = make_frame(X, norm="l2", bias=bias).rank
        if rank > (2 if bias is True else 3):
            raise DataError(f"X spans {rank} dimensions; the optimum over all networks is computed up to two (bias), "
                            "three without. Choose fewer features.")  # fmt: skip
        beta, gamma = _penalty(X, y, "l2", bias), a_priori_bound(X, norm="l2", bias=bias).gamma
        kind: dict[str, Any] = {"norm": "l2", "bias": bias}
        wedge = train(X, y, beta=beta, scope="dictionary", **kind).certificate
        every = train(X, y, beta=beta, scope="network", **kind).certificate
        out = [_below("wedge neurons are neurons", "optimum over all networks", every.dual,
                      "Lasso(beta)", wedge.primal)]  # fmt: skip
        if gamma > 0:
            low = train(X, y, beta=beta * gamma, scope="dictionary", **kind).certificate
            out.append(_below(f"the geometry bounds what is lost, gamma = {gamma:.4f}", "Lasso(beta gamma)",
                              low.dual, "optimum over all networks", every.primal))  # fmt: skip
        return out

    return checks


def interpolation(X: Floats, y: Floats) -> list[Check]:
    """Corollary 8: minimum-norm interpolation over wedges against that over all neurons."""
    gamma = a_priori_bound(X, norm="l2", bias=True).gamma
    wedge = train(X, y, beta=0.0, scope="dictionary").network.penalty("l2", True)
    small = 1e-5 * beta_max(X, y)
    # For every beta the optimum divided by beta is a lower bound of the least norm that interpolates.
    every = train(X, y, beta=small, bound="full").certificate
    bound = every.dual / small
    return [
        _below("least norm over wedges is at most 1/gamma times that of all networks", "norm over wedges", wedge,
               f"(bound over all networks) / gamma, gamma = {gamma:.4f}", bound / gamma if gamma > 0 else np.inf),
        _below("all networks can only be better", "bound over all networks", bound, "norm over wedges", wedge),
    ]  # fmt: skip


def random_dispersion(X: Floats, y: Floats) -> list[Check]:
    """Lemmas 11 and 12: random data are well spread."""
    n, d = X.shape
    bound, _ = random_data_bound(n, d)
    found = chamber_diameter(X)
    name = f"chamber diameter ({found.kind})"
    return [_below(f"with probability 0.95 for {n} standard normal samples", name, found.value, "bound", bound.value)]


def jung(X: Floats, y: Floats) -> list[Check]:
    """Lemma 16 as printed fails beyond the plane; with Jung's constant it holds."""
    n, d = X.shape
    rows = np.eye(3)
    v = np.ones(3)
    over_all = float(np.linalg.norm(v))
    corners = float(np.max(rows @ v))
    diameter = float(np.sqrt(2.0))
    printed, jung = 1 / np.sqrt(1 - diameter**2 / 4), 1 / np.sqrt(1 - diameter**2 * (3 - 1) / (2 * 3))
    return [
        _below("rows e1, e2, e3: the printed factor is too small (this line does not hold)", "strongest neuron / "
               "strongest wedge", over_all / corners, "1 / sqrt(1 - D^2/4)", printed),
        _below("with Jung's constant", "strongest neuron / strongest wedge", over_all / corners,
               "1 / sqrt(1 - D^2 (r-1)/(2r))", float(jung)),
    ]  # fmt: skip


def shallow_checks(X: Floats, labels: Any) -> list[Check]:
    from convexnn.constructive import bounds, shallow_construct

    built = shallow_construct(X, labels)
    values = {name: bound.value for name, bound in bounds(X, labels).items() if bound.value is not None}
    return [
        _below("(3.15): cost of the written network", "measured cost", built.cost, "||Y||_op delta_P",
               built.operator_bound),
        _below("the same from the formula", "||Y Pen DX|| / sqrt(N)", built.exact_cost, "measured cost", built.cost),
        _below("the least-squares affine network is at least as good", "its cost", values["affine"], "measured cost",
               built.cost),
    ]  # fmt: skip


def deep_checks(X: Floats, labels: Any) -> list[Check]:
    from convexnn.constructive import deep_construct

    built = deep_construct(X, labels)
    return [_below("Q hidden layers of width Q reach zero cost", "measured cost", built.cost, "rounding", 1e-9)]


def weak_duality(X: Floats, y: Floats) -> list[Check]:
    """Any vector gives a bound, after projection and scaling; no network is below."""
    beta = _penalty(X, y, "l1", True)
    kind: dict[str, Any] = {"beta": beta, "norm": "l1", "bias": True}
    best = train(X, y, **kind)
    rng = np.random.default_rng(0)
    out = []
    for k in range(3):
        v = y - y.mean(axis=0) + 0.3 * k * rng.standard_normal(y.shape)
        proof = certify(best.network, X, y, dual_point=v, **kind)
        out.append(_below("a bound from a vector with noise" if k else "a bound from the centred targets",
                          "its dual value", proof.dual, "optimum", best.certificate.primal))  # fmt: skip
    return out
