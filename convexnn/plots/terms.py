"""The terms of a network that is a sum of functions of one and two features: curves, maps and bars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from convexnn._types import ArrayLike
from convexnn.plots._axes import new_axes
from convexnn.plots._canvas import new_figure
from convexnn.refine.terms import Terms, additive_terms

__all__ = ["ImportanceDisplay", "InteractionDisplay", "ShapeDisplay"]

# Points of a curve beside its kinks, and of an axis of a map.
_CURVE, _MAP = 200, 80
_COLUMNS = 3
# Samples drawn in a rug or over a map at most.
_RUG = 500


@dataclass
class ShapeDisplay:
    """f_j of each feature, with the kinks of its own neurons and a rug of the samples.

    Attributes
    ----------
    terms : Terms
    features : tuple of int
    axes_, figure_ :
        Where :meth:`plot` drew.
    """

    terms: Terms
    features: tuple[int, ...]

    @classmethod
    def from_model(
        cls, model: Any, X: ArrayLike, *, features: Sequence[int | str] | None = None, **options: Any
    ) -> ShapeDisplay:
        """Draw the features of a network or fitted estimator, all that it uses by default, the strongest first.

        Options are those of :func:`convexnn.refine.additive_terms`.
        """
        return cls.from_terms(additive_terms(model, X, **options), features=features)

    @classmethod
    def from_terms(cls, terms: Terms, *, features: Sequence[int | str] | None = None) -> ShapeDisplay:
        """Draw terms that are known already."""
        if features is None:
            single = [k for k, term in enumerate(terms.features) if len(term) == 1]
            chosen = [terms.features[k][0] for k in sorted(single, key=lambda k: -terms.importances[k])]
        else:
            chosen = [terms.index(feature) for feature in features]
        return cls(terms, tuple(chosen)).plot()

    def plot(self) -> ShapeDisplay:
        """Draw one picture per feature, all with the same vertical axis."""
        count = max(1, len(self.features))
        columns = min(_COLUMNS, count)
        self.axes_ = new_figure(-(-count // columns), columns, size=3.0)
        self.figure_ = self.axes_[0].figure
        low, high = 0.0, 0.0
        for ax, feature in zip(self.axes_, self.features):
            values = self.terms.samples[:, feature]
            kinks = self.terms.kinks(feature)
            inside = kinks[(kinks > values.min()) & (kinks < values.max())]
            x = np.unique(np.concatenate([np.linspace(values.min(), values.max(), _CURVE), inside]))
            f = self.terms.shape(feature, x)
            ax.plot(x, f, color="tab:blue")
            ax.plot(inside, self.terms.shape(feature, inside), "o", color="tab:blue", markersize=4)
            rug = values[:: max(1, len(values) // _RUG)]
            ax.plot(rug, np.zeros(len(rug)), "|", color="0.4", markersize=6, transform=ax.get_xaxis_transform())
            ax.axhline(0.0, color="0.7", linewidth=0.8, zorder=0)
            ax.set(xlabel=self.terms.feature_names[feature])
            low, high = min(low, f.min()), max(high, f.max())
        room = 0.05 * (high - low) or 1.0
        for k, ax in enumerate(self.axes_):
            ax.set(ylim=(low - room, high + room), visible=k < len(self.features))
        return self


@dataclass
class InteractionDisplay:
    """f_jk of a pair of features as a map over the samples.

    Attributes
    ----------
    terms : Terms
    pairs : tuple of pairs of int
    axes_, figure_ :
        Where :meth:`plot` drew.
    """

    terms: Terms
    pairs: tuple[tuple[int, int], ...]

    @classmethod
    def from_model(cls, model: Any, X: ArrayLike, *, limit: int = 6, **options: Any) -> InteractionDisplay:
        """Draw the strongest pairs of a network or fitted estimator."""
        return cls.from_terms(additive_terms(model, X, **options), limit=limit)

    @classmethod
    def from_terms(cls, terms: Terms, *, limit: int = 6) -> InteractionDisplay:
        """Draw the strongest pairs of terms that are known already."""
        double = [k for k, term in enumerate(terms.features) if len(term) == 2]
        chosen = sorted(double, key=lambda k: -terms.importances[k])[:limit]
        return cls(terms, tuple((terms.features[k][0], terms.features[k][1]) for k in chosen)).plot()

    def plot(self) -> InteractionDisplay:
        """Draw one map per pair, all with the same colours."""
        count = max(1, len(self.pairs))
        columns = min(_COLUMNS, count)
        self.axes_ = new_figure(-(-count // columns), columns, size=3.4)
        self.figure_ = self.axes_[0].figure
        grids = [[np.linspace(*_range(self.terms, j), _MAP) for j in pair] for pair in self.pairs]
        maps = [self.terms.surface(*pair, *grid) for pair, grid in zip(self.pairs, grids)]
        top = max((float(np.abs(values).max()) for values in maps), default=0.0) or 1.0
        drawn = None
        for ax, pair, grid, values in zip(self.axes_, self.pairs, grids, maps):
            style = {"cmap": "RdBu_r", "vmin": -top, "vmax": top, "shading": "gouraud", "rasterized": True}
            drawn = ax.pcolormesh(*grid, values.T, **style)
            some = self.terms.samples[:: max(1, len(self.terms.samples) // _RUG)]
            ax.plot(some[:, pair[0]], some[:, pair[1]], ".", color="black", markersize=2, alpha=0.4)
            names = [self.terms.feature_names[j] for j in pair]
            ax.set(xlabel=names[0], ylabel=names[1])
        for k, ax in enumerate(self.axes_):
            ax.set_visible(k < len(self.pairs))
        if drawn is not None:
            self.figure_.colorbar(drawn, ax=list(self.axes_), shrink=0.8)
        return self


@dataclass
class ImportanceDisplay:
    """Standard deviation of every term over the samples, the largest on top.

    Attributes
    ----------
    terms : Terms
    limit : int
        Terms that are shown at most.
    ax_, figure_ :
        Where :meth:`plot` drew.
    """

    terms: Terms
    limit: int = 20

    @classmethod
    def from_model(
        cls, model: Any, X: ArrayLike, *, limit: int = 20, ax: Any | None = None, **options: Any
    ) -> ImportanceDisplay:
        """Draw the terms of a network or fitted estimator."""
        return cls(additive_terms(model, X, **options), limit).plot(ax=ax)

    def plot(self, *, ax: Any | None = None) -> ImportanceDisplay:
        """Draw bars into `ax` (a new figure by default)."""
        self.ax_ = new_axes(ax)
        self.figure_ = self.ax_.figure
        sizes = self.terms.importances
        order = np.argsort(-sizes, kind="stable")[: self.limit][::-1]
        if ax is None:
            self.figure_.set_size_inches(6.0, 1.0 + 0.28 * len(order))
        colours = ["tab:blue" if len(self.terms.features[k]) == 1 else "tab:orange" for k in order]
        self.ax_.barh([self.terms.names[k] for k in order], sizes[order], color=colours)
        self.ax_.set(xlabel="standard deviation of the term")
        return self


def _range(terms: Terms, feature: int) -> tuple[float, float]:
    values = terms.samples[:, feature]
    return float(values.min()), float(values.max())
