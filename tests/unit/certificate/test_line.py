"""Hinges on a line: running sums equal the sums they replace."""

from __future__ import annotations

import numpy as np
import pytest

from convexnn import ReLUNetwork
from convexnn.certificate import certify
from convexnn.certificate.line import hinge_correlations, line_response


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kind", ["random", "ties", "far", "tiny"])
def test_correlations(seed, kind):
    """K'v for kinks at, between and beyond samples, both orientations, and constants."""
    rng = np.random.default_rng(seed)
    x, w, b = rng.standard_normal(40), rng.standard_normal(12), rng.standard_normal(12)
    if kind == "ties":
        x, w, b = (rng.integers(-2, 3, size).astype(float) for size in (40, 12, 12))
    elif kind == "far":
        b *= 1e3
    elif kind == "tiny":
        w[::2] *= 1e-320
    v = rng.standard_normal((40, 2))
    expected = np.maximum(np.outer(x, w) + b, 0.0).T @ v
    size = (np.abs(np.outer(x, w)) + np.abs(b)).max(axis=0)[:, None] * np.abs(v).sum(axis=0)
    assert (np.abs(hinge_correlations(x, v, w, b) - expected) <= 1e-14 * size).all()


@pytest.mark.parametrize("norm", ["l1", "l2"])
@pytest.mark.parametrize("c", [1, 2])
def test_response_is_the_largest_at_samples(norm, c):
    """All kinks at samples, both sides, by the definition."""
    rng = np.random.default_rng(c)
    x, v = rng.integers(-3, 4, 15).astype(float), rng.standard_normal((15, c))
    v -= v.mean(axis=0)
    hinges = [np.maximum(s * (x - k), 0.0) @ v for k in x for s in (1.0, -1.0)]
    sizes = np.abs(hinges).max(axis=1) if norm == "l1" else np.linalg.norm(hinges, axis=1)
    value, normal, offset, error = line_response(x, v, norm)
    assert value == pytest.approx(sizes.max(), rel=1e-14)
    # On integers the definition is exact but for the weights: what it gives is not above the bound.
    assert sizes.max() <= value + error <= value * (1 + 1e-12)
    assert -offset / normal[0] in x


def test_long_lines_are_certified_alike():
    """Enough samples for the running sums give the certificate that direct sums give."""
    rng = np.random.default_rng(5)
    X, y = rng.standard_normal((4000, 1)), rng.standard_normal((4000, 2))
    network = ReLUNetwork(
        rng.standard_normal((30, 1)), rng.standard_normal(30), 0.1 * rng.standard_normal((30, 2)), [0.1, -0.2]
    )
    long = certify(network, X, y, beta=2.0)
    # A second feature that no neuron looks at leaves the problem as it is, but not the method.
    wide = ReLUNetwork(
        np.hstack([network.hidden_weights, np.zeros((30, 1))]),
        network.hidden_biases,
        network.output_weights,
        network.intercept,
    )
    short = certify(wide, np.hstack([X, np.ones((4000, 1))]), y, beta=2.0)
    for name in ("primal", "dual", "gap", "response"):
        assert getattr(long, name) == pytest.approx(getattr(short, name), rel=1e-11)
