"""What every oracle promises: declarations, true responses, slopes of the activation, answers when time is over."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from convexnn._progress import Clock
from convexnn.dictionaries.hyperplanes import enumerate_hyperplanes
from convexnn.geometry.frame import make_frame
from convexnn.network.activation import Activation
from convexnn.oracles.ascent import AscentOracle
from convexnn.oracles.line import LineOracle, RayOracle
from convexnn.oracles.listed import ListedOracle
from convexnn.oracles.pencil import PencilOracle
from convexnn.oracles.planar import PlanarOracle


def listed(frame):
    planes = next(iter(enumerate_hyperplanes(frame)))
    return ListedOracle(frame, planes.normals, planes.offsets, planes.generators, complete=True)


KINDS = [
    (1, True, LineOracle),
    (1, False, RayOracle),
    (2, True, lambda frame: PlanarOracle(frame, network=False)),
    (2, True, lambda frame: PlanarOracle(frame, network=True)),
    (2, False, lambda frame: PencilOracle(frame, network=True)),
    (3, False, lambda frame: PencilOracle(frame, network=True)),
    (3, True, lambda frame: PencilOracle(frame, network=False)),
    (2, True, listed),
    (3, True, AscentOracle),
    (3, False, AscentOracle),
]


def posed(d, bias, norm, slope=0.0, n=14, c=2, seed=0):
    rng = np.random.default_rng(seed)
    frame = make_frame(rng.standard_normal((n, d)), norm=norm, bias=bias)
    v = rng.standard_normal((n, c))
    return replace(frame, activation=Activation(slope)), v - v.mean(axis=0) if bias else v


def sizes(frame, normals, offsets, v):
    pre = frame.points @ normals.T + offsets
    responses = np.where(pre > 0, pre, frame.activation.slope * pre).T @ v
    return np.abs(responses).max(axis=1) if frame.norm == "l1" else np.linalg.norm(responses, axis=1)


@pytest.mark.parametrize("slope", [0.0, 0.1, -1.0])
@pytest.mark.parametrize("norm", ["l1", "l2"])
@pytest.mark.parametrize(("d", "bias", "make"), KINDS)
def test_answers_are_true_sorted_and_above_the_floor(d, bias, make, norm, slope):
    frame, v = posed(d, bias, norm, slope)
    oracle = make(frame)
    assert oracle.scope in ("network", "dictionary", "none")
    assert oracle.exact == (oracle.scope != "none")
    assert oracle.strategy
    assert oracle.cost(2) > 0
    everything = oracle.price(v, 0.0, 50)
    floor = 0.5 * everything.strongest
    found = oracle.fresh().price(v, floor, 5)
    assert found.complete
    assert 1 <= len(found) <= 5
    assert (found.responses > floor).all()
    assert (np.diff(found.responses) <= 0).all()
    neurons = found.neurons
    np.testing.assert_allclose(found.responses, sizes(frame, neurons.normals, neurons.offsets, v), rtol=1e-9)
    assert found.strongest >= found.responses[0] * (1 - 1e-12)


@pytest.mark.parametrize("slope", [0.0, 0.1, -1.0])
@pytest.mark.parametrize("norm", ["l1", "l2"])
@pytest.mark.parametrize(("d", "bias", "make"), KINDS)
def test_exact_oracles_know_the_maximum_over_their_scope(d, bias, make, norm, slope):
    """No enumerated atom responds more; with network scope, no sampled neuron either."""
    frame, v = posed(d, bias, norm, slope, seed=1)
    oracle = make(frame)
    top = oracle.price(v, 0.0, 1).strongest
    planes = next(iter(enumerate_hyperplanes(frame)))
    both = [sizes(frame, side * planes.normals, side * planes.offsets, v) for side in (1.0, -1.0)]
    atoms = np.concatenate(both).max(initial=0.0)
    if oracle.exact and len(planes):
        assert top >= atoms * (1 - 1e-10)
    if oracle.exact and oracle.scope == "dictionary":
        assert top <= atoms * (1 + 1e-10)
    rng = np.random.default_rng(2)
    u = rng.standard_normal((20_000, frame.rank))
    u /= np.abs(u).sum(axis=1, keepdims=True) if norm == "l1" else np.linalg.norm(u, axis=1, keepdims=True)
    offsets = -(u * frame.points[rng.integers(frame.n, size=len(u))]).sum(axis=1) if bias else np.zeros(len(u))
    sampled = sizes(frame, u, offsets, v).max()
    if oracle.scope == "network":
        assert top >= sampled * (1 - 1e-10)
    elif oracle.scope == "none":
        assert top >= 0.99 * sampled  # 256 starts in three dimensions


@pytest.mark.parametrize(("d", "bias", "make"), KINDS)
def test_when_the_time_is_over_what_is_answered_is_true(d, bias, make):
    frame, v = posed(d, bias, "l2", n=40)
    found = make(frame).price(v, 0.0, 20, clock=Clock(0.0))
    neurons = found.neurons
    np.testing.assert_allclose(found.responses, sizes(frame, neurons.normals, neurons.offsets, v), rtol=1e-9)
    if not found.complete:
        assert found.strongest <= make(frame).price(v, 0.0, 1).strongest * (1 + 1e-12)
