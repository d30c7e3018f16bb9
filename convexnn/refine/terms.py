"""A network whose neurons see one or two features as what it is: a sum of functions of one and two features.

f(x) = constant + sum_j f_j(x_j) + sum_jk f_jk(x_j, x_k), where every term has the mean zero over the samples and a pair
carries no main effect: its mean over either feature is zero, over the product of the marginal distributions of the
samples (Hooker 2007, Lengerich et al. 2020; over the joint distribution of distinct samples a pair could hide
everything in main effects).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from convexnn._checks import check_points
from convexnn._types import ArrayLike, Floats, Ints
from convexnn.exceptions import DataError, ParameterError
from convexnn.losses.base import check_weights
from convexnn.network import ReLUNetwork

__all__ = ["LocalExplanation", "Terms", "additive_terms"]


@dataclass(frozen=True)
class LocalExplanation:
    """What every term adds to a prediction.

    Attributes
    ----------
    names : tuple of str
        Of the terms.
    constant : float
    contributions : (n_terms,) array
        With the constant they add up to the prediction.
    prediction : float
        Output of the network (before a logistic map, if there is one).
    """

    names: tuple[str, ...]
    constant: float
    contributions: Floats
    prediction: float

    def table(self) -> str:
        """The contributions as lines of text, the largest first."""
        order = np.argsort(-np.abs(self.contributions), kind="stable")
        rows = [("constant", self.constant), *((self.names[k], float(self.contributions[k])) for k in order)]
        rows.append(("prediction", self.prediction))
        width = max(len(name) for name, _ in rows)
        return "\n".join(f"{name:<{width}}  {value:+.6g}" for name, value in rows)


@dataclass(frozen=True)
class Terms:
    """The terms of a network; made by :func:`additive_terms`.

    Attributes
    ----------
    network : ReLUNetwork
    feature_names : tuple of str
    features : tuple of tuple of int
        The feature or the two features of each term: single ones first, then pairs.
    samples : (n, d) array
        Whose marginal distributions say what a mean is.
    weight : (n,) array
        Shares of the samples; they add up to one.
    output : int
        Which output of the network.
    """

    network: ReLUNetwork
    feature_names: tuple[str, ...]
    features: tuple[tuple[int, ...], ...]
    samples: Floats
    weight: Floats
    output: int = 0

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the terms: those of their features."""
        return tuple(" x ".join(self.feature_names[j] for j in term) for term in self.features)

    @cached_property
    def constant(self) -> float:
        """The mean of the network over independent draws of its features."""
        network = self.network
        silent = ~network.hidden_weights.any(axis=1)
        fixed = np.maximum(network.hidden_biases[silent], 0.0) @ network.output_weights[silent, self.output]
        means = sum(self._single_mean[j] for j in self._single_mean) + sum(self._pair_mean[p] for p in self._pair_mean)
        return float(network.intercept[self.output] + fixed + means)

    @cached_property
    def importances(self) -> Floats:
        """Standard deviation of every term over the samples, (n_terms,)."""
        values = self.contributions(self.samples)
        means = self.weight @ values
        return np.asarray(np.sqrt(np.maximum(self.weight @ (values - means) ** 2, 0.0)))

    def contributions(self, X: ArrayLike) -> Floats:
        """Values (n, n_terms) of the terms; with the constant every row adds up to the output of the network."""
        points = check_points(X, n_features=self.network.n_features)
        out = np.empty((len(points), len(self.features)))
        for k, term in enumerate(self.features):
            out[:, k] = self._single(term[0], points[:, term[0]]) if len(term) == 1 else self._pair(term, points)
        return out

    def explain_local(self, x: ArrayLike) -> LocalExplanation:
        """What every term adds to the prediction at one sample x (d,)."""
        row = np.reshape(np.asarray(x, dtype=np.float64), (1, -1))
        found = self.contributions(row)[0]
        prediction = float(self.network.outputs(row)[0, self.output])
        return LocalExplanation(self.names, self.constant, found, prediction)

    def shape(self, feature: int | str, at: ArrayLike) -> Floats:
        """The function f_j of one feature at some of its values (m,); zero if the network does not use it."""
        return self._single(self.index(feature), np.ravel(np.asarray(at, dtype=np.float64)))

    def surface(self, first: int | str, second: int | str, at: ArrayLike, other: ArrayLike) -> Floats:
        """The function f_jk of two features on a grid of their values (m,) and (k,), shape (m, k)."""
        j, k = self.index(first), self.index(second)
        x, z = (np.ravel(np.asarray(values, dtype=np.float64)) for values in (at, other))
        grid = np.zeros((len(x) * len(z), self.network.n_features))
        grid[:, j], grid[:, k] = np.repeat(x, len(z)), np.tile(z, len(x))
        return self._pair((min(j, k), max(j, k)), grid).reshape(len(x), len(z))

    def kinks(self, feature: int | str) -> Floats:
        """Where the neurons that see this feature alone have their kinks, increasing."""
        w, b, _ = self._neurons((self.index(feature),))
        return np.unique(-b / w[:, 0])

    def index(self, feature: int | str) -> int:
        """Place of a feature by its name or place."""
        if isinstance(feature, str):
            if feature not in self.feature_names:
                raise ParameterError(f"feature={feature!r} is unknown; the features are {self.feature_names[:20]}.")
            return self.feature_names.index(feature)
        if not 0 <= feature < self.network.n_features:
            raise ParameterError(f"feature={feature!r}: expected 0 to {self.network.n_features - 1}.")
        return int(feature)

    @cached_property
    def _by_term(self) -> dict[tuple[int, ...], Ints]:
        """The neurons that see exactly these features."""
        found: dict[tuple[int, ...], list[int]] = {}
        for k, seen in enumerate(self.network.hidden_weights != 0):
            found.setdefault(tuple(np.flatnonzero(seen).tolist()), []).append(k)
        return {term: np.array(neurons) for term, neurons in found.items()}

    def _neurons(self, term: tuple[int, ...]) -> tuple[Floats, Floats, Floats]:
        """Weights (m, k), biases and output weights (m,) of the neurons of a term."""
        which = self._by_term.get(term, np.zeros(0, dtype=np.int64))
        net = self.network
        weights = net.hidden_weights[np.ix_(which, np.array(term))]
        return weights, net.hidden_biases[which], net.output_weights[which, self.output]

    @cached_property
    def _marginals(self) -> dict[int, tuple[Floats, Floats]]:
        """Distinct values of each feature, and their shares."""
        found = {}
        for j, column in enumerate(self.samples.T):
            values, group = np.unique(column, return_inverse=True)
            share = np.bincount(group, self.weight, len(values))
            found[j] = values, np.asarray(share, dtype=np.float64)
        return found

    def _raw(self, term: tuple[int, ...], points: Floats) -> Floats:
        """What the neurons of a term add together, at values (n, k) of its features."""
        w, b, a = self._neurons(term)
        hidden = points @ w.T
        hidden += b
        return np.asarray(np.maximum(hidden, 0.0, out=hidden) @ a)

    def _average(self, pair: tuple[int, int], j: int, at: Floats) -> Floats:
        """The mean of a pair's neurons over the feature that is not j, at values of feature j (m,)."""
        w, b, a = self._neurons(pair)
        mine, other = (0, 1) if j == pair[0] else (1, 0)
        values, share = self._marginals[pair[other]]
        total = np.zeros(len(at))
        for weight, bias, outer in zip(w, b, a):
            total += outer * _mean_hinge(weight[mine] * at + bias, weight[other] * values, share)
        return total

    @cached_property
    def _pairs(self) -> list[tuple[int, int]]:
        return [(term[0], term[1]) for term in self._by_term if len(term) == 2]

    @cached_property
    def _pair_mean(self) -> dict[tuple[int, int], float]:
        found = {}
        for pair in self._pairs:
            values, share = self._marginals[pair[0]]
            found[pair] = float(share @ self._average(pair, pair[0], values))
        return found

    @cached_property
    def _single_mean(self) -> dict[int, float]:
        found = {}
        for term in self._by_term:
            if len(term) == 1:
                values, share = self._marginals[term[0]]
                found[term[0]] = float(share @ self._raw(term, values[:, None]))
        return found

    def _single(self, j: int, at: Floats) -> Floats:
        """f_j: its own neurons and the main effects of its pairs, centred."""
        total = self._raw((j,), at[:, None]) - self._single_mean.get(j, 0.0)
        for pair in self._pairs:
            if j in pair:
                total += self._average(pair, j, at) - self._pair_mean[pair]
        return total

    def _pair(self, term: tuple[int, ...], points: Floats) -> Floats:
        """f_jk: the neurons of a pair without their main effects."""
        j, k = term
        if (j, k) not in self._pair_mean:
            return np.zeros(len(points))
        main = self._average((j, k), j, points[:, j]) + self._average((j, k), k, points[:, k])
        return self._raw(term, points[:, [j, k]]) - main + self._pair_mean[(j, k)]


def _mean_hinge(start: Floats, moves: Floats, share: Floats) -> Floats:
    """sum_i share_i (s + moves_i)_+ for every s (m,), by running sums over the sorted moves."""
    order = np.argsort(-moves)
    mass = np.concatenate([[0.0], np.cumsum(share[order])])
    moment = np.concatenate([[0.0], np.cumsum(share[order] * moves[order])])
    count = np.searchsorted(-moves[order], start, side="left")
    return np.asarray(start * mass[count] + moment[count])


def _unscaled(network: ReLUNetwork, scaler: Any) -> ReLUNetwork:
    """The same function of samples that have not gone through a scaler."""
    if scaler is None:
        return network
    mean = 0.0 if scaler.mean_ is None else np.asarray(scaler.mean_, dtype=np.float64)
    scale = 1.0 if scaler.scale_ is None else np.asarray(scaler.scale_, dtype=np.float64)
    weights = network.hidden_weights / scale
    return replace(network, hidden_weights=weights, hidden_biases=network.hidden_biases - (weights * mean).sum(axis=1))


def additive_terms(
    network: ReLUNetwork,
    X: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    feature_names: Sequence[str] | None = None,
    output: int = 0,
    scaler: Any = None,
) -> Terms:
    """Write a network whose neurons see at most two features as a sum of functions of one and two features.

    Parameters
    ----------
    network : ReLUNetwork or fitted estimator
        Trained with ``interaction_cst="pairwise"``, "no_interactions" or groups of at most two features.
    X : (n, d) array
        Samples, usually those of the training: means are taken over the distributions of their features.
    sample_weight : (n,) array, optional
    feature_names : sequence of str, optional
        By default those that an estimator has seen, or x0, x1, ...
    output : int
        Which output of the network.
    scaler : StandardScaler, optional
        What the samples went through before they met the network; X and the terms are then in the units before it.

    Returns
    -------
    Terms

    Raises
    ------
    DataError
        If X or the names do not belong to the network.
    ParameterError
        If a neuron sees more than two features.
    """
    if feature_names is None:
        feature_names = getattr(network, "feature_names_in_", None)
    network = _unscaled(getattr(network, "network_", network), scaler)
    points = check_points(X, n_features=network.n_features)
    numbered = [f"x{j}" for j in range(network.n_features)]
    names = tuple(map(str, numbered if feature_names is None else feature_names))
    if len(names) != network.n_features or len(set(names)) != len(names):
        raise DataError(f"feature_names has {len(names)} entries; expected {network.n_features} different ones.")
    seen = network.hidden_weights != 0
    most = int(seen.sum(axis=1).max(initial=0))
    if most > 2:
        raise ParameterError(
            f"a neuron of the network sees {most} features, so it is no sum of functions of one and two; train with "
            "interaction_cst='pairwise' or 'no_interactions'."
        )
    if network.activation.slope != 0.0:
        raise ParameterError("only networks of ReLU neurons are written as terms; this one has another activation.")
    if not 0 <= output < network.n_outputs:
        raise ParameterError(f"output={output!r}: expected 0 to {network.n_outputs - 1}.")
    pairs = sorted({tuple(np.flatnonzero(row).tolist()) for row in seen if row.sum() == 2})
    used = sorted(set(np.flatnonzero(seen.any(axis=0)).tolist()))
    weight = np.ones(len(points)) if sample_weight is None else check_weights(sample_weight, len(points))[:, 0]
    return Terms(
        network, names, (*((j,) for j in used), *pairs), points, weight / weight.sum(), output
    )  # fmt: skip
