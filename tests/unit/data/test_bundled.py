"""Bundled data: complete, unchanged, and described by their cards."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from convexnn.data import bundled, bundled_names, load_bundled
from convexnn.exceptions import DataError, ParameterError


def test_names():
    """Every table has a card and loads."""
    assert bundled_names() == ["spiral", "wave1d"]


@pytest.mark.parametrize(
    ("name", "shape", "features", "target"),
    [("spiral", (200, 2), ("x1", "x2"), "label"), ("wave1d", (150, 1), ("x",), "y")],
)
def test_contents(name, shape, features, target):
    """Shapes and names are those of the card, which states title, source and licence."""
    data = load_bundled(name)
    assert data.X.shape == shape
    assert data.y.shape == shape[:1]
    assert data.feature_names == features
    assert data.target_name == target
    assert np.isfinite(data.X).all()
    for word in ("Title", "Source", "Licence", "Shape", "SHA-256", f"{shape[0]} rows"):
        assert word in data.card


def test_spiral_labels():
    """The spiral has a hundred points per arm."""
    assert np.unique(load_bundled("spiral").y, return_counts=True)[1].tolist() == [100, 100]


def test_unknown_name():
    """The error lists the names there are."""
    with pytest.raises(ParameterError, match="'spiral', 'wave1d'"):
        load_bundled("iris")


def test_a_changed_file_is_refused(tmp_path, monkeypatch):
    """A table that does not match the checksum of its card is not used."""
    source = Path(str(bundled._folder()))
    for suffix in ("csv", "md"):
        shutil.copy(source / f"wave1d.{suffix}", tmp_path)
    monkeypatch.setattr(bundled, "_folder", lambda: tmp_path)
    assert load_bundled("wave1d").X.shape == (150, 1)
    with (tmp_path / "wave1d.csv").open("a") as file:
        file.write("0.0,0.0\n")
    with pytest.raises(DataError, match="SHA-256"):
        load_bundled("wave1d")


def test_missing_folder_is_explained(monkeypatch, tmp_path):
    """Without data files the error says where they were looked for."""
    monkeypatch.setattr(bundled, "__file__", str(tmp_path / "a" / "b" / "c.py"))
    monkeypatch.setattr(bundled.resources, "files", lambda _: tmp_path)
    with pytest.raises(DataError, match="reinstall"):
        bundled_names()
