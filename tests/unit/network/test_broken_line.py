"""One input: the broken line equals the sum over neurons, also with kinks outside the samples."""

from __future__ import annotations

import numpy as np
import pytest

from convexnn.network import ReLUNetwork
from convexnn.network.broken_line import broken_line


@pytest.mark.parametrize("c", [1, 3])
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kind", ["random", "integer", "far", "tiny", "none"])
def test_equal_to_the_definition(c, seed, kind):
    """Random, coinciding, far, and vanishing kinks, both orientations, constants, and no neuron at all."""
    rng = np.random.default_rng(seed)
    m = 0 if kind == "none" else 20
    x, w, b = rng.standard_normal(50), rng.standard_normal(m), rng.standard_normal(m)
    if kind == "integer":
        x, w, b = (rng.integers(-2, 3, size).astype(float) for size in (50, m, m))
    elif kind == "far":
        b[::2] *= 1e6
    elif kind == "tiny":
        w[::2] *= 1e-320
    outer, t = rng.standard_normal((m, c)), rng.standard_normal(c)
    expected = np.maximum(np.outer(x, w) + b, 0.0) @ outer + t
    size = (np.abs(np.outer(x, w)) + np.abs(b)) @ np.abs(outer)
    # Twenty terms, each rounded relative to its own size.
    assert (np.abs(broken_line(x, w, b, outer, t) - expected) <= 1e-14 * (size + 1)).all()


def test_networks_use_it_for_many_samples():
    """Long inputs give the same outputs as short ones."""
    rng = np.random.default_rng(0)
    network = ReLUNetwork(rng.standard_normal((40, 1)), rng.standard_normal(40), rng.standard_normal((40, 1)), [0.5])
    x = rng.standard_normal((5000, 1))
    short = np.concatenate([network.predict(x[i : i + 100]) for i in range(0, 5000, 100)])
    np.testing.assert_allclose(network.predict(x), short, atol=1e-13)
