"""The one place where matplotlib is imported."""

from __future__ import annotations

from typing import Any

from convexnn.exceptions import SolverUnavailableError

__all__ = ["new_axes"]


def new_axes(ax: Any | None) -> Any:
    """Return `ax`, or the axes of a new figure.

    Raises
    ------
    SolverUnavailableError
        If matplotlib is not installed.
    """
    if ax is not None:
        return ax
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise SolverUnavailableError("plots need matplotlib; install convexnn[plots].") from error
    return pyplot.subplots(layout="constrained")[1]
