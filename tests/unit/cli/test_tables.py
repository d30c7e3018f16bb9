"""Predictions are read back exactly."""

from __future__ import annotations

import numpy as np

from convexnn.cli.tables import write_columns
from convexnn.data import open_table


def test_written_columns_are_read_back_bit_for_bit(tmp_path):
    values = np.random.default_rng(0).normal(size=(7, 2)) * 10.0 ** np.array([-200, 200])
    write_columns(tmp_path / "a.csv", ["p", "q"], values)
    np.testing.assert_array_equal(open_table(tmp_path / "a.csv").matrix(["p", "q"]), values)
