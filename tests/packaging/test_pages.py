"""Pages name only what exists: files of the repository, modules and their contents, and what examples import."""

from __future__ import annotations

import ast
import importlib
import re
import warnings
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Decisions tell what was; the others what is.
PAGES = sorted(
    page
    for page in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "solvers" / "README.md")
    if page.exists() and not {"decisions", "_build"} & set(page.parts) and page.name != "CHANGELOG.md"
)
pytestmark = pytest.mark.skipif(not (ROOT / "docs").exists(), reason="the pages lie in the source tree only")


def resolve(name: str) -> bool:
    """Whether a dotted name leads to a module or to something in one."""
    parts = name.split(".")
    for k in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:k]))
        except ImportError:
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("error", DeprecationWarning)  # a name of an earlier version is not one to show
            for part in parts[k:]:
                try:
                    found = getattr(found, part)
                except (AttributeError, DeprecationWarning):
                    return False
        return True
    return False


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_names_on_a_page_exist(page):
    text = page.read_text("utf-8")
    new = set(re.findall(r"# new file (\S+)", text))
    for path in re.findall(r"(?<![\w/.-])((?:convexnn|tests|solvers|docs)/[\w./*-]+)", text):
        path = path.rstrip(".")
        assert path in new or "_build" in path or list(ROOT.glob(path)), f"{path} is not in the repository"
    for name in re.findall(r"`(convexnn(?:\.\w+)+)", text):
        assert resolve(name), f"{name} does not exist"
    for module, names in re.findall(r"^from (convexnn[\w.]*) import \(?([\w ,]+)", text, re.MULTILINE):
        for name in filter(None, map(str.strip, names.split(","))):
            made = f"{module.replace('.', '/')}.py" in new
            assert made or resolve(f"{module}.{name}"), f"{module}.{name} does not exist"


SCRIPTS = sorted((*(ROOT / "docs" / "examples").glob("*.py"), *(ROOT / "tests" / "benchmarks").glob("*.py")))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_what_scripts_import_exists(script):
    """Examples and benchmarks take minutes or hours, so the suite does not run them; their imports it can check."""
    for node in ast.walk(ast.parse(script.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "convexnn":
            for name in node.names:
                assert resolve(f"{node.module}.{name.name}"), f"{node.module}.{name.name} does not exist"
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in ("cn", "convexnn"):
            assert resolve(f"convexnn.{node.attr}"), f"convexnn.{node.attr} does not exist"


def test_pages_are_found_and_names_told_apart():
    assert len(PAGES) > 15
    assert len(SCRIPTS) > 30
    assert resolve("convexnn.losses.LOSSES")
    assert not resolve("convexnn.losses.nothing")
    assert not resolve("convexnn.thin")
    assert not resolve("convexnn.nothing.more")
