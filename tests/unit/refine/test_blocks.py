"""Rebuilt blocks: equal outputs on the samples, no larger penalty, bounds that hold, certificates per block."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from reference_refine import forward, least_l1_norm, line_dictionary

from convexnn import DeepReLUNetwork, rebuild_blocks, train
from convexnn.exceptions import ParameterError
from convexnn.refine import half_decay


def random_network(rng, widths, bias=True):
    return DeepReLUNetwork(
        tuple((rng.normal(size=(b, a)) / a**0.5, 0.4 * rng.normal(size=b) * bias) for a, b in pairwise(widths))
    )


CASES = [
    ((2, 7, 1), 15), ((2, 6, 3, 5, 1), 18), ((3, 8, 2, 5, 2), 14), ((1, 6, 2, 5, 1), 16), ((2, 6, 3), 12),
    ((4, 6, 2, 4, 1), 10), ((3, 6, 1), 30),
]  # fmt: skip


@pytest.mark.parametrize(("widths", "n"), CASES)
@pytest.mark.parametrize("norm", ["l1", "l2"])
@pytest.mark.parametrize("bias", [True, False])
def test_outputs_stay_and_the_penalty_falls(widths, n, norm, bias):
    rng = np.random.default_rng(len(widths) * n + bias)
    net, X = random_network(rng, widths, bias), rng.normal(size=(n, widths[0]))
    result = rebuild_blocks(net, X, norm=norm, bias=bias, time_limit=1.0)
    before, after = net.outputs(X), forward(result.network.layers, X)
    assert np.abs(after - before).max() <= 1e-8 * np.abs(before).max()
    assert result.penalty_before <= half_decay(net, norm) * (1 + 1e-12)
    assert result.penalty_after <= result.penalty_before * (1 + 1e-12)
    assert result.penalty_after == pytest.approx(half_decay(result.network, norm), rel=1e-12)
    assert len(result.blocks) == (len(widths) - 1) // 2
    for block in result.blocks:
        assert 0 <= block.lower_bound <= block.norm_after <= block.norm_before * (1 + 1e-12)
        assert block.error <= 1e-9
        assert 0 <= block.chamber.gamma <= 1
        assert block.gap * block.norm_after == pytest.approx(block.norm_after - block.lower_bound, abs=1e-12)


def test_odd_depth_keeps_the_last_layer():
    rng = np.random.default_rng(0)
    net, X = random_network(rng, (2, 6, 3, 2)), rng.normal(size=(12, 2))
    result = rebuild_blocks(net, X, time_limit=2.0)
    assert len(result.blocks) == 1
    np.testing.assert_array_equal(np.abs(result.network.layers[-1][0]) > 0, np.abs(net.layers[-1][0]) > 0)
    np.testing.assert_allclose(result.network.outputs(X), net.outputs(X), rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("norm", ["l1", "l2"])
def test_line_against_a_linear_program(norm):
    """On a line the dictionary is exact for every norm; a linear program over all of it is the reference."""
    rng = np.random.default_rng(1)
    net, X = random_network(rng, (1, 9, 1)), rng.normal(size=(20, 1))
    block = rebuild_blocks(net, X, norm=norm).blocks[0]
    best = least_l1_norm(line_dictionary(X[:, 0]), net.outputs(X), True)
    assert block.norm_after == pytest.approx(best, rel=1e-8)
    assert block.lower_bound == pytest.approx(best, rel=1e-7)
    assert block.scope == "network"
    assert block.gap < 1e-6


def test_planar_l1_block_is_certified_against_every_network():
    rng = np.random.default_rng(2)
    net, X = random_network(rng, (2, 10, 2)), rng.normal(size=(15, 2))
    block = rebuild_blocks(net, X, norm="l1").blocks[0]
    assert block.scope == "network"
    assert block.gap < 1e-6
    assert block.replaced
    # Independently: the Lasso of the same outputs at a tiny penalty has nearly the same norm.
    limit = train(X, net.outputs(X), beta=1e-7, norm="l1").network
    assert block.norm_after == pytest.approx(limit.penalty("l1"), rel=1e-3)


def test_a_block_without_effect_and_wrong_blocks():
    X = np.random.default_rng(0).normal(size=(8, 2))
    zero = DeepReLUNetwork(((np.zeros((3, 2)), np.ones(3)), (np.ones((1, 3)), np.zeros(1))))
    result = rebuild_blocks(zero, X)
    np.testing.assert_allclose(result.network.outputs(X), zero.outputs(X))
    assert result.penalty_after == 0.0
    assert not result.blocks[0].replaced
    with pytest.raises(ParameterError, match="blocks"):
        rebuild_blocks(zero, X, blocks=[1])
