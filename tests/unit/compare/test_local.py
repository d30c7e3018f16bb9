"""The local baseline: right gradients, honest objective, repeatable."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from convexnn.compare import local_restarts, train_local
from convexnn.compare.objective import Objective
from convexnn.losses import LOSSES

rng = np.random.default_rng(0)
X, Y = rng.normal(size=(25, 3)), rng.normal(size=(25, 2))


@pytest.mark.parametrize("norm", ["l1", "l2"])
@pytest.mark.parametrize("free", [True, False])
def test_gradient_matches_differences(norm, free):
    model = Objective(X, LOSSES["squared_error"](Y), 0.3, norm, free=free, width=4)
    theta = np.abs(np.random.default_rng(1).normal(size=model.ends[-1])) + 0.1
    slope = approx_fprime(theta, lambda t: model.value_and_gradient(t)[0], 1e-7)
    # Forward differences of a function of size 100.
    np.testing.assert_allclose(model.value_and_gradient(theta)[1], slope, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("norm", ["l1", "l2"])
@pytest.mark.parametrize("bias", [True, False, "penalized"])
def test_local_training_beats_the_constant_and_is_repeatable(norm, bias):
    y = np.sin(2 * X[:, 0]) + X[:, 1]
    options = {"beta": 0.1, "norm": norm, "bias": bias, "width": 20, "max_iter": 300}
    run = train_local(X, y, random_state=3, **options)
    again = train_local(X, y, random_state=3, **options)
    assert run.objective == again.objective
    assert run.objective < 0.5 * LOSSES["squared_error"](y[:, None]).value(np.zeros((25, 1)))
    assert run.n_iter > 0
    recomputed = run.network.objective(X, y, beta=0.1, norm=norm, bias=bias)
    assert recomputed == pytest.approx(run.objective, rel=1e-12)
    if bias is not True:
        assert run.network.intercept[0] == 0


def test_restarts_differ_and_a_time_limit_ends_them():
    runs = local_restarts(X, Y, n_restarts=3, beta=0.1, width=10, max_iter=50)
    assert len({run.objective for run in runs}) == 3
    short = train_local(X, Y, beta=0.1, width=10, time_limit=0.0)
    assert short.n_iter == 1
    # The same start from a seed or from a generator.
    seeded = train_local(X, Y, beta=0.1, width=10, max_iter=50, random_state=np.random.default_rng(1))
    assert seeded.objective == runs[1].objective


def test_logistic_labels_are_separated():
    labels = np.where(X[:, 0] > 0, 1.0, -1.0)
    run = train_local(X, labels, beta=1e-3, loss="log_loss", width=10, random_state=0, max_iter=200)
    assert (np.sign(run.network.predict(X)) == labels).all()
