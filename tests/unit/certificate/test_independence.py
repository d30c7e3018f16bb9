"""The certificate is an independent check: it runs without the solvers and the compiled core."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import sys
import numpy as np
from convexnn.certificate import certify
from convexnn.network import ReLUNetwork
X, y = np.random.default_rng(0).standard_normal((2, 20, 2))
for loss in ("squared_error", "log_loss"):
    for norm in ("l1", "l2"):
        for bias in (True, "penalized"):
            network = ReLUNetwork([[1.0, 2.0]], [0.5], [[1.0]])
            certify(network, X, np.sign(y[:, 0]), beta=0.1, norm=norm, bias=bias, loss=loss)
print(*(name for name in sys.modules if name.startswith("convexnn.")))
print(*(name for name in sys.modules if name.split(".")[0] in ("cvxpy", "clarabel", "scs", "sklearn")))
"""


def test_certify_loads_no_solver():
    """Neither oracles, dictionaries, training nor the core are imported, and no other solver."""
    run = subprocess.run([sys.executable, "-P", "-c", CODE], capture_output=True, text=True, check=True)
    own, foreign = run.stdout.splitlines()
    forbidden = ("_core", "_native", "oracles", "dictionaries", "training", "estimators")
    assert not [name for name in own.split() if name.split(".")[1] in forbidden]
    assert foreign == ""
