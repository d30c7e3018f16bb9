"""The changelog has every public name of version 0.1 and of this one."""

from __future__ import annotations

import importlib
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "CHANGELOG.md"
NAMES = json.loads((ROOT / "tests" / "data" / "version_0_1" / "public_names.json").read_text("utf-8"))
pytestmark = pytest.mark.skipif(not PAGE.exists(), reason="CHANGELOG.md lies in the source tree only")


def rows() -> list[list[str]]:
    text = PAGE.read_text("utf-8").partition("## 0.1.0")[0]
    return [[cell.strip() for cell in line.strip("| \n").split(" | ")] for line in text.splitlines() if line[:1] == "|"]


@pytest.mark.parametrize("package", NAMES)
def test_every_name_is_in_the_table(package):
    """As the same, where it still is; as another or gone, where it is not; and what is new is said."""
    present = set(importlib.import_module(package).__all__) - {"__version__"}
    same = {
        name for cells in rows() if len(cells) > 1 and cells[1] == "the same" and cells[0].startswith(f"`{package}`")
        for name in re.findall(r"`([\w.]+)`", cells[0])[1:]
    }  # fmt: skip
    changed = {
        name for cells in rows() if len(cells) > 1 and cells[1] != "the same" and f"`{package}" in cells[0]
        for name in re.findall(r"`(?:[\w.]*\.)?(\w+)`", cells[0])
    }  # fmt: skip
    old = set(NAMES[package])
    assert same == old & present, "names that are called the same"
    assert old - present <= changed, "names that are called otherwise, or have gone"
    text = PAGE.read_text("utf-8")
    for name in present - old:
        assert re.search(rf"`(?:[\w.]*\.)?{name}`", text), f"{package}.{name} is new"
