"""`convexnn theorem`: statements with both sides as numbers."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from convexnn.cli.exits import Exit
from convexnn.compare.theorems import THEOREMS, Check, check_theorem
from convexnn.data import read_table
from convexnn.exceptions import ParameterError

__all__ = ["run_theorems"]


def run_theorems(
    *, names: tuple[str, ...], data: Path | None, target: str | None, features: str | None, samples: int,
    dimension: int | None, seed: int, as_json: bool,
) -> int:  # fmt: skip
    """Check the named theorems, or list all; exit code 3 if a statement fails on the data."""
    if not names:
        for name, theorem in THEOREMS.items():
            click.echo(f"{name:<15} {theorem.statement}")
        return Exit.CERTIFIED
    X = y = None
    if data is not None:
        if target is None:
            raise ParameterError(f"--data {data}: which column is the target? Give --target.")
        columns = [name.strip() for name in features.split(",")] if features else None
        X, y = read_table(data, target, columns)
    chosen = list(THEOREMS) if names == ("all",) else names
    results: dict[str, list[Check]] = {}
    for name in chosen:
        results[name] = check_theorem(name, X, y, n_samples=samples, dimension=dimension, random_state=seed)
        if not as_json:
            _print(name, results[name])
    if as_json:
        content = {name: [asdict(check) for check in checks] for name, checks in results.items()}
        click.echo(json.dumps(content, indent=2))
    # The first line of Lemma 16 shows that the printed constant fails; that is its point.
    failed = [name for name, checks in results.items() if not all(c.holds for c in checks[name == "16" :])]
    return Exit.NOT_CERTIFIED if failed else Exit.CERTIFIED


def _print(name: str, checks: list[Check]) -> None:
    click.echo(f"{name}: {THEOREMS[name].statement}")
    for check in checks:
        mark = "holds" if check.holds else "FAILS"
        click.echo(f"  [{mark}] {check.what}")
        click.echo(
            f"          {check.left_name} {check.left:.10g} {check.relation} {check.right:.10g} {check.right_name}"
        )
