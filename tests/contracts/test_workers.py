"""Same seed, same bits: whatever shares the work, threads, processes or the machines of a cluster."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import joblib
import numpy as np
import pytest
from threadpoolctl import threadpool_info

import convexnn as cn
from convexnn._blas import single_thread

rng = np.random.default_rng(0)
X = rng.standard_normal((60, 8))
y = np.abs(X[:, 0]) - np.maximum(X[:, 1] + X[:, 2], 0) + 0.1 * rng.standard_normal(60)
BACKENDS = ("sequential", "threading", "loky", "dask")


@pytest.fixture(scope="module")
def cluster() -> Iterator[object]:
    """Two worker processes of one thread each on this machine."""
    distributed = pytest.importorskip("distributed", reason="dask and distributed are not installed")
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as local,
        distributed.Client(local) as client,
    ):
        yield client


@contextmanager
def working(backend: str, request: pytest.FixtureRequest) -> Iterator[int | None]:
    """A joblib backend with two workers; the value is the `n_jobs` to ask for."""
    if backend == "dask":
        request.getfixturevalue("cluster")
        with joblib.parallel_config(backend="dask"):
            assert joblib.effective_n_jobs(None) == 2
            yield None
    else:
        with joblib.parallel_config(backend=backend):
            yield 2


def search(n_jobs: int | None) -> bytes:
    """A search whose 256 and more starts make several blocks, twice as many in its last look."""
    result = cn.train(X, y, beta=2.0, max_atoms=1000, max_iter=4, random_state=5, n_jobs=n_jobs)
    assert result.certificate.method == "moments"
    assert result.network.n_neurons > 1
    return result.network.hidden_weights.tobytes() + np.float64(result.certificate.response).tobytes()


def path(n_jobs: int | None) -> bytes:
    found = cn.solve_path(X[:, :2], y, n_betas=7, ratio=0.05, n_chunks=3, n_jobs=n_jobs)
    assert len(found) == 7
    assert found.n_neurons[-1] > found.n_neurons[0] == 0
    return b"".join(result.network.hidden_weights.tobytes() for result in found) + found.gaps.tobytes()


def cross_validation(n_jobs: int | None) -> bytes:
    model = cn.ConvexReLURegressorCV(beta_ratios=(0.3, 0.1, 0.03), cv=3, n_jobs=n_jobs).fit(X[:, :2], y)
    assert model.n_neurons_ > 1
    return model.scores_.tobytes() + model.network_.hidden_weights.tobytes()


def searched_cross_validation(n_jobs: int | None) -> bytes:
    """Folds whose own pricing goes through joblib as well."""
    options = {"beta_ratios": (0.3,), "cv": 2, "max_atoms": 1000, "max_iter": 2, "tol": 1.0, "random_state": 1}
    model = cn.ConvexReLURegressorCV(n_jobs=n_jobs, **options).fit(X, y)
    return model.scores_.tobytes() + model.network_.hidden_weights.tobytes()


TASKS = {f.__name__: f for f in (search, path, cross_validation, searched_cross_validation)}


@pytest.fixture(scope="module")
def serial() -> dict[str, bytes]:
    return {name: task(1) for name, task in TASKS.items()}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("task", TASKS)
def test_workers_do_not_change_a_bit(task: str, backend: str, serial, request) -> None:
    with working(backend, request) as n_jobs:
        assert TASKS[task](n_jobs) == serial[task]


@pytest.mark.parametrize(
    ("d", "norm", "bias"), [(1, "l2", True), (2, "l2", True), (2, "l1", True), (3, "l2", False), (3, "l1", True)]
)
def test_threads_of_exact_methods_do_not_change_a_bit(d: int, norm: str, bias: bool) -> None:
    one, two = (cn.train(X[:30, :d], y[:30], beta=0.5, norm=norm, bias=bias, n_jobs=k) for k in (1, 2))
    assert one.network.hidden_weights.tobytes() == two.network.hidden_weights.tobytes()
    assert one.certificate == two.certificate


def test_chunks_reach_the_same_optima_as_one_path() -> None:
    """Every point of a path is certified, so lost warm starts cannot change it beyond the tolerance."""
    whole = cn.solve_path(X[:, :2], y, n_betas=7, ratio=0.05)
    parts = cn.solve_path(X[:, :2], y, n_betas=7, ratio=0.05, n_chunks=3)
    np.testing.assert_array_equal(parts.betas, whole.betas)
    np.testing.assert_allclose(parts.objectives, whole.objectives, rtol=2e-6)
    assert parts.gaps.max() <= 1e-6


def test_chunks_stop_at_the_same_number_of_neurons() -> None:
    whole = cn.solve_path(X[:, :2], y, n_betas=9, ratio=0.02, max_neurons=4)
    parts = cn.solve_path(X[:, :2], y, n_betas=9, ratio=0.02, max_neurons=4, n_chunks=4)
    assert 1 < len(whole) < 9
    np.testing.assert_array_equal(parts.betas, whole.betas)
    np.testing.assert_array_equal(parts.n_neurons, whole.n_neurons)


def test_chunks_keep_the_time_limit_and_refuse_observers() -> None:
    late = cn.solve_path(X[:, :2], y, n_betas=9, n_chunks=4, time_limit=1e-9)
    assert len(late) == 4  # the first of each
    with pytest.raises(cn.exceptions.ParameterError, match="n_chunks=2"):
        cn.solve_path(X[:, :2], y, n_chunks=2, observer=print)


def test_blas_is_limited_until_the_last_thread_leaves() -> None:
    """Two fits in two threads share one setting: the first to end must not lift the limit of the other."""

    def limits() -> list[int]:
        return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]

    before = limits()
    entered, leave = threading.Event(), threading.Event()

    def fit() -> None:
        with single_thread():
            entered.set()
            leave.wait(10)

    other = threading.Thread(target=fit)
    with single_thread():
        other.start()
        assert entered.wait(10)
    assert set(limits()) == {1}
    leave.set()
    other.join()
    assert limits() == before
