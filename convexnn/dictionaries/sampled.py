"""Dictionaries that are too large to enumerate: seeded random draws with the same interface.

Three ways to draw, all hyperplanes through samples except the last, the baseline:
"wedge" (random rows of the full dictionary), "sketched" (wedges of randomly projected samples, lifted
back; Wang et al., arXiv 2406.02806) and "gaussian" (normals at random, as gated ReLU packages draw them).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from convexnn._checks import check_bias, check_count, check_norm, check_points
from convexnn._types import ArrayLike, Bias, Floats, Ints, Norm
from convexnn.dictionaries.budget import MAX_BYTES, check_byte_budget
from convexnn.dictionaries.dictionary import Dictionary
from convexnn.dictionaries.hyperplanes import Hyperplanes, enumerate_hyperplanes, wedges_of
from convexnn.exceptions import ParameterError
from convexnn.geometry.distinct import GeneratingRows, distinct_rows, generating_rows
from convexnn.geometry.frame import Frame, make_frame

__all__ = ["draw_gaussian", "draw_sketched", "draw_wedges", "sampled_dictionary"]

# Hyperplanes of one sketch: few, so that the sketches do not decide what can be found.
_PER_SKETCH = 32
# Draws thrown away as dependent or repeated are replaced this often before fewer are returned.
_ROUNDS = 8
# Two hyperplanes drawn through different rows are the same below this distance of (u, c).
_SAME_PLANE = 1e-9


def sampled_dictionary(
    X: ArrayLike,
    *,
    size: int,
    norm: Norm = "l2",
    bias: Bias = True,
    kind: str = "wedge",
    random_state: int | np.random.Generator | None = None,
    max_bytes: int = MAX_BYTES,
) -> Dictionary:
    """A random part of the dictionary of X, reproducible by its seed.

    Parameters
    ----------
    X : (n, d) array
    size : int
        Number of hyperplanes to draw (two atoms each). Fewer come back if there are not so many.
    norm : "l1" or "l2"
    bias : True, False or "penalized"
    kind : "wedge", "sketched" or "gaussian"
    random_state : int, numpy.random.Generator or None
    max_bytes : int
        Memory for the atoms, and for the matrix if it is asked for.

    Returns
    -------
    Dictionary
        Its `hyperplanes.generators` name the samples each hyperplane passes through: all rows that fix
        it ("wedge"), those of its sketch ("sketched"), at most a pivot ("gaussian").

    Raises
    ------
    DataError, ParameterError
        If an argument is not usable.
    DictionarySizeError
        If the atoms need more than `max_bytes`.
    """
    if kind not in _KINDS:
        raise ParameterError(f"kind={kind!r} is unknown; choose one of {', '.join(map(repr, _KINDS))}.")
    size = check_count("size", size)
    frame = make_frame(check_points(X), norm=check_norm(norm), bias=check_bias(bias))
    needed = 8 * size * (frame.rank + 1 + max(frame.subset_size, 0))
    check_byte_budget("the list of atoms", needed, max_bytes, "Draw fewer, or raise max_bytes.")
    return Dictionary(frame, _KINDS[kind](frame, size, np.random.default_rng(random_state)), max_bytes)


def draw_wedges(frame: Frame, size: int, rng: np.random.Generator) -> Hyperplanes:
    """Hyperplanes through random independent rows, each once; all of them if they are at most `size`."""
    rows = generating_rows(frame)
    if rows.count <= size:
        return Hyperplanes.joined(list(enumerate_hyperplanes(frame)), frame)
    order = _canonical_order(rows, frame)
    return _collect(
        frame, size, lambda m: wedges_of(rows, frame, np.sort(order[_random_subsets(rows, m, rng)], axis=1))
    )


def draw_sketched(
    frame: Frame, size: int, rng: np.random.Generator, *, sketch_dim: int | None = None
) -> Hyperplanes:
    """Wedges of samples sketched to few dimensions by sparse random signs, lifted back (arXiv 2406.02806).

    The normal of a sketch S (r, s) is u = S v with v the cross product of sketched samples x_i S, so the
    hyperplane passes through those samples: x_i.u = (x_i S).v = 0.

    Parameters
    ----------
    frame : Frame
    size : int
    rng : numpy.random.Generator
    sketch_dim : int, optional
        s; by default about twice the square root of the rank. From s >= r on these are plain wedges.
    """
    s = min(frame.rank, 20, 1 + round(2 * frame.rank**0.5)) if sketch_dim is None else sketch_dim
    if s >= frame.rank:
        return draw_wedges(frame, size, rng)

    def draw(m: int) -> Hyperplanes:
        parts = [_one_sketch(frame, min(_PER_SKETCH, m - k), s, rng) for k in range(0, m, _PER_SKETCH)]
        return Hyperplanes.joined([p for p in parts if len(p)], replace(frame, points=frame.points[:, :s]))

    return _collect(frame, size, draw)


def draw_gaussian(frame: Frame, size: int, rng: np.random.Generator) -> Hyperplanes:
    """Normals uniform over directions; with free biases through a random sample (the baseline)."""
    if frame.rank == 0:
        return Hyperplanes.joined([], frame)
    normals = _unit(rng.standard_normal((size, frame.rank)), frame.norm)
    if not frame.affine:
        return Hyperplanes(normals, np.zeros(size), np.zeros((size, 0), dtype=np.int64))
    pivot = rng.integers(frame.n, size=size)
    return Hyperplanes(normals, -np.einsum("ij,ij->i", normals, frame.points[pivot]), pivot[:, None])


def _collect(frame: Frame, size: int, draw: Callable[[int], Hyperplanes]) -> Hyperplanes:
    """Draw until `size` different hyperplanes are there or draws stop bringing new ones."""
    kept: list[Hyperplanes] = []
    have = 0
    for _ in range(_ROUNDS):
        fresh = draw(size - have)
        if not len(fresh):
            continue
        joined = Hyperplanes.joined([*kept, fresh], frame)
        planes = np.column_stack([joined.normals, joined.offsets])
        kept = [joined.select(np.flatnonzero(distinct_rows(planes, signed=False, tolerance=_SAME_PLANE)))]
        have = len(kept[0])
        if have >= size:
            break
    return Hyperplanes.joined(kept, frame)


def _random_subsets(rows: GeneratingRows, m: int, rng: np.random.Generator) -> Ints:
    """m random subsets of rows, increasing positions; affine ones hold at least one point."""
    n_rows, k = len(rows.rows), rows.subset_size
    out = np.empty((0, k), dtype=np.int64)
    while len(out) < m:
        missing = m - len(out)
        if k * k <= n_rows:
            # Few of many: independent draws, the few with a repetition are rejected.
            draw = np.sort(rng.integers(n_rows, size=(missing, k)), axis=1)
            draw = draw[(np.diff(draw, axis=1) > 0).all(axis=1)]
        else:
            step = max(1, 2**22 // n_rows)
            order = np.argpartition(rng.random((min(missing, step), n_rows)), k - 1, axis=1)
            draw = np.sort(order[:, :k], axis=1)
        if rows.affine:
            draw = draw[draw[:, 0] < rows.n_points]
        out = np.concatenate([out, draw])
    return out


def _canonical_order(rows: GeneratingRows, frame: Frame) -> Ints:
    """Positions of the rows, points sorted by their coordinates.

    So a seed draws the same hyperplanes whatever the order of the samples and however often one is repeated.
    """
    points = rows.rows[: rows.n_points] @ frame.lift.T
    return np.concatenate([np.lexsort(points.T), np.arange(rows.n_points, len(rows.rows))])


def _one_sketch(frame: Frame, m: int, s: int, rng: np.random.Generator) -> Hyperplanes:
    sketch = _sparse_signs(frame.rank, s, rng)
    small = replace(
        frame, points=np.ascontiguousarray(frame.points @ sketch), axes=np.zeros((0, s)), norm="l2"
    )
    rows = generating_rows(small)
    if rows.count == 0:
        return Hyperplanes.joined([], small)
    found = wedges_of(rows, small, _random_subsets(rows, m, rng))
    lifted = found.normals @ sketch.T
    length = _lengths(lifted, frame.norm)
    # A sketch of deficient rank sends its own null vector to rounding noise.
    keep = length > 1e-6
    return Hyperplanes(
        lifted[keep] / length[keep, None], found.offsets[keep] / length[keep], found.generators[keep]
    )


def _sparse_signs(r: int, s: int, rng: np.random.Generator) -> Floats:
    """(r, s) matrix with at most 8 random signs per row, scaled to preserve lengths on average."""
    nonzeros = min(s, 8)
    sketch = np.zeros((r, s))
    where = np.argsort(rng.random((r, s)), axis=1)[:, :nonzeros]
    signs = 1.0 - 2.0 * rng.integers(2, size=(r, nonzeros))
    np.put_along_axis(sketch, where, signs / nonzeros**0.5, axis=1)
    return sketch


def _lengths(rows: Floats, norm: Norm) -> Floats:
    return np.asarray(np.linalg.norm(rows, ord=1 if norm == "l1" else 2, axis=1))


def _unit(rows: Floats, norm: Norm) -> Floats:
    return rows / _lengths(rows, norm)[:, None]


_KINDS: dict[str, Callable[[Frame, int, np.random.Generator], Hyperplanes]] = {
    "wedge": draw_wedges,
    "sketched": draw_sketched,
    "gaussian": draw_gaussian,
}
