"""A comparison measures everybody alike, claims what is proved, and continues after an interruption."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from convexnn.compare import METHODS, Run, load_data, make_task, run, train_local, write_json, write_page
from convexnn.compare.methods import run_method
from convexnn.compare.page import verdict
from convexnn.compare.pictures import distribution_svg
from convexnn.data import make_clusters, make_spiral
from convexnn.exceptions import DataError, ModelFormatError, ParameterError
from convexnn.losses import LOSSES

X, y = make_spiral(40, random_state=0)
LIMITS = {"n_restarts": 2, "width": 8, "time_limit": 0.05}


@pytest.fixture(scope="module")
def task():
    return make_task("spiral", X, y, beta_ratio=1e-2)


@pytest.fixture(scope="module")
def comparison(task, tmp_path_factory):
    return run(task, records=tmp_path_factory.mktemp("records") / "runs.jsonl", **LIMITS)


@pytest.fixture(scope="module")
def classes():
    points, labels = make_clusters(40, 3, n_clusters=3, radius=0.2, random_state=0)
    return make_task("clusters", points, np.array(["a", "b", "c"])[labels], labels=True, beta_ratio=0.1)


def test_task_splits_and_standardises_by_the_training_part(task):
    assert len(task.X) == 30
    assert len(task.X_test) == 10
    np.testing.assert_allclose(task.X.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(task.X.std(axis=0), 1, rtol=1e-12)
    assert task.fingerprint() == make_task("other name", X, y, beta_ratio=1e-2).fingerprint()
    assert task.fingerprint() != make_task("spiral", X, y, beta_ratio=2e-2).fingerprint()
    constant = np.full_like(task.y_test, task.y.mean())
    assert task.score(np.tile(task.y.mean(axis=0), (30, 1)), test=False) == pytest.approx(0.0)
    assert task.score(constant, test=True) <= 1.0


# scnn has no free biases: tests/unit/compare/test_peer_scnn.py
@pytest.mark.parametrize("method", [name for name in METHODS if name != "scnn"])
def test_every_method_is_measured_on_the_common_objective(classes, method):
    if method == "torch":
        pytest.importorskip("torch")
    record = run_method(classes, method, 0, width=8, time_limit=0.2 if method != "convex" else 30.0)
    assert record.method == method
    if method == "convex" or method.startswith("constructive"):
        assert record.train_score > 0.9  # the others depend on how far they get in the time
    assert np.isfinite(record.loss)
    if method == "constructive-deep":
        assert record.objective is None
        assert record.loss < 1e-20
    else:
        assert record.objective > record.loss
    if method == "convex":
        assert not record.lower_bound > record.objective * (1 + 1e-12)  # nan where nothing is proved
        assert record.trace[-1][1] == pytest.approx(record.objective, rel=1e-6)


def test_the_trace_ends_at_the_objective_and_methods_are_repeatable(task):
    for method in ("adam", "sgd", "lbfgs"):
        options = {"method": method, "width": 8, "max_iter": 30, "random_state": 1, **task.problem}
        one, two = (train_local(task.X, task.y, **options) for _ in range(2))
        assert one.objective == two.objective
        assert one.trace[-1][1] == one.objective
        constant = LOSSES["squared_error"](task.y).value(np.tile(task.y.mean(axis=0), (30, 1)))
        assert one.objective < constant + 5
    with pytest.raises(ParameterError, match="newton"):
        train_local(task.X, task.y, method="newton", **task.problem)


@pytest.mark.parametrize("method", ["adam", "sgd"])
def test_projected_gradients_reach_the_l1_optimum_region(method):
    l1 = make_task("l1", X, y, beta_ratio=0.1, norm="l1")
    convex = run_method(l1, "convex", 0, width=1, time_limit=10)
    local = train_local(l1.X, l1.y, method=method, width=20, max_iter=1500, random_state=0, **l1.problem)
    assert convex.lower_bound <= local.objective <= 1.3 * convex.objective


def test_no_local_run_is_below_the_bound(comparison):
    convex = comparison.convex
    assert convex.scope == "network"
    assert comparison.reference == convex.lower_bound
    local = [r for r in comparison.runs if r.method != "convex"]
    assert len(local) == 6
    assert all(r.objective >= convex.lower_bound for r in local)
    assert "best network of any width" in verdict(comparison)
    assert set(comparison.skipped) == {"constructive-affine", "constructive-clamp", "constructive-deep"}


def test_a_second_call_repeats_nothing_and_a_cut_line_is_repaired(task, comparison, tmp_path):
    records = tmp_path / "runs.jsonl"
    first = run(task, methods=["lbfgs", "adam"], records=records, **LIMITS)
    before = records.read_bytes()
    seen: list[tuple[int, int]] = []
    again = run(task, methods=["lbfgs", "adam"], records=records, observer=lambda *s: seen.append(s), **LIMITS)
    assert records.read_bytes() == before
    assert seen == [(4, 4)]
    assert again.runs == first.runs
    records.write_bytes(before[:-20])
    resumed = run(task, methods=["lbfgs", "adam"], records=records, **LIMITS)
    assert len(resumed.runs) == 4
    lines = records.read_text().splitlines()
    assert len(lines) == 4
    kept = {json.dumps(json.loads(line)) for line in before.decode().splitlines()}
    assert len(kept & {json.dumps(json.loads(line)) for line in lines}) >= 3
    other = run(task, methods=["lbfgs"], records=records, **(LIMITS | {"width": 9}))
    assert len(other.runs) == 2
    assert len(records.read_text().splitlines()) == 6
    records.write_text("nonsense\n")
    with pytest.raises(ModelFormatError, match="line 1"):
        run(task, methods=["lbfgs"], records=records, **LIMITS)


def test_two_processes_give_the_runs_of_one(task):
    options = {"methods": ["convex"], "n_restarts": 1, "time_limit": 1.0}
    one, two = (run(task, n_jobs=n, **options).runs[0] for n in (1, 2))
    assert one.objective == two.objective


def test_page_is_self_contained(comparison, classes, tmp_path):
    pytest.importorskip("matplotlib")
    pytest.importorskip("jinja2")
    other = run(classes, methods=["constructive-affine", "constructive-deep", "lbfgs"], **LIMITS)
    write_page([comparison, other], tmp_path / "index.html")
    write_json([comparison, other], tmp_path / "comparison.json")
    text = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert not re.search(r"<(script|link|img|iframe)|@import|url\((?!#)|(src|href)=\"(?!#)", text)
    assert text.count("<svg") == 6
    assert f"{comparison.convex.objective:.7g}" in text
    assert "several layers" in text
    content = json.loads((tmp_path / "comparison.json").read_text())
    assert [part["name"] for part in content] == ["spiral", "clusters"]
    assert Run(**content[0]["runs"][0]) == comparison.runs[0]
    assert distribution_svg(other) in text  # the same picture gives the same text


def test_names_in_pages_are_escaped(tmp_path):
    pytest.importorskip("matplotlib")
    pytest.importorskip("jinja2")
    task = make_task("<script>alert(1)</script>", X, y, beta_ratio=0.1)
    write_page([run(task, methods=["convex"])], tmp_path / "index.html")
    assert "<script>" not in (tmp_path / "index.html").read_text()


def test_data_by_name_and_from_files(tmp_path):
    assert load_data("diabetes")[1].shape == (442, 2)
    assert load_data("iris")[3] is True
    assert load_data("spiral200")[1].shape == (200, 2)
    assert load_data("wave1d")[1].shape[1] == 1
    (tmp_path / "t.csv").write_text("a,b,c\n1,2,3\n4,5,6\n7,8,10\n")
    name, points, targets, labels = load_data(str(tmp_path / "t.csv"), target="c", features=["a"])
    assert (name, points.shape, targets.tolist(), labels) == ("t", (3, 1), [3.0, 6.0, 10.0], False)
    with pytest.raises(ParameterError, match="--target"):
        load_data(str(tmp_path / "t.csv"))
    with pytest.raises(ParameterError, match="neither a file"):
        load_data("nowhere")


def test_bad_requests_are_named(task):
    with pytest.raises(ParameterError, match="nonsense"):
        run(task, methods=["nonsense"])
    with pytest.raises(ParameterError, match="does not apply"):
        run(task, methods=["constructive-affine"])
    with pytest.raises(DataError, match="labels"):
        make_task("t", X, np.zeros(40), labels=True)
    with pytest.raises(DataError, match="at least 3"):
        make_task("t", X[:2], y[:2])
