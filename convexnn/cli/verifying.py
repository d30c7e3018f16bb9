"""`convexnn verify`: the certificate in a model folder against the data it speaks of."""

from __future__ import annotations

from pathlib import Path

from convexnn.certificate import Certificate, verify
from convexnn.cli.exits import Exit
from convexnn.cli.models import load_model
from convexnn.cli.prepared import read_prepared
from convexnn.cli.reporting import certificate_summary, show
from convexnn.exceptions import ParameterError

__all__ = ["run_verify"]


def run_verify(*, model: Path, file: Path, exact: bool, time_limit: float | None, as_json: bool) -> int:
    """Recompute the certificate that was saved with a model, and say whether it is true."""
    network, recipe = load_model(model)
    if recipe is None:
        raise ParameterError(
            f"{model} is no folder written by `convexnn fit`; `convexnn certify` proves a network file anew."
        )
    X, y, rows, _ = read_prepared(file, recipe)
    certificate = Certificate.load(model / "certificate.json")
    found = verify(certificate, network, X[rows], y[rows], time_limit=time_limit, exact=exact)
    claimed = {"claimed_lower_bound": certificate.dual, "claimed_objective": certificate.primal}
    show({"confirmed": True, **certificate_summary(found), **claimed}, as_json=as_json)
    return Exit.CERTIFIED
