"""The pictures of a comparison, as SVG text to put into a page."""

from __future__ import annotations

import io
import re
from typing import Any

import numpy as np

from convexnn._types import Floats
from convexnn.compare.runs import Comparison
from convexnn.exceptions import SolverUnavailableError

__all__ = ["distribution_svg", "scores_svg", "time_svg"]

_COLORS = {
    "convex": "#1f77b4", "lbfgs": "#d62728", "adam": "#ff7f0e", "sgd": "#2ca02c", "sklearn": "#9467bd",
    "torch": "#8c564b", "constructive-affine": "#17becf", "constructive-clamp": "#7f7f7f",
    "constructive-deep": "#bcbd22", "scnn": "#e377c2",
}  # fmt: skip
# Smallest excess that a logarithmic axis shows; below it rounding decides.
_FLOOR = 1e-8


def _axes(width: float, height: float) -> Any:
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise SolverUnavailableError("the page needs matplotlib; install convexnn[plots].") from error
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure.subplots()


def _svg(figure: Any, alt: str) -> str:
    """The figure as one <svg> element without ids of chance, links or fonts from elsewhere."""
    from matplotlib import rc_context

    buffer = io.StringIO()
    with rc_context({"svg.hashsalt": alt, "svg.fonttype": "none", "font.family": "sans-serif"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.S)
    return text.replace("<svg ", f'<svg role="img" aria-label="{alt}" ', 1)


def _excess(values: Floats, reference: float) -> Floats:
    return np.maximum(np.asarray(values, dtype=np.float64) / reference - 1.0, _FLOOR)


def distribution_svg(comparison: Comparison) -> str:
    """Share of runs of each method that end within some excess over the reference."""
    ax = _axes(7.5, 3.6)
    reference = comparison.reference
    for row in comparison.table():
        runs = comparison.of(row["method"])
        ends = np.sort(_excess(np.array([r.objective for r in runs if r.objective is not None]), reference))
        if len(ends) == 0:
            continue
        color = _COLORS[row["method"]]
        if len(ends) == 1:
            ax.axvline(ends[0], color=color, linewidth=2, label=row["method"])
        else:
            shares = np.arange(1, len(ends) + 1) / len(ends)
            ax.step(ends, shares, where="post", color=color, label=f"{row['method']} ({len(ends)} starts)")
            ax.plot(ends, shares, ".", color=color, markersize=4)
    ax.set(xscale="log", ylim=(0, 1.02), ylabel="share of runs")
    ax.set_xlabel(f"objective above the {_reference_name(comparison)} (relative)")
    ax.legend(fontsize="small")
    return _svg(ax.figure, "Distribution of final objectives of every method above the bound")


def _reference_name(comparison: Comparison) -> str:
    convex = comparison.convex
    proven = convex is not None and convex.scope == "network"
    return "proven lower bound" if proven else "best objective found"


def time_svg(comparison: Comparison) -> str:
    """Excess over the reference against time: median and range of the restarts, and the certified gap."""
    ax = _axes(7.5, 3.6)
    reference = comparison.reference
    ends = [point[0] for run in comparison.runs for point in run.trace]
    starts = [point[0] for run in comparison.runs for point in run.trace[:1]]
    if not ends:
        return _svg(ax.figure, "No method has a trace")
    times = np.geomspace(max(min(starts), 1e-4), max(max(ends), 1e-3), 200)
    for row in comparison.table():
        traces = [np.array(run.trace) for run in comparison.of(row["method"]) if run.trace]
        if not traces:
            continue
        best = np.array([_best_so_far(trace, times) for trace in traces])
        seen = np.isfinite(best).all(axis=0)
        color, shown = _COLORS[row["method"]], _excess(best[:, seen], reference)
        if seen.any():
            ax.plot(times[seen], np.median(shown, axis=0), color=color, label=row["method"])
            ax.fill_between(times[seen], shown.min(axis=0), shown.max(axis=0), color=color, alpha=0.15, linewidth=0)
    _draw_gap(ax, comparison)
    ax.set(xscale="log", yscale="log", xlabel="seconds", ylabel="relative excess")
    ax.legend(fontsize="small")
    return _svg(ax.figure, "Excess over the bound against time")


def _best_so_far(trace: Floats, times: Floats) -> Floats:
    values = np.minimum.accumulate(trace[:, 1])
    place = np.searchsorted(trace[:, 0], times, side="right") - 1
    return np.where(place >= 0, values[np.maximum(place, 0)], np.inf)


def _draw_gap(ax: Any, comparison: Comparison) -> None:
    """What convex training itself knew about its distance from the optimum at that time."""
    convex = comparison.convex
    if convex is None or not convex.bounds or convex.scope not in ("network", "dictionary"):
        return
    times, bounds = np.array(convex.bounds).T
    values = np.array(convex.trace)[:, 1]
    # Bounds over wedge neurons come first; where bounds over all neurons follow, they start lower and count.
    falls = np.flatnonzero(np.diff(bounds) < -1e-9 * np.abs(bounds[:-1])) + 1
    last = slice(int(falls[-1]) if len(falls) else 0, None)
    times, bounds, values = times[last], bounds[last], values[last]
    gaps = np.maximum((values - bounds) / np.maximum(np.abs(values), 1e-300), _FLOOR)
    ax.plot(times, gaps, ":", color=_COLORS["convex"], label="convex, known gap")


def scores_svg(comparison: Comparison) -> str:
    """Number of neurons against test score, one point per run."""
    ax = _axes(7.5, 3.2)
    for row in comparison.table():
        runs = comparison.of(row["method"])
        ax.scatter(
            [run.neurons for run in runs], [run.test_score for run in runs], s=22, alpha=0.6,
            color=_COLORS[row["method"]], label=row["method"],
        )  # fmt: skip
    ax.set(xlabel="neurons", ylabel="test accuracy" if comparison.task.classes else "test R2")
    ax.legend(fontsize="small")
    return _svg(ax.figure, "Neurons and test scores of all runs")
