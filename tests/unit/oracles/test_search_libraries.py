"""The search gives the same neurons in every array library, on any device of it."""

from __future__ import annotations

from importlib import import_module

import numpy as np
import pytest
from array_api_compat import array_namespace, device
from devices import ELSEWHERE, example

from convexnn._arrays import Device, device_of, is_foreign, on_accelerator, to_numpy
from convexnn._progress import Clock
from convexnn.oracles import ascent as search
from convexnn.oracles.ascent import AscentOracle
from convexnn.restricted.problem import make_problem
from convexnn.training.choice import make_plan

LIBRARIES = ("torch", "jax", "array_api_strict", *ELSEWHERE)


def problem_of(norm: str, bias, c: int):
    rng = np.random.default_rng(7)
    X, Y = rng.standard_normal((70, 6)), rng.standard_normal((70, c))
    return make_problem(X, Y, beta=1.0, norm=norm, bias=bias, loss="squared_error"), Y - Y.mean(axis=0)


@pytest.mark.parametrize("name", LIBRARIES)
@pytest.mark.parametrize("norm", ["l1", "l2"])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("c", [1, 3])
def test_every_start_ends_at_the_same_neuron(name: str, norm: str, bias: bool, c: int) -> None:
    """All starts, before any selection, up to rounding: values to 1e-12, neurons to the root of what values show.

    At a maximum a neuron may turn by 1e-8 before its response changes in the sixteenth digit.
    """
    there = example(name)
    problem, v = problem_of(norm, bias, c)
    points = problem.frame.points
    start = AscentOracle(problem.frame, random_state=3)._start_normals(v, 256, None)
    how = 16, problem.frame.affine, norm, 0.0, Clock()
    expected = search._ascend(array_namespace(points), points, v, start, *how)
    X, V, U = map(Device(there).send, (points, v, start))
    found = search._ascend(array_namespace(X), X, V, U, *how)
    for mine, theirs, tolerance in zip(expected, found, (1e-7, 1e-7, 1e-12)):
        assert type(theirs) is type(there)
        assert device(theirs) == device(there)
        np.testing.assert_allclose(to_numpy(theirs), mine, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", LIBRARIES)
@pytest.mark.parametrize("norm", ["l1", "l2"])
@pytest.mark.parametrize("bias", [True, False])
def test_answers_are_the_same(name: str, norm: str, bias: bool) -> None:
    """The oracle as training calls it: same seed, same strongest response, every answer known to NumPy as well."""
    there = example(name)
    problem, v = problem_of(norm, bias, 2)
    frame = problem.frame
    here = AscentOracle(frame, random_state=3).price(v, 0.0, 30)
    found = AscentOracle(frame, random_state=3, points=Device(there).send(frame.points)).price(v, 0.0, 30)
    assert len(found) == len(here)
    assert found.strongest == pytest.approx(here.strongest, rel=1e-12)
    np.testing.assert_allclose(found.responses, here.responses, rtol=1e-9)
    np.testing.assert_allclose(found.neurons.normals, here.neurons.normals, atol=1e-7)
    np.testing.assert_allclose(found.neurons.offsets, here.neurons.offsets, atol=1e-7)


def problem_at(samples):
    rng = np.random.default_rng(1)
    X, Y = rng.standard_normal((20, 4)), rng.standard_normal((20, 1))
    return make_problem(X, Y, beta=1.0, norm="l2", bias=True, loss="squared_error", device=samples)


@pytest.mark.parametrize("name", ELSEWHERE)
def test_samples_on_an_accelerator_take_the_search_there(name: str) -> None:
    there = example(name)
    problem = problem_at(there)
    oracle = make_plan(problem.frame, scope="network", max_atoms=1, device=problem.device).search
    assert type(oracle._points) is type(there)
    assert device(oracle._points) == device(there)
    assert oracle._points.dtype == array_namespace(there).float64


@pytest.mark.parametrize("name", ["torch", "array_api_strict"])
def test_on_the_cpu_the_search_stays_in_numpy(name: str) -> None:
    """So tensors give the same bits as arrays."""
    for samples in (example(name), np.ones((2, 2)), [[1.0]], None):
        assert not on_accelerator(samples)
        problem = problem_at(samples)
        assert problem.device is None
        assert make_plan(problem.frame, scope="network", max_atoms=1).search._points is problem.frame.points


def test_devices_without_double_precision_are_left_alone() -> None:
    """Half the digits would not do for a gap of 1e-6: the search then runs on the CPU."""

    class Namespace:
        @staticmethod
        def __array_namespace_info__():
            return Namespace

        @staticmethod
        def default_device():
            return "large"

        @staticmethod
        def dtypes(device):
            return {"float32": np.float32, **({"float64": np.float64} if device == "other" else {})}

    class Array:
        def __init__(self, device):
            self.device = device

        def __array_namespace__(self, api_version=None):
            return Namespace

    assert is_foreign(Array("small"))
    assert on_accelerator(Array("small"))
    assert device_of(Array("small")) is None
    assert problem_at(Array("small")).device is None
    assert isinstance(device_of(Array("other")), Device)
    assert device_of(Array("large")) is None


@pytest.mark.parametrize("name", ["torch", "jax", *ELSEWHERE])
def test_large_arrays_are_sent_once(name: str) -> None:
    there = Device(example(name))
    first, parts = np.ones((3, 2)), [np.full((2, 2), float(k)) for k in range(6)]
    sent = there.keep(first)
    assert there.keep(first) is sent
    assert there.keep(first, np.float32) is not sent
    for _ in range(2):  # more than are kept: the oldest are sent again, and nothing is taken for something else
        for k, part in enumerate(parts):
            np.testing.assert_array_equal(to_numpy(there.keep(part)), np.full((2, 2), float(k)))
    np.testing.assert_array_equal(to_numpy(there.keep(first)), first)


@pytest.mark.parametrize("name", ["torch", "jax", *ELSEWHERE])
def test_what_comes_back_can_be_written_to(name: str) -> None:
    """Arrays of JAX are read-only in NumPy."""
    there = Device(example(name))
    found = there.fetch(there.send(np.ones(3)))
    found += 1.0
    np.testing.assert_array_equal(found, [2.0, 2.0, 2.0])


def test_conversion_keeps_numbers_and_precision() -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    x = torch.tensor([[0.1, 0.2]], dtype=torch.float32, requires_grad=True)
    assert to_numpy(x).dtype == np.float32
    np.testing.assert_array_equal(to_numpy(x), np.array([[0.1, 0.2]], dtype=np.float32))
    half = x.detach().to(torch.bfloat16)
    np.testing.assert_array_equal(to_numpy(half), half.to(torch.float64).numpy())
    for other in ([1.0], np.ones(2), import_module("scipy.sparse").eye(2), "text"):
        assert to_numpy(other) is other
        assert not is_foreign(other)
