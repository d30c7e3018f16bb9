"""Ctrl-C in the middle of a long training leaves at once with code 130 and without a traceback."""

from __future__ import annotations

import signal
import subprocess
import sys

import numpy as np
import pytest

from convexnn.cli.tables import write_columns


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for child processes")
def test_interrupt(tmp_path):
    rng = np.random.default_rng(0)
    # Four features: 10 million candidates, many rounds of about a second. Imports come from the installation.
    write_columns(tmp_path / "data.csv", list("abcdt"), rng.normal(size=(110, 5)))
    command = ["fit", "data.csv", "--target", "t", "--features", "a,b,c,d", "--beta-ratio", "1e-4"]
    # A shell starts background jobs with SIGINT ignored, and children inherit that: this test may be in one.
    heed = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)"
    code = heed + "; from convexnn.cli import main; main(sys.argv[1:])"
    process = subprocess.Popen([sys.executable, "-c", code, *command], cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    first = process.stderr.readline()
    assert first.startswith("round ")  # quick rounds are not printed
    process.send_signal(signal.SIGINT)
    _, rest = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted" in rest
    assert "Traceback" not in rest
