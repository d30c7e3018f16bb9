"""`convexnn compare`: data sets against methods, one folder with table, records and page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from convexnn.cli.exits import Exit
from convexnn.cli.models import bias_from_word
from convexnn.compare import Comparison, load_data, make_task, run, write_json, write_page
from convexnn.compare.page import verdict

__all__ = ["run_compare"]


def run_compare(
    *,
    sources: tuple[str, ...],
    out: Path,
    target: str | None,
    features: str | None,
    labels: bool,
    methods: str | None,
    restarts: int,
    width: int,
    local_seconds: float,
    time_limit: float,
    beta_ratio: float,
    norm: Any,
    bias: str,
    jobs: int,
    quiet: bool,
    as_json: bool,
) -> int:
    """Run all data sets, write page and records; what is proved stands in the output, not in the exit code."""
    names = [name.strip() for name in features.split(",")] if features else None
    chosen = [name.strip() for name in methods.split(",")] if methods else None
    out.mkdir(parents=True, exist_ok=True)
    comparisons = []
    for source in sources:
        name, X, y, classes = load_data(source, target=target, features=names, labels=labels)
        task = make_task(name, X, y, labels=classes, beta_ratio=beta_ratio, norm=norm, bias=bias_from_word(bias))
        comparisons.append(
            run(
                task,
                methods=chosen,
                n_restarts=restarts,
                width=width,
                time_limit=local_seconds,
                convex_time_limit=time_limit,
                n_jobs=jobs,
                records=out / "runs.jsonl",
                observer=None if quiet else _progress(name),
            )
        )
    write_json(comparisons, out / "comparison.json")
    write_page(comparisons, out / "index.html")
    if as_json:
        click.echo((out / "comparison.json").read_text(encoding="utf-8"))
    else:
        click.echo("\n\n".join(_text(item) for item in comparisons))
        click.echo(f"\nwritten to {out}/index.html, {out}/comparison.json, {out}/runs.jsonl")
    return Exit.CERTIFIED


def _progress(name: str) -> Any:
    shown = [-1]

    def observer(done: int, total: int) -> None:
        step = 10 * done // max(total, 1)
        if step > shown[0]:
            shown[0] = step
            click.echo(f"{name}: {done} of {total} runs", err=True)

    return observer


def _text(item: Comparison) -> str:
    lines = [f"{item.task.name}: {verdict(item)}"]
    head = ("method", "runs", "best", "median", "excess", "neurons", "seconds", "train", "test")
    rows = [head]
    for row in item.table():
        numbers = [row["best"], row["median"], row["best_excess"]]
        texts = ["-" if value is None else f"{value:.6g}" for value in numbers[:2]]
        texts.append("-" if numbers[2] is None else f"{numbers[2]:.1e}")
        scores = [f"{row['seconds']:.2f}", f"{row['train_score']:.4f}", f"{row['test_score']:.4f}"]
        rows.append((row["method"], str(row["runs"]), *texts, f"{row['neurons']:g}", *scores))
    widths = [max(map(len, column)) for column in zip(*rows)]
    for line in rows:
        cells = [line[0].ljust(widths[0]), *(text.rjust(width) for text, width in zip(line[1:], widths[1:]))]
        lines.append("  ".join(cells))
    return "\n".join(lines)
