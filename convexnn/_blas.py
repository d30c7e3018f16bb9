"""One BLAS thread while solving: matrices are small, spinning helpers cost more than they give, sums keep bits."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

__all__ = ["single_thread"]

_lock = threading.Lock()
# Blocks that are being executed, and the limit that the first of them set; BLAS has one setting per process.
_inside = 0
_limit: Any = None


@cache
def _controller() -> Any:
    # Looking for the loaded libraries takes milliseconds, so it is done once.
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


@contextmanager
def single_thread() -> Iterator[None]:
    """Let BLAS use one thread inside the block, whatever it was told before; in any Python thread."""
    global _inside, _limit
    with _lock:
        if _inside == 0:
            _limit = _controller().limit(limits=1, user_api="blas")
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0:
                _limit.restore_original_limits()
