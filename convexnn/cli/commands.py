"""The commands that work on files: fit, predict, certify."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import numpy as np

from convexnn._checks import check_real, check_time_limit, check_tol
from convexnn._progress import Clock
from convexnn._types import Floats
from convexnn.certificate import certify
from convexnn.cli.exits import Exit
from convexnn.cli.models import Recipe, bias_from_word, groups_from_words, load_model, save_model
from convexnn.cli.reporting import certificate_summary, progress_printer, show, verdict
from convexnn.cli.tables import write_columns
from convexnn.data import Table, open_table
from convexnn.exceptions import ParameterError
from convexnn.training.driver import Driver
from convexnn.training.train import MAX_ITER

__all__ = ["columns_of", "run_certify", "run_fit", "run_predict"]

# Share of a time limit that the largest useful penalty may take.
_PENALTY = 0.2


def _names(features: str) -> list[str]:
    names = [name.strip() for name in features.split(",") if name.strip()]
    if not names or len(set(names)) != len(names):
        raise ParameterError(f"--features {features!r}: expected different column names separated by commas.")
    return names


def columns_of(table: Table, features: list[str], target: str) -> tuple[Floats, Floats]:
    """Features (n, d) and target (n,) of a table."""
    if target in features:
        raise ParameterError(f"--target {target!r} is also among the features; remove it there.")
    return table.matrix(features), table.matrix([target])[:, 0]


def run_fit(
    *,
    file: Path,
    target: str,
    features: str,
    out: Path,
    norm: Any,
    bias: str,
    beta: float | None,
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
    names = _names(features)
    X, y = columns_of(open_table(file), names, target)
    kind: dict[str, Any] = {"norm": norm, "bias": bias_from_word(bias)}
    limits: dict[str, Any] = {} if max_atoms is None else {"max_atoms": max_atoms}
    clock = Clock(check_time_limit(time_limit))
    groups = groups_from_words(interaction_cst, names)
    driver = Driver(
        X, y, scope=scope, solver=solver, random_state=seed, interaction_cst=groups, **kind, **limits
    )  # fmt: skip
    if beta is None:
        ratio = check_real("beta_ratio", beta_ratio, low=0.0, strict=True, hint="0.01 is a good start.")
        # A constant target has beta_max = 0: every beta > 0 gives the same constant network.
        beta = ratio * (driver.beta_max(clock.part(_PENALTY)) or 1.0)
    result = driver.solve(
        check_real("beta", beta, low=0.0),
        tol=check_tol(tol),
        max_iter=MAX_ITER,
        clock=clock,
        observer=progress_printer(quiet=quiet),
    )
    save_model(out, result.network, result.certificate, Recipe(target, names, beta, **kind, interaction_cst=groups))
    summary = certificate_summary(result.certificate)
    size = {"samples": len(X), "neurons": result.network.n_neurons, "beta": beta, "written_to": str(out)}
    show({**summary, **size}, as_json=as_json)
    return verdict(result.certificate, require_gap)


def run_predict(*, model: Path, file: Path, features: str | None, out: Path | None, as_json: bool) -> int:
    """Apply a saved network to the rows of a file."""
    network, recipe = load_model(model)
    if features is None and recipe is None:
        raise ParameterError(f"{model} does not say which columns it uses; give --features.")
    names = _names(features) if features is not None else recipe.features  # type: ignore[union-attr]
    values = network.predict(open_table(file).matrix(names)).reshape(-1, network.n_outputs)
    target = "prediction" if recipe is None else recipe.target
    heads = [target] if network.n_outputs == 1 else [f"{target}_{k}" for k in range(network.n_outputs)]
    if out is not None:
        write_columns(out, heads, values)
        show({"rows": len(values), "written_to": str(out)}, as_json=as_json)
    elif as_json:
        click.echo(json.dumps({name: column.tolist() for name, column in zip(heads, values.T)}))
    else:
        click.echo("\n".join([",".join(heads), *(",".join(map(repr, row)) for row in values.tolist())]))
    return Exit.CERTIFIED


def run_certify(
    *,
    model: Path,
    file: Path,
    target: str | None,
    features: str | None,
    beta: float | None,
    norm: Any,
    bias: str | None,
    scope: str,
    interaction_cst: str | None,
    tol: float,
    time_limit: float | None,
    require_gap: float | None,
    as_json: bool,
) -> int:
    """Prove a bound for a saved network from the data alone."""
    network, recipe = load_model(model)
    given = {"target": target, "features": features, "beta": beta, "norm": norm, "bias": bias}
    missing = [f"--{name}" for name, value in given.items() if value is None]
    if recipe is None and missing:
        raise ParameterError(f"{model} does not say how it was trained; give {', '.join(missing)}.")
    if recipe is None:
        kind = bias_from_word(str(bias))
        recipe = Recipe(str(target), _names(str(features)), float(beta or 0.0), norm, kind)
    names = recipe.features if features is None else _names(features)
    X, y = columns_of(open_table(file), names, target or recipe.target)
    certificate = certify(
        network,
        X,
        y,
        beta=recipe.beta if beta is None else beta,
        norm=recipe.norm if norm is None else norm,
        bias=recipe.bias if bias is None else bias_from_word(bias),
        loss=recipe.loss,
        scope=scope,
        tol=tol,
        time_limit=time_limit,
        interaction_cst=groups_from_words(interaction_cst, names) or recipe.interaction_cst,
    )
    summary = certificate_summary(certificate)
    error = float(np.sqrt(np.mean((network.predict(X) - y) ** 2)))
    show({**summary, "neurons": network.n_neurons, "root_mean_square_error": error}, as_json=as_json)
    return verdict(certificate, require_gap)
