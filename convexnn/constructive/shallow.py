"""Theorem 3.1 of arXiv 2309.10370: a shallow network written down from the class means.

On the training set it is the linear map x -> Y Pen x, so its cost is known exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from scipy.linalg import solve_triangular

from convexnn._checks import check_real
from convexnn._types import ArrayLike, Floats
from convexnn.constructive.classes import ClassData, check_class_targets, class_data
from convexnn.exceptions import ParameterError
from convexnn.network import ReLUNetwork
from convexnn.network.relu import row_norms

__all__ = [
    "ShallowConstruction",
    "Shift",
    "affine_network",
    "choose_shift",
    "shallow_affine",
    "shallow_construct",
]

Shift: TypeAlias = float | Literal["paper", "smallest"]


@dataclass(frozen=True)
class ShallowConstruction:
    """A constructed network with one hidden layer and what is known of it.

    Attributes
    ----------
    network : ReLUNetwork
        Q outputs.
    data : ClassData
    targets : (Q, Q) array
        Row j is the output wanted for class j.
    shift : (m,) array
        Hidden bias that keeps the training data in the identity region of the ramp.
    cost : float
        Measured L2 cost, root mean square over the samples.
    exact_cost : float
        The same from the formula ||Y Pen DX||_F / sqrt(N), the middle of (3.15).
    operator_bound : float
        ||Y||_op max |Pen Dx|, the right side of (3.15).
    """

    network: ReLUNetwork
    data: ClassData
    targets: Floats
    shift: Floats
    cost: float
    exact_cost: float
    operator_bound: float


def choose_shift(hidden: Floats, X: Floats, shift: Shift) -> Floats:
    """Hidden bias b1 for preactivations `hidden` (n, m) without bias.

    "paper" is 2 max |x| for every neuron; "smallest" is the least bias that leaves the samples strictly
    inside the identity region. Rounding errors grow like eps * shift, so a huge shift costs digits.
    """
    if isinstance(shift, str):
        if shift == "paper":
            return np.full(hidden.shape[1], 2.0 * float(row_norms(X, "l2").max()))
        if shift == "smallest":
            slack = 0.01 * float(np.abs(hidden).max(initial=0.0)) or 1.0
            return np.asarray(np.maximum(0.0, -hidden.min(axis=0)) + slack)
        raise ParameterError(f"shift={shift!r} is unknown; choose 'paper', 'smallest' or a number.")
    value = check_real("shift", shift, low=0.0)
    if hidden.size and value < -float(hidden.min()):
        raise ParameterError(f"shift={value:g} cuts training samples; at least {-float(hidden.min()):g} is needed.")
    return np.full(hidden.shape[1], value)


def affine_network(slope: Floats, constant: Floats, X: Floats, shift: Shift = "paper") -> ReLUNetwork:
    """A ReLU network equal to x -> slope x + constant on the rows of X, with rank(slope) neurons.

    The factors of the singular value decomposition share the singular values evenly, which makes
    the weight decay of the network as small as a network linear on X can have it.
    """
    left, s, right = np.linalg.svd(slope, full_matrices=False)
    rank = int((s > s.max(initial=0.0) * max(slope.shape) * np.finfo(float).eps).sum()) if s.any() else 0
    root = np.sqrt(s[:rank])
    inner = root[:, None] * right[:rank]
    outer = left[:, :rank] * root
    centre = X.mean(axis=0)
    hidden = (X - centre) @ inner.T
    # |inner x| may exceed |x|: the paper's 2 max |x| is taken in the coordinates of the neurons.
    bias = choose_shift(hidden, hidden, shift)
    return ReLUNetwork(inner, bias - inner @ centre, outer.T, constant + slope @ centre - outer @ bias)


def _finish(
    network: ReLUNetwork,
    data: ClassData,
    targets: Floats,
    shift: Floats,
    noise: Floats,
    operator_bound: float,
) -> ShallowConstruction:
    return ShallowConstruction(
        network=network,
        data=data,
        targets=targets,
        shift=shift,
        cost=data.cost(network.outputs(data.X), targets),
        exact_cost=float(np.linalg.norm(noise) / np.sqrt(data.n_samples)),
        operator_bound=operator_bound,
    )


def shallow_construct(
    X: ArrayLike,
    labels: ArrayLike,
    *,
    targets: ArrayLike | None = None,
    mode: Literal["compact", "paper"] = "compact",
    shift: Shift = "paper",
) -> ShallowConstruction:
    """Network of Theorem 3.1 (Q <= M): class means go to their targets exactly.

    Parameters
    ----------
    X : (N, M) array
    labels : (N,) array
    targets : (Q, Q) array, optional
        Invertible, row j for class j; the identity by default.
    mode : "compact" or "paper"
        Q hidden neurons, or the M of the paper (the last M - Q of them are dead on the training set).
    shift : "paper", "smallest" or float

    Returns
    -------
    ShallowConstruction
        Its cost equals ``exact_cost`` and is at most ``operator_bound``.

    Raises
    ------
    RankDeficientMeansError
        If the class means are dependent.
    """
    data = class_data(X, labels)
    y = check_class_targets(targets, data.n_classes)
    factor = data.factor
    if mode == "compact":
        weight = factor.basis.T
    elif mode == "paper":
        weight = _completed(factor.basis).T
    else:
        raise ParameterError(f"mode={mode!r} is unknown; choose 'compact' (Q neurons) or 'paper' (M neurons).")
    q = data.n_classes
    bias = choose_shift(data.X @ factor.basis, data.X, shift)
    outer = np.zeros((len(weight), q))
    outer[:q] = solve_triangular(factor.triangle, y, trans="T")
    # Rows of the projector's kernel see deviations only: the bias -delta kills them on the training set.
    hidden_bias = np.concatenate([bias, np.full(len(weight) - q, -data.delta)])
    network = ReLUNetwork(weight, hidden_bias, outer, -bias @ outer[:q])
    noise = factor.coordinates(data.deviations)
    largest = float(np.linalg.norm(y, 2))
    return _finish(network, data, y, bias, noise @ y, largest * float(row_norms(noise, "l2").max()))


def _completed(basis: Floats) -> Floats:
    """Orthogonal (M, M) matrix whose first columns are `basis`."""
    q = basis.shape[1]
    full, r = np.linalg.qr(basis, mode="complete")
    full[:, :q] *= np.sign(np.diag(r))
    return np.asarray(full)


def shallow_affine(
    X: ArrayLike, labels: ArrayLike, *, targets: ArrayLike | None = None, shift: Shift = "paper"
) -> ShallowConstruction:
    """Affine variant of Theorem 3.1 with Q - 1 neurons; needs affinely independent means only (Q <= M + 1).

    f(x) = yb + (Y - yb 1^T) Pen[X0red - xb 1^T] (x - xb), with xb, yb the means of class means and targets.
    Translation invariant. Not a theorem of the paper.

    Raises
    ------
    RankDeficientMeansError
        If the class means are affinely dependent.
    """
    data = class_data(X, labels)
    y = check_class_targets(targets, data.n_classes)
    factor = data.affine_factor
    middle = y.mean(axis=0)
    outer = (factor.classes / factor.singular_values).T @ (y - middle)
    centred = data.X - factor.centre
    hidden = centred @ factor.basis
    bias = choose_shift(hidden, centred, shift)
    network = ReLUNetwork(factor.basis.T, bias - factor.centre @ factor.basis, outer, middle - bias @ outer)
    noise = (data.deviations @ factor.basis) @ outer
    bound = float(np.linalg.norm(y - middle, 2)) * data.delta_c
    return _finish(network, data, y, bias, noise, bound)
