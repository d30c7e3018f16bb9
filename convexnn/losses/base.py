"""What the solvers and certificates need to know of a loss."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np

from convexnn._arrays import to_numpy
from convexnn._types import ArrayLike, Floats
from convexnn.exceptions import DataError, ParameterError

__all__ = ["Loss", "check_weights"]


def check_weights(sample_weight: ArrayLike, n: int) -> Floats:
    """Return the sample weights as a column (n, 1) of finite numbers >= 0, at least one of them positive.

    Raises
    ------
    DataError
        If there are not n weights, or one is negative or not finite, or all are zero.
    """
    try:
        weight = np.asarray(to_numpy(sample_weight), dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"sample_weight is not an array of numbers ({error}); pass numbers.") from error
    if weight.shape not in ((n,), (n, 1)):
        raise DataError(f"sample_weight has shape {weight.shape}; expected ({n},), one weight per sample.")
    if not np.isfinite(weight).all() or (weight < 0).any():
        raise DataError("sample_weight has negative, NaN or infinite entries; all must be finite and >= 0.")
    if not weight.any():
        raise DataError("sample_weight is zero everywhere, which removes all samples; make one positive.")
    return weight.reshape(n, 1)


class Loss(ABC):
    """A convex loss bound to targets: the map from outputs f (n, c) to a sum over samples.

    Parameters
    ----------
    y : (n, c) array
        Targets.
    sample_weight : (n,) array, optional
        Weight of each sample: 2 equals repetition, 0 equals removal.

    Attributes
    ----------
    name : str
        The name under which :data:`convexnn.losses.LOSSES` finds it, with its parameter.
    separable : bool
        Whether it is a sum of one term per output, so that outputs only meet in the penalty.
    smooth : bool
        Whether the gradient is continuous. If not, :meth:`gradient` is one subgradient of many and
        :meth:`curvature` is refused.
    movable : bool
        Whether it is a loss of f - y alone, so that a constant may be taken from both.
    scalable : bool
        Whether loss(k f; k y) = k^2 loss(f; y).
    conjugate : "linear", "quadratic" or ""
        Whether -loss*(-v) is v.y, or v.y - |v|^2 / (2 weight), on its domain: certificates then bound its roundings,
        and those of the value, which is a sum of terms without cancellation. Else :meth:`dual_rounding` and
        :meth:`value_rounding` have to.

    Raises
    ------
    DataError
        If the targets are not of the kind the loss needs, or the weights are not.
    """

    name: str
    separable: ClassVar[bool] = False
    smooth: ClassVar[bool] = True
    movable: ClassVar[bool] = False
    scalable: ClassVar[bool] = False
    conjugate: ClassVar[str] = ""

    def __init__(self, y: Floats, sample_weight: ArrayLike | None = None) -> None:
        self.y = y
        self.weight = None if sample_weight is None else check_weights(sample_weight, len(y))
        self._check_targets()

    def _check_targets(self) -> None:  # noqa: B027 (optional to override)
        """Raise DataError unless `y` suits the loss; any real numbers do by default."""

    def _weighted(self, per_entry: Floats) -> Floats:
        if self.weight is None:
            return per_entry
        # A removed sample contributes nothing, even where its loss overflows.
        return np.multiply(per_entry, self.weight, out=np.zeros(per_entry.shape), where=self.weight > 0)

    def _weigh_expression(self, each: Any) -> Any:
        if self.weight is None:
            return each
        import cvxpy as cp

        return cp.multiply(np.broadcast_to(self.weight, each.shape), each)

    def _refuse_curvature(self) -> Floats:
        raise ParameterError(
            f"loss={self.name!r} has no second derivative, so Newton steps cannot be used; "
            "choose solver='clarabel', or a smooth loss ('huber', 'squared_hinge', 'log_loss')."
        )

    @abstractmethod
    def value(self, f: Floats) -> float:
        """Loss of outputs f."""

    @abstractmethod
    def gradient(self, f: Floats) -> Floats:
        """Gradient (n, c) at f; a subgradient where the loss has a kink."""

    @abstractmethod
    def curvature(self, f: Floats) -> Floats:
        """Diagonal of the Hessian (n, c) at f.

        Raises
        ------
        ParameterError
            If the loss is not smooth.
        """

    @abstractmethod
    def dual(self, v: Floats) -> float:
        """Dual value -loss*(-v); minus infinity outside the domain of the conjugate."""

    def dual_rounding(self, v: Floats) -> float | None:
        """More than rounding can take from :meth:`dual` at v; None where that is not known, and nothing is proved."""
        return 0.0 if self.conjugate else None

    def value_rounding(self, f: Floats) -> float | None:
        """More than rounding can take from :meth:`value` at f, besides 16 units of rounding of the value itself."""
        return 0.0 if self.conjugate else None

    @abstractmethod
    def nearest_dual(self, v: Floats, *, centred: bool) -> Floats:
        """A point near v where :meth:`dual` is finite, with columns summing to zero if `centred`.

        A certificate with an unpenalised intercept needs 1'v = 0 (MATHS 4, step i); subtracting the mean
        alone may leave the domain of the conjugate.
        """

    def dual_at(self, f: Floats, *, centred: bool) -> Floats:
        """A dual vector that is optimal for the outputs f, as far as one can be told from f alone.

        Minus the gradient, brought into the domain of the conjugate. If `centred`, f should have its best shift.
        """
        return self.nearest_dual(-self.gradient(f), centred=centred)

    def optimal_duals(self, f: Floats) -> tuple[Floats, Floats]:
        """Ends (n, c) of the intervals of the dual entries that are optimal for the outputs f, equal off the kinks."""
        v = -self.gradient(f)
        return v, v

    @abstractmethod
    def best_shift(self, f: Floats) -> Floats:
        """Intercept (c,) that added to f (n, c) gives the least loss.

        Where the infimum is reached at infinity only (logistic loss, one class), a finite shift at which
        the loss is zero in double precision is returned.
        """

    def best_constant(self) -> Floats:
        """Output (c,) of the best constant network."""
        return self.best_shift(np.zeros_like(self.y))

    @abstractmethod
    def expression(self, f: Any) -> Any:
        """The same loss of a CVXPY expression f (n, c), for conic backends and cross-checks."""
