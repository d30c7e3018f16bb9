"""Every bound of a labelled data set in one dictionary, each with the theorem it comes from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np

from convexnn._types import ArrayLike
from convexnn.constructive.clamp import clamp_construct
from convexnn.constructive.classes import class_data
from convexnn.constructive.deep import deep_construct
from convexnn.constructive.optimum import fit_affine, linear_regime
from convexnn.constructive.shallow import shallow_affine
from convexnn.exceptions import ConstructionError

__all__ = ["Bound", "bounds"]


@dataclass(frozen=True)
class Bound:
    """A number and what it says.

    Attributes
    ----------
    value : float or None
        None where the hypotheses do not hold.
    theorem : str
        Source and statement.
    note : str
        Why there is no value; empty otherwise.
    """

    value: float | None
    theorem: str
    note: str = ""


_STATEMENTS = {
    "operator": "Theorem 3.1 (3.15), arXiv 2309.10370: minimal cost <= ||Y||_op delta_P",
    "shallow": "Theorem 3.1 (3.15), arXiv 2309.10370: cost of its network, ||Y Pen DX|| / sqrt(N)",
    "no_intercept": "Theorem 3.2 (3.25), arXiv 2309.10370: best linear map of Px, no intercept, in cost C",
    "affine_projected": "corrected Theorem 3.2: best affine map of Px, a local minimum of width Q",
    "affine": "best affine map of x, the best value of the linear regime (width M)",
    "affine_variant": "affine variant of Theorem 3.1: cost of the network with Q - 1 neurons",
    "clamp": "clamp construction: zero cost with 2 (Q - 1) neurons where each class but one is separable",
    "deep": "arXiv 2309.10639: zero cost with Q hidden layers of width Q, in simplex coordinates",
    "delta_p": "(3.1), arXiv 2309.10370: noise to signal ratio max |Pen Dx|",
    "delta_c": "translation invariant noise to signal ratio max |Pen_c Dx|",
    "delta_c_limit": "deep network, simplex coordinates: zero cost if delta_c < sqrt(Q / (Q-1)) / 2 (sharp)",
}


def bounds(
    X: ArrayLike, labels: ArrayLike, *, targets: ArrayLike | None = None, linear_programs: bool = True
) -> dict[str, Bound]:
    """Upper bounds of the minimal L2 cost (root mean square over the samples), and the ratios they depend on.

    Parameters
    ----------
    X : (N, M) array
    labels : (N,) array
    targets : (Q, Q) array, optional
    linear_programs : bool
        Whether to look for separating normals by linear programs (slow for many samples) where those from the
        class means fail.

    Returns
    -------
    dict of str to Bound
        In the linear regime affine <= affine_projected <= no_intercept <= shallow <= operator.
    """
    data = class_data(X, labels)
    q = data.n_classes

    regime = cache(lambda: linear_regime(data, labels, targets=targets))
    y = np.eye(q) if targets is None else np.asarray(targets, dtype=np.float64)
    direction: Literal["auto", "means"] = "auto" if linear_programs else "means"

    def affine() -> float:
        try:
            return regime().affine
        except ConstructionError:
            return fit_affine(data, y, "samples").cost

    values: dict[str, Callable[[], float]] = {
        "operator": lambda: regime().operator_bound,
        "shallow": lambda: regime().mean_map,
        "no_intercept": lambda: regime().linear_projected,
        "affine_projected": lambda: regime().affine_projected,
        "affine": affine,
        "affine_variant": lambda: shallow_affine(data, labels, targets=targets).exact_cost,
        "clamp": lambda: clamp_construct(data, labels, targets=targets, direction=direction).cost,
        "deep": lambda: deep_construct(data, labels, targets=targets).cost,
        "delta_p": lambda: data.delta_p,
        "delta_c": lambda: data.delta_c,
        "delta_c_limit": lambda: 0.5 * float(np.sqrt(q / (q - 1.0))),
    }
    return {name: _try(compute, _STATEMENTS[name]) for name, compute in values.items()}


def _try(compute: Callable[[], float], theorem: str) -> Bound:
    try:
        return Bound(compute(), theorem)
    except ConstructionError as error:
        return Bound(None, theorem, str(error))
