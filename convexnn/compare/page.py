"""The comparison as one self-contained page: no script, no request, it opens offline."""

from __future__ import annotations

import json
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from convexnn import __version__
from convexnn.compare.pictures import distribution_svg, scores_svg, time_svg
from convexnn.compare.runs import Comparison
from convexnn.exceptions import SolverUnavailableError

__all__ = ["verdict", "write_json", "write_page"]

_TIME_NOTE = "Lines: median best objective so far. Shade: all restarts. Dots, if any: the gap proved at that time."
_TEMPLATE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Convex and non-convex training compared</title>
<style>
body{font-family:sans-serif;max-width:62em;margin:2em auto;padding:0 1em;line-height:1.5;color:#222}
h2{border-top:1px solid #ccc;padding-top:1em;margin-top:2em}
table{border-collapse:collapse;font-size:90%}
th,td{border-bottom:1px solid #ddd;padding:.25em .8em .25em 0;text-align:right}
th:first-child,td:first-child{text-align:left}svg{max-width:100%;height:auto}
.note{color:#555;font-size:90%}.scroll{overflow-x:auto}
</style></head><body>
<h1>Convex and non-convex training compared</h1>
<p>Every method minimises the same objective on the same training data: loss + beta/2 * (squared weights).
The excess of a network is its objective above the reference, relative to it.</p>
{% for part in parts %}
<h2>{{ part.task.name }}</h2>
<p>{{ part.verdict }}</p>
<p class="note">{{ part.task.X.shape[0] }} training and {{ part.task.X_test.shape[0] }} test samples,
{{ part.task.X.shape[1] }} standardised features, {{ part.task.y.shape[1] }} output(s);
loss {{ part.task.loss }}, norm {{ part.task.norm }}, bias {{ part.task.bias }},
beta {{ "%.4g"|format(part.task.beta) }};
local networks have {{ part.width }} neurons and {{ "%g"|format(part.limit) }} s per run.</p>
<div class="scroll"><table><thead><tr><th>method</th><th>runs</th><th>best objective</th><th>median</th>
<th>best excess</th>
<th>median excess</th><th>neurons</th><th>s per run</th><th>train score</th><th>test score</th></tr></thead><tbody>
{% for row in part.rows %}<tr><td>{{ row.method }}</td><td>{{ row.runs }}</td><td>{{ row.best|number }}</td>
<td>{{ row.median|number }}</td><td>{{ row.best_excess|share }}</td><td>{{ row.median_excess|share }}</td>
<td>{{ "%g"|format(row.neurons) }}</td><td>{{ "%.2f"|format(row.seconds) }}</td>
<td>{{ "%.4f"|format(row.train_score) }}</td>
<td>{{ "%.4f"|format(row.test_score) }}
{%- if row.runs > 1 %} &plusmn; {{ "%.4f"|format(row.test_score_spread) }}{% endif %}</td></tr>
{% endfor %}</tbody></table></div>
{% for picture in part.pictures %}<h3>{{ picture.title }}</h3>{{ picture.svg }}<p class="note">{{ picture.note }}</p>
{% endfor %}
{% if part.notes %}<ul class="note">{% for note in part.notes %}<li>{{ note }}</li>{% endfor %}</ul>{% endif %}
{% endfor %}
<p class="note">convexnn {{ version }}. The numbers behind this page are in comparison.json,
every run in runs.jsonl.</p>
</body></html>
"""


def verdict(comparison: Comparison) -> str:
    """What the comparison says, in one or two sentences that claim nothing beyond the certificate."""
    convex = comparison.convex
    local = [row for row in comparison.table() if row["runs"] > 1 and row["best"] is not None]
    if convex is None or convex.objective is None:
        return "No convex run, so nothing is known about how good these networks could be."
    gap = (convex.objective - (convex.lower_bound or 0.0)) / abs(convex.objective or 1.0)
    scope = {
        "network": f"proven to be within a relative gap of {max(gap, 0.0):.1e} of the best network of any width",
        "dictionary": f"within {max(gap, 0.0):.1e} of the best network made of wedge neurons of these samples",
    }.get(str(convex.scope), "found by a search; its distance from the optimum is not known")
    text = f"Convex training reached {convex.objective:.8g} with {convex.neurons} neurons, {scope}."
    if not local:
        return text
    best = min(local, key=lambda row: float(row["best"]))
    count = sum(row["runs"] for row in local)
    below = best["best"] < convex.objective
    excess = 100 * abs(best["best"] / convex.objective - 1)
    text += (
        f" The best of {count} local runs ({best['method']}) ended {excess:.3g} % {'below' if below else 'above'} it."
    )
    if below and convex.scope == "network":
        text += " That is inside the gap."
    elif below:
        text += " The certificate does not speak of such networks."
    return text


def _parts(comparisons: Sequence[Comparison], markup: Any) -> list[dict[str, Any]]:
    parts = []
    for item in comparisons:
        pictures = [
            ("Where runs end", distribution_svg, "Further left is better; a vertical line is a single run."),
            ("How fast", time_svg, _TIME_NOTE),
            ("Neurons and test score", scores_svg, "A lower training objective need not score better."),
        ]
        notes = [f"{run.method}: {run.note}" for run in item.runs if run.note and run.seed == 0]
        notes += [f"{name} left out: {why}" for name, why in item.skipped.items()]
        parts.append(
            {
                "task": item.task,
                "verdict": verdict(item),
                "width": item.width,
                "limit": item.time_limit,
                "rows": item.table(),
                "pictures": [{"title": t, "svg": markup(draw(item)), "note": n} for t, draw, n in pictures],
                "notes": notes,
            }
        )
    return parts


def write_page(comparisons: Sequence[Comparison], path: str | PathLike[str]) -> None:
    """Write comparisons as HTML with inline pictures.

    Raises
    ------
    SolverUnavailableError
        If jinja2 or matplotlib is not installed.
    """
    try:
        from jinja2 import Environment, StrictUndefined
        from markupsafe import Markup
    except ImportError as error:
        raise SolverUnavailableError("the page needs jinja2; install convexnn[plots].") from error
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters["number"] = lambda value: "-" if value is None else f"{value:.7g}"
    environment.filters["share"] = lambda value: "-" if value is None else f"{value:.2e}"
    text = environment.from_string(_TEMPLATE).render(parts=_parts(comparisons, Markup), version=__version__)
    Path(path).write_text(text, encoding="utf-8")


def write_json(comparisons: Sequence[Comparison], path: str | PathLike[str]) -> None:
    """Write tables and runs of comparisons as JSON."""
    content = [comparison.to_dict() for comparison in comparisons]
    Path(path).write_text(json.dumps(content, indent=1, default=str) + "\n", encoding="utf-8")
