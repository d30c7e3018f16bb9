"""Losses as test cases: the log loss has two forms, which its targets tell apart; "softmax" is the one with rows."""

from __future__ import annotations

__all__ = ["loss_name"]


def loss_name(case: str) -> str:
    """The name under which the package knows the loss of a test case."""
    return "log_loss" if case == "softmax" else case
