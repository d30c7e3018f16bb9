"""Atoms of a planar dictionary as heat maps: where each candidate neuron responds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from convexnn._checks import check_points
from convexnn._types import ArrayLike, Floats
from convexnn.dictionaries import Atoms
from convexnn.exceptions import DataError
from convexnn.plots._canvas import frame_of, grid_over, new_figure

__all__ = ["AtomsDisplay"]


@dataclass
class AtomsDisplay:
    """One small picture per atom: its response over the plane, and the samples it passes through.

    Attributes
    ----------
    atoms : Atoms
        Two features.
    X : (n, 2) array
    axes_, figure_ :
        Where :meth:`plot` drew.
    """

    atoms: Atoms
    X: Floats

    @classmethod
    def from_atoms(cls, atoms: Atoms, X: ArrayLike, **options: Any) -> AtomsDisplay:
        """Draw given atoms, for instance ``dictionary(X).atoms(range(12))``."""
        return cls(atoms, check_points(X, n_features=2)).plot(**options)

    @classmethod
    def from_estimator(cls, estimator: Any, X: ArrayLike, **options: Any) -> AtomsDisplay:
        """Draw the atoms that a fitted estimator (or a training result) uses, strongest first.

        Raises
        ------
        DataError
            If it has none.
        """
        atoms = getattr(estimator, "atoms_", getattr(estimator, "atoms", None))
        if not isinstance(atoms, Atoms):
            raise DataError(f"{type(estimator).__name__} has no atoms; pass a training result or a fitted estimator.")
        coef = np.asarray(getattr(estimator, "atom_coef_", getattr(estimator, "coef", None)), dtype=np.float64)
        size = np.abs(coef if coef.ndim == 2 else coef[:, None]).sum(axis=1)
        return cls.from_atoms(atoms.select(np.argsort(-size, kind="stable")), X, **options)

    def plot(self, *, columns: int = 4, most: int = 12, resolution: int = 120) -> AtomsDisplay:
        """Draw up to `most` atoms in a new figure."""
        m = min(most, len(self.atoms))
        rows = max(1, -(-m // columns))
        self.axes_ = new_figure(rows, columns)
        self.figure_ = self.axes_[0].figure
        low, high = frame_of(self.X)
        grid = grid_over(low, high, resolution).reshape(-1, 2)
        values = self.atoms.select(slice(0, m)).columns(grid)
        for j, ax in enumerate(self.axes_):
            ax.set(xticks=[], yticks=[])
            if j >= m:
                ax.set_visible(False)
                continue
            image = values[:, j].reshape(resolution, resolution)
            ax.imshow(image, extent=(low[0], high[0], low[1], high[1]), origin="lower", aspect="auto", cmap="magma")
            ax.plot(*self.X.T, ".", color="white", markersize=2.5)
            rows_on = self.atoms.generators[j]
            on = rows_on[(rows_on >= 0) & (rows_on < len(self.X))]
            ax.plot(*self.X[on].T, "o", color="cyan", markersize=5, markeredgecolor="black", markeredgewidth=0.5)
            sign = "+" if self.atoms.orientation[j] > 0 else "-"
            ax.set_title(f"({', '.join(map(str, on))}){sign}", fontsize="small")
        return self
