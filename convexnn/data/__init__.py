"""Data to learn from: generators, sets that come with the package, tables from files."""

from convexnn.data.bundled import BundledData, bundled_names, load_bundled
from convexnn.data.cifar import CIFAR10_CLASSES, load_cifar10
from convexnn.data.generators import make_clusters, make_planted_network, make_spiral
from convexnn.data.tables import Table, open_table, read_table

__all__ = [
    "CIFAR10_CLASSES",
    "BundledData",
    "Table",
    "bundled_names",
    "load_bundled",
    "load_cifar10",
    "make_clusters",
    "make_planted_network",
    "make_spiral",
    "open_table",
    "read_table",
]
