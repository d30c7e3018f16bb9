"""ExactParams, NewtonParams and FaceParams: validated, documented, and used."""

from __future__ import annotations

from dataclasses import fields, is_dataclass

import numpy as np
import pytest

import convexnn as cn
from convexnn.data import make_spiral
from convexnn.exceptions import ParameterError
from convexnn.training import ExactParams, FaceParams, NewtonParams

KINDS = (ExactParams, FaceParams, NewtonParams)
NUMBERS = [(kind, f.name) for kind in KINDS for f in fields(kind) if not is_dataclass(getattr(kind(), f.name))]


@pytest.mark.parametrize(("kind", "name"), NUMBERS)
def test_every_parameter_has_a_range_and_a_sentence(kind, name):
    with pytest.raises(ParameterError, match=f"{kind.__name__}.{name}"):
        kind(**{name: -1})
    assert name in (kind.__doc__ or "")


@pytest.mark.parametrize("name", ["inner_tol", "forgotten", "fallen", "quick_share", "training_share"])
def test_a_share_is_a_share(name):
    with pytest.raises(ParameterError, match=name):
        ExactParams(**{name: 1.5})


@pytest.fixture(scope="module")
def spiral():
    X, y = make_spiral(40, random_state=0)
    return X, y


@pytest.mark.parametrize("norm", ["l1", "l2"])
def test_other_parameters_reach_the_same_optimum(norm, spiral):
    """Batches and patience change the way, not the end."""
    X, y = spiral
    beta = 0.02 * cn.beta_max(X, y, norm=norm)
    usual = cn.train(X, y, beta=beta, norm=norm)
    other = cn.train(
        X, y, beta=beta, norm=norm,
        exact=ExactParams(batch=3, face_batch=5, max_inactive=10, faces=FaceParams(pool_size=20, fixed_rounds=0)),
    )  # fmt: skip
    assert usual.certificate.holds
    assert other.certificate.holds
    assert other.n_iter > usual.n_iter
    assert np.isclose(other.certificate.primal, usual.certificate.primal, rtol=2e-6)


def test_newton_parameters_reach_the_solvers(spiral):
    """A single proximal step per solve takes more rounds to the same optimum."""
    X, y = spiral
    beta = 0.05 * cn.beta_max(X, y, norm="l1", loss="log_loss")
    usual = cn.train(X, y, beta=beta, norm="l1", loss="log_loss")
    short = cn.train(
        X, y, beta=beta, norm="l1", loss="log_loss", exact=ExactParams(newton=NewtonParams(proximal_steps=1))
    )
    assert short.n_iter > usual.n_iter
    assert short.certificate.primal == pytest.approx(usual.certificate.primal, rel=1e-5)


def test_paths_take_parameters(spiral):
    X, y = spiral
    few = cn.solve_path(X, y, n_betas=3, ratio=0.1, norm="l1", exact=ExactParams(batch=2))
    assert [r.certificate.holds for r in few] == [True] * 3
