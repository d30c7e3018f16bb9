"""Data with known structure: two spirals, a planted network, separated clusters."""

from __future__ import annotations

from typing import Any

import numpy as np

from convexnn._checks import check_count, check_real
from convexnn._types import Floats, Ints

__all__ = ["make_clusters", "make_planted_network", "make_spiral"]


def make_spiral(
    n_samples: int = 200, *, n_turns: float = 1.5, noise: float = 0.0, random_state: Any = None
) -> tuple[Floats, Floats]:
    """Two interleaved spiral arms in the plane, labelled -1 and +1.

    A network needs many neurons to follow the arms, and local training from a random start seldom does.

    Parameters
    ----------
    n_samples : int
        Points on both arms together; an odd one goes to the arm +1.
    n_turns : float
        How often an arm winds round the origin.
    noise : float
        Standard deviation of what is added to the coordinates; the arms end at distance 1.
    random_state : int, Generator or None
        Seed of positions along the arms, of noise, and of the order of the samples.

    Returns
    -------
    X : (n_samples, 2) array
    y : (n_samples,) array
        Labels as floats.

    Raises
    ------
    ParameterError
        If a parameter is out of range.
    """
    n = check_count("n_samples", n_samples)
    n_turns = check_real("n_turns", n_turns, low=0.0, strict=True)
    noise = check_real("noise", noise, low=0.0)
    rng = np.random.default_rng(random_state)
    y = np.where(np.arange(n) < n // 2, -1.0, 1.0)
    # The square root spaces samples evenly along the arm; the start keeps the arms apart at the origin.
    along = np.sqrt(rng.uniform(0.02, 1.0, n))
    angle = 2.0 * np.pi * n_turns * along + np.where(y > 0, np.pi, 0.0)
    X = along[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
    X += noise * rng.standard_normal((n, 2))
    order = rng.permutation(n)
    return np.ascontiguousarray(X[order]), y[order]


def make_planted_network(
    n_samples: int = 200,
    n_features: int = 2,
    *,
    n_neurons: int = 5,
    n_outputs: int = 1,
    bias: bool = True,
    noise: float = 0.0,
    random_state: Any = None,
) -> tuple[Floats, Floats, dict[str, Floats]]:
    """Samples of a random two-layer ReLU network, with the network.

    Parameters
    ----------
    n_samples, n_features : int
        Inputs are standard normal.
    n_neurons, n_outputs : int
        Hidden weights have length one, output weights are of either sign and size about one.
    bias : bool
        Whether the neurons have biases and the outputs an intercept.
    noise : float
        Standard deviation of what is added to the targets.
    random_state : int, Generator or None
        Seed.

    Returns
    -------
    X : (n_samples, n_features) array
    y : (n_samples,) array, or (n_samples, n_outputs) for several outputs
    parameters : dict of str to array
        Arguments of :class:`convexnn.ReLUNetwork`: ``ReLUNetwork(**parameters)`` is the planted network.

    Raises
    ------
    ParameterError
        If a parameter is out of range.
    """
    n, d = check_count("n_samples", n_samples), check_count("n_features", n_features)
    m, c = check_count("n_neurons", n_neurons), check_count("n_outputs", n_outputs)
    noise = check_real("noise", noise, low=0.0)
    rng = np.random.default_rng(random_state)
    X = rng.standard_normal((n, d))
    weights = rng.standard_normal((m, d))
    weights /= np.linalg.norm(weights, axis=1, keepdims=True)
    # Uniform in (-1, 1): every hyperplane cuts through the bulk of the samples.
    biases = rng.uniform(-1.0, 1.0, m) if bias else np.zeros(m)
    outer = rng.choice([-1.0, 1.0], (m, c)) * rng.uniform(0.5, 1.5, (m, c))
    intercept = rng.standard_normal(c) if bias else np.zeros(c)
    y = np.maximum(X @ weights.T + biases, 0.0) @ outer + intercept + noise * rng.standard_normal((n, c))
    parameters = {
        "hidden_weights": weights,
        "hidden_biases": biases,
        "output_weights": outer,
        "intercept": intercept,
    }
    return X, y[:, 0] if c == 1 else y, parameters


def make_clusters(
    n_samples: int = 200,
    n_features: int = 2,
    *,
    n_clusters: int = 2,
    radius: float = 0.1,
    random_state: Any = None,
) -> tuple[Floats, Ints]:
    """Balls around points of the unit sphere that keep away from each other: separable classes.

    With at most `n_features` clusters the centres are orthogonal, hence linearly independent; else they are
    spread greedily.

    Parameters
    ----------
    n_samples : int
        Shared out over the clusters as evenly as possible.
    n_features : int
        Dimension of the space; one feature allows two clusters, at -1 and 1.
    n_clusters : int
    radius : float
        No sample is farther from its centre.
    random_state : int, Generator or None
        Seed.

    Returns
    -------
    X : (n_samples, n_features) array
    labels : (n_samples,) array of int
        0 to n_clusters - 1.

    Raises
    ------
    ParameterError
        If a parameter is out of range.
    """
    n, d = check_count("n_samples", n_samples), check_count("n_features", n_features)
    q = check_count("n_clusters", n_clusters)
    radius = check_real("radius", radius, low=0.0)
    rng = np.random.default_rng(random_state)
    centres = _centres(rng, d, q)
    labels = rng.permutation(np.arange(n) % q)
    steps = rng.standard_normal((n, d))
    steps /= np.linalg.norm(steps, axis=1, keepdims=True)
    # Uniform in the ball: the share of volume within distance r is r^d.
    reach = radius * rng.uniform(0.0, 1.0, (n, 1)) ** (1.0 / d)
    return centres[labels] + reach * steps, labels


def _centres(rng: np.random.Generator, d: int, q: int) -> Floats:
    """Points of the unit sphere: orthogonal if the dimension allows, else each far from those before it."""
    if q <= d:
        basis, triangle = np.linalg.qr(rng.standard_normal((d, d)))
        return np.ascontiguousarray((basis * np.sign(np.diag(triangle))).T[:q])
    centres = np.zeros((q, d))
    for k in range(q):
        candidates = rng.standard_normal((256, d))
        candidates /= np.linalg.norm(candidates, axis=1, keepdims=True)
        nearest = (candidates @ centres[:k].T).max(axis=1, initial=-1.0)
        centres[k] = candidates[int(np.argmin(nearest))]
    return centres
