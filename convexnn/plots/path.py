"""Networks along decreasing penalties: coefficients, neurons, objectives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from convexnn._types import Floats, Ints
from convexnn.plots._canvas import new_figure

__all__ = ["PathDisplay"]


@dataclass
class PathDisplay:
    """Coefficient of every neuron, and the number of neurons, against beta / beta_max.

    Attributes
    ----------
    ratios : (k,) array
        beta / beta_max, decreasing.
    coefficients : (k, m) array
        Signed size of every neuron that ever occurs; zero where it is absent.
    n_neurons : (k,) array of int
    axes_, figure_ :
        Where :meth:`plot` drew.
    """

    ratios: Floats
    coefficients: Floats
    n_neurons: Ints

    @classmethod
    def from_path(cls, path: Any, **options: Any) -> PathDisplay:
        """Draw what :func:`convexnn.solve_path` returned; neurons are followed by the samples they pass through."""
        names: dict[tuple[Any, ...], int] = {}
        rows = []
        for result in path:
            coef = np.asarray(result.coef, dtype=np.float64)
            coef = coef[:, None] if coef.ndim == 1 else coef
            size = np.linalg.norm(coef, axis=1) * np.sign(coef.sum(axis=1))
            row: dict[int, float] = {}
            for j, value in enumerate(size):
                # Both orientations pass through the same samples; the largest entry of the normal tells them apart.
                side = result.atoms.normals[j][np.argmax(np.abs(result.atoms.normals[j]))] > 0
                key = (*result.atoms.generators[j].tolist(), bool(side))
                index = names.setdefault(key, len(names))
                row[index] = row.get(index, 0.0) + float(value)
            rows.append(row)
        table = np.zeros((len(rows), len(names)))
        for k, row in enumerate(rows):
            table[k, list(row)] = list(row.values())
        ratios = path.betas / (path.beta_max or 1.0)
        return cls(ratios, table, path.n_neurons).plot(**options)

    @classmethod
    def from_estimator(cls, estimator: Any, X: Any, y: Any, *, n_betas: int = 30, **options: Any) -> PathDisplay:
        """Train along a path with the parameters of an estimator, and draw it."""
        from convexnn.training import solve_path

        names = ("norm", "bias", "loss", "solver", "tol", "max_iter", "max_atoms", "n_jobs")
        kept = {name: getattr(estimator, name) for name in names if hasattr(estimator, name)}
        return cls.from_path(solve_path(X, y, n_betas=n_betas, **kept), **options)

    def plot(self) -> PathDisplay:
        """Draw coefficients above the number of neurons, in a new figure."""
        self.axes_ = new_figure(2, 1, size=3.0)
        self.figure_ = self.axes_[0].figure
        self.figure_.set_size_inches(7.0, 6.0)
        upper, lower = self.axes_
        for column in self.coefficients.T:
            # A neuron is drawn where it is present, and one step beyond, so that it enters at zero.
            present = np.flatnonzero(column)
            part = slice(max(0, present[0] - 1), present[-1] + 2)
            upper.plot(self.ratios[part], column[part], linewidth=1)
        upper.axhline(0, color="0.6", linewidth=0.8)
        upper.set(ylabel="coefficient", xscale="log")
        lower.step(self.ratios, self.n_neurons, where="mid", color="black")
        lower.set(xlabel="beta / beta_max", ylabel="neurons", xscale="log")
        for ax in self.axes_:
            ax.invert_xaxis()
        return self
