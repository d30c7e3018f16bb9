"""What training proved is confirmed from the files, for every loss, norm, bias and pattern of weights."""

from __future__ import annotations

import numpy as np
import pytest
from certificate_cases import NAMES, make_case

from convexnn import ReLUNetwork, beta_max, certify, train, verify
from convexnn.exceptions import ModelFormatError
from convexnn.losses import LOSSES


def test_every_loss_is_here():
    assert {name.split("(")[0].split()[0] for name in NAMES} - {"interpolation"} == set(LOSSES)


@pytest.mark.parametrize("norm", ["l1", "l2"])
@pytest.mark.parametrize("name", NAMES)
def test_train_save_load_verify(name, norm, tmp_path):
    """The proof of training is confirmed with the gap that training stated, and status and certificate agree."""
    rng = np.random.default_rng([NAMES.index(name), norm == "l2"])
    for bias in [True] * 3 if name == "interpolation" else [True, False, "penalized"] * 3:
        case = make_case(name, rng, norm=norm, bias=bias)
        X, y, weight = case.X, case.y, case.weight
        if (result := case.solve()) is None:
            continue
        found = result.certificate
        assert found.holds, found.summary()
        assert found.dual_point.shape == y.shape
        if weight is not None:
            assert not found.dual_point[weight == 0].any()
        found.save(tmp_path / "m.json")
        result.network.save(tmp_path / "m.safetensors")
        network = ReLUNetwork.load(tmp_path / "m.safetensors")
        assert verify(tmp_path / "m.json", network, X, y, sample_weight=weight) == found
        if weight is not None:
            with pytest.raises(ValueError, match="not the data"):
                verify(found, network, X, y)


@pytest.mark.parametrize("loss", ["hinge", "quantile", "quantile(0.9)"])
@pytest.mark.parametrize("norm", ["l1", "l2"])
def test_the_constant_is_certified_from_the_largest_penalty_on(loss, norm):
    """Where the loss has kinks many vectors are subgradients; the one that beta_max was computed with is among them."""
    rng = np.random.default_rng(3)
    for _ in range(5):
        X = rng.standard_normal((9, 2))
        y = np.where(rng.random(9) < 0.4, 1.0, -1.0) if loss == "hinge" else rng.integers(0, 4, 9).astype(float)
        top = beta_max(X, y, norm=norm, loss=loss)
        for factor in (1.0, 1.1, 10.0):
            result = train(X, y, beta=top * factor or 1.0, norm=norm, loss=loss)
            assert result.certificate.holds, result.certificate.summary()
            assert result.certificate.primal == pytest.approx(result.certificate.dual, rel=1e-6)


@pytest.mark.parametrize("loss", ["hinge", "quantile(0.3)", "squared_error"])
def test_kinked_losses_are_certified_alone_and_with_the_dual_point_of_training(loss):
    """The equations of the network's own neurons give the bound, training has it too, and neither deceives."""
    rng = np.random.default_rng(4)
    X = rng.standard_normal((12, 2))
    y = np.where(X[:, 0] * X[:, 1] > 0, 1.0, -1.0) if loss == "hinge" else rng.standard_normal(12)
    beta = 0.1 * beta_max(X, y, loss=loss)
    result = train(X, y, beta=beta, loss=loss)
    network, point = result.network, result.certificate.dual_point
    scope = result.certificate.scope
    assert certify(network, X, y, beta=beta, loss=loss, scope=scope).relative_gap < 1e-6
    assert certify(network, X, y, beta=beta, loss=loss, scope=scope, dual_point=point) == result.certificate
    moved = ReLUNetwork(network.hidden_weights, network.hidden_biases, 1.1 * network.output_weights, network.intercept)
    found = certify(moved, X, y, beta=beta, loss=loss)
    assert not found.holds
    with pytest.raises(ModelFormatError, match="these data give"):
        verify(certify(network, X, y, beta=beta, loss=loss), moved, X, y)
