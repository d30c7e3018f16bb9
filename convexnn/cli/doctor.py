"""What is installed: the first thing to attach to a bug report."""

from __future__ import annotations

import json
import platform
from importlib.metadata import PackageNotFoundError, version

import click

from convexnn._native import core, default_threads
from convexnn.cli.exits import Exit

__all__ = ["run_doctor"]

_PACKAGES = ("convexnn", "numpy", "scipy", "scikit-learn", "cvxpy", "joblib", "safetensors", "click")
_OPTIONAL = ("piqp", "matplotlib", "pandas", "pyarrow", "openpyxl", "torch", "onnx")
_SOLVERS = {"native": None, "clarabel": "clarabel", "scs": "scs", "ecos": "ecos", "cvxpy": "cvxpy"}


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def run_doctor(*, as_json: bool) -> int:
    """Print versions, solvers and threads."""
    solvers = {name: package is None or _version(package) is not None for name, package in _SOLVERS.items()}
    report = {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "threads": default_threads(),
        "core": core.__file__,
        "packages": {name: _version(name) for name in _PACKAGES + _OPTIONAL},
        "solvers": solvers,
    }
    if as_json:
        click.echo(json.dumps(report, indent=2))
        return Exit.CERTIFIED
    click.echo(f"Python {report['python']} on {report['platform']}, {report['threads']} threads")
    click.echo(f"compiled core: {core.__file__}")
    for name in _PACKAGES + _OPTIONAL:
        click.echo(f"  {name:<14} {_version(name) or 'not installed'}")
    for name, there in solvers.items():
        click.echo(f"  solver {name:<10} {'available' if there else 'not installed'}")
    return Exit.CERTIFIED
