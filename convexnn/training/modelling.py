"""The Lasso over an explicit dictionary as a CVXPY problem, for everything CVXPY can do with it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from convexnn._checks import check_bias, check_norm, check_points, check_real, check_targets
from convexnn._types import ArrayLike, Bias, Norm
from convexnn.dictionaries import dictionary
from convexnn.losses import LOSSES
from convexnn.restricted.conic import lasso_expression
from convexnn.restricted.problem import make_problem

__all__ = ["to_cvxpy"]


def to_cvxpy(
    X: ArrayLike,
    y: ArrayLike,
    *,
    beta: float,
    norm: Norm = "l2",
    bias: Bias = True,
    loss: str = "squared_error",
    sample_weight: ArrayLike | None = None,
    max_atoms: int = 20_000,
) -> tuple[Any, dict[str, Any]]:
    """The training problem over all wedge neurons, written out for CVXPY in the units of the data.

    Parameters
    ----------
    X, y, beta, norm, bias, loss, sample_weight :
        As in :func:`convexnn.train`.
    max_atoms : int
        Largest dictionary to write out; CVXPY needs time and memory for each atom.

    Returns
    -------
    problem : cvxpy.Problem
        Its optimal value is the dictionary optimum.
    variables : dict
        "z" (n_atoms, c) coefficients in the order of ``convexnn.dictionary(X)``, "t" (1, c) intercept (not used
        unless ``bias=True``), and the constraint "outputs" whose dual value is the dual vector.

    Raises
    ------
    DataError, ParameterError, DictionarySizeError
        If an argument is not usable, or the dictionary larger than `max_atoms`.
    """
    points = check_points(X)
    targets = check_targets(y, len(points))
    norm, bias = check_norm(norm), check_bias(bias)
    beta = check_real("beta", beta, low=0.0, strict=True)
    LOSSES.check(loss)
    atoms = dictionary(points, norm=norm, bias=bias, max_atoms=max_atoms)
    scaled = make_problem(points, targets, beta=beta, norm=norm, bias=bias, loss=loss, sample_weight=sample_weight)
    plain = replace(scaled, loss=LOSSES[loss](targets, sample_weight), beta=beta, y_scale=1.0, y_shift=0.0)
    problem, z, t, tie = lasso_expression(plain, atoms.matrix())
    return problem, {"z": z, "t": t, "outputs": tie}
