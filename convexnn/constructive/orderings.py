"""The result of a cross-validation: values that must be ordered, and the list of orderings that are broken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

__all__ = ["CrossRow", "CrossValidation"]


@dataclass(frozen=True)
class CrossRow:
    """One beta.

    Attributes
    ----------
    beta : float
    lower : float or None
        Gated lower bound, None where the patterns cannot be listed.
    dual, primal : float or None
        Certified bounds of the convex solver, None without it.
    scope : str
        Scope of its certificate, "" without it.
    upper : dict of str to float
        Objective of each constructive network.
    local : dict of str to float
        Objective after a local search from each of them, and from random starts.
    """

    beta: float
    lower: float | None
    dual: float | None
    primal: float | None
    scope: str
    upper: Mapping[str, float]
    local: Mapping[str, float]


@dataclass(frozen=True)
class CrossValidation:
    """Both worlds on one data set.

    Attributes
    ----------
    least_squares : dict of str to float
        Half sums of squares without penalty, in the order in which they may not decrease.
    rows : tuple of CrossRow
        By increasing beta.
    scale : float
        Half the squared length of the targets; violations are measured relative to it.
    """

    least_squares: Mapping[str, float]
    rows: tuple[CrossRow, ...]
    scale: float

    def violations(self, tol: float = 1e-8) -> list[str]:
        """Every ordering that is broken by more than ``tol * scale``; empty if all hold.

        That no network is below the convex optimum is demanded where its certificate speaks of all networks; an
        optimum over the dictionary only (l2) is the value of one network and may be undercut.
        """
        slack = tol * self.scale
        found: list[str] = []

        def need(small: float | None, large: float | None, what: str) -> None:
            if small is not None and large is not None and small > large + slack:
                found.append(f"{what}: {small:.12g} > {large:.12g}")

        chain = list(self.least_squares.items())
        for (a, u), (b, v) in pairwise(chain):
            need(u, v, f"least squares {a} <= {b}")
        for row in self.rows:
            at = f"beta={row.beta:.3g}"
            need(row.lower, row.primal, f"{at}: gated bound <= convex optimum")
            need(row.dual, row.primal, f"{at}: dual <= primal")
            for name, value in {**row.upper, **row.local}.items():
                need(row.lower, value, f"{at}: gated bound <= {name}")
                if row.scope == "network":
                    need(row.primal, value, f"{at}: convex optimum <= {name}")
        for small, large in pairwise(self.rows):
            need(small.dual, large.primal, f"P({small.beta:.3g}) <= P({large.beta:.3g})")
        found += self._not_concave(slack)
        return found

    def _not_concave(self, slack: float) -> list[str]:
        """P lies above its chords: checked with dual values inside and primal values at the ends."""
        found: list[str] = []
        rows = [row for row in self.rows if row.primal is not None and row.dual is not None]
        for a, b, c in zip(rows, rows[1:], rows[2:]):
            share = (b.beta - a.beta) / (c.beta - a.beta)
            chord = (1 - share) * float(a.dual or 0.0) + share * float(c.dual or 0.0)
            if chord > float(b.primal or 0.0) + slack:
                found.append(f"P is not concave at beta={b.beta:.3g}")
        return found

    def table(self) -> str:
        """Markdown table over beta."""
        names = list(dict.fromkeys(name for row in self.rows for name in row.upper))
        tails = list(dict.fromkeys(name for row in self.rows for name in row.local))
        head = ["beta", "gated bound", "dual", "convex optimum", *names, *tails]
        lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
        for row in self.rows:
            cells = [row.lower, row.dual, row.primal, *(row.upper.get(k) for k in names)]
            cells += [row.local.get(k) for k in tails]
            shown = ["" if c is None else f"{c:.6g}" for c in cells]
            lines.append("| " + " | ".join([f"{row.beta:.3g}", *shown]) + " |")
        return "\n".join(lines)
