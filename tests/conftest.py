"""Settings of the whole test run."""

from __future__ import annotations

import os
from typing import Any

import pytest
from skips import may_skip

# Hundreds of small problems in two workers: one BLAS thread each is faster and repeatable.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
os.environ.setdefault("MPLBACKEND", "Agg")

# Where everything is installed, a skip for an unlisted reason is a failure.
_STRICT = os.environ.get("CI", "").lower() in ("true", "1")


def _without_silent_skip(report: Any) -> Any:
    if _STRICT and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if not may_skip(reason):
            report.outcome = "failed"
            report.longrepr = f"{reason}\nThis reason for a skip is not on the list in tests/skips.py."
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Any:
    return _without_silent_skip((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Any:
    return _without_silent_skip((yield))


@pytest.fixture(autouse=True)
def _same_numbers(request: pytest.FixtureRequest) -> None:
    """A generator that a module shares begins anew in every test: data do not depend on what ran before."""
    # Imported here, after the number of threads is set above.
    import numpy as np

    shared = getattr(getattr(request, "module", None), "rng", None)
    if isinstance(shared, np.random.Generator):
        shared.bit_generator.state = np.random.default_rng(0).bit_generator.state
