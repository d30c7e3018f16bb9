"""The demonstration: one spiral, one certified network, many local restarts, one page to read."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import click
import numpy as np

from convexnn._types import Floats
from convexnn.cli.models import Recipe, save_model
from convexnn.cli.page import write_page
from convexnn.cli.reporting import certificate_summary, progress_printer, show, verdict
from convexnn.compare import LocalRun, local_restarts
from convexnn.data import make_spiral
from convexnn.training import TrainingResult, beta_max, train

__all__ = ["run_demo"]

_TOL = 1e-6
_WIDTH = 100


def run_demo(*, out: Path, restarts: int, norm: Any, beta_ratio: float, quiet: bool, as_json: bool) -> int:
    """Train, certify, compare, and write picture, network, certificate and report into `out`."""

    def say(text: str) -> None:
        if not quiet:
            click.echo(text, err=True)

    X, y = make_spiral(n_samples=200, random_state=0)
    beta = beta_ratio * beta_max(X, y, norm=norm, bias=True)
    say(f"convex training on {len(X)} points of a spiral, norm={norm}, beta={beta:.4g} ...")
    start = time.perf_counter()
    result = train(X, y, beta=beta, norm=norm, bias=True, tol=_TOL, observer=progress_printer(quiet=quiet))
    seconds = time.perf_counter() - start
    say(f"{restarts} local runs (L-BFGS, width {_WIDTH}) ...")
    local: dict[str, Any] = {"width": _WIDTH, "time_limit": 2.5}
    runs = local_restarts(X, y, n_restarts=restarts, beta=beta, norm=norm, bias=True, **local)
    report = {"seconds": seconds, "norm": norm, "beta": beta, **_report(result, runs)}
    save_model(out, result.network, result.certificate, Recipe("label", ["x1", "x2"], beta, norm, True))
    (out / "report.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    np.savetxt(out / "spiral.csv", np.column_stack([X, y]), delimiter=",", header="x1,x2,label", comments="")
    _draw(out / "picture.png", result, runs, X, y)
    write_page(out / "index.html", report, picture="picture.png")
    show({**report, "written_to": str(out)}, as_json=as_json)
    return verdict(result.certificate, _TOL)


def _report(result: TrainingResult, runs: list[LocalRun]) -> dict[str, Any]:
    objectives = np.array([run.objective for run in runs])
    best = float(objectives.min())
    return {
        **certificate_summary(result.certificate),
        "neurons": result.network.n_neurons,
        "local_runs": len(runs),
        "best_local_objective": best,
        "median_local_objective": float(np.median(objectives)),
        "local_seconds_per_run": float(np.mean([run.seconds for run in runs])),
        "local_runs_below_the_bound": int((objectives < result.certificate.dual).sum()),
        "best_local_excess": best / result.certificate.primal - 1.0,
    }


def _draw(path: Path, result: TrainingResult, runs: list[LocalRun], X: Floats, y: Floats) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from convexnn.plots import PlanarDisplay, RestartsDisplay

    figure = Figure(figsize=(12, 5), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    PlanarDisplay.from_network(result.network, X, y, ax=left)
    left.set_title(f"certified network, {result.network.n_neurons} neurons and where they switch on")
    objectives = [run.objective for run in runs]
    certificate = result.certificate
    RestartsDisplay.from_objectives(objectives, primal=certificate.primal, dual=certificate.dual, ax=right)
    right.set_title(f"relative gap {certificate.relative_gap:.1e}, scope: {certificate.scope}")
    figure.savefig(path, dpi=120)
