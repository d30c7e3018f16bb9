"""Arrays of other libraries, PyTorch, CuPy and JAX, on CPU or GPU: into NumPy, and back to where they live."""

from __future__ import annotations

from typing import Any

import numpy as np
from array_api_compat import (
    array_namespace,
    device,
    is_array_api_obj,
    is_cupy_array,
    is_dask_array,
    is_jax_array,
    is_numpy_array,
    is_pydata_sparse_array,
    is_torch_array,
    to_device,
)

from convexnn._types import Floats

__all__ = ["Device", "device_of", "is_foreign", "on_accelerator", "to_numpy"]


# Large arrays that a device holds: the samples in both precisions, and parts of them.
_KEPT = 4


def is_foreign(values: Any) -> bool:
    """Whether `values` is a dense array of a library of the array API standard other than NumPy."""
    lazy_or_sparse = is_dask_array(values) or is_pydata_sparse_array(values)
    return bool(is_array_api_obj(values)) and not is_numpy_array(values) and not lazy_or_sparse


def to_numpy(values: Any) -> Any:
    """A foreign array as a NumPy array of its precision, wherever it lies; anything else as it is."""
    if not is_foreign(values):
        return values
    if is_torch_array(values):
        values = values.detach().cpu()
        # NumPy has no bfloat16, and float32 holds all its values.
        return np.asarray(values.float() if str(values.dtype) == "torch.bfloat16" else values)
    if is_cupy_array(values):
        return values.get()
    if is_jax_array(values):
        return np.asarray(values)
    host = array_namespace(values).__array_namespace_info__().default_device()
    return np.asarray(to_device(values, host))


def on_accelerator(values: Any) -> bool:
    """Whether `values` is an array that does not lie in the memory of the CPU."""
    if not is_foreign(values):
        return False
    if is_torch_array(values) or is_jax_array(values):
        place = device(values)
        return str(getattr(place, "type", getattr(place, "platform", place))) != "cpu"
    if is_cupy_array(values):
        return True
    return bool(device(values) != array_namespace(values).__array_namespace_info__().default_device())


class Device:
    """A device other than the CPU, in the array library of an array that lies on it.

    Attributes
    ----------
    xp : namespace
        The library.
    """

    def __init__(self, example: Any) -> None:
        self.xp, self._device = array_namespace(example), device(example)
        # JAX multiplies float32 with ten bits on GPUs unless it is told not to.
        self._exactly = {"precision": "highest"} if is_jax_array(example) else {}
        self._kept: dict[tuple[int, str], tuple[Any, Any]] = {}

    def send(self, values: Any, precision: Any = np.float64) -> Any:
        """A copy of a NumPy array there."""
        return self.xp.asarray(np.array(values, dtype=precision), device=self._device)

    def keep(self, values: Any, precision: Any = np.float64) -> Any:
        """The same for large arrays that do not change: they are sent once."""
        key = id(values), np.dtype(precision).name
        if key not in self._kept:
            if len(self._kept) >= _KEPT:
                self._kept.clear()
            self._kept[key] = values, self.send(values, precision)
        return self._kept[key][1]

    def fetch(self, values: Any) -> Floats:
        """An array of there as a NumPy array of float64 that may be written to."""
        found = np.asarray(to_numpy(values), dtype=np.float64)
        return found if found.flags.writeable else found.copy()

    def product(self, A: Any, B: Any) -> Any:
        """A @ B of two matrices there, to all digits of their precision."""
        return self.xp.matmul(A, B, **self._exactly)

    def responses(self, points: Floats, normals: Floats, offsets: Floats) -> Any:
        """(x_i.u_j + c_j)_+ for points (n, r), normals (m, r) and offsets (m,); what comes back, (n, m), is there."""
        return self.xp.clip(self.product(self.keep(points), self.send(normals).T) + self.send(offsets), min=0.0)


def device_of(values: Any) -> Device | None:
    """Where `values` lies if that is an accelerator with float64 (GPUs of Apple and JAX without x64 have none)."""
    if not on_accelerator(values):
        return None
    double = "float64" in array_namespace(values).__array_namespace_info__().dtypes(device=device(values))
    return Device(values) if double else None
