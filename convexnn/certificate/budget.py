"""The signal by which a sweep says that the time of its certificate is over."""

from __future__ import annotations

from convexnn._progress import Clock

__all__ = ["OutOfTime", "check_time"]


class OutOfTime(Exception):
    """A computation that is of no use unless it ends was stopped; it is caught inside this package."""


def check_time(clock: Clock | None) -> None:
    """Raise :class:`OutOfTime` if the clock has run out."""
    if clock is not None and clock.expired:
        raise OutOfTime
