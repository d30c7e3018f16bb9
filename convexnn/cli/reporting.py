"""What a command says: progress on standard error, the result on standard output."""

from __future__ import annotations

import json
import math
import time
from typing import Any

import click

from convexnn._progress import Observer, Progress
from convexnn.certificate import Certificate
from convexnn.cli.exits import Exit

__all__ = ["certificate_summary", "progress_printer", "show", "verdict"]

# Seconds between two lines of progress.
_INTERVAL = 0.5
_SCOPES = {
    "network": "no network of any width is better by more than the gap",
    "dictionary": "no network of these candidate neurons is better by more than the gap",
    "none": "nothing is proved: better networks may or may not exist",
}


def progress_printer(*, quiet: bool) -> Observer | None:
    """An observer that writes now and then a line to standard error."""
    if quiet:
        return None
    last = [time.perf_counter()]

    def show_progress(state: Progress) -> None:
        now = time.perf_counter()
        if now - last[0] < _INTERVAL:
            return
        last[0] = now
        gap = f"relative gap {state.relative_gap:.1e}" if math.isfinite(state.dual) else "no bound yet"
        click.echo(
            f"round {state.round}: objective {state.primal:.6g}, {gap}, {state.n_atoms} neurons, {state.seconds:.1f} s",
            err=True,
        )

    return show_progress


def verdict(certificate: Certificate, required: float | None) -> Exit:
    """Exit code of a command that did what it should: a gap that was required and is not proved is another one."""
    good = required is None or certificate.relative_gap <= required  # nothing is at most nan
    return Exit.CERTIFIED if good else Exit.NOT_CERTIFIED


def certificate_summary(certificate: Certificate) -> dict[str, Any]:
    """The figures of a certificate, with what its scope means."""
    note = {"note": certificate.note} if certificate.note else {}
    return {
        "certified": certificate.holds,
        "objective": certificate.primal,
        "lower_bound": certificate.dual,
        "relative_gap": certificate.relative_gap,
        "scope": certificate.scope,
        "meaning": _SCOPES[certificate.scope],
        **note,
    }


def show(result: dict[str, Any], *, as_json: bool) -> None:
    """Print a result as JSON, or as one line per entry."""
    if as_json:
        click.echo(json.dumps(result, indent=2))
        return
    width = max(map(len, result))
    for name, value in result.items():
        text = f"{value:.10g}" if isinstance(value, float) else str(value)
        click.echo(f"{name.replace('_', ' '):<{width}}  {text}")
