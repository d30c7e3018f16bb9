"""Many runs in parallel, each written down when it ends; a second call continues where the first stopped."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from convexnn._checks import check_count, check_real
from convexnn.compare.local import LOCAL_METHODS
from convexnn.compare.methods import METHODS, PACKAGES, Run, available, run_method
from convexnn.compare.task import Task
from convexnn.exceptions import ModelFormatError, ParameterError

__all__ = ["Comparison", "run"]

# Methods whose result depends on the start.
_RANDOM = (*LOCAL_METHODS, *PACKAGES)


@dataclass(frozen=True)
class Comparison:
    """All runs on one task.

    Attributes
    ----------
    task : Task
    runs : tuple of Run
        By method, then by seed.
    width : int
    time_limit : float
        Seconds per local run.
    skipped : dict of str to str
        Methods that do not apply, with the reason.
    """

    task: Task
    runs: tuple[Run, ...]
    width: int
    time_limit: float
    skipped: dict[str, str]

    def of(self, method: str) -> list[Run]:
        """The runs of a method that gave a network."""
        return [run for run in self.runs if run.method == method and np.isfinite(run.loss)]

    @property
    def convex(self) -> Run | None:
        """The convex run, if there is one."""
        return next(iter(self.of("convex")), None)

    @property
    def reference(self) -> float:
        """Lower bound if it speaks of all networks, else the lowest objective that anybody reached."""
        convex = self.convex
        if convex is not None and convex.scope == "network" and convex.lower_bound is not None:
            return convex.lower_bound
        return min((run.objective for run in self.runs if run.objective is not None), default=np.nan)

    def table(self) -> list[dict[str, Any]]:
        """One row per method: objectives, excess over the reference, neurons, seconds, scores."""
        return [_row(method, self.of(method), self.reference) for method in METHODS if self.of(method)]

    def to_dict(self) -> dict[str, Any]:
        """Everything but the data, for JSON."""
        task = self.task
        return {
            "name": task.name,
            "n_train": len(task.X),
            "n_test": len(task.X_test),
            "n_features": task.X.shape[1],
            "n_outputs": task.y.shape[1],
            "classes": list(task.classes),
            **task.problem,
            "width": self.width,
            "time_limit": self.time_limit,
            "reference": self.reference,
            "skipped": self.skipped,
            "table": self.table(),
            "runs": [run.to_dict() for run in self.runs],
        }


def _row(method: str, runs: list[Run], reference: float) -> dict[str, Any]:
    objectives = np.array([run.objective for run in runs if run.objective is not None])
    scores = np.array([run.test_score for run in runs])
    known = len(objectives) > 0
    return {
        "method": method,
        "runs": len(runs),
        "best": float(objectives.min()) if known else None,
        "median": float(np.median(objectives)) if known else None,
        "worst": float(objectives.max()) if known else None,
        "best_excess": float(objectives.min() / reference - 1) if known and reference else None,
        "median_excess": float(np.median(objectives) / reference - 1) if known and reference else None,
        "neurons": float(np.median([run.neurons for run in runs])),
        "seconds": float(np.mean([run.seconds for run in runs])),
        "train_score": float(np.mean([run.train_score for run in runs])),
        "test_score": float(scores.mean()),
        "test_score_spread": float(scores.std()),
    }


def run(
    task: Task,
    *,
    methods: Sequence[str] | None = None,
    n_restarts: int = 50,
    width: int = 100,
    time_limit: float = 1.0,
    convex_time_limit: float = 60.0,
    n_jobs: int | None = None,
    records: str | PathLike[str] | None = None,
    observer: Callable[[int, int], None] | None = None,
) -> Comparison:
    """Compare convex training with local methods (and constructions) on one objective.

    Parameters
    ----------
    task : Task
        From :func:`convexnn.compare.make_task`.
    methods : sequence of str, optional
        Names in ``METHODS``; by default convex, constructive where they apply, lbfgs, adam, sgd.
    n_restarts : int
        Seeds 0, 1, ... of every local method.
    width : int
        Neurons of local methods.
    time_limit, convex_time_limit : float
        Seconds per local run, and for the convex one.
    n_jobs : int, optional
        Processes (joblib), one thread each.
    records : path, optional
        File to which every finished run is appended as a line of JSON; runs found there are not repeated.
    observer : callable, optional
        Called with (runs done, runs in all).

    Returns
    -------
    Comparison

    Raises
    ------
    ParameterError
        If a method is unknown, or was asked for and does not apply.
    """
    n_restarts, width = check_count("n_restarts", n_restarts), check_count("width", width)
    time_limit = check_real("time_limit", time_limit, low=0.0, strict=True)
    convex_time_limit = check_real("convex_time_limit", convex_time_limit, low=0.0, strict=True)
    chosen, skipped = _choose(task, methods)
    settings = {"fingerprint": task.fingerprint(), "width": width, "time_limit": time_limit}
    path = None if records is None else Path(records)
    done = _read(path, settings | {"convex_time_limit": convex_time_limit})
    wanted = [(method, seed) for method in chosen for seed in range(n_restarts if method in _RANDOM else 1)]
    missing = [key for key in wanted if key not in done]
    if observer is not None:
        observer(len(wanted) - len(missing), len(wanted))
    for record in _compute(task, missing, width, time_limit, convex_time_limit, n_jobs):
        done[record.method, record.seed] = record
        _append(path, record, settings | {"convex_time_limit": convex_time_limit})
        if observer is not None:
            observer(sum(key in done for key in wanted), len(wanted))
    return Comparison(task, tuple(done[key] for key in wanted), width, time_limit, skipped)


def _choose(task: Task, methods: Sequence[str] | None) -> tuple[list[str], dict[str, str]]:
    reasons = available(task)
    if methods is None:
        chosen = [name for name in METHODS if not reasons[name] and name not in PACKAGES]
        return chosen, {name: why for name, why in reasons.items() if why and name not in PACKAGES}
    for name in methods:
        if name not in METHODS:
            raise ParameterError(f"method={name!r} is unknown; choose from {', '.join(map(repr, METHODS))}.")
        if reasons[name]:
            raise ParameterError(f"method={name!r} does not apply to {task.name}: {reasons[name]}. Leave it out.")
    return [name for name in METHODS if name in methods], {}


def _compute(
    task: Task, keys: list[tuple[str, int]], width: int, local: float, convex: float, n_jobs: int | None
) -> Iterable[Run]:
    from joblib import Parallel, delayed

    # The longest first; results come as they finish.
    jobs = (
        delayed(run_method)(task, method, seed, width=width, time_limit=convex if method == "convex" else local)
        for method, seed in keys
    )
    # joblib gives every process one thread of BLAS per job, so that timings are comparable.
    return Parallel(n_jobs=n_jobs, return_as="generator_unordered", inner_max_num_threads=1)(jobs) if keys else ()


def _read(path: Path | None, settings: dict[str, Any]) -> dict[tuple[str, int], Run]:
    """Finished runs with the same settings; a line that was cut by an interruption is cut off."""
    done: dict[tuple[str, int], Run] = {}
    if path is None or not path.exists():
        return done
    content = path.read_bytes()
    if (whole := content.rfind(b"\n") + 1) < len(content):
        with path.open("r+b") as file:
            file.truncate(whole)
    for number, line in enumerate(content[:whole].decode().splitlines()):
        try:
            entry = json.loads(line)
            found, record = entry["settings"], Run(**entry["run"])
        except (ValueError, KeyError, TypeError) as error:
            raise ModelFormatError(f"{path}, line {number + 1} is no run ({error}); remove the line.") from error
        if found == settings:
            done[record.method, record.seed] = record
    return done


def _append(path: Path | None, record: Run, settings: dict[str, Any]) -> None:
    if path is None:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    line = json.dumps({"settings": settings, "run": record.to_dict()})
    with path.open("ab") as file:
        file.write(line.encode() + b"\n")
