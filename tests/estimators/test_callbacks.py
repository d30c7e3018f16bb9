"""scikit-learn's callbacks see the fit and its rounds, may stop it, and are torn down."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import make_moons

from convexnn import (
    ConvexReLUClassifier,
    ConvexReLUClassifierCV,
    ConvexReLURegressor,
    ConvexReLURegressorCV,
    DeepConvexReLUClassifier,
    DeepConvexReLURegressor,
)
from convexnn.estimators import GapWarning

callback = pytest.importorskip("sklearn.callback", reason="scikit-learn before 1.9 has no callbacks")

rng = np.random.default_rng(0)
X = rng.normal(size=(60, 2))
y = np.sin(2 * X[:, 0]) + 0.1 * rng.normal(size=60)


class Recorder:
    """Writes down what happens; asks to stop after some rounds."""

    def __init__(self, stop_after=None):
        self.events, self.stop_after, self.y, self.metadata = [], stop_after, None, None

    def setup(self, estimator, context):
        self.events.append("setup")

    def teardown(self, estimator, context):
        self.events.append("teardown")

    def on_fit_task_begin(self, estimator, context):
        self.events.append(f"begin {context.task_name}")

    def on_fit_task_end(self, estimator, context, *, y=None, metadata=None, fitted_estimator=None):
        self.events.append(f"end {context.task_name}")
        self.y, self.metadata = y, metadata
        if context.task_name == "fit":
            self.fitted = fitted_estimator
        return self.stop_after is not None and self.events.count("end round") >= self.stop_after


def test_a_fit_is_a_task_with_one_subtask_per_round():
    seen = Recorder()
    net = ConvexReLURegressor(beta=0.1).set_callbacks(seen).fit(X, y, sample_weight=np.ones(60))
    assert seen.events[:2] == ["setup", "begin fit"]
    assert seen.events[-2:] == ["end fit", "teardown"]
    assert seen.events[2:-2] == ["begin round", "end round"] * ((len(seen.events) - 4) // 2)
    assert seen.events.count("end round") == net.n_iter_
    np.testing.assert_array_equal(seen.fitted.predict(X), net.predict(X))
    np.testing.assert_array_equal(seen.metadata["sample_weight"], np.ones(60))


def test_callbacks_change_nothing_and_follow_clones():
    plain = ConvexReLURegressor(beta=0.1).fit(X, y)
    seen = Recorder()
    watched = clone(ConvexReLURegressor(beta=0.1).set_callbacks(seen)).fit(X, y)
    np.testing.assert_array_equal(plain.predict(X), watched.predict(X))
    assert "end fit" in seen.events


def test_a_callback_stops_training_and_the_gap_stays_true():
    seen = Recorder(stop_after=1)
    net = ConvexReLURegressor(beta=1e-3, tol=1e-6).set_callbacks(seen)
    with pytest.warns(GapWarning, match="Stopped by a callback") as caught:
        net.fit(X, y)
    assert caught[0].filename == __file__
    assert net.status_ == "Stopped by a callback."
    assert seen.events.count("end round") < ConvexReLURegressor(beta=1e-3).fit(X, y).n_iter_
    full = ConvexReLURegressor(beta=1e-3).fit(X, y)
    assert net.lower_bound_ <= full.objective_ <= net.objective_ + 1e-9


def test_classifiers_show_labels_and_scores_are_monitored():
    A, b = make_moons(60, noise=0.2, random_state=0)
    labels = np.array(["in", "out"])[b]
    seen, monitor = Recorder(), callback.ScoringMonitor(scoring="accuracy")
    net = ConvexReLUClassifier(beta=0.1).set_callbacks(seen, monitor).fit(A, labels)
    assert set(seen.y) == {"in", "out"}
    logs = monitor.get_logs()
    assert logs.data[-1]["accuracy"] == net.score(A, labels)


def test_callbacks_are_torn_down_after_an_error():
    seen = Recorder()
    with pytest.raises(ValueError, match="loss"):
        ConvexReLURegressor(beta=0.1, loss="none").set_callbacks(seen).fit(X, y)
    assert seen.events[-1] == "teardown"


class Everywhere(Recorder):
    """Goes to the estimators inside as well."""

    max_propagation_depth = None


def test_a_cross_validation_has_the_tasks_of_a_grid_search():
    seen = Recorder()
    options = {"beta_ratios": (0.3, 0.1), "cv": 3}
    net = ConvexReLURegressorCV(**options).set_callbacks(seen).fit(X, y, sample_weight=np.ones(60))
    evaluation = ["begin candidate-split-evaluation", "end candidate-split-evaluation"]
    refit = ["begin refit-with-best-params", "end refit-with-best-params"]
    inside = ["begin search", *evaluation * 6, "end search", *refit]
    assert seen.events == ["setup", "begin fit", *inside, "end fit", "teardown"]
    np.testing.assert_array_equal(seen.fitted.predict(X), net.predict(X))
    np.testing.assert_array_equal(seen.metadata["sample_weight"], np.ones(60))
    plain = ConvexReLURegressorCV(**options).fit(X, y, sample_weight=np.ones(60))
    np.testing.assert_array_equal(plain.scores_, net.scores_)
    np.testing.assert_array_equal(plain.predict(X), net.predict(X))


def test_propagated_callbacks_see_every_round_of_every_fit_and_may_stop_them():
    A, b = make_moons(60, noise=0.2, random_state=0)
    labels = np.array(["in", "out"])[b]
    seen = Everywhere()
    net = ConvexReLUClassifierCV(beta_ratios=(0.3, 0.1), cv=2).set_callbacks(seen).fit(A, labels)
    rounds = seen.events.count("end round")
    assert seen.events.count("begin fit") == 1 + 4 + 1
    assert seen.events.count("setup") == seen.events.count("teardown") == 1
    assert rounds >= 5 + net.n_iter_ - 1
    assert set(seen.y) == {"in", "out"}
    stopping = Everywhere(stop_after=1)
    with pytest.warns(GapWarning, match="Stopped by a callback"):
        stopped = ConvexReLUClassifierCV(beta_ratios=(0.3, 0.1), cv=2, tol=1e-6).set_callbacks(stopping).fit(A, labels)
    assert stopping.events.count("end round") < rounds
    assert stopped.status_ == "Stopped by a callback."


def test_callbacks_of_a_cross_validation_reach_other_processes():
    monitor = callback.ScoringMonitor(scoring="r2")
    net = ConvexReLURegressorCV(beta_ratios=(0.3, 0.1), cv=2, n_jobs=2).set_callbacks(monitor).fit(X, y)
    assert monitor.get_logs().data[-1]["r2"] == net.score(X, y)


def test_rounds_of_all_blocks_are_subtasks_of_a_deep_fit():
    seen = Recorder()
    net = DeepConvexReLURegressor(width=2, norm="l1", beta_ratio=0.05).set_callbacks(seen).fit(X, y)
    rounds = (len(seen.events) - 4) // 2
    assert seen.events == ["setup", "begin fit", *["begin round", "end round"] * rounds, "end fit", "teardown"]
    assert rounds > net.n_iter_ == 2
    np.testing.assert_array_equal(seen.fitted.predict(X), net.predict(X))
    plain = DeepConvexReLURegressor(width=2, norm="l1", beta_ratio=0.05).fit(X, y)
    np.testing.assert_array_equal(plain.predict(X), net.predict(X))


def test_stopping_a_deep_fit_makes_its_block_the_last():
    A, b = make_moons(60, noise=0.2, random_state=0)
    seen = Recorder(stop_after=2)
    with pytest.warns(GapWarning, match="Stopped by a callback") as caught:
        net = DeepConvexReLUClassifier(n_blocks=3, beta_ratio=1e-3, tol=1e-6).set_callbacks(seen).fit(A, b)
    assert caught[0].filename == __file__
    assert set(seen.y) == {0, 1}
    assert len(net.certificates_) == 1
    assert net.network_.n_layers == 2
    assert net.score(A, b) > 0.8
