"""`convexnn fit`: from a file to a certified model in a folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from convexnn._checks import check_real, check_time_limit, check_tol
from convexnn._progress import Clock
from convexnn.cli.interrupts import StoppableClock, stopped_by_interrupts
from convexnn.cli.models import Recipe, bias_from_word, save_model
from convexnn.cli.outputs import check_folder
from convexnn.cli.prepared import Prepared, column_names, groups_of_numbers, kinds_of_columns, prepare
from convexnn.cli.reporting import certificate_summary, progress_printer, show, verdict
from convexnn.exceptions import ParameterError
from convexnn.training import TrainingResult
from convexnn.training.driver import Driver
from convexnn.training.train import MAX_ITER

__all__ = ["run_fit"]

# Share of a time limit that the largest useful penalty may take, and that of choosing one.
_PENALTY, _CHOICE = 0.2, 0.6


def run_fit(
    *,
    file: Path,
    target: str,
    features: str | None,
    drop: str | None,
    kinds: tuple[str, ...],
    raw: bool,
    loss: str | None,
    test_size: float | None,
    out: Path,
    norm: Any,
    bias: str,
    beta: str | None,
    beta_ratio: float,
    scope: str,
    interaction_cst: str | None,
    solver: str,
    tol: float | None,
    time_limit: float | None,
    require_gap: float | None,
    max_atoms: int | None,
    seed: int,
    quiet: bool,
    as_json: bool,
) -> int:
    """Train on columns of a file and write the model folder."""
    check_folder(out)
    clock = StoppableClock(check_time_limit(time_limit))
    wanted = _penalty(beta, beta_ratio)
    data = prepare(
        file, target, features=column_names("--features", features), drop=column_names("--drop", drop),
        kinds=kinds_of_columns(kinds), raw=raw, loss=loss, test_size=test_size, seed=seed,
    )  # fmt: skip
    if not quiet:
        _announce(data, raw=raw)
    groups = groups_of_numbers(interaction_cst, data.features, data.table)
    kind: dict[str, Any] = {"norm": norm, "bias": bias_from_word(bias), "interaction_cst": groups}
    limits: dict[str, Any] = {} if max_atoms is None else {"max_atoms": max_atoms}
    driver = Driver(
        data.X, data.y, loss=data.target.loss, scope=scope, solver=solver, random_state=seed, **kind, **limits
    )  # fmt: skip
    with stopped_by_interrupts(clock):
        if wanted == "auto":
            if not quiet:
                click.echo("choosing the penalty by five-fold cross-validation (--time-limit bounds it)", err=True)
            ratio = _chosen_ratio(data, clock.left, seed, {**kind, **limits, "scope": scope, "solver": solver})
        else:
            ratio = beta_ratio
        used = wanted if isinstance(wanted, float) else ratio * _largest(driver, clock)
        result = driver.solve(
            used, tol=check_tol(tol), max_iter=MAX_ITER, clock=clock, observer=progress_printer(quiet=quiet)
        )
    _save(out, data, result, used, kind)
    show(_report(data, result, used, out), as_json=as_json)
    return verdict(result.certificate, require_gap)


def _penalty(beta: str | None, beta_ratio: float) -> float | str | None:
    check_real("beta_ratio", beta_ratio, low=0.0, strict=True, hint="0.01 is a good start.")
    if beta is None or beta == "auto":
        return beta
    try:
        return check_real("beta", float(beta), low=0.0)
    except ValueError as error:
        if isinstance(error, ParameterError):
            raise
        raise ParameterError(f"--beta {beta!r}: expected a number >= 0, or auto for cross-validation.") from None


def _largest(driver: Driver, clock: Clock) -> float:
    # A constant target has beta_max = 0: every beta > 0 gives the same constant network.
    return driver.beta_max(clock.part(_PENALTY)) or 1.0


def _chosen_ratio(data: Prepared, seconds: float | None, seed: int, options: dict[str, Any]) -> float:
    """The ratio of a cross-validation of the training rows."""
    from convexnn.estimators import ConvexReLUClassifierCV, ConvexReLURegressorCV

    limit = None if seconds is None else _CHOICE * seconds
    labels = data.target.classes is not None
    estimator = (ConvexReLUClassifierCV if labels else ConvexReLURegressorCV)(
        loss=data.target.loss, time_limit=limit, random_state=seed, **options
    )
    return estimator.choose(data.X, data.target.decided(data.y) if labels else data.y)


def _announce(data: Prepared, *, raw: bool) -> None:
    goal = data.target
    labels = "" if goal.classes is None else f" of {len(goal.classes)} labels"
    click.echo(f"{goal.name}: {goal.loss}{labels} ({goal.why}; --loss chooses another)", err=True)
    if data.dropped:
        click.echo(f"{data.dropped} rows have no {goal.name} and are left out", err=True)
    if data.table is not None:
        click.echo(data.table.summary(), err=True)
    rows, numbers = data.X.shape
    click.echo(f"training on {rows} rows of {numbers} numbers, {len(data.X_test)} rows kept for a test", err=True)


def _save(out: Path, data: Prepared, result: TrainingResult, beta: float, kind: dict[str, Any]) -> None:
    goal = data.target
    recipe = Recipe(
        goal.name, data.features, beta, **kind, loss=goal.loss,
        classes=None if goal.classes is None else list(goal.classes),
        table=None if data.table is None else json.loads(data.table.to_json()), split=data.split,
    )  # fmt: skip
    save_model(out, result.network, result.certificate, recipe)


def _report(data: Prepared, result: TrainingResult, beta: float, out: Path) -> dict[str, Any]:
    parts = {"train": (data.X, data.y), "test": (data.X_test, data.y_test)}
    scores = {
        f"{part}_{name}": value
        for part, (X, y) in parts.items() if len(X)
        for name, value in data.target.scores(result.network.outputs(X), y).items()
    }  # fmt: skip
    return {
        **certificate_summary(result.certificate),
        "loss": data.target.loss,
        "samples": len(data.X),
        "neurons": result.network.n_neurons,
        "beta": beta,
        **scores,
        "written_to": str(out),
    }
