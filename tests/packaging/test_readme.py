"""What README shows is what happens."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"

pytestmark = pytest.mark.skipif(not README.exists(), reason="README.md lies in the source tree only")


def block(marker: str) -> str:
    found = re.search(rf"<!-- {marker} -->\n```\w+\n(.*?)```", README.read_text(encoding="utf-8"), re.S)
    assert found, marker
    return found.group(1)


def test_example_prints_what_readme_says(capsys):
    exec(compile(block("example"), "README.md", "exec"), {})
    assert capsys.readouterr().out == block("output")


def test_commands_are_one_line_each_and_stand_alone():
    for marker in ("ci: demo", "ci: test"):
        command = block(marker).strip()
        assert "\n" not in command
        assert command.startswith("python3 -m venv .venv && .venv/bin/pip install ")


def test_links_lead_somewhere():
    for page in (README, *sorted((ROOT / "docs").rglob("*.md"))):
        for target in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
            if not target.startswith(("http:", "https:")):
                assert (page.parent / target).exists(), f"{page}: {target}"
