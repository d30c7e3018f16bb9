"""The command `convexnn`: train, predict and verify from files.

Progress goes to standard error, results to standard output (as JSON with ``--json``). Exit codes:
0 done, 2 wrong usage, 3 a required gap is not proved, 4 bad data or files, 5 too large, 130 interrupted.
Heavy imports happen inside the commands, so that ``--help`` answers at once.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

import convexnn
from convexnn.cli.exits import ExitCodes
from convexnn.cli.study import COMMANDS

__all__ = ["main"]

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_ANY = click.Path(exists=True, path_type=Path)
_NORM = click.Choice(["l1", "l2"])
_BIAS = click.Choice(["free", "none", "penalized"])
_GROUPS = "What a neuron may see: no_interactions, pairwise, or groups of columns such as a,b;c"


def _json_option(function: Any) -> Any:
    return click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")(function)


_require_gap = click.option(
    "--require-gap", type=float, help="Leave with 3 unless a relative gap of at most this is proved."
)


def _training_options(function: Any) -> Any:
    """Options that every training command has."""
    for option in reversed(
        [
            click.option("--norm", type=_NORM, default="l2", show_default=True, help="Norm of weights."),
            click.option("--bias", type=_BIAS, default="free", show_default=True, help="Hidden biases."),
            click.option("--beta", help="Weight decay, or auto: cross-validation [default: beta-ratio * beta_max]."),
            click.option("--beta-ratio", type=float, default=1e-2, show_default=True, help="Of beta_max."),
            click.option("--solver", default="auto", show_default=True, help="Backend, see doctor."),
            click.option("--tol", type=float, help="Gap to reach, or what a search may leave [default: 1e-6, 1e-3]."),
            click.option("--time-limit", type=float, help="Seconds; the best network so far is kept."),
            _require_gap,
            click.option("--max-atoms", type=int, help="Largest number of candidate neurons."),
            click.option("--seed", type=int, default=0, show_default=True, help="For heuristic searches."),
            click.option("--quiet", is_flag=True, help="No progress on standard error."),
        ]
    ):
        function = option(function)
    return function


@click.group(cls=ExitCodes, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(convexnn.__version__)
def main() -> None:
    """Train ReLU networks by convex optimisation, with a certificate of optimality."""


@main.command()
@click.option("--out", type=click.Path(path_type=Path), default="report", show_default=True, help="Folder.")
@click.option("--restarts", type=click.IntRange(1), default=10, show_default=True, help="Local runs.")
@click.option("--norm", type=_NORM, default="l2", show_default=True, help="Norm of hidden weights.")
@click.option("--beta-ratio", type=float, default=1e-3, show_default=True, help="beta / beta_max.")
@click.option("--quiet", is_flag=True, help="No progress on standard error.")
@_json_option
def demo(**options: Any) -> int:
    """Train on a 2D spiral, certify, compare with local restarts, write a report."""
    from convexnn.cli.demo import run_demo

    return run_demo(**options)


@main.command()
@click.argument("file", type=_FILE)
@click.option("--target", required=True, help="Column to predict: numbers, labels or counts.")
@click.option("--features", help="Columns to use, separated by commas [default: all but the target].")
@click.option("--drop", help="Columns to leave out, separated by commas.")
@click.option("--kind", "kinds", multiple=True, metavar="COLUMN=KIND", help="numeric, categorical, boolean or date.")
@click.option("--raw", is_flag=True, help="Take the columns as numbers: no scaling, no levels, nothing filled.")
@click.option("--loss", help="squared_error, huber, quantile(0.9), poisson, log_loss, ... [default: by the target].")
@click.option("--test-size", type=float, help="Share of the rows kept for a test, as 0.2.")
@click.option("--out", type=click.Path(path_type=Path), default="model", show_default=True, help="Folder.")
@click.option(
    "--scope", type=click.Choice(["network", "dictionary"]), default="network", show_default=True,
    help="Networks to optimise over and to prove a bound for.",
)  # fmt: skip
@click.option("--interaction-cst", help=_GROUPS)
@_training_options
@_json_option
def fit(**options: Any) -> int:
    """Train on the columns of FILE (CSV, Parquet, Excel) and write network, certificate and recipe."""
    from convexnn.cli.fitting import run_fit

    return run_fit(**options)


@main.command()
@click.argument("model", type=_ANY)
@click.argument("file", type=_FILE)
@click.option("--features", help="Columns to use, separated by commas [default: those of the fit].")
@click.option("--out", type=click.Path(path_type=Path), help="CSV to write [default: standard output].")
@_json_option
def predict(**options: Any) -> int:
    """Apply MODEL (a folder written by fit, or a network file) to the rows of FILE."""
    from convexnn.cli.commands import run_predict

    return run_predict(**options)


@main.command()
@click.argument("model", type=_ANY)
@click.argument("file", type=_FILE)
@click.option("--target", help="Column that was predicted [default: that of the fit].")
@_json_option
def evaluate(**options: Any) -> int:
    """Score MODEL (a folder written by fit) on the rows of FILE; rows kept for a test apart."""
    from convexnn.cli.commands import run_evaluate

    return run_evaluate(**options)


@main.command()
@click.argument("model", type=_ANY)
@click.argument("file", type=_FILE)
@click.option("--target", help="Column that was predicted [default: that of the fit].")
@click.option("--features", help="Columns to use, separated by commas [default: those of the fit].")
@click.option("--beta", type=float, help="Weight decay [default: that of the fit].")
@click.option("--norm", type=_NORM, help="Norm of hidden weights [default: that of the fit].")
@click.option("--bias", type=_BIAS, help="Kind of hidden biases [default: that of the fit].")
@click.option(
    "--scope", type=click.Choice(["network", "dictionary"]), default="network", show_default=True,
    help="Networks to compare with; network: all, by branch and bound if need be.",
)  # fmt: skip
@click.option("--interaction-cst", help=f"{_GROUPS} [default: those of the fit].")
@click.option("--tol", type=float, default=1e-6, show_default=True, help="Relative gap to accept.")
@_require_gap
@click.option("--time-limit", type=float, help="Seconds for the proof.")
@_json_option
def certify(**options: Any) -> int:
    """Prove how close MODEL is to optimal on FILE, from the data alone, without any solver."""
    from convexnn.cli.commands import run_certify

    return run_certify(**options)


@main.command()
@click.argument("model", type=_ANY)
@click.argument("file", type=_FILE)
@click.option("--exact", is_flag=True, help="Decide once more in rational arithmetic, without any rounding.")
@click.option("--time-limit", type=float, help="Seconds for the usual check.")
@_json_option
def verify(**options: Any) -> int:
    """Check the certificate saved in MODEL (a folder written by fit) against FILE; leaves with 4 if it is not true."""
    from convexnn.cli.verifying import run_verify

    return run_verify(**options)


@main.command()
@_json_option
def doctor(**options: Any) -> int:
    """Report versions, available solvers and threads."""
    from convexnn.cli.doctor import run_doctor

    return run_doctor(**options)


for _command in COMMANDS:
    main.add_command(_command)
