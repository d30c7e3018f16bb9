"""Freed arrays are kept: a second round of large temporaries takes nothing from the kernel."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

SCRIPT = """
import resource, sys
import numpy as np
from convexnn._memory import keep_memory

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        arrays = [np.ones(400_000) for _ in range(3)]
        del arrays
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

if sys.argv[1] == "keep":
    keep_memory()
faults()
print(faults())
"""


def later_faults(how):
    """Page faults of the second round in a fresh process."""
    # Dask leaves MALLOC_TRIM_THRESHOLD_ in the environment of a process that has started a cluster; set thresholds
    # stay as they are, in this test's processes as in a user's.
    env = {name: value for name, value in os.environ.items() if not name.startswith(("MALLOC_", "GLIBC_TUNABLES"))}
    command = [sys.executable, "-c", SCRIPT, how]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60, env=env)
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library decides this by its own rules")
def test_no_fresh_pages_for_temporaries():
    fresh = later_faults("fresh")
    kept = later_faults("keep")
    if fresh < 100:
        pytest.skip("this machine gives no fresh pages for such arrays, or does not count them")
    assert kept < 0.1 * fresh
