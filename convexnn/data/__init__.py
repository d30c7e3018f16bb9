"""Data to learn from: generators, sets that come with the package, tables from files."""

from typing import TYPE_CHECKING, Any

from convexnn.data.bundled import BundledData, bundled_names, load_bundled
from convexnn.data.cifar import CIFAR10_CLASSES, load_cifar10
from convexnn.data.generators import make_clusters, make_planted_network, make_spiral
from convexnn.data.tables import Table, open_table, read_table

if TYPE_CHECKING:
    from convexnn.data.recipe import TableRecipe as TableRecipe

__all__ = [
    "CIFAR10_CLASSES",
    "BundledData",
    "Table",
    "TableRecipe",
    "bundled_names",
    "load_bundled",
    "load_cifar10",
    "make_clusters",
    "make_planted_network",
    "make_spiral",
    "open_table",
    "read_table",
]


def __getattr__(name: str) -> Any:
    # Imported on first use: with it comes scikit-learn.
    if name == "TableRecipe":
        from convexnn.data.recipe import TableRecipe

        return TableRecipe
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
