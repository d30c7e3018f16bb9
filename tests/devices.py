"""Arrays of other libraries, on the CPU, on GPUs where there are some, and on a device that only pretends to be one."""

from __future__ import annotations

from typing import Any

import pytest

# The device of array_api_strict holds arrays that NumPy cannot read, as those of a GPU.
ELSEWHERE = ("another device", "cuda", "cupy")


def example(name: str) -> Any:
    """A small array of "torch", "jax" or "array_api_strict", or from ELSEWHERE; skips what is missing."""
    library = {"another device": "array_api_strict", "cuda": "torch"}.get(name, name)
    xp = pytest.importorskip(library, reason=f"{library} is not installed")
    if name == "cuda" and not xp.cuda.is_available():
        pytest.skip("PyTorch finds no GPU")
    if name == "jax":
        xp.config.update("jax_enable_x64", True)
        xp = xp.numpy
    where = {"another device": lambda: {"device": xp.Device("device1")}, "cuda": lambda: {"device": "cuda"}}
    return xp.asarray([[0.0, 1.0]], dtype=xp.float64, **where.get(name, dict)())
