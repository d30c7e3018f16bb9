"""Reconstruction: the non-convex objective of the network is the objective of the Lasso."""

from __future__ import annotations

import numpy as np
import pytest

from convexnn.exceptions import DataError
from convexnn.network.reconstruct import reconstruct


@pytest.mark.parametrize("norm", ["l1", "l2"])
@pytest.mark.parametrize("bias", [True, False, "penalized"])
@pytest.mark.parametrize("c", [1, 3])
def test_objectives_agree(norm, bias, c):
    """Half the squared weights equal the Lasso penalty, and the outputs are K z + t."""
    rng = np.random.default_rng(c)
    X, u, offset = rng.standard_normal((20, 3)), rng.standard_normal((8, 3)), rng.standard_normal(8)
    if bias is False:
        offset[:] = 0.0
    order = 1 if norm == "l1" else 2
    full = np.hstack([u, offset[:, None]]) if bias == "penalized" else u
    length = np.linalg.norm(full, ord=order, axis=1)
    u, offset = u / length[:, None], offset / length
    z, t = rng.standard_normal((8, c)), rng.standard_normal(c) * (bias is True)
    z[3] = 0.0
    network = reconstruct(z, u, offset, t, norm=norm, bias=bias)
    assert network.n_neurons == 7
    np.testing.assert_allclose(network.outputs(X), np.maximum(X @ u.T + offset, 0) @ z + t, atol=1e-12)
    lasso = np.linalg.norm(z, ord=order, axis=1).sum()
    rows = network.hidden_weights
    if bias == "penalized":
        rows = np.hstack([rows, network.hidden_biases[:, None]])
    decay = 0.5 * (
        (np.linalg.norm(rows, ord=order, axis=1) ** 2).sum()
        + (np.linalg.norm(network.output_weights, ord=order, axis=1) ** 2).sum()
    )
    # Rounding of a sum of eight numbers.
    assert decay == pytest.approx(lasso, rel=1e-14)
    assert network.penalty(norm, bias) == pytest.approx(lasso, rel=1e-14)


def test_single_output_and_defaults():
    """Coefficients may be a vector; the intercept defaults to zero."""
    network = reconstruct([2.0, 0.0], [[1.0], [-1.0]], [0.5, 0.0])
    np.testing.assert_allclose(network.predict([[1.0], [-3.0]]), [3.0, 0.0], atol=1e-15)
    assert network.n_neurons == 1


def test_shapes_are_checked():
    """Arrays that do not belong together are named."""
    with pytest.raises(DataError, match="coef has 3 rows"):
        reconstruct(np.ones(3), np.ones((2, 2)), np.ones(2))
    with pytest.raises(DataError, match="coef has shape"):
        reconstruct(np.ones((3, 1, 1)), np.ones((3, 2)), np.ones(3))
