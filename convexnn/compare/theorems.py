"""Theorems on a computer: both sides of a statement, computed by different means on given or random data.

Numbering of arXiv 2309.16512, except where another paper is named. Optima over wedge neurons come from the convex
program, the other sides from certificates, local searches over free neurons, and random neurons.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from convexnn._checks import check_points, check_targets
from convexnn._types import ArrayLike, Floats
from convexnn.compare.statements import (
    Check,
    deep_checks,
    exact_checks,
    interpolation,
    jung,
    random_dispersion,
    sandwich,
    shallow_checks,
    weak_duality,
)
from convexnn.data import make_clusters
from convexnn.exceptions import ParameterError

__all__ = ["THEOREMS", "Check", "Theorem", "check_theorem"]


@dataclass(frozen=True)
class Theorem:
    """A statement that can be checked.

    Attributes
    ----------
    statement : str
    dimension : int
        Features of random data.
    labels : bool
        Whether targets are classes.
    checks : callable
        Data to checks.
    """

    statement: str
    dimension: int
    labels: bool
    checks: Callable[[Floats, Floats], list[Check]]


def check_theorem(
    name: str,
    X: ArrayLike | None = None,
    y: ArrayLike | None = None,
    *,
    n_samples: int = 12,
    dimension: int | None = None,
    random_state: int = 0,
) -> list[Check]:
    """Check a theorem numerically.

    Parameters
    ----------
    name : str
        A key of ``THEOREMS``.
    X : (n, d) array, optional
        Random normal data by default.
    y : (n,) array, optional
        Targets, or labels for the constructions.
    n_samples, dimension, random_state :
        Size and seed of random data.

    Returns
    -------
    list of Check

    Raises
    ------
    ParameterError
        If the name is unknown, or only one of X and y is given.
    DataError
        If the statement is about data of another dimension.
    """
    if name not in THEOREMS:
        raise ParameterError(f"theorem {name!r} is unknown; choose one of {', '.join(THEOREMS)}.")
    if (X is None) != (y is None):
        raise ParameterError("X and y must be given together; leave both out for random data.")
    theorem = THEOREMS[name]
    if X is None:
        X, y = _random_data(theorem, n_samples, dimension, random_state)
    points = check_points(X)
    targets = np.asarray(y) if theorem.labels else check_targets(y, len(points))
    return theorem.checks(points, targets)


def _random_data(theorem: Theorem, n: int, d: int | None, seed: int) -> tuple[Any, Any]:
    d = theorem.dimension if d is None else d
    if theorem.labels:
        return make_clusters(n, d, n_clusters=3, radius=0.3, random_state=seed)
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), rng.normal(size=n)


THEOREMS: dict[str, Theorem] = {
    "1": Theorem("d = 1: break points at samples suffice, the Lasso is exact", 1, False, exact_checks("l2", True)),
    "2": Theorem("d = 2, l1, no bias: wedges of samples and axes are exact", 2, False, exact_checks("l1", False)),
    "3": Theorem("d = 2, l1, bias: lines through samples, along axes, are exact", 2, False, exact_checks("l1", True)),
    "4": Theorem("d = 2, l2, no bias: Lasso(beta gamma) <= optimum <= Lasso(beta)", 2, False, sandwich(False)),
    "5": Theorem("d = 2, l2, bias: the same with differences of samples", 2, False, sandwich(True)),
    "6": Theorem("any d, l1, no bias: cross products are exact", 3, False, exact_checks("l1", False)),
    "7": Theorem("any d, l2, no bias: the sandwich with the constant of the cells", 3, False, sandwich(False)),
    "8": Theorem("interpolation of least norm (Corollary 8)", 2, False, interpolation),
    "12": Theorem("chambers of random data are small (Lemmas 11, 12; give many samples)", 2, False, random_dispersion),
    "16": Theorem("Lemma 16 as printed, and with Jung's constant", 3, False, jung),
    "22": Theorem(
        "any d, l1, bias: hyperplanes through samples, along axes, are exact", 3, False, exact_checks("l1", True)
    ),
    "23": Theorem("several outputs, l1: the Lasso of entries is exact", 2, False, exact_checks("l1", True, 2)),
    "duality": Theorem("every vector proves a lower bound", 2, False, weak_duality),
    "2309.10370-3.1": Theorem("cost of the network written from class means <= ||Y|| delta_P", 4, True, shallow_checks),
    "2309.10639": Theorem("Q layers of width Q have zero cost on separated classes", 4, True, deep_checks),
}
