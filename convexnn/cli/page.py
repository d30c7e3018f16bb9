"""The report of the demonstration: one self-contained page that opens offline."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

__all__ = ["write_page"]

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>convexnn demo</title>
<style>body{{font-family:sans-serif;max-width:70em;margin:2em auto;padding:0 1em;line-height:1.5}}
table{{border-collapse:collapse}}td{{border-bottom:1px solid #ccc;padding:.2em 1em .2em 0}}
img{{max-width:100%}}code{{background:#eee;padding:.1em .3em}}</style></head><body>
<h1>A ReLU network with a certificate</h1>
<p>{verdict}</p>
<img src="{picture}" alt="Left: the network and its breaklines. Right: local restarts and the proven bound.">
<table>{rows}</table>
<p>Files: <code>network.safetensors</code> (weights), <code>certificate.json</code> (the proof),
<code>spiral.csv</code> (data), <code>report.json</code> (these figures). Check the proof again, without a
solver: <code>convexnn certify FOLDER FOLDER/spiral.csv</code></p>
</body></html>
"""


def write_page(path: Path, report: dict[str, Any], *, picture: str) -> None:
    """Write the figures of a demo run and its picture as HTML."""
    gap = f"{report['relative_gap']:.1e}"
    verdict = (
        f"Its training objective {report['objective']:.8g} is within a relative gap of {gap} of the best "
        f"possible: {report['meaning']}. The best of {report['local_runs']} local runs ended "
        f"{100 * report['best_local_excess']:.3g} % above it, {report['local_runs_below_the_bound']} below "
        "the proven lower bound."
    )
    rows = "".join(
        f"<tr><td>{escape(name.replace('_', ' '))}</td><td>{escape(_text(value))}</td></tr>"
        for name, value in report.items()
    )
    page = _PAGE.format(verdict=escape(verdict), picture=escape(picture), rows=rows)
    path.write_text(page, encoding="utf-8")


def _text(value: Any) -> str:
    return f"{value:.10g}" if isinstance(value, float) else str(value)
