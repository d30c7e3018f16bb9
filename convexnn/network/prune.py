"""Fewer neurons with the same outputs on the training samples and no larger penalty."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from convexnn._checks import check_bias, check_norm, check_points
from convexnn._types import ArrayLike, Bias, Bools, Floats, Norm
from convexnn.network.nullspace import sparsest_vertex
from convexnn.network.relu import ReLUNetwork, row_norms

__all__ = ["basic_solution", "merge_neurons"]

# A sample this close to a hyperplane, relative to the sizes of its terms, lies on it.
_ON_PLANE = 64 * float(np.finfo(float).eps)
# Cosine beyond which two output directions are one.
_PARALLEL = 1.0 - 1e-14


def _with_free_constant(network: ReLUNetwork, norm: Norm, bias: Bias) -> ReLUNetwork:
    """Optimally scaled, and with free biases the neurons that are constants moved into the intercept."""
    network = network.rescaled(norm, bias)
    if bias is not True:
        return network
    constant = ~network.hidden_weights.any(axis=1)
    moved = network.activation.value(network.hidden_biases[constant]) @ network.output_weights[constant]
    return replace(
        network,
        hidden_weights=network.hidden_weights[~constant],
        hidden_biases=network.hidden_biases[~constant],
        output_weights=network.output_weights[~constant],
        intercept=network.intercept + moved,
    )


def basic_solution(network: ReLUNetwork, X: ArrayLike, *, norm: Norm = "l2", bias: Bias = True) -> ReLUNetwork:
    """Drop neurons that the others can replace on the samples.

    An optimal network needs at most n + 1 neurons (n c for c outputs): outputs are a nonnegative combination
    of vectors in n c dimensions, and along their dependences coefficients can be moved to zero.

    Parameters
    ----------
    network : ReLUNetwork
    X : (n, d) array
        Samples on which the outputs stay the same, up to rounding.
    norm, bias :
        The penalty that must not rise. With ``bias=True`` the intercept may change.

    Returns
    -------
    ReLUNetwork
        At most n (n c) neurons, optimally scaled; the network itself, rescaled, if nothing can be gained.
    """
    norm, bias = check_norm(norm), check_bias(bias)
    points = check_points(X, n_features=network.n_features)
    scaled = _with_free_constant(network, norm, bias)
    if scaled.n_neurons == 0:
        return scaled
    outer, intercept = _reduced(scaled.hidden(points), scaled, norm, bias)
    pruned = replace(scaled, output_weights=outer, intercept=intercept).rescaled(norm, bias)
    return pruned if _is_better(pruned, scaled, points, norm, bias) else scaled


def _reduced(hidden: Floats, network: ReLUNetwork, norm: Norm, bias: Bias) -> tuple[Floats, Floats]:
    """Output weights with few nonzero rows (l1: entries), and the intercept."""
    inner = row_norms(_counted(network, bias), norm)
    outer, intercept = network.output_weights, network.intercept
    if norm == "l1" and outer.shape[1] > 1:
        # The l1 penalty is a sum over entries, so every output is a problem of its own.
        parts = [_terms(hidden, inner, outer[:, k : k + 1], intercept[k : k + 1], bias) for k in range(outer.shape[1])]
        return np.hstack([part[0] for part in parts]), np.concatenate([part[1] for part in parts])
    return _terms(hidden, inner, outer, intercept, bias)


def _counted(network: ReLUNetwork, bias: Bias) -> Floats:
    if bias != "penalized":
        return network.hidden_weights
    return np.hstack([network.hidden_weights, network.hidden_biases[:, None]])


def _terms(hidden: Floats, inner: Floats, outer: Floats, intercept: Floats, bias: Bias) -> tuple[Floats, Floats]:
    """Shrink the number of neurons, each along its own output direction; cost is inner times outer length."""
    (n, m), c = hidden.shape, outer.shape[1]
    lengths = row_norms(outer, "l2")
    directions = outer / np.where(lengths > 0, lengths, 1.0)[:, None]
    columns = (hidden[:, None, :] / inner * directions.T).reshape(n * c, m)
    constants = np.kron(np.ones((n, 1)), np.eye(c)) if bias is True else np.zeros((n * c, 0))
    free = np.arange(m + constants.shape[1]) >= m
    start = np.concatenate([lengths * inner, np.zeros(constants.shape[1])])
    x = sparsest_vertex(np.hstack([columns, constants]), start, free)
    shift = x[m:] if bias is True else 0.0
    return directions * (x[:m] / inner)[:, None], intercept + shift


def _is_better(new: ReLUNetwork, old: ReLUNetwork, X: Floats, norm: Norm, bias: Bias) -> bool:
    """Fewer neurons, outputs equal to rounding, penalty not raised beyond rounding."""
    before = old.outputs(X)
    error = np.abs(new.outputs(X) - before).max()
    size = np.abs(before).max() + old.penalty(norm, bias)
    return bool(
        new.n_neurons < old.n_neurons
        and error <= 1e-10 * size
        and new.penalty(norm, bias) <= old.penalty(norm, bias) * (1 + 1e-12)
    )


def merge_neurons(network: ReLUNetwork, X: ArrayLike, *, norm: Norm = "l2", bias: Bias = True) -> ReLUNetwork:
    """Add up neurons that are active on the same samples and push the outputs the same way.

    On the samples such neurons are linear together, so the sum ``sum |a_j| w_j`` acts alike, and by the
    triangle inequality it costs no more. A sample on the hyperplane of a neuron agrees with either side.

    Parameters
    ----------
    network : ReLUNetwork
    X : (n, d) array
        Samples on which the outputs stay the same, up to rounding.
    norm, bias :
        The penalty that does not rise.

    Returns
    -------
    ReLUNetwork
        Optimally scaled.
    """
    norm, bias = check_norm(norm), check_bias(bias)
    points = check_points(X, n_features=network.n_features)
    scaled = _with_free_constant(network, norm, bias)
    signs = _signs(scaled, points)
    lengths = row_norms(scaled.output_weights, "l2")
    directions = scaled.output_weights / lengths[:, None]
    groups: list[list[int]] = []
    patterns = np.zeros_like(signs)
    leaders = np.zeros_like(directions)
    for j in np.argsort(-lengths, kind="stable"):
        g = _fitting(signs[j], directions[j], patterns[: len(groups)], leaders[: len(groups)])
        if g < 0:
            g = len(groups)
            groups.append([])
            patterns[g], leaders[g] = signs[j], directions[j]
        groups[g].append(int(j))
        patterns[g] = np.where(patterns[g] == 0, signs[j], patterns[g])
    summed = [lengths[group] @ scaled.hidden_weights[group] for group in groups]
    offsets = [lengths[group] @ scaled.hidden_biases[group] for group in groups]
    return replace(
        scaled,
        hidden_weights=np.reshape(summed, (len(groups), scaled.n_features)),
        hidden_biases=np.array(offsets, dtype=np.float64),
        output_weights=leaders[: len(groups)],
    ).rescaled(norm, bias)


def _signs(network: ReLUNetwork, X: Floats) -> Floats:
    """Side of each sample (m, n): 1 active, -1 not, 0 on the hyperplane."""
    values = X @ network.hidden_weights.T + network.hidden_biases
    sizes = np.abs(X) @ np.abs(network.hidden_weights.T) + np.abs(network.hidden_biases)
    return np.ascontiguousarray(np.where(np.abs(values) <= _ON_PLANE * sizes, 0.0, np.sign(values)).T)


def _fitting(sign: Floats, direction: Floats, patterns: Floats, leaders: Floats) -> int:
    """The first group that agrees with a neuron, or -1."""
    agrees: Bools = np.abs(patterns - sign).max(axis=1, initial=0.0) < 2
    agrees &= leaders @ direction >= _PARALLEL
    return int(np.argmax(agrees)) if agrees.any() else -1
