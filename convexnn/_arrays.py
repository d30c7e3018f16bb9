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

__all__ = ["can_compute", "is_foreign", "like", "on_accelerator", "to_numpy"]


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


def can_compute(values: Any) -> bool:
    """Whether `values` lies on an accelerator with float64, which GPUs of Apple and JAX without x64 do not have."""
    if not on_accelerator(values):
        return False
    return "float64" in array_namespace(values).__array_namespace_info__().dtypes(device=device(values))


def like(values: Any, points: Floats) -> Any:
    """`points` in the library and on the device of the foreign array `values`."""
    # Frames are read-only in NumPy, which some libraries refuse to share, hence the copy.
    return array_namespace(values).asarray(points.copy(), device=device(values))
