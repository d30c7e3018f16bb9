"""The driver: what it chooses, what comes first, and that statuses and certificates never contradict each other."""

from __future__ import annotations

import numpy as np
import pytest

from convexnn import beta_max, train, verify
from convexnn._progress import Clock
from convexnn.exceptions import ParameterError
from convexnn.geometry.frame import make_frame
from convexnn.restricted.status import Status
from convexnn.training.choice import make_plan
from convexnn.training.driver import Driver
from convexnn.training.parameters import ExactParams

rng = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("d", "norm", "bias", "scope", "max_atoms", "exact", "proves"),
    [
        (1, "l2", True, "network", 10**6, True, "network"),
        (2, "l2", True, "network", 10**6, True, "network"),
        (3, "l2", False, "network", 10**6, True, "network"),
        (3, "l2", True, "network", 10**6, False, "none"),
        (3, "l1", True, "network", 10**6, True, "network"),
        (3, "l1", True, "network", 10, False, "none"),
        (3, "l2", True, "dictionary", 10**6, True, "dictionary"),
        (4, "l2", True, "dictionary", 10, True, "dictionary"),
    ],
)
def test_the_table_of_choices(d, norm, bias, scope, max_atoms, exact, proves):
    plan = make_plan(make_frame(rng.standard_normal((15, d)), norm=norm, bias=bias), scope=scope, max_atoms=max_atoms)
    assert (plan.exact is not None) == exact
    assert plan.scope == proves
    assert (plan.search is None) == (scope == "dictionary")


def test_neurons_that_cannot_move_keep_a_small_dictionary():
    frame = make_frame(rng.standard_normal((15, 2)), norm="l2", bias=True)
    plan = make_plan(frame, scope="network", movable=False)
    assert plan.scope == "dictionary"
    assert not plan.exact.moves


@pytest.mark.parametrize("scope", ["auto", "searched", "all", None])
def test_scopes_of_old_name_the_new_one(scope):
    with pytest.raises(ParameterError, match="'network', 'dictionary'"):
        train(np.ones((3, 1)), np.ones(3), beta=1.0, scope=scope)


def test_a_heavy_problem_begins_with_a_quick_search():
    """The result is the same optimum; what was found first never gives way to worse."""
    X, y = rng.standard_normal((40, 2)), rng.standard_normal(40)
    beta = 0.05 * beta_max(X, y)
    plain = train(X, y, beta=beta)
    small = ExactParams(heavy=1e-9)  # everything is heavy
    heavy = train(X, y, beta=beta, exact=small)
    assert heavy.certificate.holds
    assert heavy.certificate.primal == pytest.approx(plain.certificate.primal, rel=2e-6)
    short = train(X, y, beta=beta, max_iter=4, exact=small)
    assert short.network.n_neurons > 0
    wedges = train(X, y, beta=beta, scope="dictionary", exact=small)
    assert wedges.certificate.holds


@pytest.mark.parametrize("max_iter", [1, 2, 3, 4])
def test_rounds_that_the_quick_search_uses_up_end_training(max_iter):
    """With as few rounds as the quick search takes its network is the result."""
    for seed in range(6):
        own = np.random.default_rng(seed)
        X, y = own.standard_normal((40, 2)), own.standard_normal(40)
        result = train(X, y, beta=0.05 * beta_max(X, y), max_iter=max_iter, exact=ExactParams(heavy=1e-9))
        assert result.network.n_neurons > 0
        assert result.certificate.primal <= 0.5 * float(((y - y.mean()) ** 2).sum())


@pytest.mark.parametrize("d", [2, 5])
def test_results_do_not_depend_on_the_number_of_jobs(d):
    X = rng.standard_normal((80, d))
    y = np.abs(X[:, 0]) + 0.1 * rng.standard_normal(80)
    beta = 0.05 * beta_max(X, y)
    one, two = (train(X, y, beta=beta, n_jobs=jobs, tol=1e-3) for jobs in (1, 2))
    assert one.network.hidden_weights.tobytes() == two.network.hidden_weights.tobytes()
    assert one.certificate == two.certificate


def test_interpolation_beyond_enumeration_is_searched_and_says_so():
    X = rng.standard_normal((25, 12))
    y = X[:, 0] * X[:, 1]
    found = train(X, y, beta=0.0)
    np.testing.assert_allclose(found.network.predict(X), y, atol=1e-6 * np.abs(y).max())
    assert found.status is Status.INTERPOLATED
    assert found.certificate.scope == "none"


@pytest.mark.parametrize("limit", [1e-6, 0.3])
def test_out_of_time_there_is_a_network_and_its_true_gap(limit):
    X = rng.standard_normal((300, 5))
    y = np.abs(X[:, 0]) + X[:, 1]
    found = train(X, y, beta=1.0, time_limit=limit)
    objective = found.network.objective(X, y, beta=1.0)
    assert found.certificate.primal == pytest.approx(objective, rel=1e-9)
    assert limit < 0.1 or found.network.n_neurons > 0


def test_status_and_certificate_agree():
    """Certified means that the certificate holds to the tolerance asked for, whatever loss, norm or size."""
    for seed in range(60):
        r = np.random.default_rng(seed)
        d, n = int(r.integers(1, 4)), int(r.integers(1, 15))
        X = r.standard_normal((n, d)) * 10.0 ** r.integers(-3, 4)
        loss = ("squared_error", "huber(0.5)", "quantile(0.3)", "hinge", "log_loss")[seed % 5]
        y = np.where(r.random(n) < 0.5, -1.0, 1.0) if loss in ("hinge", "log_loss") else r.standard_normal(n)
        kind = {"norm": ("l1", "l2")[seed % 2], "bias": (True, False, "penalized")[seed % 3], "loss": loss}
        beta = max(beta_max(X, y, **kind), 1e-9) * float(10.0 ** r.uniform(-2, 0.3))
        tol = float(10.0 ** r.integers(-7, -2))
        found = train(X, y, beta=beta, tol=tol, **kind)
        if found.status is Status.CERTIFIED:
            assert found.certificate.holds, (seed, found.certificate)
            assert found.certificate.relative_gap <= tol
        if found.certificate.scope == "none":
            assert np.isnan(found.certificate.dual)
            assert not found.certificate.holds


def test_a_bound_by_moments_serves_other_penalties():
    """Without a bound of its own a result takes that of another penalty, scaled; a better one of its own stays."""
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((60, 5)), rng.standard_normal(60)
    top = beta_max(X, y)
    plain, bounded = (Driver(X, y, bound=bound) for bound in ("none", "quick"))
    settings = {"tol": None, "max_iter": 50, "clock": Clock()}
    near, here = plain.solve(0.5 * top, **settings), bounded.solve(0.6 * top, **settings)
    assert near.certificate.scope == "none"
    assert here.certificate.method == "moments"
    found = plain.bounded_by(near, here.certificate)
    assert found.certificate.method == "moments"
    assert 0 < found.certificate.dual <= found.certificate.primal
    assert verify(found.certificate, found.network, X, y).dual == pytest.approx(found.certificate.dual, rel=1e-9)
    own = bounded.solve(0.5 * top, **settings)
    assert bounded.bounded_by(own, here.certificate).certificate.dual >= own.certificate.dual
