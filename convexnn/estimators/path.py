"""The regularisation path in scikit-learn's order of results."""

from __future__ import annotations

from typing import Any

from convexnn._types import ArrayLike, Floats
from convexnn.network import ReLUNetwork
from convexnn.training import solve_path

__all__ = ["convex_relu_path"]


def convex_relu_path(
    X: ArrayLike, y: ArrayLike, *, return_n_iter: bool = False, **options: Any
) -> tuple[Floats, list[ReLUNetwork], Floats] | tuple[Floats, list[ReLUNetwork], Floats, list[int]]:
    """Certified networks along decreasing penalties, as :func:`sklearn.linear_model.lasso_path` returns them.

    Parameters
    ----------
    X : (n, d) array
    y : (n,) or (n, c) array
    return_n_iter : bool
        Whether to return the number of rounds at each penalty, too.
    **options :
        Of :func:`convexnn.solve_path`: `betas`, `n_betas`, `ratio`, `norm`, `bias`, `loss`, `max_neurons`, ...

    Returns
    -------
    betas : (k,) array
        Penalties, decreasing.
    networks : list of ReLUNetwork
        In place of coefficients: networks at different penalties have different neurons.
    dual_gaps : (k,) array
        Relative duality gaps.
    n_iters : list of int
        Only if `return_n_iter`.
    """
    path = solve_path(X, y, **options)
    found = path.betas, [result.network for result in path], path.gaps
    return (*found, [result.n_iter for result in path]) if return_n_iter else found
