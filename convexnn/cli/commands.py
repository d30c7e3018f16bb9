"""The commands that use a model: predict, evaluate, certify."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from convexnn.certificate import certify
from convexnn.cli.exits import Exit
from convexnn.cli.models import Recipe, bias_from_word, load_model
from convexnn.cli.outputs import check_file, new_file
from convexnn.cli.prepared import column_names, read_features, read_prepared, saved_groups, target_of
from convexnn.cli.reporting import certificate_summary, show, verdict
from convexnn.cli.tables import csv_text
from convexnn.data import open_table
from convexnn.exceptions import ParameterError
from convexnn.network import ReLUNetwork

__all__ = ["run_certify", "run_evaluate", "run_predict"]


def run_predict(*, model: Path, file: Path, features: str | None, out: Path | None, as_json: bool) -> int:
    """Apply a saved network to the rows of a file."""
    if out is not None:
        check_file(out)
    network, recipe = load_model(model)
    names = column_names("--features", features)
    if recipe is None:
        if names is None:
            raise ParameterError(f"{model} does not say which columns it uses; give --features.")
        recipe = Recipe("prediction", names, 0.0, "l2", True)
    outputs = network.outputs(read_features(open_table(file), recipe, names))
    found = target_of(recipe).predictions(outputs)
    if out is not None:
        with new_file(out) as place:
            place.write_text(csv_text(found), encoding="utf-8")
        show({"rows": len(outputs), "written_to": str(out)}, as_json=as_json)
    else:
        click.echo(json.dumps(found) if as_json else csv_text(found).rstrip("\n"))
    return Exit.CERTIFIED


def run_evaluate(*, model: Path, file: Path, target: str | None, as_json: bool) -> int:
    """Scores of a saved network on the rows of a file."""
    network, recipe = load_model(model)
    if recipe is None:
        raise ParameterError(f"{model} does not say what it predicts; give a folder written by `convexnn fit`.")
    X, y, train, test = read_prepared(file, recipe, target=target)
    goal = target_of(recipe)
    scores: dict[str, Any] = {"rows": len(X), "neurons": network.n_neurons, "loss": goal.loss}
    parts = {"train_": train, "test_": test} if len(test) else {"": train}
    for name, rows in parts.items():
        found = goal.scores(network.outputs(X[rows]), y[rows])
        scores |= {f"{name}{score}": value for score, value in found.items()}
    show(scores, as_json=as_json)
    return Exit.CERTIFIED


def _stated(model: Path, recipe: Recipe | None, given: dict[str, Any]) -> Recipe:
    """How the model was trained: as its folder says, or as the options do."""
    missing = [f"--{name}" for name, value in given.items() if value is None]
    if recipe is not None:
        return recipe
    if missing:
        raise ParameterError(f"{model} does not say how it was trained; give {', '.join(missing)}.")
    kind = bias_from_word(str(given["bias"]))
    return Recipe(given["target"], given["features"], float(given["beta"]), given["norm"], kind)


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
    network, saved = load_model(model)
    names = column_names("--features", features)
    given = {"target": target, "features": names, "beta": beta, "norm": norm, "bias": bias}
    recipe = _stated(model, saved, given)
    X, y, train, test = read_prepared(file, recipe, target=target, features=names)
    certificate = certify(
        network,
        X[train],
        y[train],
        beta=recipe.beta if beta is None else beta,
        norm=recipe.norm if norm is None else norm,
        bias=recipe.bias if bias is None else bias_from_word(bias),
        loss=recipe.loss,
        scope=scope,
        tol=tol,
        time_limit=time_limit,
        interaction_cst=saved_groups(interaction_cst, recipe, names) or recipe.interaction_cst,
    )
    summary = {**certificate_summary(certificate), "samples": len(train), "neurons": network.n_neurons}
    show({**summary, **_scores(network, recipe, X[train], y[train])}, as_json=as_json)
    return verdict(certificate, require_gap)


def _scores(network: ReLUNetwork, recipe: Recipe, X: Any, y: Any) -> dict[str, float]:
    return target_of(recipe).scores(network.outputs(X), y)
