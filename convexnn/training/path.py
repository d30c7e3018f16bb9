"""Networks along a grid of penalties, each started from the last."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from joblib import Parallel, delayed, effective_n_jobs

from convexnn._arrays import to_numpy
from convexnn._checks import check_count, check_real, check_time_limit, check_tol
from convexnn._progress import Clock, Observer
from convexnn._types import ArrayLike, Bias, Floats, Ints, Norm
from convexnn.exceptions import ParameterError
from convexnn.geometry.interactions import InteractionSpec
from convexnn.search.parameters import SearchParams
from convexnn.training.choice import MAX_PRICED
from convexnn.training.driver import Driver
from convexnn.training.parameters import ExactParams
from convexnn.training.result import TrainingResult
from convexnn.training.train import MAX_ITER

__all__ = ["Path", "beta_grid", "solve_path"]


@dataclass(frozen=True)
class Path:
    """Results along decreasing penalties.

    Attributes
    ----------
    results : tuple of TrainingResult
        One per penalty; each with its own certificate.
    beta_max : float
        Penalty from which on the network has no neuron.
    """

    results: tuple[TrainingResult, ...]
    beta_max: float

    @property
    def betas(self) -> Floats:
        """Penalties, decreasing."""
        return np.array([r.beta for r in self.results])

    @property
    def gaps(self) -> Floats:
        """Relative duality gap at each penalty."""
        return np.array([r.certificate.relative_gap for r in self.results])

    @property
    def objectives(self) -> Floats:
        """Objective at each penalty."""
        return np.array([r.certificate.primal for r in self.results])

    @property
    def n_neurons(self) -> Ints:
        """Neurons at each penalty."""
        return np.array([r.network.n_neurons for r in self.results], dtype=np.int64)

    def __len__(self) -> int:
        return len(self.results)

    def __iter__(self) -> Iterator[TrainingResult]:
        return iter(self.results)

    def __getitem__(self, index: int) -> TrainingResult:
        return self.results[index]


def beta_grid(beta_max: float, *, n_betas: int = 50, ratio: float = 1e-3) -> Floats:
    """Geometric grid from `beta_max` down to ``ratio * beta_max``."""
    n_betas = check_count("n_betas", n_betas)
    ratio = check_real("ratio", ratio, low=0.0, high=1.0, strict=True)
    return np.asarray(beta_max * np.geomspace(1.0, ratio, n_betas))


def solve_path(
    X: ArrayLike,
    y: ArrayLike,
    *,
    betas: Sequence[float] | Floats | None = None,
    n_betas: int = 50,
    ratio: float = 1e-3,
    norm: Norm = "l2",
    bias: Bias = True,
    loss: str = "squared_error",
    scope: str = "network",
    solver: str = "auto",
    solver_options: Mapping[str, Any] | None = None,
    tol: float | None = None,
    max_iter: int = MAX_ITER,
    time_limit: float | None = None,
    max_atoms: int = MAX_PRICED,
    max_neurons: int | None = None,
    random_state: int | None = None,
    observer: Observer | None = None,
    sample_weight: ArrayLike | None = None,
    n_jobs: int | None = None,
    n_chunks: int = 1,
    bound: str = "none",
    search: SearchParams | None = None,
    exact: ExactParams | None = None,
    interaction_cst: InteractionSpec = None,
) -> Path:
    """Train along a decreasing grid of penalties with warm starts.

    Parameters
    ----------
    X, y, norm, bias, loss, scope, solver, solver_options, tol, max_iter, max_atoms, random_state, observer,
    sample_weight, n_jobs, bound, search, exact, interaction_cst :
        As in :func:`convexnn.train`; `tol` and `max_iter` hold per penalty. `n_jobs` are also the workers for
        `n_chunks`. Networks that only a search can find get no lower bound unless `bound` asks for one.
    betas : sequence of float, optional
        Penalties, solved in decreasing order. By default a geometric grid from `beta_max`.
    n_betas, ratio :
        Length of the default grid, and its smallest penalty relative to `beta_max`.
    time_limit : float, optional
        Seconds for the whole path; penalties that were not begun by then are left out.
    max_neurons : int, optional
        Stop at the first penalty whose network has more neurons; that network is left out.
    n_chunks : int
        Independent paths the grid is dealt out to, every `n_chunks`-th penalty to each. They are solved side by side
        by `n_jobs` workers of joblib, also on the machines of a cluster (``joblib.parallel_config(backend="dask")``).
        A chunk starts each penalty from its own last one, so that some warm starts are lost; the result depends on
        `n_chunks`, never on the workers. With more than one chunk there can be no `observer`.

    Returns
    -------
    Path

    Raises
    ------
    DataError, ParameterError, DictionarySizeError, SolverUnavailableError
        As :func:`convexnn.train`.
    """
    tol, max_iter = check_tol(tol), check_count("max_iter", max_iter)
    n_chunks = check_count("n_chunks", n_chunks)
    if n_chunks > 1 and observer is not None:
        raise ParameterError(f"n_chunks={n_chunks} may run in other processes, which no observer sees; leave one out.")
    clock = Clock(check_time_limit(time_limit))
    setting: dict[str, Any] = {
        "norm": norm, "bias": bias, "loss": loss, "scope": scope, "solver": solver, "solver_options": solver_options,
        "max_atoms": max_atoms, "random_state": random_state, "sample_weight": sample_weight, "n_jobs": n_jobs,
        "bound": bound, "search": search, "exact": exact, "interaction_cst": interaction_cst,
    }  # fmt: skip
    driver = Driver(X, y, **setting)
    top = driver.beta_max(clock)
    grid = _check_grid(betas) if betas is not None else beta_grid(top, n_betas=n_betas, ratio=ratio)
    if max_neurons is not None:
        max_neurons = check_count("max_neurons", max_neurons, low=0)
    limits: dict[str, Any] = {"tol": tol, "max_iter": max_iter, "max_neurons": max_neurons}
    if n_chunks == 1 or len(grid) == 1:
        return Path(_shared(driver, _descend(driver, grid, clock=clock, observer=observer, **limits)[0]), top)
    if effective_n_jobs(n_jobs) > 1:
        setting["n_jobs"] = 1
    setting["sample_weight"] = to_numpy(sample_weight)
    parts = Parallel(n_jobs=n_jobs)(
        delayed(_chunk)(to_numpy(X), to_numpy(y), grid[k::n_chunks], setting, limits, clock.left)
        for k in range(min(n_chunks, len(grid)))
    )
    return Path(_shared(driver, _merged(parts)), top)


def _descend(
    driver: Driver,
    grid: Floats,
    *,
    tol: float | None,
    max_iter: int,
    max_neurons: int | None,
    clock: Clock,
    observer: Observer | None = None,
) -> tuple[tuple[TrainingResult, ...], float]:
    """Results along decreasing penalties, and the first penalty with too many neurons (-inf: none)."""
    results: list[TrainingResult] = []
    for beta in grid:
        if results and clock.expired:
            break
        result = driver.solve(float(beta), tol=tol, max_iter=max_iter, clock=clock, observer=observer)
        if max_neurons is not None and result.network.n_neurons > max_neurons:
            return tuple(results), float(beta)
        results.append(result)
    return tuple(results), -np.inf


def _chunk(
    X: Any, y: Any, grid: Floats, setting: dict[str, Any], limits: dict[str, Any], left: float | None
) -> tuple[tuple[TrainingResult, ...], float]:
    """One part of the grid in another thread, process or machine, where the time that is left begins anew."""
    return _descend(Driver(X, y, **setting), grid, clock=Clock(left), **limits)


def _merged(parts: Sequence[tuple[tuple[TrainingResult, ...], float]]) -> tuple[TrainingResult, ...]:
    """All results above the first penalty at which any part had too many neurons, penalties decreasing."""
    crowded = max(beta for _, beta in parts)
    found = [result for results, _ in parts for result in results if result.beta > crowded]
    return tuple(sorted(found, key=lambda result: -result.beta))


def _shared(driver: Driver, results: tuple[TrainingResult, ...]) -> tuple[TrainingResult, ...]:
    """Results in which every bound by moments serves its neighbours, too, downwards and upwards."""
    found = list(results)
    for k in range(1, len(found)):
        found[k] = driver.bounded_by(found[k], found[k - 1].certificate)
    for k in range(len(found) - 2, -1, -1):
        found[k] = driver.bounded_by(found[k], found[k + 1].certificate)
    return tuple(found)


def _check_grid(betas: Sequence[float] | Floats) -> Floats:
    grid = np.sort(np.atleast_1d(np.asarray(betas, dtype=np.float64)))[::-1]
    if grid.ndim != 1 or not len(grid) or not np.isfinite(grid).all() or grid[-1] <= 0:
        raise ParameterError(f"betas={betas!r}: must be finite numbers > 0, at least one.")
    return grid
