"""No network beats a certificate: some of the problems that `tests/benchmarks/attacks.py` runs by the thousand.

Objectives are computed in rational arithmetic. Rivals are built on the small directions, where certificates of version
0.1 were false.
"""

import subprocess
import sys

import numpy as np
import pytest
from attack_families import KINDS, exact_objective, make_problem, rivals

import convexnn
from convexnn.certificate import certify
from convexnn.certificate.check import admissible, forgotten, lower_bound, objective_above
from convexnn.exceptions import DataError
from convexnn.geometry.frame import make_frame
from convexnn.losses import LOSSES

EACH = 12


def parts(network):
    """Arrays of a network with one output."""
    intercept = float(network.intercept[0])
    return network.hidden_weights, network.hidden_biases, network.output_weights[:, 0], intercept


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", KINDS)
def test_no_rival_lies_below_the_bound(kind):
    """The network itself is not above its certified objective, and no rival below the bound."""
    for seed in range(EACH):
        problem = make_problem(kind, seed)
        result = convexnn.train(
            problem.X, problem.y, beta=problem.beta, norm=problem.norm, sample_weight=problem.weight, scope="dictionary"
            if problem.X.shape[1] > 2 else "network", max_iter=60,
        )  # fmt: skip
        certificate = result.certificate
        own = exact_objective(problem, *parts(result.network))
        assert own <= certificate.primal * (1 + 1e-15)
        if certificate.scope != "network":
            continue
        assert certificate.dual <= own * (1 + 1e-15)
        with np.errstate(all="ignore"):
            for rival in rivals(problem, seed, descents=0):
                if all(np.isfinite(part).all() for part in rival):
                    assert exact_objective(problem, *rival) >= certificate.dual * (1 - 1e-12), (kind, seed)


def test_a_direction_that_is_small_beside_the_others_counts():
    """Version 0.1 dropped it and claimed 2.0, where this network has 0.02."""
    X, y = np.array([[0, 0], [0, 1e-11], [1, 0], [1, 1e-11]]), np.array([-1.0, 1.0, -1.0, 1.0])
    rival = convexnn.ReLUNetwork([[0, 1e11]], [0.0], [[2.0]], [-1.0])
    result = convexnn.train(X, y, beta=1e-13)
    assert result.certificate.dual <= rival.objective(X, y, beta=1e-13)
    assert result.certificate.primal <= 1.001 * rival.objective(X, y, beta=1e-13)


@pytest.mark.parametrize("size", [1e-200, 1e200])
def test_targets_whose_squares_are_no_doubles_are_refused_by_name(size):
    """What is wrong, and what to do."""
    X = np.random.default_rng(0).standard_normal((9, 2))
    with pytest.raises(DataError, match="Divide y and beta by"):
        convexnn.train(X, size * X[:, 0], beta=0.1 * size)
    with pytest.raises(DataError, match="unit of beta"):
        convexnn.train(X * size, X[:, 0] * size**0.72, beta=1.0)


def test_interpolation_of_targets_with_a_large_offset():
    """A constant is no interpolation of them, and costs nothing in the norm."""
    X = np.random.default_rng(0).standard_normal((9, 1))
    y = np.round(100 * np.sin(3 * X[:, 0]))
    near, far = (convexnn.train(X, y + offset, beta=0).certificate for offset in (0.0, 2.0**40))
    assert near.holds
    assert far.primal == pytest.approx(near.primal, rel=1e-6)


def test_samples_far_from_the_origin_are_as_apart_as_their_doubles():
    """Version 0.1 took them for one and claimed 21, where this network has 0.1."""
    X, y = 1e13 + np.arange(8.0)[:, None], np.arange(8.0)
    rival = convexnn.ReLUNetwork([[1.0]], [-1e13], [[1.0]], [0.0])
    result = convexnn.train(X, y, beta=0.1)
    assert rival.objective(X, y, beta=0.1) == pytest.approx(0.1)
    assert result.certificate.dual <= 0.1
    assert result.certificate.primal <= 0.1 * 1.001


def test_the_best_network_of_all_rounds_is_returned():
    """One feature is 3e-15 of the other: neurons that move lose what fixed ones had found, a constant was returned."""
    problem = make_problem("crosses", 100008)
    result = convexnn.train(problem.X, problem.y, beta=problem.beta)
    assert exact_objective(problem, *parts(result.network)) <= 1.5 * min(state.primal for state in result.trace)
    assert result.certificate.primal <= 1.001 * min(exact_objective(problem, *rival) for rival in rivals(problem, 0))


@pytest.mark.parametrize(("kind", "seed", "gap"), [("shifted", 100013, 1e-4), ("stamps", 100003, 1e-6)])
def test_bounds_do_not_suffer_from_rounded_offsets(kind, seed, gap):
    """The dual vector is that of neurons in working coordinates: at the network the gaps were .01 and 4e-6."""
    problem = make_problem(kind, seed)
    result = convexnn.train(problem.X, problem.y, beta=problem.beta, norm=problem.norm)
    assert result.certificate.relative_gap < gap
    convexnn.verify(result.certificate, result.network, problem.X, problem.y)


def test_the_largest_penalty_is_proportional_to_weights_of_any_size():
    """Squares of weights below 1e-162 are no doubles: the largest penalty was zero."""
    problem = make_problem("ordinary", 1)
    tops = [
        convexnn.beta_max(problem.X, problem.y, sample_weight=np.full(len(problem.y), size))
        for size in (1.0, 2.0**-600, 2.0**600)
    ]
    assert tops[1] == pytest.approx(tops[0] * 2.0**-600, rel=1e-12)
    assert tops[2] == pytest.approx(tops[0] * 2.0**600, rel=1e-12)


def test_a_large_offset_of_the_targets_hides_no_gap():
    """Rounding is sized by the best constant: the constant network leaves nearly all that can be explained."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((30, 2))
    y = 1e12 + 3.0 * np.maximum(X[:, 0], 0.0)
    constant = convexnn.ReLUNetwork(np.zeros((0, 2)), np.zeros(0), np.zeros((0, 1)), [y.mean()])
    found = certify(constant, X, y, beta=1e-2)
    assert not found.holds
    assert found.relative_gap > 0.99


@pytest.mark.parametrize("name", ["squared_error", "huber", "quantile(0.3)", "hinge", "squared_hinge", "log_loss"])
def test_dual_vectors_sum_to_zero_exactly_and_stay_in_their_domain(name):
    """Sums in rationals; a vector that was moved once is not moved again."""
    from fractions import Fraction

    rng = np.random.default_rng(3)
    for scale in (1e-200, 1.0, 1e200):
        labels = np.where(rng.random((40, 1)) < 0.5, -1.0, 1.0)
        y = labels if name in ("hinge", "squared_hinge", "log_loss") else rng.standard_normal((40, 1))
        loss = LOSSES[name](y, scale * rng.random(40))
        v = admissible(loss, loss.nearest_dual(scale * rng.standard_normal((40, 1)), centred=True), centred=True)
        assert sum(map(Fraction, v[:, 0].tolist())) == 0
        assert v.any()
        np.testing.assert_array_equal(admissible(loss, v, centred=True), v)
        assert np.isfinite(lower_bound(loss, v, 1.0, centred=True))


def test_class_probabilities_balance_in_rows_and_columns():
    """For several classes both sums are zero exactly."""
    from fractions import Fraction

    rng = np.random.default_rng(0)
    y = np.eye(4)[rng.integers(0, 4, 50)]
    loss = LOSSES["log_loss"](y)
    f = rng.standard_normal((50, 4))
    v = admissible(loss, loss.dual_at(f + loss.best_shift(f), centred=True), centred=True)
    assert all(sum(map(Fraction, row)) == 0 for row in v.tolist())
    assert all(sum(map(Fraction, column)) == 0 for column in v.T.tolist())
    assert ((y - v) >= 0).all()
    assert v.any()


@pytest.mark.parametrize("bias", [True, False, "penalized"])
@pytest.mark.parametrize("norm", ["l1", "l2"])
def test_what_a_frame_forgets_is_measured_on_the_samples(norm, bias):
    """A frame that lost a direction, or whose points were moved, is told how much; a faithful one nearly nothing."""
    from dataclasses import replace

    rng = np.random.default_rng(1)
    X = rng.standard_normal((9, 3)) @ np.diag([1.0, 1.0, 1e-13])
    frame = make_frame(X, norm=norm, bias=bias)
    assert forgotten(X, frame).max() < 1e-14
    moved = replace(frame, points=frame.points + 1e-3)
    assert forgotten(X, moved).min() > 5e-4
    other = X.copy()
    other[:, 0] += np.arange(9.0)
    assert forgotten(other, frame).max() > 1.0


@pytest.mark.parametrize("shift", [0.0, 1e6, 1e12])
def test_objectives_are_rounded_up(shift):
    """Above the rational objective, and by little however far the samples are from the origin."""
    problem = make_problem("ordinary", 3)
    rng = np.random.default_rng(0)
    X = problem.X + shift
    moved = type(problem)("", X, problem.y, problem.beta, "l2", None)
    W, a = rng.standard_normal((4, 2)), rng.standard_normal(4)
    b = -W @ X[:4].mean(axis=0)
    network = convexnn.ReLUNetwork(W, b, a[:, None], [0.5])
    exact = exact_objective(moved, W, b, a, 0.5)
    penalties = problem.beta * np.linalg.norm(W, axis=1) * np.abs(a)
    loss = LOSSES["squared_error"](problem.y[:, None])
    above = objective_above(network, X, loss, penalties, X[0], centred=True).value
    assert exact <= above <= exact * (1 + 1e-11)


def test_the_trusted_part_is_what_it_says():
    """Importing the module that decides loads nothing of the package but these modules."""
    code = (
        "import sys, convexnn.certificate.check\n"
        "seen = {m for m in sys.modules if m.startswith('convexnn.')}\n"
        "print('\\n'.join(sorted(seen)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(ran.stdout.split())
    forbidden = ("oracles", "restricted", "search", "training", "dictionaries", "bounds", "refine", "_native")
    assert not [name for name in loaded if name.split(".")[1] in forbidden]
    check = sys.modules["convexnn.certificate.check"]
    imported = {
        value.__module__ for value in vars(check).values() if getattr(value, "__module__", "").startswith("convexnn.")
    }
    assert imported - {"convexnn.certificate.check"} == {
        "convexnn.geometry.exact", "convexnn.geometry.frame", "convexnn.losses.base",
        "convexnn.losses.log_loss", "convexnn.losses.registry", "convexnn.losses.separable",
        "convexnn.network.broken_line",
        "convexnn.network.relu",
    }  # fmt: skip
    with open(check.__file__, encoding="utf-8") as source:
        assert len(source.readlines()) <= 400
