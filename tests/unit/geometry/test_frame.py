"""Working coordinates: the way there and back loses nothing, at any scale and rank."""

import numpy as np
import pytest

from convexnn.exceptions import DictionarySizeError
from convexnn.geometry.distinct import distinct_rows, generating_rows, unit_rows
from convexnn.geometry.frame import make_frame

SCALES = [1e-300, 1e-150, 1e-12, 1.0, 1e12, 1e150, 1e300]


def responses(frame, X, seed=0):
    """Signed responses of random unit neurons in both coordinates, in input units."""
    rng = np.random.default_rng(seed)
    u = rng.normal(size=(5, frame.rank))
    u /= np.linalg.norm(u, axis=1, keepdims=True)
    c = rng.normal(size=5) if frame.affine else np.zeros(5)
    weights, biases = frame.to_input(u, c)
    return (frame.points @ u.T + c) * frame.scale, X @ weights.T + biases, weights


@pytest.mark.parametrize("bias", [True, False, "penalized"])
@pytest.mark.parametrize("norm", ["l1", "l2"])
@pytest.mark.parametrize("scale", SCALES)
def test_responses_are_the_same_in_both_coordinates(scale, norm, bias):
    """(points u + c) * scale == X w + b, relative to the size of the data."""
    X = np.random.default_rng(1).normal(size=(9, 3)) * scale
    frame = make_frame(X, norm=norm, bias=bias)
    inside, outside, _ = responses(frame, X)
    size = max(scale, 1.0) if bias == "penalized" else scale
    np.testing.assert_allclose(inside / size, outside / size, atol=1e-13)
    assert np.isfinite(frame.points).all()


@pytest.mark.parametrize("scale", SCALES)
def test_scaling_the_data_changes_only_the_scale(scale):
    """A power of two in front of X gives bit-equal working points."""
    X = np.random.default_rng(2).normal(size=(9, 3))
    power = 2.0 ** np.floor(np.log2(scale))
    for bias in (True, False):
        a, b = make_frame(X, norm="l1", bias=bias), make_frame(X * power, norm="l1", bias=bias)
        np.testing.assert_array_equal(a.points, b.points)
        assert b.scale == a.scale * power


def test_largest_float_does_not_overflow():
    X = np.array([[1.7e308, -1.7e308], [-1.7e308, 1.0], [0.0, 1e308]])
    with np.errstate(all="raise", under="ignore"):
        frame = make_frame(X, norm="l2", bias=True)
    assert frame.rank == 2
    assert np.isfinite(frame.points).all()


@pytest.mark.parametrize(
    ("make", "affine_rank", "linear_rank"),
    [
        (lambda X: np.column_stack([X, np.full(len(X), 0.1)]), 2, 3),
        (lambda X: np.column_stack([X, np.zeros(len(X))]), 2, 2),
        (lambda X: X @ np.array([[1.0, 2.0, 0.1, 3.0], [0.3, 1.0, 0.7, -1.0]]), 2, 2),
        (lambda X: np.outer(X[:, 0], [1.0, 0.1, 0.3]), 1, 1),
        (lambda X: np.outer(X[:, 0], [1.0, 0.1, 0.3]) + 0.7, 1, 2),
        (lambda X: np.full((len(X), 3), 0.1), 0, 1),
        (lambda X: np.zeros((len(X), 3)), 0, 0),
        (lambda X: np.random.default_rng(0).normal(size=(3, 6)), 2, 3),
    ],
)
@pytest.mark.parametrize("scale", [1e-150, 1.0, 1e150])
def test_rank_is_that_of_the_data_for_l2_and_all_features_for_l1(make, affine_rank, linear_rank, scale):
    """Constant, dependent and missing directions are found; the lift keeps lengths."""
    X = make(np.random.default_rng(3).normal(size=(8, 2))) * scale
    for bias, rank in ((True, affine_rank), (False, linear_rank)):
        frame = make_frame(X, norm="l2", bias=bias)
        assert frame.rank == rank
        np.testing.assert_allclose(frame.lift.T @ frame.lift, np.eye(rank), atol=1e-13)
        inside, outside, weights = responses(frame, X)
        np.testing.assert_allclose(inside / scale, outside / scale, atol=1e-12)
        np.testing.assert_allclose(np.linalg.norm(weights, axis=1), 1.0 if rank else 0.0, rtol=1e-12)
        full = make_frame(X, norm="l1", bias=bias)
        assert full.rank == X.shape[1]
        np.testing.assert_array_equal(full.lift, np.eye(X.shape[1]))


@pytest.mark.parametrize("smallest", [1.0, 1e-3, 1e-6, 1e-8, 1e-9, 1e-11, 1e-13])
def test_directions_are_kept_as_long_as_doubles_show_them(smallest):
    """A direction 1e-13 times smaller than the others counts, one that is only rounding does not."""
    rng = np.random.default_rng(4)
    turn = np.linalg.qr(rng.normal(size=(6, 6)))[0]
    X = rng.normal(size=(300, 6)) * np.array([1.0, 1.0, 1e-2, 1e-4, 1.0, smallest]) @ turn
    assert make_frame(X, norm="l2", bias=False).rank == 6
    X = rng.normal(size=(300, 6)) * np.array([1.0, 1.0, 1e-2, 1e-4, 1.0, 0.0]) @ turn
    assert make_frame(X, norm="l2", bias=False).rank == 5


@pytest.mark.parametrize("ratio", [1e-16, 1e-11, 1.0, 1e11, 1e16])
def test_columns_of_any_size_keep_all_their_digits(ratio):
    """Columns are neither dropped nor mixed, however they compare; differences are those of the data."""
    X = np.random.default_rng(0).integers(-9, 10, (12, 2)) * np.array([1.0, ratio])
    frame = make_frame(X, norm="l2", bias=True)
    assert frame.rank == 2
    np.testing.assert_allclose((frame.points - frame.points[0]) * frame.scale, X - X[0], rtol=1e-15)


def test_a_common_offset_does_not_blur_the_points():
    """Data at 1e8 +- 1: differences of working points are the differences of the data."""
    X = np.random.default_rng(4).normal(size=(30, 3)) + 1e8
    frame = make_frame(X, norm="l2", bias=True)
    np.testing.assert_allclose(
        (frame.points[1:] - frame.points[0]) * frame.scale, X[1:] - X[0], atol=1e-14 * 10
    )
    collinear = np.outer(np.arange(10.0), [1.0, 1.0]) + 1e8
    assert make_frame(collinear, norm="l2", bias=True).rank == 1


def test_samples_that_differ_in_their_last_digit_are_two():
    """Doubles are what they are: nothing is merged that a neuron could tell apart."""
    near = np.array([[0.1 + 0.2, 1.0], [0.3, 1.0], [0.3, 1.0]])
    frame = make_frame(near, norm="l2", bias=True)
    assert frame.rank == 1
    np.testing.assert_array_equal(np.ptp(frame.points, axis=0) * frame.scale, 2.0**-54)
    far = make_frame(1e13 + np.arange(8.0)[:, None], norm="l2", bias=True)
    np.testing.assert_array_equal(np.diff(far.points[:, 0]) * far.scale, 1.0)
    close = make_frame(1e6 + 1e-6 * np.arange(4.0)[:, None], norm="l2", bias=True)
    assert close.rank == 1
    assert generating_rows(close).count == 4
    assert 1e-11 < make_frame(np.eye(3), norm="l2", bias=True).same <= 1e-10


def test_collinear_decimals_far_from_the_origin_stay_collinear():
    """0.1 (1, 3) t + 1e7 is a line up to the 16th digit of 1e7, which is the 8th of the differences."""
    t = np.arange(8.0)
    X = np.column_stack([0.1 * t, 0.3 * t]) + 1e7
    frame = make_frame(X, norm="l2", bias=True)
    assert frame.rank == 1
    assert generating_rows(frame).count == 8


def test_penalised_bias_is_a_constant_feature():
    X = np.random.default_rng(5).normal(size=(6, 2))
    frame = make_frame(X, norm="l1", bias="penalized")
    assert frame.rank == 3
    assert not frame.affine
    weights, biases = frame.to_input(np.eye(3), np.zeros(3))
    np.testing.assert_array_equal(weights, np.eye(3)[:, :2])
    np.testing.assert_array_equal(biases, [0, 0, 1])


def test_distinct_rows_keep_the_first_of_each_group():
    X = np.array([[1.0, 2.0], [3.0, 4.0], [1.0, 2.0 + 1e-12], [-3.0, -4.0], [1.0 + 1e-9, 2.0], [3.0, 4.0]])
    np.testing.assert_array_equal(distinct_rows(X, signed=True), [1, 1, 0, 1, 1, 0])
    np.testing.assert_array_equal(distinct_rows(X, signed=False), [1, 1, 0, 0, 1, 0])
    np.testing.assert_array_equal(distinct_rows(np.zeros((3, 0)), signed=True), [1, 0, 0])
    assert distinct_rows(np.random.default_rng(0).normal(size=(2000, 3)), signed=True).all()


def test_generating_rows_merge_parallel_samples_and_axes():
    """Through the origin a sample, its multiples and a parallel axis are one row: the first sample."""
    X = np.array([[0.0, 0.0], [2.0, 0.0], [1.0, 1.0], [-3.0, -3.0], [1e-9, 1e-9]])
    rows = generating_rows(make_frame(X, norm="l1", bias=False))
    np.testing.assert_array_equal(rows.index, [1, 2, 6])
    assert rows.n_points == 2
    assert rows.count == 3
    rows = generating_rows(make_frame(X, norm="l1", bias=True))
    np.testing.assert_array_equal(rows.index, [0, 1, 2, 3, 4, 5, 6])


@pytest.mark.parametrize("scale", [1e-300, 1e300])
def test_unit_rows_neither_overflow_nor_underflow(scale):
    unit, nonzero = unit_rows(np.array([[3.0, 4.0], [0.0, 0.0]]) * scale)
    np.testing.assert_allclose(unit, [[0.6, 0.8], [0.0, 0.0]], rtol=1e-15)
    np.testing.assert_array_equal(nonzero, [True, False])


def test_many_features_cost_no_square_of_their_number():
    """The l2 norm keeps the rank, at most the number of samples; the l1 norm refuses before it allocates."""
    X = np.random.default_rng(0).standard_normal((4, 60_000))
    frame = make_frame(X, norm="l2", bias=True)
    assert frame.rank == 3
    assert frame.lift.shape == (60_000, 3)
    with pytest.raises(DictionarySizeError, match="60,000 axes"):
        make_frame(X, norm="l1", bias=True)
