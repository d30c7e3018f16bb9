"""Generated data: seeded, of the promised shape, with the promised structure."""

from __future__ import annotations

import numpy as np
import pytest

from convexnn.data import make_clusters, make_planted_network, make_spiral
from convexnn.exceptions import ParameterError
from convexnn.network import ReLUNetwork

MAKERS = [make_spiral, make_planted_network, make_clusters]


@pytest.mark.parametrize("make", MAKERS)
def test_seeds_decide(make):
    """Equal seeds give equal data, other seeds other data, and a generator may be passed."""
    one, two, other = make(50, random_state=3), make(50, random_state=3), make(50, random_state=4)
    np.testing.assert_array_equal(one[0], two[0])
    np.testing.assert_array_equal(one[1], two[1])
    assert not np.array_equal(one[0], other[0])
    np.testing.assert_array_equal(make(50, random_state=np.random.default_rng(3))[0], one[0])


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("n", [0, -1, 2.5, "many"])
def test_counts_are_checked(make, n):
    """A number of samples that is no count is refused by name."""
    with pytest.raises(ParameterError, match="n_samples"):
        make(n)


@pytest.mark.parametrize("n", [1, 2, 101])
def test_spiral(n):
    """Points lie on the arm of their label: turned back by their distance, they fall on one half line."""
    X, y = make_spiral(n, n_turns=2.0, random_state=0)
    assert X.shape == (n, 2)
    assert (y == 1.0).sum() - (y == -1.0).sum() == n % 2
    r = np.linalg.norm(X, axis=1)
    assert r.max() <= 1.0
    angle = np.arctan2(X[:, 1], X[:, 0]) - 4.0 * np.pi * r
    np.testing.assert_allclose(np.cos(angle), -y, atol=1e-9)
    noisy, _ = make_spiral(n, n_turns=2.0, noise=0.1, random_state=0)
    assert not np.allclose(noisy, X)


@pytest.mark.parametrize("c", [1, 3])
@pytest.mark.parametrize("bias", [True, False])
def test_planted_network(c, bias):
    """Without noise the returned parameters reproduce the targets exactly."""
    X, y, parameters = make_planted_network(40, 3, n_neurons=4, n_outputs=c, bias=bias, random_state=1)
    network = ReLUNetwork(**parameters)
    assert network.n_neurons == 4
    assert y.shape == ((40,) if c == 1 else (40, 3))
    np.testing.assert_allclose(network.predict(X), y, atol=1e-13)
    assert bias == bool(network.hidden_biases.any())
    noisy = make_planted_network(40, 3, n_neurons=4, n_outputs=c, bias=bias, noise=0.5, random_state=1)[1]
    assert 0.2 < (noisy - y).std() < 0.8


@pytest.mark.parametrize(("d", "q"), [(1, 2), (2, 2), (5, 3), (2, 5), (3, 7)])
def test_clusters(d, q):
    """Every sample is within the radius of a centre, classes are balanced, and centres are far apart."""
    X, labels = make_clusters(70, d, n_clusters=q, radius=0.05, random_state=2)
    assert X.shape == (70, d)
    assert np.ptp(np.bincount(labels, minlength=q)) <= 1
    means = np.stack([X[labels == k].mean(axis=0) for k in range(q)])
    assert max(np.linalg.norm(X[labels == k] - means[k], axis=1).max() for k in range(q)) <= 0.1
    apart = np.linalg.norm(means[:, None] - means, axis=2)[~np.eye(q, dtype=bool)]
    assert apart.min() > 0.3
    if q <= d:
        # Orthogonal centres up to the spread of the means.
        np.testing.assert_allclose(means @ means.T, np.eye(q), atol=0.05)


def test_radius_zero_gives_the_centres():
    """With radius zero all samples of a class coincide."""
    X, labels = make_clusters(20, 3, n_clusters=4, radius=0.0, random_state=0)
    assert len(np.unique(X, axis=0)) == 4
    np.testing.assert_allclose(np.linalg.norm(X, axis=1), 1.0, atol=1e-14)
    assert set(labels) == {0, 1, 2, 3}
