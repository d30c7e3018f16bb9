"""Progress of an estimator on standard output, only if asked for."""

from __future__ import annotations

from convexnn._progress import Observer, Progress

__all__ = ["fit_observer"]


def fit_observer(verbose: int) -> Observer | None:
    """An observer that prints every round if `verbose` is at least 2."""
    return _print_round if verbose >= 2 else None


def _print_round(state: Progress) -> None:
    print(
        f"round {state.round}: objective {state.primal:.9g}, relative gap {state.relative_gap:.2e}, "
        f"{state.n_atoms} neurons, {state.seconds:.2f} s"
    )
