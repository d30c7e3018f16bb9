"""Estimators that an earlier version has pickled."""

from __future__ import annotations

from typing import Any

from convexnn.losses.registry import current_name

__all__ = ["CurrentNames"]


class CurrentNames:
    """Gives the parameter ``loss`` of an unpickled estimator its present name."""

    def __setstate__(self, state: dict[str, Any]) -> None:
        loss = state.get("loss")
        if isinstance(loss, str):
            state = {**state, "loss": current_name(loss)}
        super().__setstate__(state)  # type: ignore[misc]  # of BaseEstimator
