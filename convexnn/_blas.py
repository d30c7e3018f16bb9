"""One BLAS thread while solving: matrices are small, spinning helpers cost more than they give, sums keep bits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

__all__ = ["single_thread"]


@cache
def _controller() -> Any:
    # Looking for the loaded libraries takes milliseconds, so it is done once.
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


@contextmanager
def single_thread() -> Iterator[None]:
    """Let BLAS use one thread inside the block, whatever it was told before."""
    with _controller().limit(limits=1, user_api="blas"):
        yield
