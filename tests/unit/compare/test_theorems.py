"""Statements hold on random and on degenerate data, and a false one is seen to fail."""

from __future__ import annotations

import numpy as np
import pytest

from convexnn.compare import statements
from convexnn.compare.theorems import THEOREMS, check_theorem
from convexnn.exceptions import DataError, ParameterError


@pytest.fixture(autouse=True)
def few_restarts(monkeypatch):
    true = statements.local_restarts

    def fewer(X, y, *, n_restarts, time_limit, width, **options):
        return true(X, y, n_restarts=2, width=10, max_iter=100, **options)

    monkeypatch.setattr(statements, "local_restarts", fewer)
    monkeypatch.setattr(statements, "_RANDOM_NEURONS", 2000)


@pytest.mark.parametrize("name", [name for name in THEOREMS if name != "16"])
def test_theorems_hold_on_random_data(name):
    checks = check_theorem(name, n_samples=9, random_state=1)
    assert checks
    for check in checks:
        assert check.holds, check


def test_the_printed_lemma_16_fails_where_the_corrected_one_holds():
    printed, corrected = check_theorem("16")
    assert not printed.holds
    assert corrected.holds
    assert printed.left == pytest.approx(np.sqrt(3))


@pytest.mark.parametrize("name", ["3", "5", "22"])
def test_theorems_hold_on_a_grid_with_repetition(name):
    X = np.array([[0, 0], [0, 1], [1, 0], [1, 1], [2, 0], [2, 1], [0, 0]], dtype=float)
    y = np.array([1.0, 0.0, 0.5, -1.0, 2.0, 0.0, 1.0])
    assert all(check.holds for check in check_theorem(name, X, y))


def test_bad_requests_are_named():
    with pytest.raises(ParameterError, match="unknown"):
        check_theorem("99")
    with pytest.raises(ParameterError, match="together"):
        check_theorem("1", np.zeros((3, 1)))
    with pytest.raises(DataError, match="dimensions"):
        check_theorem("5", dimension=4)
