"""Groups of features by name or index, as estimators take them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from convexnn.exceptions import ParameterError
from convexnn.geometry.interactions import check_interactions

__all__ = ["name_groups", "resolve_interactions"]


def resolve_interactions(estimator: Any) -> Any:
    """The parameter `interaction_cst` of an estimator that has seen its data, with names as indices.

    Raises
    ------
    ParameterError
        If a name is unknown, or X had no names.
    """
    names = getattr(estimator, "feature_names_in_", None)
    given = name_groups(estimator.interaction_cst, None if names is None else list(names))
    found = check_interactions(given, estimator.n_features_in_)
    return None if found is None else found.spec


def name_groups(spec: Any, names: list[str] | None) -> Any:
    """A list of groups with indices in place of names; anything else as it is."""
    if isinstance(spec, str) or not isinstance(spec, Iterable):
        return spec
    place = {name: k for k, name in enumerate(names or [])}
    groups = [list(group) if isinstance(group, Iterable) and not isinstance(group, str) else group for group in spec]
    for group in groups:
        for k, feature in enumerate(group if isinstance(group, list) else []):
            if not isinstance(feature, str):
                continue
            if feature not in place:
                known = "X had no names of features" if names is None else f"the features are {names[:20]}"
                raise ParameterError(f"interaction_cst names the feature {feature!r}, but {known}.")
            group[k] = place[feature]
    return groups
