"""Reasons for which a test may be skipped where everything is meant to run; any other skip there is a failure.

A skip hides what it does not run: reference optima that were not beside a checkout had left their tests out unnoticed.
"""

from __future__ import annotations

import re

__all__ = ["may_skip"]

# Libraries that the extra "test" does not install, or not for every Python.
_LIBRARIES = r"(torch|jax|cupy|kingdon|scnn|ecos)"
_REASONS = (
    rf"could not import '{_LIBRARIES}[\w.]*'",
    rf"{_LIBRARIES}( \(package \w+\))? is not installed",
    r"PyTorch finds no GPU",
    r"scikit-learn before 1\.9 has no callbacks",
    # Says scikit-learn of its own checks: for losses without probabilities, and with arrays of other libraries.
    r"does not have a predict_proba method",
    r"(array_api_compat|array_api_strict|SCIPY_ARRAY_API|array.api)",
    # Properties of the machine.
    r"Windows has no SIGINT for child processes",
    r"needs POSIX timers",
    r"signals reach the main thread",
    r"another C library decides this by its own rules",
    r"this machine gives no fresh pages for such arrays, or does not count them",
)
_ALLOWED = re.compile("|".join(_REASONS))


def may_skip(reason: str) -> bool:
    """Whether a reason is on the list."""
    return _ALLOWED.search(reason) is not None
