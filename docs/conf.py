"""Sphinx: pages in Markdown, API from docstrings, gallery from docs/examples/plot_*.py."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from typing import Any

import convexnn

project = "convexnn"
author = "the convexnn developers"
copyright = author
version = release = convexnn.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
exclude_patterns = ["_build", "examples"]
templates_path = ["_templates"]
html_theme = "pydata_sphinx_theme"
html_theme_options = {"show_prev_next": True, "navbar_end": ["theme-switcher"], "show_toc_level": 2}
html_title = "convexnn"
html_copy_source = html_show_sourcelink = False

autosummary_generate = True
autodoc_typehints = "none"
# Their texts refer to the glossary of scikit-learn.
autodoc_default_options = {"exclude-members": "set_fit_request, set_score_request, get_metadata_routing"}
numpydoc_show_class_members = False
numpydoc_xref_param_type = False
myst_heading_anchors = 3
# Definition lists, for the glossary.
myst_enable_extensions = ["deflist"]
suppress_warnings = ["config.cache"]

sphinx_gallery_conf = {
    "examples_dirs": "examples",
    "gallery_dirs": "gallery",
    "filename_pattern": r"/plot_",
    "abort_on_example_error": True,
    "download_all_examples": False,
    "show_memory": False,
    "remove_config_comments": True,
}

# Public packages in the order in which a reader meets them.
PACKAGES = (
    "training", "certificate", "network", "estimators", "dictionaries", "losses", "constructive", "refine", "compare",
    "export", "plots", "data", "exceptions",
)  # fmt: skip


def write_api_page() -> None:
    """One table per package with every public name, so that none can be forgotten."""
    lines = ["API reference", "=============", ""]
    for package in PACKAGES:
        module = import_module(f"convexnn.{package}")
        summary = (module.__doc__ or "").strip().splitlines()[0]
        lines += [f"convexnn.{package}", "-" * (9 + len(package)), "", summary, ""]
        lines += [f".. currentmodule:: convexnn.{package}", "", ".. autosummary::", "   :toctree: generated", ""]
        lines += [f"   {name}" for name in module.__all__ if not isinstance(getattr(module, name), tuple)] + [""]
    path = Path(__file__).parent / "reference" / "api.rst"
    text = "\n".join(lines)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


write_api_page()


def replace_outside_code(lines: list[str], pattern: str, by: str) -> None:
    """Change text but neither literals nor examples."""
    for k, line in enumerate(lines):
        if not line.lstrip().startswith((">>>", "...")):
            parts = re.split(r"(``.*?``|:\w+:`.*?`)", line)
            parts[::2] = [re.sub(pattern, by, part) for part in parts[::2]]
            lines[k] = "".join(parts)


def escape_bars(app: Any, what: str, name: str, obj: object, options: Any, lines: list[str]) -> None:
    """Formulas such as ||w_j|| are text, their bars are no substitutions."""
    replace_outside_code(lines, r"(?<!\\)\|", r"\\|")


def escape_names(app: Any, what: str, name: str, obj: object, options: Any, lines: list[str]) -> None:
    """Fitted attributes such as network_ are no links."""
    replace_outside_code(lines, r"(?<=\w)_(?![\w`])", r"\\_")


def setup(app: Any) -> None:
    """Bars before numpydoc reads the sections, names after it has written them."""
    app.connect("autodoc-process-docstring", escape_bars, priority=400)
    app.connect("autodoc-process-docstring", escape_names, priority=900)
