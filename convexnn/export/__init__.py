"""Dictionaries and networks as files that other programs read."""

from typing import TYPE_CHECKING, Any

from convexnn.export.dictionary_files import export_dictionary
from convexnn.export.network_files import (
    export_network,
    import_network,
    load_safetensors,
    network_notes,
    save_safetensors,
)
from convexnn.export.onnx_files import from_onnx, load_onnx, save_onnx, to_onnx
from convexnn.export.saved import SavedDictionary, load_dictionary
from convexnn.export.sklearn_models import from_sklearn, to_sklearn
from convexnn.export.table_graphs import onnx_inputs, table_to_onnx
from convexnn.export.text import to_text
from convexnn.export.torch_modules import from_torch, load_torch, save_torch, to_torch

if TYPE_CHECKING:
    from convexnn.refine.readers import from_module, to_module

__all__ = [
    "SavedDictionary",
    "export_dictionary",
    "export_network",
    "from_module",
    "from_onnx",
    "from_sklearn",
    "from_torch",
    "import_network",
    "load_dictionary",
    "load_onnx",
    "load_safetensors",
    "load_torch",
    "network_notes",
    "onnx_inputs",
    "save_onnx",
    "save_safetensors",
    "save_torch",
    "table_to_onnx",
    "to_module",
    "to_onnx",
    "to_sklearn",
    "to_text",
    "to_torch",
]


def __getattr__(name: str) -> Any:
    # Imported on first use: with them come training and its solvers.
    if name in ("from_module", "to_module"):
        from convexnn.refine import readers

        return getattr(readers, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
