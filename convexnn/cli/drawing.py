"""`convexnn plot` and `convexnn path`: pictures of models and of regularisation paths."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np

from convexnn.cli.exits import Exit
from convexnn.cli.models import Recipe, bias_from_word, groups_from_words, load_model
from convexnn.cli.outputs import check_file, check_folder, new_file
from convexnn.cli.prepared import column_names, read_prepared
from convexnn.cli.reporting import show
from convexnn.data import open_table
from convexnn.exceptions import DataError, ParameterError
from convexnn.training import Path as Solutions, solve_path

__all__ = ["run_path", "run_plot"]


_PICTURES = (".png", ".svg", ".pdf")


def _use_files_only() -> None:
    from convexnn.exceptions import SolverUnavailableError

    try:
        import matplotlib
    except ImportError as error:
        raise SolverUnavailableError("pictures need matplotlib; install convexnn[plots].") from error
    matplotlib.use("Agg")


def _check_picture(out: Path) -> None:
    """Raise unless a picture of this suffix can be written there."""
    check_file(out)
    if out.suffix.lower() not in _PICTURES:
        raise ParameterError(f"{out}: the suffix {out.suffix!r} is no picture; choose {', '.join(_PICTURES)}.")


def run_plot(*, model: Path, file: Path, out: Path, target: str | None, features: str | None, as_json: bool) -> int:
    """Draw a saved network with one or two inputs over the data."""
    _check_picture(out)
    _use_files_only()
    from convexnn.plots import LineDisplay, PlanarDisplay

    network, recipe = load_model(model)
    if recipe is None and (target is None or features is None):
        raise ParameterError(f"{model} does not say which columns it uses; give --target and --features.")
    names = column_names("--features", features)
    if recipe is None:
        recipe = Recipe(str(target), names or [], 0.0, "l2", True)
    X, y, _, _ = read_prepared(file, recipe, target=target, features=names)
    if network.n_features not in (1, 2) or network.n_outputs != 1:
        raise DataError(
            f"the network has {network.n_features} inputs and {network.n_outputs} outputs; pictures need one or two "
            "inputs and one output."
        )
    kind = LineDisplay if network.n_features == 1 else PlanarDisplay
    picture: Any = (
        kind.from_network(network, X, y) if kind is PlanarDisplay else LineDisplay.from_estimator(network, X, y)
    )
    with new_file(out) as place:
        picture.figure_.savefig(place, dpi=150)
    show({"neurons": network.n_neurons, "samples": len(X), "written_to": str(out)}, as_json=as_json)
    return Exit.CERTIFIED


def run_path(
    *, file: Path, target: str, features: str, out: Path, n_betas: int, ratio: float, max_neurons: int | None,
    time_limit: float | None, interaction_cst: str | None, norm: Any, bias: str, as_json: bool,
) -> int:  # fmt: skip
    """Train a path; certified if every network on it is."""
    check_folder(out)
    _use_files_only()
    from convexnn.plots import PathDisplay

    names = column_names("--features", features) or []
    table = open_table(file)
    X, y = table.matrix(names), table.matrix([target])[:, 0]
    options: dict[str, Any] = {
        "norm": norm, "bias": bias_from_word(bias), "max_neurons": max_neurons,
        "interaction_cst": groups_from_words(interaction_cst, names),
    }  # fmt: skip
    path = solve_path(X, y, n_betas=n_betas, ratio=ratio, time_limit=time_limit, **options)
    if not len(path):
        raise ParameterError(f"--max-neurons {max_neurons}: no network is that small. Raise it.")
    out.mkdir(parents=True, exist_ok=True)
    for k, result in enumerate(path):
        result.network.save(out / f"network-{k:03d}.safetensors")
    _write_table(out / "path.csv", path, X, y)
    PathDisplay.from_path(path).figure_.savefig(out / "path.png", dpi=150)
    certified = all(result.certificate.holds for result in path)
    largest = int(path.n_neurons.max())
    show(
        {
            "penalties": len(path),
            "beta_max": path.beta_max,
            "largest_gap": float(path.gaps.max()),
            "most_neurons": largest,
            "certified": certified,
            "written_to": str(out),
        },
        as_json=as_json,
    )
    return Exit.CERTIFIED if certified else Exit.NOT_CERTIFIED


def _write_table(path: Path, solutions: Solutions, X: Any, y: Any) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(
            ["beta", "objective", "lower_bound", "relative_gap", "scope", "neurons", "root_mean_square_error"]
        )
        for result in solutions:
            proof = result.certificate
            error = float(np.sqrt(np.mean((result.network.predict(X) - y) ** 2)))
            row = [result.beta, proof.primal, proof.dual, proof.relative_gap, proof.scope, result.network.n_neurons]
            writer.writerow([*row, error])
