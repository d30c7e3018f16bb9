"""The tutorial is a walk: every block is executed in an empty folder, in order, and prints what the page says."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from convexnn.cli import main

PAGE = Path(__file__).resolve().parents[2] / "docs" / "tutorial" / "first-steps.md"

pytestmark = pytest.mark.skipif(not PAGE.exists(), reason="the pages lie in the source tree only")


def blocks() -> list[tuple[str, str]]:
    return re.findall(r"<!-- walk: (\w+) -->\n```\w+\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)


def test_every_step_works_and_prints_what_the_page_says(tmp_path, monkeypatch, capsys):
    for name in ("matplotlib", "onnx", "sklearn"):
        pytest.importorskip(name)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    shown, commands = None, 0
    for kind, text in blocks():
        if kind == "python":
            exec(compile(text, str(PAGE), "exec"), names)
            shown = capsys.readouterr().out
        elif kind == "output":
            assert shown == text
        elif kind == "shell":
            for line in text.strip().splitlines():
                program, *arguments = shlex.split(line)
                assert program == "convexnn"
                result = CliRunner().invoke(main, arguments)
                assert result.exit_code == 0, f"{line}: {result.output}"
                commands += 1
    assert commands == 7
    for name in ("model/certificate.json", "predictions.csv", "wave.png", "wave.onnx", "wave-path/path.png"):
        assert (tmp_path / name).stat().st_size > 0


def test_python_blocks_of_the_page_need_nothing_but_the_package():
    code = "\n".join(text for kind, text in blocks() if kind == "python")
    modules = {line.split()[1].split(".")[0] for line in code.splitlines() if line.startswith(("from ", "import "))}
    assert modules - set(sys.stdlib_module_names) == {"convexnn", "sklearn"}
