"""Fewer neurons at nearly the same objective; with the same outputs: :func:`convexnn.network.basic_solution`."""

from __future__ import annotations

from typing import Any

from convexnn._blas import single_thread
from convexnn._checks import check_bias, check_norm, check_real
from convexnn._progress import Clock
from convexnn._types import ArrayLike, Bias, Norm
from convexnn.exceptions import DataError, ParameterError
from convexnn.losses import LOSSES
from convexnn.network import ReLUNetwork
from convexnn.network.neurons import NeuronSet
from convexnn.refine.readers import relu_network
from convexnn.restricted.problem import make_problem
from convexnn.search.convert import network_of, neurons_of
from convexnn.search.descent import anneal, descend
from convexnn.search.drop import drop_neurons
from convexnn.training.samples import check_samples

__all__ = ["prune"]

# Widths of rounding, L-BFGS iterations and relative gain per iteration of careful movement.
_WIDTHS, _ITERATIONS, _TOL = (0.01, 0.003, 0.001), 400, 2e-9


def prune(
    network: Any,
    X: ArrayLike,
    y: ArrayLike,
    *,
    beta: float,
    within: float = 1e-3,
    norm: Norm = "l2",
    bias: Bias = True,
    loss: str = "squared_error",
    sample_weight: ArrayLike | None = None,
    time_limit: float | None = None,
) -> ReLUNetwork:
    """Drop neurons of a trained two-layer network while its objective stays nearly what it is.

    Neurons that are hardly needed leave, similar ones are added up, and the others move to take over, again and again.
    A small network is cheaper to run and easier to read; that it is the smallest one is not claimed.

    Parameters
    ----------
    network : object
        Anything with one hidden layer that :func:`from_module` reads.
    X : (n, d) array
    y : (n,) or (n, c) array
        Training data, in the form that `loss` needs.
    beta : float
        Weight decay, as in :func:`convexnn.train`.
    within : float
        The objective of the result is at most ``1 + within`` times that of `network`.
    norm, bias, loss, sample_weight :
        As in :func:`convexnn.train`; the loss must be smooth.
    time_limit : float, optional
        Seconds after which the smallest network so far is returned.

    Returns
    -------
    ReLUNetwork
        Never with more neurons than `network`, and of balanced scaling.

    Raises
    ------
    ModelFormatError
        If the network cannot be read.
    DataError, ParameterError
        If an argument is not usable.
    """
    given = relu_network(network).to_shallow()
    data = check_samples(X, y, sample_weight)
    norm, bias = check_norm(norm), check_bias(bias)
    beta = check_real("beta", beta, low=0.0, strict=True)
    within = check_real("within", within, low=0.0)
    if time_limit is not None:
        time_limit = check_real("time_limit", time_limit, low=0.0, strict=True)
    LOSSES.check(loss)
    clock = Clock(time_limit)
    problem = make_problem(
        data.X, data.Y, beta=beta, norm=norm, bias=bias, loss=loss, sample_weight=data.weight
    ).with_beta(beta)
    if not problem.loss.smooth:
        raise ParameterError(f"loss={loss!r} has kinks, where neurons cannot be moved; prune needs a smooth loss.")
    _check_shape(given, data.X.shape[1], problem.targets.shape[1], bias)

    def move(neurons: NeuronSet) -> NeuronSet:
        moved = anneal(problem, neurons, _WIDTHS, max_iter=_ITERATIONS, clock=clock, tol=_TOL)
        if problem.value_of(moved) <= problem.value_of(neurons):
            return moved
        return descend(problem, neurons, max_iter=_ITERATIONS, clock=clock, tol=_TOL)

    with single_thread():
        neurons = neurons_of(problem, given)
        highest = problem.value_of(neurons) * (1.0 + within)
        return network_of(problem, drop_neurons(problem, move(neurons), highest, move, clock))


def _check_shape(network: ReLUNetwork, n_features: int, n_outputs: int, bias: Bias) -> None:
    if network.n_features != n_features:
        raise DataError(f"X has {n_features} features, but the network takes {network.n_features}.")
    if network.n_outputs != n_outputs:
        raise DataError(f"y has {n_outputs} outputs, but the network has {network.n_outputs}.")
    if bias is False and network.hidden_biases.any():
        raise ParameterError("the network has biases, but bias=False asks for one without.")
    if bias is not True and network.intercept.any():
        raise ParameterError(f"the network has an output intercept, but bias={bias!r} has none.")
