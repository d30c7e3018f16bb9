"""The experiments of section 4: batched training equals plain descent, and both forms of the bound are "
"there."""

import numpy as np
import pytest
import reference_constructive as ref

from convexnn.constructive import gaussian_mixture, gradient_descent, mixture_experiment
from convexnn.constructive.mixtures import _initial
from convexnn.exceptions import ParameterError
from convexnn.network import DeepReLUNetwork


def test_means_are_orthonormal_and_the_draw_is_reproducible():
    one = gaussian_mixture(6, 4, 5, 0.1, random_state=1)
    np.testing.assert_allclose(one.centres @ one.centres.T, np.eye(4), atol=1e-13)
    assert one.X.shape == (20, 6)
    np.testing.assert_array_equal(one.X, gaussian_mixture(6, 4, 5, 0.1, random_state=1).X)
    with pytest.raises(ParameterError, match="at least n_classes"):
        gaussian_mixture(2, 3, 5, 0.1)


def test_batched_training_is_gradient_descent_with_momentum():
    mix = gaussian_mixture(3, 2, 8, 0.3, random_state=2)
    found = mixture_experiment(mix, n_runs=4, max_epochs=20, random_state=5)
    params = _initial(4, 3, 2, np.random.default_rng(5))
    for k in range(4):
        w1, b1, w2, b2 = (p[k] for p in params)
        net = DeepReLUNetwork(((w1, b1), (w2, b2)))
        # The experiment reports the cost before its last step.
        went = gradient_descent(net, mix.X, mix.labels, rate=0.05, momentum=0.9, n_steps=19)
        assert found.initial[k] == pytest.approx(went.costs[0], rel=1e-10)
        assert found.final[k] == pytest.approx(went.costs[-1], rel=1e-9)


def test_bounds_use_sample_means_and_true_means():
    """The notebook takes the means of the mixture; (3.15) is stated for those of the samples."""
    mix = gaussian_mixture(4, 3, 10, 0.2, random_state=0)
    found = mixture_experiment(mix, n_runs=2, max_epochs=5, random_state=0)
    sample = np.linalg.norm(ref.pen(ref.mean_columns(mix.X, mix.labels)) @ ref.noise(mix.X, mix.labels))
    true = np.linalg.norm(mix.centres @ (mix.X - mix.centres[mix.labels]).T)
    assert found.bound == pytest.approx(sample / np.sqrt(30), rel=1e-9)
    assert found.notebook_bound == pytest.approx(true / np.sqrt(30), rel=1e-9)
    assert abs(found.bound - found.notebook_bound) > 1e-3
    assert found.affine <= min(found.bound, found.notebook_bound)
    assert found.bound <= found.operator_bound


def test_training_lowers_the_cost_and_some_runs_fall_below_the_bound():
    mix = gaussian_mixture(4, 2, 10, 0.2, random_state=3)
    found = mixture_experiment(mix, n_runs=30, random_state=0)
    assert (found.final <= found.initial + 1e-12).all()
    assert found.final.min() < found.bound
    assert 0 <= found.above_bound < 1
    assert found.final.max() <= np.sqrt(0.5) + 0.05
