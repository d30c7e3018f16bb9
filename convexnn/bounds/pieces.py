"""Pieces of the set of neurons, and what is known of every sample on a piece."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from convexnn._types import Bools, Floats

__all__ = ["Piece", "slices", "split_binding"]

# Pieces are halved, the most binding first, until they hold this share of what binds.
_SHARE = 0.9


@dataclass(frozen=True)
class Piece:
    """Neurons that feed one output with one sign, with a bias between two ends.

    Attributes
    ----------
    output, sign : int
    lower, upper : float
        Range of b / |w|.
    reach : (n,) array
        Largest |x_i.w| over unit w.
    """

    output: int
    sign: int
    lower: float
    upper: float
    reach: Floats

    @cached_property
    def always(self) -> Bools:
        """Samples (n,) on which every neuron of the piece is active."""
        return self.lower >= self.reach

    @cached_property
    def mid(self) -> Bools:
        """Samples (n,) on which some neurons of the piece are active and some are not."""
        return ~self.always & (self.upper > -self.reach) & (self.reach > 0)

    @cached_property
    def tilt(self) -> Floats:
        """(L - H) / (L + H) for t in [-L, H]; zero off `mid`."""
        return np.where(self.mid, -(self.lower + self.upper) * self.width, 0.0)

    @cached_property
    def width(self) -> Floats:
        """1 / (L + H); one off `mid`."""
        return np.asarray(1.0 / np.where(self.mid, 2.0 * self.reach + self.upper - self.lower, 1.0))

    def halves(self) -> tuple[Piece, Piece]:
        """The two pieces left and right of the middle."""
        middle = 0.5 * (self.lower + self.upper)
        left = Piece(self.output, self.sign, self.lower, middle, self.reach)
        return left, Piece(self.output, self.sign, middle, self.upper, self.reach)


def slices(reach: Floats, count: int, n_outputs: int) -> list[Piece]:
    """Pieces for both signs and all outputs, cut at quantiles of +-reach; `count` = 0 means no biases."""
    ends = np.zeros(2)
    if count:
        span = reach.max()
        inner = np.quantile(np.concatenate([-reach, reach]), np.linspace(0, 1, count + 1)[1:-1])
        # Slices without a width would have moment matrices without an inverse.
        inner = np.unique(np.round(inner / span, 6))
        ends = span * np.concatenate([[-1.0], inner[np.abs(inner) < 1.0 - 1e-5], [1.0]])
    return [
        Piece(output, sign, float(low), float(high), reach)
        for output in range(n_outputs)
        for sign in (1, -1)
        for low, high in pairwise(ends)
    ]


def split_binding(pieces: list[Piece], binding: Floats) -> list[Piece]:
    """The pieces with the most binding ones halved.

    Parameters
    ----------
    pieces : list of Piece
    binding : (S,) array
        How much each piece binds, at least zero.
    """
    order = np.argsort(-binding, kind="stable")
    before = np.cumsum(binding[order]) - binding[order]
    chosen = set(order[before < _SHARE * binding.sum()].tolist()) or {int(order[0])}
    found: list[Piece] = []
    for s, piece in enumerate(pieces):
        found.extend(piece.halves() if s in chosen else (piece,))
    return found
