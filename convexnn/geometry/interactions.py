"""Which features a neuron may see together: the groups of a glass-box network, in one canonical form.

A network whose neurons each see one group of features is a sum of functions of these groups. Its Lasso has the union
of the dictionaries of the groups, so the largest response is the maximum over the groups.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from math import comb
from typing import Any, TypeAlias

import numpy as np

from convexnn._types import Floats, Ints
from convexnn.exceptions import ParameterError

__all__ = ["PAIRS", "SINGLE", "InteractionSpec", "Interactions", "check_interactions", "describe_interactions"]

InteractionSpec: TypeAlias = "str | Iterable[Iterable[int]] | Interactions | None"
SINGLE, PAIRS = "no_interactions", "pairwise"
# Groups that are listed one by one.
_MOST = 2_000_000
_HINT = f"choose None (all features), {SINGLE!r}, {PAIRS!r}, or a list of groups of feature indices"


@dataclass(frozen=True)
class Interactions:
    """Groups of features, of which every neuron sees one.

    Attributes
    ----------
    n_features : int
    groups : tuple of tuple of int
        Increasing; none lies in another, and every feature is in one.
    """

    n_features: int
    groups: tuple[tuple[int, ...], ...]

    @property
    def spec(self) -> str | tuple[tuple[int, ...], ...]:
        """The name of the groups, or the groups: what :func:`check_interactions` turns into this again."""
        sizes = {len(group) for group in self.groups}
        if sizes == {1}:
            return SINGLE
        every = self.n_features * (self.n_features - 1) // 2
        return PAIRS if sizes == {2} and len(self.groups) == every else self.groups

    @cached_property
    def _having(self) -> dict[int, list[int]]:
        """For every feature the groups that have it."""
        out: dict[int, list[int]] = {}
        for k, group in enumerate(self.groups):
            for feature in group:
                out.setdefault(feature, []).append(k)
        return out

    def group_of(self, normals: Floats) -> Ints:
        """For neurons with normals (m, d) the first group that has all their features (m,), -1 where none has."""
        known: dict[tuple[int, ...], int] = {}
        found = np.empty(len(normals), dtype=np.int64)
        for k, seen in enumerate(normals != 0):
            features = tuple(np.flatnonzero(seen).tolist())
            if features not in known:
                known[features] = self._first_with(features)
            found[k] = known[features]
        return found

    def _first_with(self, features: tuple[int, ...]) -> int:
        if not features:
            return 0
        wanted = set(features)
        return next((g for g in self._having.get(features[0], []) if wanted.issubset(self.groups[g])), -1)


def describe_interactions(spec: str | tuple[tuple[int, ...], ...] | None) -> str:
    """The class of networks as a relative clause; empty where neurons see all features."""
    if spec is None:
        return ""
    named = {SINGLE: "each see one feature", PAIRS: "each see at most two features"}
    return " whose neurons " + (
        named[spec] if isinstance(spec, str) else f"each see one of {len(spec)} groups of features"
    )


def check_interactions(value: InteractionSpec, n_features: int) -> Interactions | None:
    """Groups as the user may give them; None if one of them has all features.

    Parameters
    ----------
    value : None, "no_interactions", "pairwise", iterable of iterables of int, or Interactions
        As `interaction_cst` of scikit-learn's gradient boosting: features in no group form one more group.
    n_features : int

    Raises
    ------
    ParameterError
        If it is none of these, or an index is no feature.
    """
    if value is None:
        return None
    if isinstance(value, Interactions):
        value = value.groups
    if isinstance(value, str):
        if value not in (SINGLE, PAIRS):
            raise ParameterError(f"interaction_cst={value!r} is unknown; {_HINT}.")
        size = min(1 if value == SINGLE else 2, n_features)
        if comb(n_features, size) > _MOST:
            raise ParameterError(f"interaction_cst={value!r} has {comb(n_features, size):,} groups; at most {_MOST:,}.")
        groups = {frozenset(group) for group in combinations(range(n_features), size)}
    else:
        groups = _listed(value, n_features)
        rest = frozenset(range(n_features)).difference(*groups)
        groups = _maximal(groups | ({rest} if rest else set()))
    found = tuple(sorted(tuple(sorted(group)) for group in groups))
    return None if len(found) == 1 else Interactions(n_features, found)


def _listed(value: Any, n_features: int) -> set[frozenset[int]]:
    try:
        groups = [list(group) for group in value]
    except TypeError as error:
        raise ParameterError(f"interaction_cst={value!r} is no list of groups; {_HINT}.") from error
    if not groups or len(groups) > _MOST or not all(groups):
        raise ParameterError(f"interaction_cst has {len(groups)} groups, or an empty one; {_HINT}.")
    for index in (index for group in groups for index in group):
        whole = isinstance(index, (int, np.integer)) and not isinstance(index, bool)
        if not whole or not 0 <= index < n_features:
            raise ParameterError(
                f"interaction_cst names the feature {index!r}; expected integers from 0 to {n_features - 1}."
            )
    return {frozenset(int(index) for index in group) for group in groups}


def _maximal(groups: set[frozenset[int]]) -> set[frozenset[int]]:
    """Without those that lie in another."""
    kept: set[frozenset[int]] = set()
    having: dict[int, list[frozenset[int]]] = {}
    for group in sorted(groups, key=len, reverse=True):
        if not any(group <= other for other in having.get(min(group), [])):
            kept.add(group)
            for index in group:
                having.setdefault(index, []).append(group)
    return kept
