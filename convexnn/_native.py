"""The one door to the compiled core.

Everything that needs a kernel imports ``core`` from here, so that a missing extension is explained
once and readably.
"""

from __future__ import annotations

from typing import Any

from convexnn.exceptions import NativeCoreError

try:
    from convexnn import _core
except ImportError as error:
    raise NativeCoreError(
        "convexnn was imported without its compiled core. If you are in a source checkout, the folder "
        "'convexnn' here hides the installed package: install with `pip install -e .` or run from another "
        f"folder. (The import said: {error})"
    ) from error

__all__ = ["core", "default_threads"]

core: Any = _core


def default_threads(n_jobs: int | None = None) -> int:
    """Number of kernel threads: the processors this process may use, or `n_jobs` (-1: all)."""
    import os

    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if n_jobs is None:
        return available
    return max(1, n_jobs if n_jobs > 0 else available + 1 + n_jobs)
