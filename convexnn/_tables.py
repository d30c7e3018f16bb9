"""Two columns, names and values, as text and as HTML: summaries of results."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

__all__ = ["html_table", "text_table"]


def _shown(value: Any) -> str:
    return f"{value:.8g}" if isinstance(value, float) else str(value)


def text_table(title: str, rows: Mapping[str, Any]) -> str:
    """A title, a line, and one line per row."""
    width = max(map(len, rows))
    lines = [f"{name:<{width}}  {_shown(value)}" for name, value in rows.items()]
    return "\n".join([title, "=" * max(map(len, [title, *lines[:1]])), *lines])


def html_table(title: str, rows: Mapping[str, Any]) -> str:
    """The same for notebooks; nothing in it is taken for markup."""
    cells = "".join(f"<tr><th>{escape(name)}</th><td>{escape(_shown(value))}</td></tr>" for name, value in rows.items())
    return f"<table><caption>{escape(title)}</caption>{cells}</table>"
