"""Search and branch and bound together: what is called proved was proved by training itself."""

from __future__ import annotations

import numpy as np
import pytest

import convexnn as cn
from convexnn.training import Status


@pytest.mark.parametrize(("d", "bias"), [(4, False), (3, True)])
@pytest.mark.parametrize("ratio", [0.3, 0.03])
def test_a_full_bound_ends_with_the_gap_that_was_asked_for(d, bias, ratio):
    """The last round has a finite bound, and the certificate confirms it; without a bound nothing is closed."""
    rng = np.random.default_rng(d)
    X, W = rng.standard_normal((40, d)), rng.standard_normal((3, d))
    y = np.maximum(X @ W.T + 0.3, 0.0) @ [1.0, -1.0, 0.5] + 0.1 * rng.standard_normal(40)
    beta = ratio * cn.beta_max(X, y, bias=bias, max_atoms=1)
    result = cn.train(X, y, beta=beta, bias=bias, bound="full", tol=1e-4, max_atoms=1)
    assert result.status is Status.CERTIFIED
    assert result.certificate.holds
    last = result.trace[-1]
    assert np.isfinite(last.dual)
    assert last.relative_gap <= 1e-4
    assert last.dual <= result.certificate.primal
