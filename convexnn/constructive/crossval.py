"""Check the convex solver with the constructive networks, and the other way round.

P(beta) = min 1/2 |f(X) - Y|^2 + beta sum_j ||w_j|| ||a_j||. Every constructive network bounds P from above,
the gated relaxation from below, and the certified convex optimum must lie between. A violation is a bug.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeAlias

import numpy as np

from convexnn._checks import check_count, check_norm, check_real
from convexnn._types import ArrayLike, Bias, Bools, Floats, Norm
from convexnn.constructive.clamp import clamp_construct
from convexnn.constructive.classes import ClassData, check_class_targets, class_data
from convexnn.constructive.gated import (
    all_patterns,
    gated_least_squares,
    gated_lower_bound,
    sampled_patterns,
)
from convexnn.constructive.local import local_search
from convexnn.constructive.optimum import affine_least_squares, fit_affine, linear_regime
from convexnn.constructive.orderings import CrossRow, CrossValidation
from convexnn.constructive.shallow import shallow_affine, shallow_construct
from convexnn.exceptions import ConstructionError, ParameterError
from convexnn.network import ReLUNetwork

__all__ = ["cross_validate"]


class _Built(Protocol):
    @property
    def network(self) -> ReLUNetwork: ...


def _absorb_intercept(network: ReLUNetwork) -> ReLUNetwork:
    """Write the output bias as a neuron with input weight (0, 1): what a program without intercept can represent."""
    if not network.intercept.any():
        return network
    return ReLUNetwork(
        np.vstack([network.hidden_weights, np.zeros((1, network.n_features))]),
        np.append(network.hidden_biases, 1.0),
        np.vstack([network.output_weights, network.intercept]),
        np.zeros(network.n_outputs),
    )


def _one_output(network: ReLUNetwork, output: int | None) -> ReLUNetwork:
    if output is None:
        return network
    return ReLUNetwork(
        network.hidden_weights,
        network.hidden_biases,
        network.output_weights[:, [output]],
        network.intercept[[output]],
    )


def _constructive(data: ClassData, y: Floats, bias: Bias, output: int | None) -> dict[str, ReLUNetwork]:
    """The shallow constructions that exist for these data, in the form that the program can represent."""
    makers: dict[str, Callable[[], _Built]] = {
        "theorem 3.1": lambda: shallow_construct(data, data.labels, targets=y, shift="smallest"),
        "affine variant": lambda: shallow_affine(data, data.labels, targets=y, shift="smallest"),
        "affine": lambda: affine_least_squares(data, data.labels, targets=y, shift="smallest"),
        "clamp": lambda: clamp_construct(data, data.labels, targets=y),
    }
    found: dict[str, ReLUNetwork] = {}
    for name, make in makers.items():
        try:
            network = _one_output(make().network, output)
        except ConstructionError:
            continue
        found[name] = _absorb_intercept(network) if bias == "penalized" else network
    return found


def _random_network(m: int, d: int, c: int, rng: np.random.Generator) -> ReLUNetwork:
    return ReLUNetwork(
        rng.standard_normal((m, d)), rng.standard_normal(m), rng.standard_normal((m, c)) / m, np.zeros(c)
    )


def _patterns(rows: Floats, n_sampled: int) -> tuple[Bools, bool]:
    """Patterns, and whether the list is complete."""
    try:
        return all_patterns(rows), True
    except ConstructionError:
        return sampled_patterns(rows, n_sampled), False


def _least_squares(data: ClassData, y: Floats, patterns: Bools) -> dict[str, float]:
    """Half sums of squares of the chain all patterns <= affine <= .. <= Theorem 3.1, without penalty."""
    n, wanted = data.n_samples, y[data.labels]
    rows = np.hstack([data.X, np.ones((n, 1))])
    gates = np.vstack([np.ones((1, n), dtype=bool), patterns])
    values = {
        "all patterns": gated_least_squares(rows, wanted, gates),
        "affine": 0.5 * n * fit_affine(data, y, "samples").cost ** 2,
    }
    try:
        regime = linear_regime(data, data.labels, targets=y)
    except ConstructionError:
        return values
    tail = {
        "affine on span": regime.affine_projected,
        "linear on span": regime.linear_projected,
        "theorem 3.1": regime.mean_map,
        "operator bound": regime.operator_bound,
    }
    return {**values, **{name: 0.5 * n * cost**2 for name, cost in tail.items()}}


def cross_validate(
    X: ArrayLike,
    labels: ArrayLike,
    *,
    betas: ArrayLike | None = None,
    targets: ArrayLike | None = None,
    norm: Norm = "l2",
    bias: Bias = "penalized",
    output: int | None = None,
    solve: bool = True,
    n_random: int = 3,
    n_patterns: int = 200,
    random_state: int | None = 0,
    **options: Any,
) -> CrossValidation:
    """Put the convex optimum between the constructive upper bounds and the gated lower bound, for each beta.

    With norm="l1" the optimum is over all networks and nothing may lie below it, and so for norm="l2" with one
    `output` in the plane. With norm="l2" and several outputs it is over the wedge dictionary, and local searches
    from it and from the constructive networks may go lower, but never below the gated bound.

    Parameters
    ----------
    X : (N, M) array
    labels : (N,) array
    betas : sequence of float, optional
        By default six values from 1e-4 to 0.6 times ||[X, 1]^T Y||_op, above which little is worth its penalty.
    targets : (Q, Q) array, optional
    norm : "l1" or "l2"
        Of the weight decay. The local searches need "l2".
    bias : "penalized" or True
        With free biases the gated relaxation is vacuous and left out.
    output : int, optional
        Fit only this output (one class against the others); all of them by default. For one output the l2
        optimum over all networks is available in low dimension.
    solve : bool
        Whether to train; otherwise only the orderings that need no solver are computed.
    n_random : int
        Random starts of the local search.
    n_patterns : int
        Sampled patterns where the complete list is too long.
    random_state : int, optional
    **options
        Passed to :func:`convexnn.train`.

    Returns
    -------
    CrossValidation
        ``violations()`` is empty if every ordering holds.
    """
    data = class_data(X, labels)
    y = check_class_targets(targets, data.n_classes)
    norm = check_norm(norm)
    if bias not in (True, "penalized"):
        raise ParameterError(f"bias={bias!r}: the constructive networks have biases; choose 'penalized' or True.")
    check_count("n_random", n_random, low=0)
    wanted = y[data.labels] if output is None else y[data.labels][:, [output]]
    rows = np.hstack([data.X, np.ones((data.n_samples, 1))])
    patterns, complete = _patterns(rows, n_patterns)
    grid = _grid(betas, rows, wanted)
    networks = _constructive(data, y, bias, output)
    rng = np.random.default_rng(random_state)
    width, n_outputs = 4 * data.n_classes + 4, wanted.shape[1]
    starts = [_random_network(width, data.n_features, n_outputs, rng) for _ in range(n_random)]
    found: list[CrossRow] = []
    for beta in grid:
        lower = None
        if complete and bias == "penalized":
            lower = gated_lower_bound(rows, wanted, patterns, beta, norm=norm)
        dual, primal, scope, trained = _convex(data.X, wanted, beta, norm, bias, options) if solve else _NOTHING
        upper = {k: net.objective(data.X, wanted, beta=beta, norm=norm, bias=bias) for k, net in networks.items()}
        warm = networks if trained is None else {**networks, "convex optimum": trained}
        local = _local(warm, starts, data.X, wanted, beta, bias) if norm == "l2" else {}
        found.append(CrossRow(beta, lower, dual, primal, scope, upper, local))
    return CrossValidation(_least_squares(data, y, patterns), tuple(found), 0.5 * float((wanted**2).sum()))


def _grid(betas: ArrayLike | None, rows: Floats, wanted: Floats) -> list[float]:
    if betas is None:
        top = float(np.linalg.norm(rows.T @ wanted, 2))
        return [float(b) for b in top * np.logspace(-4, -0.25, 6)]
    values = [check_real("betas", b, low=0.0, strict=True) for b in np.ravel(np.asarray(betas, dtype=np.float64))]
    return sorted(values)


_Trained: TypeAlias = tuple[float | None, float | None, str, ReLUNetwork | None]
_NOTHING: _Trained = (None, None, "", None)


def _convex(X: Floats, wanted: Floats, beta: float, norm: Norm, bias: Bias, options: Mapping[str, Any]) -> _Trained:
    from convexnn.training import train

    result = train(X, wanted, beta=beta, norm=norm, bias=bias, **{"tol": 1e-9, **options})
    certificate = result.certificate
    return float(certificate.dual), float(certificate.primal), str(certificate.scope), result.network


def _local(
    networks: Mapping[str, ReLUNetwork],
    starts: list[ReLUNetwork],
    X: Floats,
    wanted: Floats,
    beta: float,
    bias: Bias,
) -> dict[str, float]:
    """Objective after L-BFGS from each constructive network, and the best of the random starts."""

    def end(net: ReLUNetwork) -> float:
        return local_search(net, X, wanted, beta=beta, bias=bias).objective(X, wanted, beta=beta, bias=bias)

    found = {f"from {name}": end(net) for name, net in networks.items()}
    if starts:
        found["from random"] = min(end(net) for net in starts)
    return found
