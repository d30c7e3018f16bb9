"""Memory of large temporaries is kept, since fresh pages from the kernel cost more than the arithmetic on them."""

from __future__ import annotations

from functools import cache

import numpy as np

__all__ = ["keep_memory"]

# The largest block whose release raises the threshold of glibc is 32 MiB, with its header.
_BYTES = 2**25 - 2**16


@cache
def keep_memory() -> None:
    """Let the C library keep freed arrays below 32 MiB for the next ones; once per process.

    Without it glibc takes every array above 128 KiB fresh from the kernel and returns it at the end, until a larger
    one has been freed (mallopt(3), M_MMAP_THRESHOLD, dynamic). This frees one that is never written to, which costs
    microseconds and no memory. DevicePass, and where the environment sets a threshold (as Dask does for its workers:
    MALLOC_TRIM_THRESHOLD_), it does nothing.
    """
    np.empty(_BYTES, dtype=np.uint8)
