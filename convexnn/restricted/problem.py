"""The Lasso reformulation in working units, and the way back to a network."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from convexnn._arrays import Device, device_of
from convexnn._progress import Progress
from convexnn._types import Bias, Floats, Ints, Norm
from convexnn.dictionaries import Atoms
from convexnn.dictionaries.orientation import orientation_of
from convexnn.exceptions import DataError
from convexnn.geometry.frame import Frame, make_frame
from convexnn.geometry.interactions import Interactions
from convexnn.losses import LOSSES
from convexnn.losses.base import Loss
from convexnn.network.neurons import NeuronSet

__all__ = ["MIN_DEVICE_WORK", "LassoProblem", "make_problem"]

# Responses from which on an accelerator is worth the way there.
MIN_DEVICE_WORK = 200_000
# The intercept takes a constant of the targets, if the loss allows it, from this multiple of their spread on.
_FAR = 1e3
# Squares of targets beyond these are no doubles with all digits any more.
_LARGEST, _SMALLEST = 1e150, 1e-150


@dataclass(frozen=True)
class LassoProblem:
    """min over atoms of loss(K z + t; y) + beta sum ||z_j||, in working units.

    With points divided by `frame.scale` and targets by `y_scale` every number is of order one, whatever
    the units of the data: outputs f = y_scale * (K_w z_w + t_w) + y_shift, objective = y_scale^2 * working objective.

    Attributes
    ----------
    frame : Frame
    loss : Loss
        Bound to the scaled targets (n, c).
    beta : float
        Penalty in working units.
    y_scale : float
    intercept : bool
        Whether a free output intercept exists (free biases).
    norm, bias, loss_name :
        As given by the user.
    device : Device, optional
        A GPU on which neurons are moved, weighed and searched; by default the CPU.
    y_shift : (c,) array or 0.0
        What was subtracted from the targets, in the units of the user.
    """

    frame: Frame
    loss: Loss
    beta: float
    y_scale: float
    intercept: bool
    norm: Norm
    bias: Bias
    loss_name: str
    device: Device | None = None
    y_shift: Floats | float = 0.0

    @property
    def targets(self) -> Floats:
        """Scaled targets (n, c)."""
        return self.loss.y

    @property
    def n_outputs(self) -> int:
        """Number of outputs c."""
        return int(self.loss.y.shape[1])

    @property
    def unit(self) -> float:
        """Input beta = unit * working beta."""
        return self.frame.scale * self.y_scale

    def with_working_beta(self, beta: float) -> LassoProblem:
        """The same problem at another penalty, in working units."""
        return replace(self, beta=beta)

    def with_beta(self, beta: float) -> LassoProblem:
        """The same problem at another penalty, in input units."""
        return replace(self, beta=beta / self.unit)

    def part(self, rows: Ints) -> LassoProblem:
        """The problem of some samples, each counted so often that together they stand for all."""
        share = len(rows) / self.frame.n
        weight = np.ones(len(rows)) if self.loss.weight is None else self.loss.weight[rows, 0]
        loss = LOSSES[self.loss_name](self.targets[rows], weight / share)
        return replace(self, frame=replace(self.frame, points=self.frame.points[rows]), loss=loss)

    def device_for(self, m: int) -> Device | None:
        """Where to compute with m neurons: the GPU, if there is one and it is worth the way."""
        return self.device if self.frame.n * m >= MIN_DEVICE_WORK else None

    def responses(self, normals: Floats, offsets: Floats) -> Floats:
        """Responses (x_i.u_j + c_j)_+ of neurons (m, r), (m,) of any length, shape (n, m)."""
        device = self.device_for(len(offsets))
        if device is None:
            return self.frame.columns(normals, offsets)
        return device.fetch(device.responses(self.frame.points, normals, offsets))

    def penalty(self, z: Floats) -> float:
        """Sum over atoms of ||z_j||_2 (l2) or ||z_j||_1 (l1), for z (m, c)."""
        return float(np.abs(z).sum() if self.norm == "l1" else np.sqrt((z * z).sum(axis=1)).sum())

    def objective(self, f: Floats, z: Floats) -> float:
        """Working objective of outputs f with coefficients z."""
        return self.loss.value(f) + self.beta * self.penalty(z)

    def dual_vector(self, f: Floats, v: Floats | None = None) -> Floats:
        """A dual vector (n, c) in the domain of the conjugate, orthogonal to constants if there is an intercept.

        Minus the gradient at the outputs f, unless a solver offers v (losses with kinks need that).
        """
        if v is None:
            return self.loss.dual_at(f, centred=self.intercept)
        return self.loss.nearest_dual(v, centred=self.intercept)

    def dual_value(self, v: Floats, strongest: float) -> float:
        """Lower bound from a dual vector orthogonal to constants and the largest response to it."""
        shrink = min(1.0, self.beta / strongest) if strongest > 0 else 1.0
        return self.loss.dual(shrink * v)

    def outputs(self, neurons: NeuronSet) -> Floats:
        """Outputs (n, c) of neurons on the samples."""
        device = self.device_for(len(neurons))
        if device is not None:
            responses = device.responses(self.frame.points, neurons.normals, neurons.offsets)
            return device.fetch(device.product(responses, device.send(neurons.coef))) + neurons.intercept
        responses = self.frame.columns(neurons.normals, neurons.offsets)
        return np.asarray(responses @ neurons.coef + neurons.intercept)

    def value_of(self, neurons: NeuronSet) -> float:
        """Working objective of neurons."""
        return self.objective(self.outputs(neurons), neurons.coef)

    def constant(self) -> NeuronSet:
        """No neuron, and the best constant where there is an intercept."""
        t = self.loss.best_constant() if self.intercept else np.zeros(self.n_outputs)
        return NeuronSet.empty(self.frame.rank, self.frame.subset_size, t)

    def to_input_progress(self, state: Progress) -> Progress:
        """A report of a round in the units of the user."""
        factor = self.y_scale**2
        return replace(state, primal=factor * state.primal, dual=factor * state.dual)

    def to_atoms(self, normals: Floats, offsets: Floats, rows: Ints) -> Atoms:
        """Atoms in the units of the user."""
        weights, biases = self.frame.to_input(normals, offsets)
        return Atoms(weights, biases, rows, orientation_of(self.frame, normals, rows))

    def to_input_dual(self, v: Floats) -> Floats:
        """Dual vector in the units of the user."""
        return v * self.y_scale

    def to_input(self, z: Floats, t: Floats) -> tuple[Floats, Floats]:
        """Coefficients and intercept in the units of the user."""
        return z * (self.y_scale / self.frame.scale), t * self.y_scale + self.y_shift


def make_problem(
    X: Floats,
    Y: Floats,
    *,
    beta: float,
    norm: Norm,
    bias: Bias,
    loss: str,
    sample_weight: Floats | None = None,
    device: Any = None,
    groups: Interactions | None = None,
) -> LassoProblem:
    """Choose working coordinates and units for checked data X (n, d), Y (n, c).

    If `device` is an array on a GPU that has float64, neurons are searched there. With `groups` every neuron sees one
    of these groups of features.
    """
    frame = make_frame(X, norm=norm, bias=bias, groups=groups)
    bound = LOSSES[loss](Y, sample_weight)
    y_scale, y_shift = 1.0, _shift(Y) if bias is True and bound.movable else 0.0
    # Doubles near each other have an exact difference, so nothing is lost where the offset is large.
    Y = Y - y_shift
    if bound.scalable:
        _refuse_extremes(Y)
        # The part of y that the intercept explains must not set the scale: y = 1e9 + noise is about the noise.
        spread = float(np.ptp(Y, axis=0).max()) if bias is True else float(np.abs(Y).max())
        size = spread if spread > 0 else float(np.abs(Y).max())
        y_scale = float(2.0 ** np.round(np.log2(size))) if size > 0 else 1.0
    bound = LOSSES[loss](Y / y_scale, sample_weight)
    return LassoProblem(
        frame=frame,
        loss=bound,
        beta=beta / _product(frame.scale, y_scale),
        y_scale=y_scale,
        y_shift=y_shift,
        intercept=bias is True,
        norm=norm,
        bias=bias,
        loss_name=loss,
        device=device_of(device),
    )


def _shift(Y: Floats) -> Floats | float:
    """Targets (c,) of a sample near their mean, where they are far from zero beside their spread; else zero."""
    far = np.abs(Y).max(axis=0) > _FAR * np.ptp(Y, axis=0)
    if not far.any():
        return 0.0
    nearest = np.abs(Y - Y.mean(axis=0)).argmin(axis=0)
    return np.where(far, Y[nearest, np.arange(Y.shape[1])], 0.0)


def _refuse_extremes(Y: Floats) -> None:
    """Raise DataError where the objective would overflow, or be lost below the least double."""
    largest = float(np.abs(Y).max())
    if largest > _LARGEST or 0.0 < largest < _SMALLEST:
        raise DataError(
            f"y has entries of size {largest:.3g}, whose squares are beyond double precision; the squared error needs "
            f"sizes between {_SMALLEST:g} and {_LARGEST:g}. Divide y and beta by {largest:.1g}."
        )


def _product(x_scale: float, y_scale: float) -> float:
    """The unit of beta."""
    unit = x_scale * y_scale
    if not 0.0 < unit < np.inf:
        raise DataError(
            f"X has size {x_scale:.3g} and y {y_scale:.3g}: their product, the unit of beta, is beyond double "
            "precision. Divide X or y by a power of ten."
        )
    return unit
