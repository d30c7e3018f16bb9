"""Certify a network, however it was trained."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from convexnn._checks import check_bias, check_count, check_norm, check_points, check_real, check_targets
from convexnn._types import ArrayLike, Bias, Floats, Norm
from convexnn.certificate.atoms import check_atoms
from convexnn.certificate.orders import Orders
from convexnn.certificate.proof import Question, choose_scope, prove
from convexnn.certificate.record import Certificate, data_fingerprint
from convexnn.certificate.response import MAX_WORK
from convexnn.exceptions import DataError, ParameterError
from convexnn.losses import LOSSES
from convexnn.losses.interpolation import Interpolation
from convexnn.network.relu import ReLUNetwork

__all__ = ["certify", "pose"]

_LONG = 65_536


def certify(
    network: ReLUNetwork,
    X: ArrayLike,
    y: ArrayLike,
    *,
    beta: float,
    norm: Norm = "l2",
    bias: Bias = True,
    loss: str = "squared_error",
    scope: str = "auto",
    atoms: Any = None,
    sample_weight: ArrayLike | None = None,
    tol: float = 1e-6,
    dual_point: ArrayLike | None = None,
    searched_response: float | None = None,
    max_work: int = MAX_WORK,
    time_limit: float | None = None,
    n_jobs: int | None = None,
    orders: Orders | None = None,
) -> Certificate:
    """Prove how far a network, however it was trained, is from the optimum.

    Objective and lower bound are recomputed from the data in double precision by code that shares
    nothing with the solvers: weak duality, with an exact maximum over all candidate neurons.

    Parameters
    ----------
    network : ReLUNetwork
    X : (n, d) array
        Training samples.
    y : (n,) or (n, c) array
        Training targets.
    beta, norm, bias, loss, sample_weight :
        The training problem, as in :func:`convexnn.train`; ``beta=0`` is interpolation of least norm, whose
        objective is the norm itself, and needs `dual_point`.
    scope : "auto", "network", "dictionary" or "searched"
        Which networks to compare with: all; those made of wedge neurons (or of `atoms`); or those made of
        neurons that a search has tried, which proves nothing. "auto" takes the first that can be
        computed. Where network and dictionary give the same bound (``norm="l1"``, or data on a line), the
        certificate says "network". Where no exact maximum over all neurons is affordable, "network" runs branch
        and bound (up to rank 7, or 6 with free biases) until the gap is below `tol` or the budget is spent; the
        certificate has the gap that was proved. If that is nothing of use, it has the scope "searched".
    atoms : Atoms or (normals, offsets), optional
        Atoms to use in place of all wedge neurons; the certificate then speaks of these only.
    tol : float
        Relative gap up to which the certificate holds.
    dual_point : (n,) or (n, c) array, optional
        A dual vector to use in place of minus the gradient. It is not trusted. Losses with kinks need one.
    searched_response : float, optional
        Largest response that a search has found, for ``scope="searched"``.
    max_work : int
        Largest number of row visits of an exact maximum, or of branch and bound.
    time_limit : float, optional
        Seconds for branch and bound. With a limit the bound depends on the speed of the machine.
    n_jobs : int, optional
        Threads. The result does not depend on it.
    orders : Orders, optional
        Kept by the caller from one certificate to the next, so that the samples are sorted only once. The result
        does not depend on it.

    Returns
    -------
    Certificate

    Raises
    ------
    DataError
        If data and network do not belong together.
    ParameterError
        If a parameter is unknown, or the network is not of the kind that `bias` describes.
    DictionarySizeError
        If no exact maximum is affordable and no atoms are given.
    """
    question = pose(
        network, X, y, beta=beta, norm=norm, bias=bias, loss=loss, scope=scope, atoms=atoms,
        sample_weight=sample_weight, tol=tol, dual_point=dual_point, searched_response=searched_response,
        max_work=max_work, time_limit=time_limit, n_jobs=n_jobs,
    )  # fmt: skip
    return prove(choose_scope(replace(question, orders=orders)))


def pose(
    network: ReLUNetwork,
    X: ArrayLike,
    y: ArrayLike,
    *,
    beta: float,
    norm: Norm,
    bias: Bias,
    loss: str,
    scope: str,
    atoms: Any,
    sample_weight: ArrayLike | None,
    tol: float,
    dual_point: ArrayLike | None,
    searched_response: float | None,
    max_work: int,
    time_limit: float | None,
    n_jobs: int | None,
) -> Question:
    """Check the arguments of :func:`certify`."""
    points = check_points(X, n_features=network.n_features)
    targets = check_targets(y, len(points))
    beta = check_real("beta", beta, low=0.0)
    LOSSES.check(loss)
    make_loss = LOSSES[loss] if beta > 0 else Interpolation
    bound = make_loss(targets, sample_weight)
    fingerprint = data_fingerprint(points, targets, bound.weight)
    if points.shape[1] == 1 and len(points) > _LONG:
        # Every sum over a line goes through its samples in order; sorted once, they pass through the cache.
        order = np.argsort(points[:, 0])
        points = points[order]
        bound = make_loss(targets[order], None if bound.weight is None else bound.weight[order])
        if dual_point is not None and len(dual_point) == len(order):
            dual_point = np.asarray(dual_point)[order]
    question = Question(
        network=network,
        X=points,
        loss=bound,
        beta=beta,
        norm=check_norm(norm),
        bias=check_bias(bias),
        scope=scope,
        tol=check_real("tol", tol, low=0.0),
        atoms=None if atoms is None else check_atoms(atoms, points.shape[1]),
        dual_point=dual_point,
        searched=searched_response,
        max_work=check_count("max_work", max_work),
        time_limit=None if time_limit is None else check_real("time_limit", time_limit, low=0.0),
        n_jobs=n_jobs,
        fingerprint=fingerprint,
    )
    _check_kind(network, targets, question.bias)
    return question


def _check_kind(network: ReLUNetwork, targets: Floats, bias: Bias) -> None:
    """The network must be one of those that the problem allows."""
    if network.n_outputs != targets.shape[1]:
        raise DataError(
            f"the network has {network.n_outputs} outputs but y has {targets.shape[1]} columns; they must match."
        )
    if bias is False and np.any(network.hidden_biases):
        raise ParameterError(
            "bias=False describes networks without hidden biases, but this one has some; pass bias=True."
        )
    if bias is not True and np.any(network.intercept):
        raise ParameterError(
            f"bias={bias!r} describes networks without output intercept, but this one has "
            f"{network.intercept}; pass bias=True."
        )
