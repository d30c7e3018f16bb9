"""scnn is compared on the common objective where it is installed and applies; elsewhere the reason is given."""

from __future__ import annotations

import logging
from importlib.util import find_spec

import numpy as np
import pytest

from convexnn.compare import make_task, run
from convexnn.compare.methods import available, run_method
from convexnn.compare.peer_scnn import train_scnn
from convexnn.data import make_spiral
from convexnn.exceptions import ParameterError

X, y = make_spiral(40, random_state=0)


def spiral(**options):
    return make_task("spiral", X, y, beta_ratio=1e-2, **options)


@pytest.mark.parametrize("options", [{}, {"bias": False, "norm": "l1"}, {"bias": False, "loss": "huber"}])
def test_a_task_outside_its_class_is_refused_with_the_reason(options):
    task = spiral(**options)
    assert available(task)["scnn"] == "scnn has squared loss, l2, and no bias or a penalized one"
    with pytest.raises(ParameterError, match="scnn has squared loss"):
        run(task, methods=["scnn"])


@pytest.mark.parametrize("bias", [False, "penalized"])
def test_without_the_package_the_reason_says_what_to_install(monkeypatch, bias):
    monkeypatch.setattr("convexnn.compare.peer_scnn.find_spec", lambda name: None)
    assert available(spiral(bias=bias))["scnn"] == "scnn is not installed (the package is called pyscnn)"
    monkeypatch.setattr("convexnn.compare.peer_scnn.find_spec", lambda name: object())
    assert available(spiral(bias=bias))["scnn"] == ""


@pytest.mark.skipif(find_spec("scnn") is None, reason="scnn (package pyscnn) is not installed")
@pytest.mark.parametrize("bias", [False, "penalized"])
def test_its_network_lies_above_the_bound_and_improves_with_time(bias):
    task = spiral(bias=bias)
    convex = run_method(task, "convex", 0, width=20, time_limit=30.0)
    level, state = logging.getLogger().level, np.random.get_state()[1].copy()  # noqa: NPY002
    record = run_method(task, "scnn", 0, width=20, time_limit=1.0)
    assert logging.getLogger().level == level
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002
    assert convex.scope == "network"
    nothing = 0.5 * float((task.y**2).sum())
    assert convex.lower_bound <= record.objective < nothing
    assert record.neurons <= 20
    assert "10 random activation patterns" in record.note
    network, _ = train_scnn(task, 0, 20, 0.0)
    assert record.objective < network.objective(task.X, task.y, **task.problem)
    assert network.intercept[0] == 0
