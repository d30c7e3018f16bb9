"""Check a certificate again, from network and data alone."""

from __future__ import annotations

from dataclasses import replace
from os import PathLike
from typing import Any

from convexnn._types import ArrayLike
from convexnn.certificate.claim import pose
from convexnn.certificate.proof import choose_scope, prove
from convexnn.certificate.record import Certificate
from convexnn.certificate.response import MAX_WORK
from convexnn.exceptions import DataError, ModelFormatError, ParameterError
from convexnn.network.relu import ReLUNetwork

__all__ = ["verify"]


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
    n_jobs: int | None = None,
) -> Certificate:
    """Recompute a certificate from network and data, and compare.

    Parameters
    ----------
    certificate : Certificate or path
    network, X, y, sample_weight, atoms, dual_point, max_work, n_jobs :
        As they were passed to :func:`convexnn.certify`.

    Returns
    -------
    Certificate
        The recomputed one.

    Raises
    ------
    DataError
        If the data are not those of the certificate.
    ModelFormatError
        If a number differs, naming it: the certificate belongs to another network or was edited.
    DictionarySizeError
        If max_work does not suffice.
    """
    old = certificate if isinstance(certificate, Certificate) else Certificate.load(certificate)
    if old.n_atoms is not None and atoms is None:
        raise ParameterError(f"this certificate speaks of {old.n_atoms} given atoms; pass the same atoms=...")
    question = pose(
        network,
        X,
        y,
        beta=old.beta,
        norm=old.norm,
        bias=old.bias,
        loss=old.loss,
        scope=old.scope,
        atoms=atoms if old.n_atoms is not None else None,
        sample_weight=sample_weight,
        tol=old.tol,
        dual_point=dual_point,
        searched_response=old.response if old.scope == "searched" else None,
        max_work=max_work,
        time_limit=None,
        n_jobs=n_jobs,
    )
    # Branch and bound only has to confirm the response that the certificate states.
    new = prove(choose_scope(replace(question, claimed=old.response)))
    if new.fingerprint != old.fingerprint:
        raise DataError(
            f"these are not the data of the certificate: fingerprint {new.fingerprint[:12]}..., expected "
            f"{old.fingerprint[:12]}... ({old.n_samples} samples). Pass the training data unchanged."
        )
    _compare(old, new)
    return new


def _compare(old: Certificate, new: Certificate) -> None:
    """Raise if the old certificate differs or claims more than the new one."""
    wrong = [
        name for name in ("scope", "n_neurons", "n_samples", "n_atoms", "atoms")
        if getattr(old, name) != getattr(new, name)
    ]  # fmt: skip
    size = max(abs(new.primal), abs(new.dual))
    if abs(old.primal - new.primal) > 1e-9 * size:
        wrong.append("primal")
    # A larger bound than can be confirmed is a false claim; a smaller one is only modest.
    if old.dual > new.dual + 1e-9 * size:
        wrong.append("dual")
    if abs(old.response - new.response) > 1e-6 * new.response:
        wrong.append("response")
    if old.holds and not new.holds and new.relative_gap > old.tol * (1 + 1e-6) + 1e-12:
        wrong.append("holds")
    if wrong:
        name = wrong[0]
        raise ModelFormatError(
            f"certificate field {name!r} is {getattr(old, name)!r}, but network and data give "
            f"{getattr(new, name)!r}; the certificate belongs to another network, or was edited."
        )
