"""Check a certificate again, from network, data and the dual point that it carries."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from os import PathLike
from typing import Any, NoReturn

import numpy as np

from convexnn._checks import check_points, check_targets
from convexnn._types import ArrayLike
from convexnn.certificate.certify import make_problem
from convexnn.certificate.merge import merge_samples
from convexnn.certificate.problem import CertificateProblem
from convexnn.certificate.proof import prove
from convexnn.certificate.rational.decide import decide, float_above
from convexnn.certificate.reach import MARGIN
from convexnn.certificate.record import Certificate, data_fingerprint
from convexnn.certificate.response import MAX_WORK
from convexnn.exceptions import DataError, DictionarySizeError, ModelFormatError, ParameterError
from convexnn.losses.base import check_weights
from convexnn.network.relu import ReLUNetwork

__all__ = ["verify"]

# Relative differences that other processors make by adding in another order.
_PRIMAL, _RESPONSE, _GAP = 1e-9, 1e-6, 1e-6
# Share of the objective by which logarithms in fractions may be rounded up further than doubles.
_EXACT = Fraction(1, 1 << 60)


def verify(
    certificate: Certificate | str | PathLike[str],
    network: ReLUNetwork,
    X: ArrayLike,
    y: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    atoms: Any = None,
    dual_point: ArrayLike | None = None,
    max_work: int = MAX_WORK,
    time_limit: float | None = None,
    n_jobs: int | None = None,
    exact: bool = False,
) -> Certificate:
    """Recompute a certificate from network and data with its dual point, and compare.

    Parameters
    ----------
    certificate : Certificate or path
    network, X, y, sample_weight, atoms :
        As they were passed to :func:`convexnn.train`, :func:`convexnn.certify` or the fit of an estimator (classes as
        the loss has them).
    dual_point : (n,) or (n, c) array, optional
        For certificates without one, such as those of version 0.1.
    max_work, time_limit, n_jobs :
        As in :func:`convexnn.certify`.
    exact : bool
        Decide once more in rational arithmetic, without any rounding: up to two dimensions, dictionaries that can be
        enumerated, and bounds by moments; a few seconds for 300 samples in the plane.

    Returns
    -------
    Certificate
        The recomputed one; with `exact` its objective and bound are those of rational arithmetic, rounded up and down
        to doubles. The bound of the certificate that was passed follows from what was computed here.

    Raises
    ------
    DataError
        If the data are not those of the certificate.
    ModelFormatError
        If a number differs, with both values.
    DictionarySizeError
        If `max_work` or `time_limit` do not suffice, or the problem is too large for `exact`.
    """
    old = certificate if isinstance(certificate, Certificate) else Certificate.load(certificate)
    if old.n_atoms is not None and atoms is None:
        raise ParameterError(f"this certificate speaks of {old.n_atoms} given atoms; pass the same atoms=...")
    if old.activation_slope != 0.0:
        raise ModelFormatError(
            f"this release checks certificates with activation_slope 0.0, this one has {old.activation_slope!r}; use "
            "a newer release."
        )
    if old.method == "moments" and old.multipliers is None:
        raise ParameterError("this certificate lacks its multipliers; load it from its file, the vectors beside it.")
    X, y, sample_weight = _as_certified(old, X, y, sample_weight)
    problem = make_problem(
        network, X, y, beta=old.beta, norm=old.norm, bias=old.bias, loss=_loss_of(old, y), scope=old.scope,
        atoms=atoms if old.n_atoms is not None else None, sample_weight=sample_weight, tol=old.tol,
        dual_point=old.dual_point if dual_point is None else dual_point, max_work=max_work, time_limit=time_limit,
        n_jobs=n_jobs, multipliers=old.multipliers, interaction_cst=old.interaction_cst,
    )  # fmt: skip
    # Branch and bound only has to confirm the response that the certificate states.
    claimed = old.response if old.method == "branch" else None
    new = prove(replace(problem, claimed=claimed))
    if old.scope != "none" and new.scope == "none":
        raise DictionarySizeError(
            f"this certificate could not be confirmed: {new.note}", count=max_work + 1, budget=max_work
        )
    _compare(old, new)
    if exact and new.scope != "none":
        new = _decided(old, new, replace(problem, multipliers=old.multipliers))
    # Why nothing is proved is not recomputed.
    return replace(new, note=old.note) if old.scope == "none" else new


def _as_certified(
    old: Certificate, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None
) -> tuple[ArrayLike, ArrayLike, ArrayLike | None]:
    """The data as they are, or with equal samples merged, which is the same problem, if that is what was certified.

    Estimators merge samples before they train.

    Raises
    ------
    DataError
        If neither was.
    """
    points = check_points(X)
    _check_labels(old, y)
    targets = check_targets(y, len(points))
    weight = None if sample_weight is None else check_weights(sample_weight, len(points))
    found = data_fingerprint(points, targets, weight)
    if (found, len(points)) == (old.fingerprint, old.n_samples):
        return points, targets, sample_weight
    merged_X, merged_y, merged, _ = merge_samples(points, targets, weight)
    other = data_fingerprint(merged_X, merged_y, None if merged is None else merged[:, None])
    if (other, len(merged_X)) != (old.fingerprint, old.n_samples):
        _refuse_data(old, found, len(points))
    return merged_X, merged_y, merged


def _check_labels(old: Certificate, y: ArrayLike) -> None:
    """Raise DataError where labels of classes were passed in place of what the loss was given."""
    if old.loss not in ("log_loss", "hinge", "squared_hinge", "log_loss_multilabel") or np.ndim(y) != 1:
        return
    outputs = 1 if old.dual_point is None or old.dual_point.ndim == 1 else old.dual_point.shape[1]
    if outputs > 1:
        raise DataError(
            f"this certificate is about {outputs} classes, whose targets are rows: pass "
            "np.eye(len(model.classes_))[np.searchsorted(model.classes_, y)] as y."
        )
    if not np.isin(np.asarray(y), (-1, 1)).all():
        raise DataError(
            "this certificate is about two classes, whose targets are -1 and +1: pass "
            "np.where(y == model.classes_[1], 1, -1) as y."
        )


def _loss_of(old: Certificate, y: ArrayLike) -> str:
    """The loss to bind; interpolation is asked for by beta=0.

    In version 0.1 "logistic" was also the loss of several columns of labels; their targets tell them apart.
    """
    if old.beta == 0:
        return "squared_error"
    several = old.loss == "log_loss" and old.dual_point is None and np.ndim(y) == 2 and np.shape(y)[1] > 1
    return "log_loss_multilabel" if several and np.min(y) < 0 else old.loss


def _refuse_data(old: Certificate, fingerprint: str, n_samples: int) -> NoReturn:
    if n_samples != old.n_samples:
        raise DataError(
            f"these are not the data of the certificate: {n_samples} samples, but it speaks of {old.n_samples}. "
            "Pass the training data, all rows of them."
        )
    raise DataError(
        f"these are not the data of the certificate: fingerprint {fingerprint[:12]}..., expected "
        f"{old.fingerprint[:12]}... ({old.n_samples} samples). Pass X, y and sample_weight as in training."
    )


def _compare(old: Certificate, new: Certificate) -> None:
    """Raise if the old certificate differs or claims more than the new one."""
    size = max(abs(new.primal), abs(new.dual)) if new.scope != "none" else abs(new.primal)
    names = ("scope", "n_neurons", "n_atoms", "atoms", "interaction_cst")
    wrong = [name for name in names if getattr(old, name) != getattr(new, name)]
    if not (old.primal == new.primal or abs(old.primal - new.primal) <= _PRIMAL * size):
        wrong.append("primal")
    if old.scope != "none" and not wrong:
        # A larger bound than can be confirmed claims too much; a smaller one is only modest. Both lie MARGIN below what
        # was computed.
        if not old.dual <= new.dual + 0.5 * MARGIN * size:
            wrong.append("dual")
        if old.dual_point is not None and not abs(old.response - new.response) <= _RESPONSE * new.response:
            wrong.append("response")
        least = new.relative_gap * (1 - _GAP) - _GAP * old.tol
        if old.relative_gap < least and np.isfinite(new.relative_gap):
            wrong.append("relative_gap")
        if old.holds and not (new.holds or new.relative_gap <= old.tol * (1 + _GAP) + MARGIN):
            wrong.append("holds")
    if wrong:
        name = wrong[0]
        raise ModelFormatError(
            f"certificate field {name!r} is {getattr(old, name)!r}, but this network and these data give "
            f"{getattr(new, name)!r}. {_REMEDY}{_WITHOUT if old.dual_point is None else ''}"
        )


def _decided(old: Certificate, new: Certificate, problem: CertificateProblem) -> Certificate:
    """The certificate with the numbers of rational arithmetic, if the old one claims no more."""
    if new.method == "branch" or new.atoms is not None:
        what = "by branch and bound" if new.method == "branch" else "over given atoms"
        raise ParameterError(f"proofs {what} cannot be decided in rational arithmetic; leave out exact.")
    assert new.dual_point is not None
    point = np.asarray(new.dual_point).reshape(new.n_samples, -1)[problem.rows]
    found = decide(
        problem.network, problem.X, problem.loss, point, beta=new.beta, norm=new.norm, bias=new.bias, scope=new.scope,
        multipliers=problem.multipliers, groups=None if problem.groups is None else problem.groups.groups,
    )  # fmt: skip
    primal, dual = float_above(found.objective), -float_above(-found.bound)
    wrong = "dual" if Fraction(old.dual) > found.bound else ""
    if found.objective is not None and Fraction(old.primal) < found.objective * (1 - _EXACT):
        wrong = "primal"
    gap = max(0.0, primal - dual)
    relative = np.inf if primal == np.inf else gap / max(primal, dual) if gap > 0 else 0.0
    holds = bool(relative <= old.tol)
    if old.holds and not relative <= old.tol * (1 + _GAP) + MARGIN:
        wrong = "holds"
    if wrong:
        raise ModelFormatError(
            f"certificate field {wrong!r} is {getattr(old, wrong)!r}, but rational arithmetic gives an objective of "
            f"{primal!r} and a bound of {dual!r}. {_REMEDY}"
        )
    note = f"{new.note} Decided in rational arithmetic.".strip()
    return replace(
        new, primal=primal, dual=dual, gap=gap, relative_gap=relative, holds=holds, response=found.response, note=note
    )


_REMEDY = "Either its file was edited, or it was made for another network: certify this one."
_WITHOUT = " The certificate carries no dual point, as in version 0.1; with dual_point=... it may be confirmed."
