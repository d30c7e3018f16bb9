"""One page for a whole model of one and two features: certificate, importances, curves and maps."""

from __future__ import annotations

from html import escape
from io import StringIO
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from convexnn._types import ArrayLike
from convexnn.plots.terms import ImportanceDisplay, InteractionDisplay, ShapeDisplay
from convexnn.refine.terms import Terms, additive_terms

__all__ = ["write_model_page"]

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>
<style>body{{font-family:sans-serif;max-width:64em;margin:2em auto;padding:0 1em;line-height:1.5;color:#222}}
table{{border-collapse:collapse}}td,th{{border-bottom:1px solid #ccc;padding:.2em 1em .2em 0;text-align:left}}
td.n{{text-align:right;font-variant-numeric:tabular-nums}}svg{{max-width:100%;height:auto}}
h2{{margin-top:2em}}</style></head><body>
<h1>{title}</h1>
<p>{proof}</p>
<p>The prediction is the constant {constant} plus the terms below. Every term has the mean zero over the samples, and
a term of two features has the mean zero over either of them.</p>
<h2>Importance</h2>
<p>Blue: functions of one feature, which collect what pairs say of it alone; orange: of two.</p>{bars}
<table><tr><th>term</th><th>standard deviation</th><th>neurons that see just this</th></tr>{rows}</table>
<h2>One feature</h2>{shapes}
{maps}
</body></html>
"""


def write_model_page(
    path: str | PathLike[str], model: Any, X: ArrayLike, *, title: str = "Model", **options: Any
) -> Terms:
    """Write a model whose neurons see at most two features as one HTML file that needs nothing else.

    Parameters
    ----------
    path : str or path
    model : ReLUNetwork, training result or fitted estimator
        With a certificate the page says what is proved.
    X : (n, d) array
        Samples, usually those of the training.
    title : str
    **options :
        Of :func:`convexnn.refine.additive_terms`: `sample_weight`, `feature_names`, `output`, `scaler`.

    Returns
    -------
    Terms
        What the page shows.

    Raises
    ------
    ParameterError
        If a neuron sees more than two features.
    SolverUnavailableError
        If matplotlib is not installed.
    """
    terms = additive_terms(getattr(model, "network", model), X, **options)
    certificate = getattr(model, "certificate_", getattr(model, "certificate", None))
    seen = terms.network.hidden_weights != 0
    rows = []
    for k in np.argsort(-terms.importances, kind="stable"):
        mine = np.zeros(seen.shape[1], dtype=bool)
        mine[list(terms.features[k])] = True
        count = int((seen == mine).all(axis=1).sum())
        rows.append(
            f'<tr><td>{escape(terms.names[k])}</td><td class="n">{terms.importances[k]:.4g}</td>'
            f'<td class="n">{count}</td></tr>'
        )
    maps = InteractionDisplay.from_terms(terms, limit=12)
    page = _PAGE.format(
        title=escape(title),
        proof=escape("" if certificate is None else certificate.summary()),
        constant=f"{terms.constant:.6g}",
        bars=_picture(ImportanceDisplay(terms).plot().figure_),
        rows="".join(rows),
        shapes=_picture(ShapeDisplay.from_terms(terms).figure_),
        maps=f"<h2>Two features</h2>{_picture(maps.figure_)}" if maps.pairs else "",
    )
    Path(path).write_text(page, encoding="utf-8")
    return terms


def _picture(figure: Any) -> str:
    """A figure as SVG inside the page; the figure is closed."""
    from matplotlib import pyplot

    out = StringIO()
    figure.savefig(out, format="svg", metadata={"Date": None})
    pyplot.close(figure)
    text = out.getvalue()
    return text[text.index("<svg") :]
