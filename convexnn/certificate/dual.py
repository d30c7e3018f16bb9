"""From a network to a lower bound: candidates of the dual point, and their scaling.

Every vector v with 1'v = 0 (if the intercept is free) and R(v) <= beta bounds the optimum from below by
-loss*(-v). The candidate is minus the gradient of the loss; any other vector would do as well, only
the bound would be weaker. So nothing a solver reports has to be believed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from convexnn._types import ArrayLike, Floats
from convexnn.exceptions import DataError
from convexnn.losses import Loss

__all__ = ["best_scale", "dual_candidates"]

# Share of sum |v| that rounding leaves of a column sum that is zero.
_SUM = 1e-14


def dual_candidates(
    loss: Loss,
    f: Floats,
    *,
    centred: bool,
    given: ArrayLike | None = None,
    stationary: Callable[[], Floats | None] = lambda: None,
) -> Iterator[Floats]:
    """Dual vectors (n, c) in the domain of the conjugate, with columns summing to zero if `centred`.

    One for smooth losses, several where kinks leave a choice: none is trusted, and the best bound counts.

    Parameters
    ----------
    loss : Loss
    f : (n, c) array
        Outputs of the network.
    centred : bool
        Whether the intercept is free; gradients are then taken at its best value.
    given : (n,) or (n, c) array, optional
        A vector to use in place of them. It is not trusted: projected like any other.
    stationary : callable, optional
        Makes a vector from the neurons of the network, or None; asked only where there are kinks.

    Raises
    ------
    DataError
        If `given` has another shape or is not finite.
    """
    if given is not None:
        v = np.asarray(given, dtype=np.float64)
        v = v[:, None] if v.ndim == 1 else v
        if v.shape != f.shape or not np.isfinite(v).all():
            raise DataError(f"dual_point has shape {np.shape(given)}; expected {f.shape} finite numbers.")
        yield _into_domain(loss, v, centred)
        return
    if loss.name != "interpolation":
        best = f + loss.best_shift(f) if centred else f
        yield _into_domain(loss, loss.dual_at(best, centred=centred), centred)
    if not loss.smooth and (other := stationary()) is not None:
        yield _into_domain(loss, other, centred)


def _into_domain(loss: Loss, v: Floats, centred: bool) -> Floats:
    """The nearest vector that the conjugate is finite at, or zero, which is in every domain.

    A vector that came from here is returned as it is, so that a stored one gives the same numbers again.
    """
    level = not centred or bool(np.abs(v.sum(axis=0)).max() <= _SUM * np.abs(v).sum())
    if level and np.isfinite(loss.dual(v)):
        return v
    if loss.name != "squared_error":
        v = loss.nearest_dual(v, centred=centred)
    elif loss.weight is not None:
        v = np.where(loss.weight > 0, v, 0.0)
    if centred and loss.name == "squared_error":
        weight = np.ones((len(v), 1)) if loss.weight is None else loss.weight
        v = v - weight * (v.sum(axis=0) / weight.sum())
    total = np.abs(v).sum()
    sound = np.isfinite(total) and (not centred or np.abs(v.sum(axis=0)).max() <= 1e-9 * total)
    return v if sound and np.isfinite(loss.dual(v)) else np.zeros_like(v)


def best_scale(loss: Loss, v: Floats, response: float, beta: float) -> float:
    """The factor s >= 0 for which s v is feasible and its dual value large.

    For the squared loss the best one, s = y'v / |v|^2 clipped to [0, beta / R]; for interpolation the
    largest (the dual value is linear); else the largest up to one.
    """
    top = beta / response if response > 0 else np.inf
    if loss.name == "interpolation":
        return float(top) if np.isfinite(top) else 1.0
    if loss.name != "squared_error":
        return float(min(1.0, top))
    weight = np.ones((len(v), 1)) if loss.weight is None else loss.weight
    energy = float(np.sum(v * np.divide(v, weight, out=np.zeros_like(v), where=weight > 0)))
    # Where the sums of v are zero any constant may be taken from y, which saves digits; else the scale is as safe.
    level = np.abs(v.sum(axis=0)).max() <= _SUM * np.abs(v).sum()
    apart = loss.y - loss.y[0] if level else loss.y
    return float(np.clip(np.sum(v * apart) / energy, 0.0, top)) if energy > 0 else 0.0
