"""Random cells of an arrangement in any dimension, with some of their extreme rays."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from convexnn._types import Floats
from convexnn.geometry.distinct import distinct_rows, unit_rows
from convexnn.geometry.frame import Frame

__all__ = ["extreme_rays", "sample_cells"]


def sample_cells(
    frame: Frame, rng: np.random.Generator, *, n_cells: int = 8, n_rays: int | None = None
) -> Iterator[Floats]:
    """Unit extreme rays (k, r) of cells around random neurons; with free biases around random pivots.

    The rays are true extreme rays but not all of them, and the cells not all cells: a diameter made
    from them is at most, a gamma at least the true one.
    """
    n_rays = 2 * frame.rank if n_rays is None else n_rays
    for _ in range(n_cells):
        points = frame.points - frame.points[rng.integers(frame.n)] if frame.affine else frame.points
        rows, nonzero = unit_rows(points)
        yield extreme_rays(rows[nonzero], rng.standard_normal(frame.rank), n_rays, rng)


def extreme_rays(rows: Floats, neuron: Floats, n_rays: int, rng: np.random.Generator) -> Floats:
    """Different unit extreme rays of the cell {u : sign(rows u) = sign(rows neuron)}, at most `n_rays`.

    Each is a vertex of the slice {u in cell : w.u = 1}, w the sum of the signed rows, in a random
    direction: a linear program.
    """
    from scipy.optimize import linprog

    signed = rows * np.where(rows @ neuron >= 0, 1.0, -1.0)[:, None]
    slice_normal = signed.sum(axis=0, keepdims=True)
    rays = []
    for goal in rng.standard_normal((n_rays, rows.shape[1])):
        found = linprog(
            goal,
            A_ub=-signed,
            b_ub=np.zeros(len(rows)),
            A_eq=slice_normal,
            b_eq=np.ones(1),
            bounds=[(None, None)] * rows.shape[1],
        )
        if found.status == 0:
            rays.append(found.x)
    unit = unit_rows(np.array(rays) if rays else neuron[None])[0]
    return unit[distinct_rows(unit, signed=True, tolerance=1e-7)]
