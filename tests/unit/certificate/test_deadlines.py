"""Out of time, a certificate claims nothing: whenever the clock runs out, the answer is the whole proof or none."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest

from convexnn import ReLUNetwork, certify, verify
from convexnn._progress import Clock
from convexnn.certificate.proof import prove
from convexnn.exceptions import DictionarySizeError

make_problem = sys.modules["convexnn.certificate.certify"].make_problem


class Countdown(Clock):
    """A clock that runs out after it has been looked at so many times, however fast the machine is."""

    def __init__(self, looks):
        super().__init__()
        self.looks = looks

    @property
    def expired(self):
        self.looks -= 1
        return self.looks < 0


def problem(n, d, seed, outputs=1):
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((n, d)), rng.standard_normal((n, outputs))
    network = ReLUNetwork(
        rng.standard_normal((2, d)), rng.standard_normal(2), 0.1 * rng.standard_normal((2, outputs)), np.zeros(outputs)
    )
    return network, X, y


@pytest.mark.parametrize(
    ("n", "d", "outputs", "kind"),
    [
        (40, 1, 1, {}),
        (120, 2, 1, {}),  # bounds of sectors
        (60, 2, 2, {}),
        (60, 2, 1, {"norm": "l1"}),
        (14, 4, 1, {"scope": "dictionary"}),
        (14, 4, 1, {"scope": "dictionary", "atoms": (np.eye(4), np.zeros(4))}),
        (25, 2, 1, {"loss": "quantile"}),
    ],
)
def test_whenever_time_runs_out(n, d, outputs, kind):
    network, X, y = problem(n, d, d, outputs)
    given = {"beta": 0.5, "norm": "l2", "bias": True, "loss": "squared_error", "scope": "network", "atoms": None,
             "sample_weight": None, "tol": 1e-6, "dual_point": None, "max_work": 10**9, "time_limit": None,
             "n_jobs": 1, **kind}  # fmt: skip
    posed = make_problem(network, X, y, **given)
    whole, looks = prove(posed), []
    assert whole.scope != "none"
    for k in range(60):
        found = prove(replace(posed, clock=Countdown(k)))
        if found.scope == "none":
            assert "time limit" in found.note
            assert np.isnan(found.dual)
            assert found.primal == whole.primal
            looks.append(k)
        else:
            assert found.dual <= whole.dual
    assert looks == list(range(len(looks)))
    assert 1 <= len(looks) < 60


def test_no_time_at_all():
    """`certify` says so in the certificate; `verify`, which was asked a question, in an error."""
    network, X, y = problem(30, 2, 0)
    found = certify(network, X, y, beta=0.5, time_limit=0.0)
    assert (found.scope, found.holds) == ("none", False)
    with pytest.raises(DictionarySizeError, match="could not be confirmed: The time limit"):
        verify(certify(network, X, y, beta=0.5), network, X, y, time_limit=0.0)
