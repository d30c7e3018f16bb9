"""The study scripts run on small settings, write table and picture, and show what they claim."""

import importlib.util
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[3] / "docs" / "examples"
SETTINGS = {
    "mixtures": {"GRID": [(3, 5, (2, 3), 4)] * 2, "NOISE": (0.2, 0.05)},
    "independence": {"REPEATS": 5, "MIXTURES": 2, "NOISE": (0.03, 0.3)},
    "rank": {"DRAWS": 40, "NOISE": (0.05, 0.4)},
    "precision": {"KAPPA": [1.0, 1e3], "DRAWS": 1},
    "heldout": {"NOISE": (0.05,), "DRAWS": 1},
    "descent": {"STEPS": 300},
    "geometry": {},
    "crossval": {"BETAS": [1e-2, 1.0]},
}
CLAIMS = {
    "mixtures": "| 3 | 5 | 0.2 | 2 |",
    "independence": "| centred | 0.03 | 0% | 100% |",
    "rank": "| 100% |",
    "precision": "| Theorem 3.1 | float64 |",
    "heldout": "| deep | 1.000 |",
    "descent": "| affine optimum (corrected) |",
    "geometry": "| 3 |",
    "crossval": "No ordering violated.",
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", SETTINGS)
def test_study_writes_its_table_and_picture(name, tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    spec = importlib.util.spec_from_file_location(f"study_{name}", EXAMPLES / f"constructive_{name}.py")
    study = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(study)
    for key, value in SETTINGS[name].items():
        assert hasattr(study, key)
        monkeypatch.setattr(study, key, value)
    study.main(tmp_path / "out")
    text = (tmp_path / "out" / f"{name}.md").read_text(encoding="utf-8")
    assert CLAIMS[name] in text
    assert (tmp_path / "out" / f"{name}.png").stat().st_size > 5000
    if name == "descent":
        left = {line.split(" | ")[0][2:]: line.split(" | ")[-1][:-2] for line in text.splitlines()[2:] if "|" in line}
        assert left["Theorem 3.2, tied bias (paper)"] == "yes"
        assert left["affine optimum (corrected)"] == "no"
        assert left["deep, collapsed {0, 1, 2}, free bias"] == "no"
        assert left["deep, partly collapsed {0}"] == "yes"
