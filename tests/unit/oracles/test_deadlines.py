"""Kernels return when their deadline has passed, say what is done, and what is done is right."""

import signal
import threading
import time

import numpy as np
import pytest

from convexnn._native import core
from convexnn.geometry.tolerance import BLADE, NOISE, SAME

FAR = 1e6  # seconds that never pass
INSIDE = 0.5  # processor seconds after which a call of many seconds must have returned; a busy machine takes no more


class Planar:
    """A planar oracle with its answers."""

    def __init__(self, n, norm="l2", c=1, memory=2**28):
        self.points = np.random.default_rng(n).normal(size=(n, 2))
        self.v = np.random.default_rng(1).normal(size=(n, c))
        self.v -= self.v.mean(axis=0)
        self.oracle = core.PlanarOracle(self.points, norm == "l1", memory)
        self.value, self.row = np.full(n, np.nan), np.zeros(n, dtype=np.int64)
        self.normal = np.full((n, 2), np.nan)

    def price(self, deadline=np.inf, threads=1, arcs=True):
        return self.oracle.price(self.v, arcs, threads, self.value, self.row, self.normal, deadline=deadline)


class Pencil:
    """A pencil oracle with its answers."""

    def __init__(self, n, d, scope, affine=False, memory=2**28):
        self.points = np.random.default_rng(n).normal(size=(n, d))
        self.v = np.random.default_rng(1).normal(size=(n, 1))
        self.oracle = core.PencilOracle(self.points, np.zeros((0, d)), affine, False, memory)
        count = self.oracle.n_pencils * self.oracle.n_segments
        self.scope, self.value, self.row = scope, np.full(count, np.nan), np.zeros(count, dtype=np.int64)
        self.normal = np.full((count, d), np.nan)

    def price(self, deadline=np.inf, threads=1):
        return self.oracle.price(
            self.v, self.scope, 0.0, threads, self.value, self.row, self.normal, deadline=deadline
        )


SWEEPS = [
    pytest.param(lambda n: Planar(n), 6000, id="planar"),
    pytest.param(lambda n: Planar(n, "l1", c=2, memory=0), 3000, id="planar, nothing kept"),
    pytest.param(lambda n: Pencil(n, 3, 2), 3000, id="cells"),
    pytest.param(lambda n: Pencil(n, 3, 0, affine=True), 500, id="pencil"),
]


@pytest.mark.parametrize("deadline", [0.0, -1.0])
@pytest.mark.parametrize(("make", "n"), SWEEPS)
def test_without_time_nothing_is_priced(make, n, deadline):
    sweep = make(20)
    assert sweep.price(deadline) == 0
    assert (sweep.value == -1.0).all()
    assert (sweep.normal == 0.0).all()
    done = sweep.price()
    assert done == make(20).price(FAR) > 0
    assert (sweep.value >= 0.0).all()


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(("make", "n"), SWEEPS)
def test_what_is_priced_before_the_deadline_is_right(make, n, threads):
    """Part of the entries, equal to those of an unhurried call; the orders sorted so far serve the next call."""
    sweep = make(n)
    begun = time.process_time()
    done = sweep.price(0.03, threads)
    assert time.process_time() - begun < INSIDE
    reached = sweep.value >= 0.0
    assert 0 <= done < n * (n if isinstance(sweep, Pencil) and sweep.normal.shape[0] > n else 1)
    assert not reached.all()
    value, row, normal = (a[reached].copy() for a in (sweep.value, sweep.row, sweep.normal))
    if isinstance(sweep, Pencil) and sweep.scope == 2:
        # A pencil that was left among its cells keeps the best up to there: a true response all the same.
        true = np.abs(np.maximum(sweep.points @ normal.T, 0.0).T @ sweep.v[:, 0])
        np.testing.assert_allclose(value, true, rtol=1e-9)
        return
    sweep.price(FAR, 2)
    for part, whole in zip((value, row, normal), (sweep.value, sweep.row, sweep.normal)):
        np.testing.assert_array_equal(part, whole[reached])


def test_one_long_sweep_is_left_in_the_middle():
    """A single pencil of two million rows: sorting and sweeping look at the clock."""
    lines = Pencil(2_000_000, 2, 1, memory=0)
    for deadline in (0.01, 0.2):
        begun = time.process_time()
        assert lines.price(deadline) == 0
        assert time.process_time() - begun < INSIDE


@pytest.mark.parametrize("n", [1, 65536, 65537, 200_000])
def test_long_orders_are_sorted_in_blocks_that_are_merged(n):
    """All lines through the origin against running sums in NumPy's order."""
    lines = Pencil(n, 2, 0, memory=0)
    assert lines.price() == 1
    x, y = lines.points.T
    up = (y > 0) | ((y == 0) & (x > 0))
    p = lines.points * np.where(up, 1.0, -1.0)[:, None]
    order = np.argsort(np.arctan2(p[:, 1], p[:, 0]))
    p, up = p[order], up[order]  # folded into the upper half plane, and whether it lay there
    weighted = lines.v[order] * p
    start = weighted[up].sum(axis=0)
    passed = np.vstack([np.zeros(2), np.cumsum(weighted, axis=0)[:-1]])
    total = (weighted * np.where(up, 1.0, -1.0)[:, None]).sum(axis=0)
    U = start - passed  # a row above leaves the left side, one below enters it with the opposite sign
    w = np.stack([-p[:, 1], p[:, 0]], axis=1) / np.linalg.norm(p, axis=1)[:, None]
    left = (w * U).sum(axis=1)
    right = left - w @ total
    assert lines.value.max() == pytest.approx(np.abs([left, right]).max(), rel=1e-9)


# -- listed hyperplanes ----------------------------------------------------------------------------------------------
def test_listed_hyperplanes_report_how_many_are_done():
    rng = np.random.default_rng(0)
    points, normals, offsets = rng.normal(size=(20_000, 4)), rng.normal(size=(60_000, 4)), rng.normal(size=60_000)
    v, sums = rng.normal(size=(20_000, 1)), np.full((60_000, 2, 1), np.nan)
    for threads in (1, 2):
        begun = time.process_time()
        done = core.correlate_wedges(points, normals, offsets, v, sums, threads, deadline=0.05)
        assert time.process_time() - begun < INSIDE
        assert 0 <= done < 60_000
        some = slice(0, min(done, 50))
        z = normals[some] @ points.T + offsets[some, None]
        np.testing.assert_allclose(sums[some, 0], np.maximum(z, 0) @ v, rtol=1e-9, atol=1e-8)
        assert (sums[-1] == 0.0).all()
        assert np.isfinite(sums).all()
    out = np.empty((10, 20_000))
    assert core.wedge_responses(points, normals[:10], offsets[:10], out, deadline=0.0) == 0
    assert core.wedge_responses(points, normals[:10], offsets[:10], out, deadline=FAR) == 10


def enumerate_args(n, d, count):
    rows = np.random.default_rng(0).normal(size=(n, d))
    return [rows, n, True, False, SAME, NOISE, BLADE, np.arange(d, dtype=np.int64), np.empty((count, d)),
            np.empty(count), np.empty((count, d), dtype=np.int64)]  # fmt: skip


def test_an_enumeration_goes_on_where_it_was_left():
    whole = enumerate_args(60, 3, 40_000)
    kept, finished = core.enumerate_wedges(*whole)
    assert finished
    parts, args = [], enumerate_args(60, 3, 40_000)
    finished = False
    while not finished:
        some, finished = core.enumerate_wedges(*args, 0.002)
        parts.append(args[-1][:some].copy())
    np.testing.assert_array_equal(np.concatenate(parts), whole[-1][:kept])
    assert core.enumerate_wedges(*enumerate_args(60, 3, 40_000), deadline=0.0) == (0, False)


def test_given_subsets_report_how_many_are_made():
    rows = np.random.default_rng(0).normal(size=(9, 2))
    subsets = np.array([[0, 1], [2, 3]])
    normals, offsets, valid = np.empty((2, 2)), np.empty(2), np.full(2, 7, dtype=np.uint8)
    make = (rows, 9, True, False, SAME, NOISE, BLADE, subsets, normals, offsets, valid)
    assert core.make_wedges(*make, deadline=0.0) == 0
    assert not valid.any()
    assert core.make_wedges(*make, deadline=FAR) == 2
    assert valid.all()


# -- the line, moving neurons, the active set ------------------------------------------------------------------------
def test_line_kernels_answer_nan():
    n = 100
    x, y = np.sort(np.random.default_rng(0).normal(size=n)), np.ones(n)
    knots, zeros = np.array([10, 50], dtype=np.int64), np.zeros(3)
    rest = (np.empty((3, 2)), np.empty((3, 2), dtype=np.int64), np.empty(3))
    assert np.isnan(core.line_compress(x, y, None, knots, np.empty((6, 3)), deadline=0.0))
    assert np.isnan(core.line_price(x, y, None, knots, zeros, zeros, zeros, *rest, deadline=0.0))
    assert core.line_price(x, y, None, knots, zeros, zeros, zeros, *rest, deadline=FAR) == pytest.approx(n / 2)


def test_neurons_that_were_not_reached_may_not_move():
    block, places = np.ones((1, 1, 5)), np.zeros(2, dtype=np.int64)
    a, d, steps, rows = np.ones((2, 1)), -np.ones((2, 1)), np.empty(2), np.empty(2, dtype=np.int64)
    assert core.face_reach(block, places, a, d, steps, rows, deadline=0.0) == 0
    assert (steps == 0.0).all()
    assert core.face_reach(block, places, a, d, steps, rows, deadline=FAR) == 2
    assert (steps == 1.0).all()


def lasso_gap(K, y, beta, z):
    """Objective less the bound of the scaled residual, by duality."""
    r = y - K @ z
    u = r * min(1.0, beta / np.abs(K.T @ r).max())
    return 0.5 * r @ r + beta * np.abs(z).sum() - (0.5 * y @ y - 0.5 * (y - u) @ (y - u))


def test_the_active_set_improves_from_call_to_call_whenever_it_is_stopped():
    """Deadlines of random length cut steps and changes of the factor anywhere; the objective never rises, the residual
    is that of the coefficients, and the end is optimal."""
    rng = np.random.default_rng(0)
    x = np.sort(rng.normal(size=400))
    K, y = np.maximum(x[:, None] - x[None], 0.0), np.sin(4 * x) + 0.1 * rng.normal(size=400)
    beta = 1e-5 * np.abs(K.T @ y).max()
    solver = core.ActiveSetSolver(y, None)
    solver.add(np.ascontiguousarray(K.T))
    z, r, last, cuts = np.empty(400), np.empty(400), np.inf, 0
    while not solver.solve(beta, 1e-12, 10**6, deadline=float(rng.uniform(1e-4, 3e-3))):
        cuts += 1
        solver.coefficients(z)
        solver.residual(r)
        np.testing.assert_allclose(r, y - K @ z, atol=1e-8)
        value = 0.5 * r @ r + beta * np.abs(z).sum()
        assert value <= last * (1 + 1e-9)
        last = value
    assert cuts > 3
    solver.coefficients(z)
    assert lasso_gap(K, y, beta, z) <= 1e-9 * (0.5 * y @ y)


def test_a_warm_start_is_cut_too():
    y = np.random.default_rng(0).normal(size=50)
    solver = core.ActiveSetSolver(y, np.ones(50))
    solver.add(np.random.default_rng(1).normal(size=(20, 50)))
    z = np.empty(20)
    assert solver.warm(np.ones(20), deadline=0.0) is False
    assert solver.solve(0.1, 1e-12, 1000, deadline=0.0) is False
    solver.coefficients(z)
    assert not z.any()
    assert solver.warm(np.ones(20), deadline=FAR) is True
    assert solver.solve(0.1, 1e-12, 1000, deadline=FAR) is True


def test_a_deadline_is_a_number():
    sweep = Planar(5)
    with pytest.raises(ValueError, match="deadline"):
        sweep.price(float("nan"))


# -- signals ---------------------------------------------------------------------------------------------------------
class Stop(Exception):
    pass


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs POSIX timers")
@pytest.mark.skipif(threading.current_thread() is not threading.main_thread(), reason="signals reach the main thread")
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(
    ("make", "n"), [*SWEEPS, pytest.param(lambda n: Pencil(n, 2, 1, memory=0), 2_000_000, id="one pencil")]
)
def test_a_signal_stops_a_sweep(make, n, threads):
    """The exception of the handler comes out of the call, also while it waits for other threads."""
    sweep = make(n)

    def handler(*_):
        raise Stop

    def forever():
        while True:
            sweep.price(threads=threads)

    old = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.03)
    try:
        with pytest.raises(Stop):
            forever()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)
