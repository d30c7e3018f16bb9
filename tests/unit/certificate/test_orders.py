"""Kept angular orders: the same certificates as without, never those of other samples."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from convexnn.certificate import Orders, certify
from convexnn.certificate.orders import make_rows
from convexnn.certificate.pencil import pencil_response
from convexnn.geometry.frame import make_frame
from convexnn.network import ReLUNetwork

CASES = [(2, "l1", True), (2, "l2", True), (2, "l2", False), (3, "l2", False), (3, "l1", True), (2, "l2", "penalized")]


def make_vectors(n, count, seed=0):
    """Dual vectors whose entries sum to zero."""
    v = np.random.default_rng(seed).standard_normal((count, n, 1))
    return v - v.mean(axis=1, keepdims=True)


def respond(frame, v, orders=None, n_jobs=1):
    """Value, normal and offset as one array, so that bits can be compared."""
    value, normal, offset, _ = pencil_response(frame, v, True, n_jobs, orders)
    return np.array([value, *normal, offset])


@pytest.mark.parametrize(("d", "norm", "bias"), CASES)
def test_kept_orders_change_no_bit(d, norm, bias):
    """Sorted anew or not, with one thread or two, every vector gets the same answer."""
    X = np.random.default_rng(1).standard_normal((14, d))
    frame, orders = make_frame(X, norm=norm, bias=bias), Orders()
    for v in make_vectors(len(X), 4):
        alone = respond(frame, v)
        np.testing.assert_array_equal(respond(frame, v, orders), alone)
        np.testing.assert_array_equal(respond(frame, v, orders, n_jobs=2), alone)


def test_other_samples_are_never_answered_with_kept_orders():
    """The orders belong to bits of the samples, to the norm and to the kind of bias."""
    rng = np.random.default_rng(2)
    X = rng.standard_normal((12, 2))
    moved = X.copy()
    moved[3, 1] = np.nextafter(moved[3, 1], 9.0) + 1.0
    frames = [make_frame(X, norm="l2", bias=True), make_frame(X, norm="l1", bias=True),
              make_frame(X, norm="l2", bias=False), make_frame(moved, norm="l2", bias=True)]  # fmt: skip
    orders = Orders()
    for v in make_vectors(12, 3):
        for frame in frames:
            for _ in range(3):
                np.testing.assert_array_equal(respond(frame, v, orders), respond(frame, v))


def test_orders_are_kept_from_the_second_certificate_on_if_memory_allows():
    """The first certificate of a data set is as cheap as one without; large data are sorted again every time."""
    frame = make_frame(np.random.default_rng(3).standard_normal((10, 2)), norm="l2", bias=True)
    data = make_rows(frame, True)

    def same(orders):
        first, second = ([make() for make in orders.batches(frame, data)] for _ in range(2))
        third, fourth = ([make() for make in orders.batches(frame, data)] for _ in range(2))
        return first[0] is second[0], third[0] is fourth[0]

    assert same(Orders()) == (False, True)
    assert same(Orders(memory=100)) == (False, False)


def test_orders_may_be_shared_between_threads():
    """Certificates of two data sets in turn, from several threads: each as if alone."""
    frames = [make_frame(np.random.default_rng(k).standard_normal((15, 2)), norm="l2", bias=True) for k in range(2)]
    tasks = [(frames[k % 2], v) for k, v in enumerate(make_vectors(15, 24))]
    orders = Orders()
    with ThreadPoolExecutor(max_workers=4) as pool:
        shared = list(pool.map(lambda task: respond(*task, orders), tasks))
    for task, found in zip(tasks, shared):
        np.testing.assert_array_equal(found, respond(*task))


@pytest.mark.parametrize("loss", ["squared_error", "log_loss"])
def test_certificates_do_not_depend_on_orders(loss):
    """The whole certificate is equal, field by field."""
    rng = np.random.default_rng(4)
    X, y = rng.standard_normal((16, 2)), np.sign(rng.standard_normal(16))
    orders = Orders()
    for k in range(3):
        network = ReLUNetwork(rng.standard_normal((3, 2)), rng.standard_normal(3), rng.standard_normal((3, 1)))
        options = {"beta": 0.1 * (k + 1), "loss": loss}
        assert certify(network, X, y, **options, orders=orders) == certify(network, X, y, **options)


def test_totals_are_the_sums_over_all_rows():
    """Sum of v z over rows measured from the pivot, in the plane of every pencil."""
    for bias in (True, False):
        X = np.random.default_rng(5).standard_normal((9, 3))
        frame = make_frame(X, norm="l2", bias=bias)
        data = make_rows(frame, True)
        v = make_vectors(9, 1)[0]
        weights = data.weights(v)
        for make in Orders().batches(frame, data):
            pencils = replace(make())
            (x, y), = pencils.totals(data, weights)  # fmt: skip
            for k in range(len(pencils.fixed)):
                expected = weights[:, 0] @ (data.rows - pencils.pivots[k]) @ pencils.basis[k]
                np.testing.assert_allclose([x[k, 0], y[k, 0]], expected, atol=1e-13)
