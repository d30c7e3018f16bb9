"""Counts of atoms at any size: exact as integers, readable in messages."""

from __future__ import annotations

import numpy as np
import pytest

import convexnn as cn
from convexnn.dictionaries.budget import check_atom_budget, count_atoms, spell_count
from convexnn.exceptions import DictionarySizeError


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0"), (1234, "1,234"), (10**15 - 1, "999,999,999,999,999"), (10**15, "1e+15"), (2 * 10**6000, "2e+6000")],
    ids=["zero", "small", "largest", "rounded", "huge"],
)
def test_counts_in_words(count: int, text: str) -> None:
    assert spell_count(count) == text


def test_a_count_beyond_floats_is_refused_readably() -> None:
    count = count_atoms(100_000, 1500, bias=False)
    assert count > 10**2000
    with pytest.raises(DictionarySizeError, match=r"up to [0-9.]+e\+[0-9]+ atoms") as error:
        check_atom_budget(count, 1000)
    assert error.value.count == count


def test_a_search_among_more_atoms_than_floats_can_count() -> None:
    X = np.random.default_rng(0).standard_normal((1200, 500))
    assert count_atoms(*X.shape, bias=False) > 10**308
    assert cn.beta_max(X, X[:, 0], bias=False) > 0
