"""Certify a network, however it was trained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast, get_args

import numpy as np

from convexnn._arrays import to_numpy
from convexnn._checks import check_bias, check_count, check_jobs, check_norm, check_points, check_real, check_targets
from convexnn._progress import Clock
from convexnn._types import ArrayLike, Bias, Floats, Ints, Norm
from convexnn.certificate.atoms import check_atoms
from convexnn.certificate.orders import Orders
from convexnn.certificate.problem import CertificateProblem
from convexnn.certificate.proof import prove
from convexnn.certificate.record import Certificate, Scope, data_fingerprint
from convexnn.certificate.response import MAX_WORK
from convexnn.exceptions import DataError, ParameterError
from convexnn.geometry.interactions import Interactions, InteractionSpec, check_interactions
from convexnn.losses import LOSSES
from convexnn.losses.base import check_weights
from convexnn.losses.interpolation import Interpolation
from convexnn.network.relu import ReLUNetwork

if TYPE_CHECKING:
    from convexnn.bounds.multipliers import PieceMultipliers

__all__ = ["certify", "certify_by", "make_problem"]

_LONG = 65_536
EFFORTS = ("quick", "full")


def certify(
    network: ReLUNetwork,
    X: ArrayLike,
    y: ArrayLike,
    *,
    beta: float,
    norm: Norm = "l2",
    bias: Bias = True,
    loss: str = "squared_error",
    scope: str = "network",
    atoms: Any = None,
    sample_weight: ArrayLike | None = None,
    tol: float = 1e-6,
    dual_point: ArrayLike | None = None,
    max_work: int = MAX_WORK,
    time_limit: float | None = None,
    n_jobs: int | None = None,
    orders: Orders | None = None,
    effort: str = "full",
    interaction_cst: InteractionSpec = None,
) -> Certificate:
    """Prove how far a network, however it was trained, is from the optimum.

    Objective and lower bound are recomputed from the data in double precision, apart from the solvers: weak
    duality, with an exact maximum over all candidate neurons. Samples of weight zero do not count.

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
    scope : "network", "dictionary" or "none"
        Which networks to compare with: all, or those made of wedge neurons (or of `atoms`). Where both give the same
        bound (``norm="l1"``, or data on a line) the certificate says "network". Where no exact maximum over all neurons
        is affordable, "network" runs branch and bound (up to rank 7, or 6 with free biases) until the gap is below
        `tol` or the budget is spent, and bounds by moments beyond; the certificate has the gap that was proved. If
        nothing is proved it has the scope "none", with the reason in its note. ``scope="none"`` only computes the
        objective.
    atoms : Atoms or (normals, offsets), optional
        With ``scope="dictionary"``: atoms in place of all wedge neurons; the certificate then speaks of these only.
    tol : float
        Relative gap up to which the certificate holds.
    dual_point : (n,) or (n, c) array, optional
        A dual vector to use in place of minus the gradient, for instance that of a training result. It is not
        trusted. Interpolation needs one, and losses with kinks may.
    max_work : int
        Largest number of row visits of an exact maximum, or of branch and bound.
    time_limit : float, optional
        Seconds for the whole call; what is not proved by then is not claimed. With a limit the bound of branch and
        bound depends on the speed of the machine.
    n_jobs : int, optional
        Threads. The result does not depend on it.
    orders : Orders, optional
        Kept by the caller from one certificate to the next, so that the samples are sorted only once. The result
        does not depend on it.
    effort : "quick" or "full"
        Where no exact maximum is affordable: a little branch and bound up to rank 4, and a quick bound by moments where
        that leaves a wide gap; or branch and bound where it is known, and moments beyond and where it leaves more than
        2 %, for `time_limit` (without a limit moments are quick ones).
    interaction_cst : None, "no_interactions", "pairwise" or list of groups of feature indices
        As in :func:`convexnn.train`: compare with networks whose neurons each see one of these groups of features.

    Returns
    -------
    Certificate

    Raises
    ------
    DataError
        If data and network do not belong together.
    ParameterError
        If a parameter is unknown, or the network is not of the kind that `bias` and `interaction_cst` describe.
    """
    return prove(
        make_problem(
            network, X, y, beta=beta, norm=norm, bias=bias, loss=loss, scope=scope, atoms=atoms,
            sample_weight=sample_weight, tol=tol, dual_point=dual_point, max_work=max_work, time_limit=time_limit,
            n_jobs=n_jobs, orders=orders, effort=effort, interaction_cst=interaction_cst,
        )
    )  # fmt: skip


def certify_by(
    known: Certificate,
    network: ReLUNetwork,
    X: ArrayLike,
    y: ArrayLike,
    *,
    beta: float,
    sample_weight: ArrayLike | None,
    tol: float,
) -> Certificate:
    """Certify a network by dual point and multipliers of a bound by moments at another penalty.

    A dual vector that is feasible at one penalty is so at every other after scaling: few bounds serve a whole path.

    Parameters
    ----------
    known : Certificate
        Of method "moments", on the same data.
    network, X, y, beta, sample_weight, tol :
        As in :func:`certify`.
    """
    return prove(
        make_problem(
            network, X, y, beta=beta, norm=known.norm, bias=known.bias, loss=known.loss, scope="network", atoms=None,
            sample_weight=sample_weight, tol=tol, dual_point=known.dual_point, max_work=MAX_WORK, time_limit=None,
            n_jobs=None, multipliers=known.multipliers, interaction_cst=known.interaction_cst,
        )
    )  # fmt: skip


def make_problem(
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
    max_work: int,
    time_limit: float | None,
    n_jobs: int | None,
    orders: Orders | None = None,
    claimed: float | None = None,
    multipliers: Sequence[Sequence[PieceMultipliers]] | None = None,
    effort: str = "full",
    interaction_cst: InteractionSpec = None,
) -> CertificateProblem:
    """Check the arguments of :func:`certify`; samples of weight zero are left out, as in training."""
    if not isinstance(network, ReLUNetwork):
        raise DataError(
            f"network is a {type(network).__name__}; expected a ReLUNetwork (`network_` of an estimator, `network` of "
            "a training result, or convexnn.from_module of a module)."
        )
    n_jobs = check_jobs(n_jobs)
    clock = Clock(None if time_limit is None else check_real("time_limit", time_limit, low=0.0))
    if not isinstance(network, ReLUNetwork):
        raise DataError(
            f"network is a {type(network).__name__}; expected a ReLUNetwork, as in result.network, model.network_ or "
            "ReLUNetwork.load(path)."
        )
    points = check_points(X, n_features=network.n_features)
    targets = check_targets(y, len(points))
    weight = None if sample_weight is None else check_weights(sample_weight, len(points))
    beta = check_real("beta", beta, low=0.0)
    LOSSES.check(loss)
    if not isinstance(scope, str) or scope not in get_args(Scope):
        raise ParameterError(f"scope={scope!r} is unknown; choose 'network', 'dictionary', or 'none' for no proof.")
    if effort not in EFFORTS:
        raise ParameterError(f"effort={effort!r} is unknown; choose one of {', '.join(map(repr, EFFORTS))}.")
    rows = _rows(points, weight)
    bound = (LOSSES[loss] if beta > 0 else Interpolation)(targets[rows], None if weight is None else weight[rows])
    problem = CertificateProblem(
        network=network,
        X=points[rows],
        loss=bound,
        rows=rows,
        n_samples=len(points),
        beta=beta,
        norm=check_norm(norm),
        bias=check_bias(bias),
        scope=cast(Scope, scope),
        tol=check_real("tol", tol, low=0.0),
        atoms=None if atoms is None else check_atoms(atoms, points.shape[1]),
        dual_point=None if dual_point is None else _given_point(dual_point, targets.shape)[rows],
        max_work=check_count("max_work", max_work),
        n_jobs=n_jobs,
        fingerprint=data_fingerprint(points, targets, weight),
        clock=clock,
        orders=orders,
        claimed=claimed,
        multipliers=multipliers,
        effort=effort,
        groups=check_interactions(interaction_cst, points.shape[1]),
    )
    _check_kind(network, targets, problem.bias, problem.groups)
    return problem


def _rows(points: Floats, weight: Floats | None) -> Ints:
    """Samples that count. Every sum over a long line is faster if they are in its order."""
    rows = np.arange(len(points)) if weight is None else np.flatnonzero(weight[:, 0] > 0)
    if points.shape[1] == 1 and len(rows) > _LONG:
        rows = rows[np.argsort(points[rows, 0])]
    return rows


def _given_point(dual_point: ArrayLike, shape: tuple[int, ...]) -> Floats:
    """A dual point as (n, c)."""
    try:
        point = np.asarray(to_numpy(dual_point), dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"dual_point is not an array of numbers ({error}); expected shape {shape}.") from error
    point = point[:, None] if point.ndim == 1 else point
    if point.shape != shape or not np.isfinite(point).all():
        raise DataError(f"dual_point has shape {np.shape(dual_point)}; expected {shape} finite numbers, as y has.")
    return point


def _check_kind(network: ReLUNetwork, targets: Floats, bias: Bias, groups: Interactions | None) -> None:
    """The network must be one of those that the problem allows."""
    if network.n_outputs != targets.shape[1]:
        raise DataError(
            f"the network has {network.n_outputs} outputs but y has {targets.shape[1]} columns; they must match."
        )
    if network.activation.slope != 0.0:
        raise ParameterError(
            f"only networks of ReLU neurons can be certified, but the activation of this one has the slope "
            f"{network.activation.slope:g} on its inactive side."
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
    outside = np.zeros(0) if groups is None else np.flatnonzero(groups.group_of(network.hidden_weights) < 0)
    if len(outside):
        seen = np.flatnonzero(network.hidden_weights[outside[0]]).tolist()
        raise ParameterError(
            f"interaction_cst describes networks whose neurons see one group of features, but {len(outside)} neurons "
            f"of this one do not (neuron {outside[0]} sees {seen[:10]}); pass the groups that it was trained with."
        )
