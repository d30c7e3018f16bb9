"""Data to learn from: generators, sets that come with the package, tables from files."""

from convexnn.data.bundled import BundledData, bundled_names, load_bundled
from convexnn.data.generators import make_clusters, make_planted_network, make_spiral
from convexnn.data.tables import Table, open_table, read_table

__all__ = [
    "BundledData",
    "Table",
    "bundled_names",
    "load_bundled",
    "make_clusters",
    "make_planted_network",
    "make_spiral",
    "open_table",
    "read_table",
]
