"""Ctrl-C in the middle of a training leaves at once with code 130 and without a traceback."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from convexnn.cli.tables import write_columns

# Every round prints a line, and the first one is answered by Ctrl-C: so the signal arrives in the middle of the
# training on any machine. A shell starts background jobs with SIGINT ignored, and children inherit that.
CODE = """
import signal, sys
import click
from convexnn.cli import main, reporting

signal.signal(signal.SIGINT, signal.default_int_handler)
reporting._INTERVAL = 0.0
echo = click.echo

def answered(text, **how):
    echo(text, **how)
    if str(text).startswith("round "):
        signal.raise_signal(signal.SIGINT)

click.echo = answered
main(sys.argv[1:])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for child processes")
def test_interrupt(tmp_path):
    rng = np.random.default_rng(0)
    write_columns(tmp_path / "data.csv", list("abt"), rng.normal(size=(40, 3)))
    command = ["fit", "data.csv", "--target", "t", "--features", "a,b", "--beta-ratio", "1e-3", "--out", "report"]
    done = subprocess.run(
        [sys.executable, "-c", CODE, *command], cwd=tmp_path, stderr=subprocess.PIPE, text=True, timeout=120
    )
    assert done.returncode == 130
    lines = done.stderr.splitlines()
    assert lines[0].startswith("round ")
    assert "interrupted" in lines[-1]
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "report").exists()
