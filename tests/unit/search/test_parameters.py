"""SearchParams: validated, and stops that follow the tolerance."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

import convexnn as cn
from convexnn.exceptions import ParameterError
from convexnn.search.parameters import SearchParams


@pytest.mark.parametrize("name", [field.name for field in fields(SearchParams)])
def test_every_parameter_has_a_range(name):
    with pytest.raises(ParameterError, match=name):
        SearchParams(**{name: (-1.0,) if name == "smoothing" else -1})
    assert f"{name}" in (SearchParams.__doc__ or "")


def test_the_share_of_a_limit_is_a_share():
    with pytest.raises(ParameterError, match="late"):
        SearchParams(late=1.5)


def test_a_looser_tolerance_ends_stages_sooner():
    params = SearchParams()
    for stop in (params.stagnant_starts, params.stagnant_rounds):
        counts = [stop(tol) for tol in (1e-6, 1e-4, 1e-3, 1e-2)]
        assert counts == sorted(counts, reverse=True)
        assert counts[0] > counts[-1] == 1
    assert SearchParams(max_stagnant_starts=7).stagnant_starts(1e-2) == 7
    assert SearchParams(max_stagnant_rounds=8).stagnant_rounds(1e-2) == 8


def test_a_looser_tolerance_costs_fewer_rounds_and_little_more():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((150, 6))
    y = np.abs(X[:, 0]) * X[:, 1] + 0.1 * rng.standard_normal(150)
    beta = 0.02 * cn.beta_max(X, y)
    fits = [cn.train(X, y, beta=beta, tol=tol, bound="none") for tol in (1e-2, 1e-5)]
    assert fits[0].n_iter < fits[1].n_iter
    assert fits[0].certificate.primal <= fits[1].certificate.primal * (1 + 2e-2)


def test_a_user_may_pass_parameters():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 6))
    options = {"beta": 0.5, "max_iter": 1, "bound": "none"}
    y = X[:, 0] * X[:, 1]
    few = cn.train(X, y, search=SearchParams(width=3, max_starts=1, n_insert=1), **options)
    assert 0 < few.network.n_neurons < cn.train(X, y, **options).network.n_neurons
