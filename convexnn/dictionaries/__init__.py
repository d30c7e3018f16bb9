"""Which neurons can be optimal: dictionaries of hyperplanes through samples."""

from convexnn.dictionaries.atoms import Atoms
from convexnn.dictionaries.budget import count_atoms
from convexnn.dictionaries.dictionary import Dictionary, dictionary
from convexnn.dictionaries.hyperplanes import Hyperplanes, enumerate_hyperplanes, iter_atoms
from convexnn.dictionaries.sampled import sampled_dictionary

__all__ = [
    "Atoms",
    "Dictionary",
    "Hyperplanes",
    "count_atoms",
    "dictionary",
    "enumerate_hyperplanes",
    "iter_atoms",
    "sampled_dictionary",
]
