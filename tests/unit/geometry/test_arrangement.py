"""Counts of atoms and cells against enumeration."""

from itertools import combinations

import numpy as np
import pytest
from reference_geometry import brute_hyperplanes

from convexnn.dictionaries import count_atoms
from convexnn.exceptions import ParameterError
from convexnn.geometry.arrangement import count_cells, count_hyperplanes


@pytest.mark.parametrize("norm", ["l1", "l2"])
@pytest.mark.parametrize("bias", [True, False, "penalized"])
@pytest.mark.parametrize(("n", "d"), [(1, 1), (6, 1), (6, 2), (5, 3), (2, 3), (4, 4)])
def test_atoms_in_general_position(n, d, norm, bias):
    """The formulas count what brute force finds, for n < d too."""
    X = np.random.default_rng(10 * n + d).normal(size=(n, d))
    assert count_atoms(n, d, norm=norm, bias=bias) == 2 * len(brute_hyperplanes(X, norm, bias))


@pytest.mark.parametrize(("n", "r"), [(1, 1), (4, 1), (5, 2), (6, 3), (5, 4)])
def test_cells_by_sampled_patterns(n, r):
    """Cover's formula against the activation patterns of very many random neurons."""
    rng = np.random.default_rng(n + r)
    X = rng.normal(size=(n, r))
    patterns = np.unique(rng.normal(size=(200_000, r)) @ X.T > 0, axis=0)
    assert count_cells(n, r) == len(patterns)


def test_cells_with_bias_are_cells_of_one_more_dimension():
    X = np.random.default_rng(0).normal(size=(5, 2))
    splits = set()
    for u in np.random.default_rng(1).normal(size=(20_000, 2)):
        for c in np.concatenate([-(X @ u) + 1e-9, -(X @ u) - 1e-9]):
            splits.add(tuple(X @ u + c > 0))
    assert count_cells(5, 2, affine=True) == len(splits)


def test_counts_are_python_integers_of_any_size():
    """A dictionary of 10^5 samples in 500 dimensions is counted without overflow."""
    count = count_atoms(100_000, 500)
    assert isinstance(count, int)
    assert count > 10**1000
    assert count_cells(np.int64(10_000), np.int64(300)) > 10**500
    assert count_hyperplanes(0, 3, norm="l2", affine=True) == 0
    assert count_cells(0, 3) == 1
    assert count_hyperplanes(7, 3, norm="l1", affine=True) == len(list(combinations(range(10), 3))) - 1


@pytest.mark.parametrize("bad", [{"n": 0, "d": 2}, {"n": 3, "d": 1.5}, {"n": 3, "d": 2, "norm": "l3"}])
def test_unusable_arguments_are_refused(bad):
    with pytest.raises(ParameterError):
        count_atoms(**bad)
