"""A skipped test says why, and where everything is installed only listed reasons count."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from skips import may_skip

TESTS = Path(__file__).parents[1]
FILE = """
import pytest
{top}
def test_one():
    {body}
"""


def run(folder, body="pass", top="", ci="true"):
    (folder / "conftest.py").write_text((TESTS / "conftest.py").read_text())
    (folder / "test_it.py").write_text(FILE.format(body=body, top=top))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull, "test_it.py"]
    environment = {**os.environ, "CI": ci, "PYTHONPATH": os.pathsep.join([str(TESTS), *sys.path])}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


@pytest.mark.parametrize(("body", "top"), [
    ("pytest.skip('no data here')", ""),
    ("pytest.importorskip('no_such_library')", ""),
    ("pass", "@pytest.mark.skipif(True, reason='the file is not beside the checkout')"),
    ("pass", "pytest.importorskip('no_such_library')"),
])  # fmt: skip
def test_an_unlisted_reason_fails_where_everything_is_installed(tmp_path, body, top):
    done = run(tmp_path, body, top)
    assert done.returncode != 0, done.stdout
    assert "not on the list in tests/skips.py" in done.stdout
    assert run(tmp_path, body, top, ci="").returncode in (0, 5)


@pytest.mark.parametrize("reason", ["torch is not installed", "PyTorch finds no GPU"])
def test_a_listed_reason_is_a_skip(tmp_path, reason):
    done = run(tmp_path, f"pytest.skip({reason!r})")
    assert done.returncode == 0, done.stdout
    assert "1 skipped" in done.stdout


def test_what_the_list_means():
    for reason in ("Skipped: could not import 'torch': No module", "scnn (package pyscnn) is not installed"):
        assert may_skip(reason)
    for reason in ("could not import 'onnx'", "pandas is not installed", "not now", "torch has a fault"):
        assert not may_skip(reason)
