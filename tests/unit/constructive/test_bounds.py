"""The dictionary of bounds: every entry names its theorem, and says why it has no value where it has none."""

import numpy as np
import pytest
import reference_constructive as ref

from convexnn.constructive import bounds, linear_regime


def test_values_are_those_of_the_constructions():
    X, labels, y = ref.problem(3, n_classes=3, extra=1, spread=0.1)
    found = bounds(X, labels, targets=y)
    chain = linear_regime(X, labels, targets=y)
    assert found["shallow"].value == pytest.approx(chain.mean_map, rel=1e-9)
    assert found["affine"].value == pytest.approx(chain.affine, rel=1e-9)
    order = ["affine", "affine_projected", "no_intercept", "shallow", "operator"]
    values = [found[name].value for name in order]
    assert values == sorted(values)
    assert found["delta_c_limit"].value == pytest.approx(0.5 * np.sqrt(1.5))
    assert found["clamp"].value < 1e-9
    assert all(b.theorem and not b.note for b in found.values())


def test_missing_values_come_with_a_reason():
    X = np.array([[0.0], [1.0], [2.0], [3.0]])
    found = bounds(X, [0, 1, 2, 3])
    for name in ("shallow", "clamp", "deep", "delta_c"):
        assert found[name].value is None
        assert found[name].note
    assert found["affine"].value > 0


def test_linear_programs_are_optional():
    rng = np.random.default_rng(1)
    labels = np.repeat([0, 1], 30)
    X = np.stack([6 * rng.normal(size=60), 0.1 * rng.normal(size=60) + labels], axis=1)
    assert bounds(X, labels)["clamp"].value < 1e-9
    assert bounds(X, labels, linear_programs=False)["clamp"].value is None
