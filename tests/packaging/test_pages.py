"""Pages name only what exists: files of the repository, modules and their contents, and what examples import."""

from __future__ import annotations

import importlib
import re
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
        for part in parts[k:]:
            if not hasattr(found, part):
                return False
            found = getattr(found, part)
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


def test_pages_are_found_and_names_told_apart():
    assert len(PAGES) > 15
    assert resolve("convexnn.losses.LOSSES")
    assert not resolve("convexnn.losses.nothing")
    assert not resolve("convexnn.nothing.more")
