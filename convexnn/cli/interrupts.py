"""Ctrl-C ends training with the best network so far; pressed again, it ends the program."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import click

from convexnn._progress import Clock

__all__ = ["StoppableClock", "stopped_by_interrupts"]


class StoppableClock(Clock):
    """A clock that expires at its limit, or when it is stopped."""

    stopped = False

    @property
    def expired(self) -> bool:
        return self.stopped or super().expired

    @property
    def left(self) -> float | None:
        return 0.0 if self.stopped else super().left


@contextmanager
def stopped_by_interrupts(clock: StoppableClock) -> Iterator[None]:
    """Stop the clock at the first SIGINT inside the block; the second raises KeyboardInterrupt as ever."""
    if threading.current_thread() is not threading.main_thread():  # signals reach the main thread only
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        if clock.stopped:
            raise KeyboardInterrupt
        clock.stopped = True
        click.echo("interrupted: keeping the best network so far; again to end at once", err=True)

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
