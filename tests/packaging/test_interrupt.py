"""Ctrl-C in the middle of a training keeps the best network; pressed twice it leaves at once with code 130."""

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
        for _ in range(times):
            signal.raise_signal(signal.SIGINT)

click.echo = answered
times = int(sys.argv[1])
main(sys.argv[2:])
"""


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for child processes")
def test_interrupt(tmp_path, times):
    rng = np.random.default_rng(0)
    write_columns(tmp_path / "data.csv", list("abt"), rng.normal(size=(40, 3)))
    command = ["fit", "data.csv", "--target", "t", "--features", "a,b", "--beta-ratio", "1e-3", "--out", "report"]
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(times), *command], cwd=tmp_path, stderr=subprocess.PIPE, text=True, timeout=120
    )
    assert done.returncode == (0 if times == 1 else 130)
    lines = done.stderr.splitlines()
    assert any(line.startswith("round ") for line in lines)
    assert any("interrupted: keeping the best network" in line for line in lines)
    assert "Traceback" not in done.stderr
    assert (tmp_path / "report" / "network.safetensors").exists() == (times == 1)
