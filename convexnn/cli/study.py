"""Commands that compare, export, draw and check: declarations only, the work is imported when one is called."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

__all__ = ["COMMANDS"]

Command = Callable[..., int]

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_ANY = click.Path(exists=True, path_type=Path)
_OUT = click.Path(path_type=Path)
_NORM = click.Choice(["l1", "l2"])
_BIAS = click.Choice(["free", "none", "penalized"])


def _options(*given: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """All decorators in the order in which help shows them."""

    def add(function: Command) -> Command:
        for option in reversed(given):
            function = option(function)
        return function

    return add


_json = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
_quiet = click.option("--quiet", is_flag=True, help="No progress on standard error.")
_norm = click.option("--norm", type=_NORM, default="l2", show_default=True, help="Norm of hidden weights.")
_bias = click.option("--bias", type=_BIAS, default="free", show_default=True, help="Hidden biases.")
_features = click.option("--features", help="Columns to use, separated by commas.")


@click.command()
@click.argument("sources", nargs=-1, required=True, metavar="FILE|NAME...")
@_options(
    click.option("--out", type=_OUT, default="comparison", show_default=True, help="Folder."),
    click.option("--target", help="Column to predict, for files."),
    _features,
    click.option("--labels", is_flag=True, help="The target is a class."),
    click.option("--methods", help="Separated by commas [default: convex, constructive, lbfgs, adam, sgd]."),
    click.option("--restarts", type=click.IntRange(1), default=50, show_default=True, help="Starts per method."),
    click.option("--width", type=click.IntRange(1), default=100, show_default=True, help="Of local networks."),
    click.option("--local-seconds", type=float, default=1.0, show_default=True, help="Per local run."),
    click.option("--time-limit", type=float, default=60.0, show_default=True, help="Seconds for the convex run."),
    click.option("--beta-ratio", type=float, default=1e-3, show_default=True, help="beta / beta_max."),
    _norm,
    _bias,
    click.option("--jobs", type=int, default=-1, show_default=True, help="Processes; -1 for all."),
    _quiet,
    _json,
)
def compare(**options: Any) -> int:
    """Compare convex training with local methods on data sets (spiral200, diabetes, iris, or files).

    Every finished run is kept, so that an interrupted comparison continues.
    """
    from convexnn.cli.comparing import run_compare

    return run_compare(**options)


@click.command()
@click.argument("model", type=_ANY)
@click.argument("out", type=_OUT)
@_options(
    click.option("--dtype", type=click.Choice(["float64", "float32"]), default="float64", show_default=True),
    click.option("--network-only", is_flag=True, help="ONNX without the preparation of columns."),
    _json,
)
def export(**options: Any) -> int:
    """Write MODEL (a folder written by fit, or a network file) to OUT: .onnx, .pt, .safetensors or .txt.

    ONNX files of a folder take the raw columns and give predictions or labels.
    """
    from convexnn.cli.exporting import run_export

    return run_export(**options)


@click.command(name="dictionary")
@click.argument("file", type=_FILE)
@click.argument("out", type=_OUT)
@_options(
    click.option("--features", required=True, help="Columns to use, separated by commas."),
    _norm,
    _bias,
    click.option("--table", type=click.Choice(["parquet", "json"]), default="parquet", show_default=True),
    click.option("--matrix", type=click.Choice(["npy", "npz", "safetensors"]), help="Write all responses too."),
    _quiet,
    _json,
)
def export_atoms(**options: Any) -> int:
    """Write every candidate neuron of FILE to the folder OUT; called again, it continues."""
    from convexnn.cli.exporting import run_dictionary

    return run_dictionary(**options)


@click.command()
@click.argument("model", type=_ANY)
@click.argument("file", type=_FILE)
@_options(
    click.option("--out", type=_OUT, default="picture.png", show_default=True, help=".png, .svg or .pdf."),
    click.option("--target", help="Column that was predicted [default: that of the fit]."),
    click.option("--features", help="Columns to use [default: those of the fit]."),
    _json,
)
def plot(**options: Any) -> int:
    """Draw MODEL with the rows of FILE: a broken line, or output and breaklines in the plane."""
    from convexnn.cli.drawing import run_plot

    return run_plot(**options)


@click.command()
@click.argument("file", type=_FILE)
@_options(
    click.option("--target", required=True, help="Column to predict."),
    click.option("--features", required=True, help="Columns to use, separated by commas."),
    click.option("--out", type=_OUT, default="path", show_default=True, help="Folder."),
    click.option("--betas", "n_betas", type=click.IntRange(2), default=50, show_default=True, help="Penalties."),
    click.option("--ratio", type=float, default=1e-3, show_default=True, help="Smallest beta / beta_max."),
    click.option("--max-neurons", type=click.IntRange(1), help="Stop at larger networks."),
    click.option("--time-limit", type=float, help="Seconds for the whole path."),
    click.option("--interaction-cst", help="What a neuron may see, as in fit."),
    _norm,
    _bias,
    _json,
)
def path(**options: Any) -> int:
    """Train along decreasing penalties; write a table, the networks and a picture."""
    from convexnn.cli.drawing import run_path

    return run_path(**options)


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@_options(
    click.option("--data", type=_FILE, help="CSV or Parquet; random data by default."),
    click.option("--target", help="Column of targets (or labels) in the data."),
    _features,
    click.option("--samples", type=click.IntRange(3), default=12, show_default=True, help="Of random data."),
    click.option("--dimension", type=click.IntRange(1), help="Of random data [default: what the theorem is about]."),
    click.option("--seed", type=int, default=0, show_default=True),
    _json,
)
def theorem(**options: Any) -> int:
    """Check theorems on data and print both sides; without NAME, list them."""
    from convexnn.cli.theorems import run_theorems

    return run_theorems(**options)


COMMANDS = (compare, export, export_atoms, plot, path, theorem)
